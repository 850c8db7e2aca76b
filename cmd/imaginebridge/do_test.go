package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// providerKey is a key that must be seen nowhere.
const providerKey = "sk-good-0123456789abcdef"

// terminal is a folder with a configuration of all the sandbox's agents, in
// which do is typed.
type terminal struct {
	t    *testing.T
	box  *sandbox.Sandbox
	dir  string
	vars map[string]string // ids that earlier lines made, by {name}

	hurry bool // generations are done when somebody looks
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{RateLimitOff: true})
	require.NoError(t, err)
	w := &terminal{t: t, box: box, dir: t.TempDir(), vars: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && (r.URL.Path == "/api/upload" || w.hurry && r.URL.Path == "/api/generate/pending") {
			box.Clock().Advance(20 * time.Second) // films are ready when somebody looks
		}
		box.ServeHTTP(out, r)
	}))
	t.Cleanup(server.Close)
	box.SetBaseURL(server.URL)
	var cfg strings.Builder
	fmt.Fprintf(&cfg, "imagineanything: {base_url: %q}\nagents:\n", server.URL)
	for i, a := range box.Agents() {
		fmt.Fprintf(&cfg, "  - {handle: %s, client_id: %s, client_secret: %s}\n", a.Handle, a.ClientID, a.ClientSecret)
		w.vars[[]string{"me", "other", "third"}[min(i, 2)]] = a.Handle
	}
	w.write("imaginebridge.yaml", cfg.String())
	w.write("key.txt", providerKey+"\n")
	w.write("ring.gif", "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")
	w.write("lap.mp4", "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"+strings.Repeat("\x00", 100))
	return w
}

func (w *terminal) write(name, content string) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600))
}

// typed is what came of a line.
type typed struct {
	code      int
	out, errs string
}

// do runs a line in the folder: words are split at spaces outside of quotes,
// {name} is an id made before, @name a file.
func (w *terminal) do(line, stdin string, more ...string) typed {
	w.t.Helper()
	args := append([]string{"do"}, w.words(line)...)
	args = append(args, "--config", filepath.Join(w.dir, "imaginebridge.yaml"))
	if !strings.Contains(line, "--agent") && !slices.Contains(more, "--agent") {
		args = append(args, "--agent", w.vars["me"])
	}
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"IMAGINEBRIDGE_DATA_DIR": filepath.Join(w.dir, "data")}[name]
		return v, ok
	}
	var out, errs bytes.Buffer
	code := run(w.t.Context(), append(args, more...), env, strings.NewReader(stdin), &out, &errs)
	for _, secret := range append(secretsOf(w.box), providerKey) {
		require.NotContains(w.t, out.String()+errs.String(), secret, line)
	}
	return typed{code, out.String(), errs.String()}
}

func secretsOf(box *sandbox.Sandbox) []string {
	var out []string
	for _, a := range box.Agents() {
		out = append(out, a.ClientSecret)
	}
	return out
}

var wordPattern = regexp.MustCompile(`[^\s"]*"[^"]*"|\S+`)

func (w *terminal) words(line string) []string {
	var out []string
	for _, word := range wordPattern.FindAllString(line, -1) {
		word = strings.ReplaceAll(word, `"`, "")
		for name, id := range w.vars {
			word = strings.ReplaceAll(word, "{"+name+"}", id)
		}
		if at := strings.Index(word, "@./"); at >= 0 {
			word = word[:at] + filepath.Join(w.dir, word[at+3:])
		}
		out = append(out, word)
	}
	return out
}

// arrange runs what has to be so before: a line whose result has an id, kept as
// {name}; "clock" lets a minute pass.
func (w *terminal) arrange(step string) {
	w.t.Helper()
	if step == "clock" {
		w.box.Clock().Advance(time.Minute)
		return
	}
	names, line, _ := strings.Cut(step, " = ")
	got := w.do(line, "", "--json", "--yes")
	require.Zero(w.t, got.code, "%s: %s", line, got.errs)
	if names == "_" {
		return
	}
	var reply struct{ Result map[string]any }
	require.NoError(w.t, json.Unmarshal([]byte(got.out), &reply))
	for name := range strings.SplitSeq(names, ",") {
		name, path, _ := strings.Cut(name, ":")
		var v any = reply.Result
		for key := range strings.SplitSeq(path, ".") {
			if list, ok := v.([]any); ok {
				v = list[0]
			}
			v = v.(map[string]any)[key]
		}
		w.vars[name] = v.(string)
	}
}

// lines has a row for every command: what is arranged before, and the line.
func lines() map[string][]string {
	const (
		post    = `post:id = post create "Tides are high #sea" --agent {other}`
		comment = `comment:id = post comment post={post} text="How heavy?"`
		talk    = `conversation:conversation.id,message:message.id = dm start {other} "See you at dock 3"`
		openai  = `_ = service connect OPENAI --key-file @./key.txt`
		eleven  = `_ = service connect ELEVENLABS --key-file @./key.txt`
		runware = `_ = service connect RUNWARE --key-file @./key.txt`
		failing = `job:jobId = generate image "a ring station sandbox:fail-once" provider=OPENAI`
		lap     = `byte:id = byte create file=@./lap.mp4 caption="One lap"`
		logo    = `service:id = market create title="A station logo" description="Drawn by hand." price=500 days=3 category=design`
		account = `_ = order onboard --agent {other}`
		table   = `service:id = market create title="A tide table" description="For any shore." price=1200 days=2 category=data --agent {other}`
		order   = `order:order.id = order place {service} payment=CARD requirements="North shore, please"`
		hook    = `_ = hook set https://hook.example/poke`
	)
	paid := []string{table, account, order, "clock"}
	done := append(slices.Clone(paid),
		"_ = order update {order} action=start --agent {other}", `_ = order update {order} action=deliver deliverables="Here it is" --agent {other}`, "_ = order update {order} action=accept")
	with := func(before []string, line string) []string { return append(slices.Clone(before), line) }
	return map[string][]string{
		"post create":         {`post create "Hello <docks> & #orbit"`},
		"post scheduled":      {"post scheduled"},
		"post show":           {post, "post show {post}"},
		"post like":           {post, "post like {post}"},
		"post unlike":         {post, "post unlike post={post}"},
		"post comment":        {post, `post comment {post} "How heavy?"`},
		"post comments":       {post, comment, "post comments {post} --limit 5"},
		"post repost":         {post, "post repost {post}"},
		"post quote":          {post, `post quote {post} "Worth a look"`},
		"post delete":         {`post:id = post create mine`, "post delete {post} --yes"},
		"post likes":          {post, "_ = post like {post}", "post likes {post}"},
		"post reposts":        {post, `_ = post quote {post} "Worth a look"`, "post reposts {post}"},
		"post unschedule":     {"post unschedule c4hiiri6kfujg3npa3p8ubdrt"},
		"post unrepost":       {post, "_ = post repost {post}", "post unrepost {post}"},
		"post amplify":        {post, "post amplify {post}"},
		"post unamplify":      {post, "_ = post amplify {post}", "post unamplify {post}"},
		"post delete-comment": {post, comment, "post delete-comment {post} {comment} --yes"},

		"feed home": {"feed home --limit 2"}, "feed public": {"feed public limit=2"},

		"agent follow": {"agent follow @{other}"}, "agent unfollow": {"agent unfollow {other}"}, "agent show": {"agent show https://imagineanything.com/agent/{other}"},
		"agent check": {"agent check {other}"}, "agent list": {"agent list --type creative --verified=yes --limit 2"}, "agent followers": {"agent followers --limit 2"},
		"agent following": {"agent following {other} --limit 2"}, "agent similar": {"agent similar {other} --limit 2"}, "agent recommended": {"agent recommended --type agents --limit 2"},
		"agent likes": {"agent likes {other} --limit 2"}, "agent xp": {"agent xp"},

		"profile show": {"profile show"}, "profile edit": {`profile edit --bio "I draw rings." --website ""`}, "profile avatar": {"profile avatar @./ring.gif"},
		"profile avatar-remove": {"profile avatar-remove"}, "profile register": {`profile register comet_two "Comet Two" --type ANALYST`}, "profile capabilities": {"profile capabilities"},
		"profile capabilities-edit": {`profile capabilities-edit --skills "drawing,docking" --response-time 1h`}, "profile capabilities-clear": {"profile capabilities-clear --yes"},

		"dm start": {`dm start {other} "See you at dock 3"`}, "dm list": {"dm list"}, "dm read": {talk, "dm read {conversation} --limit 5"}, "dm send": {talk, `dm send {conversation} "At noon"`},
		"dm mark-read": {talk, "dm mark-read {conversation}"}, "dm unread": {"dm unread"}, "dm show": {talk, "dm show {message}"}, "dm delete": {talk, "dm delete {message} --yes"},
		"dm delete-conversation": {talk, "dm delete-conversation {conversation} --yes"},

		"search find": {"search find orbit --type posts --limit 2"}, "search trending": {"search trending --section hashtags --limit 3"}, "search tags": {"search tags --limit 3"}, "search tag": {"search tag #orbit --limit 2"},
		"notify list": {"notify list --limit 2 --unread"}, "notify count": {"notify count"}, "notify mark-read": {"notify mark-read --all"},
		"stats overview": {"stats overview --range 7d"}, "stats posts": {"stats posts --sort likes --limit 2"},

		"media image": {"media image @./ring.gif"}, "media video": {"media video @./lap.mp4"}, "media list": {"_ = media image @./ring.gif", "media list --type image"},
		"media delete": {"media:id = media image @./ring.gif", "media delete {media} --yes"},

		"generate image": {openai, `generate image "a ring station" --size 1024x1024 --post-text "Look #orbit"`}, "generate video": {runware, `generate video "a docking" --aspect 9:16 --duration 5 --cfg 7.5`},
		"generate voice": {eleven, `generate voice "Welcome aboard" --voice EXAVITQu4vr4xnSDxMaL`}, "generate sound": {eleven, `generate sound "an airlock" --seconds 2.5`},
		"generate music": {eleven, `generate music "a waltz" --seconds 30`}, "generate pending": {openai, failing, "clock", "generate pending"},
		"generate history": {"generate history --limit 2 --status completed"}, "generate models": {openai, "generate models OPENAI image"},
		"generate retry": {openai, failing, "clock", "generate retry {job}"}, "generate voices": {eleven, "generate voices"},

		"byte list": {"byte list --limit 2"}, "byte create": {`byte create @./lap.mp4 --caption "One lap"`}, "byte show": {lap, "byte show {byte}"}, "byte delete": {lap, "byte delete {byte} --yes"},
		"byte like": {lap, "byte like {byte}"}, "byte unlike": {lap, "byte unlike {byte}"}, "byte comment": {lap, "byte comment {byte} Fast"}, "byte comments": {lap, "byte comments {byte}"},

		"market list": {"market list --limit 2 --sort price"}, "market show": {logo, "market show {service}"},
		"market create": {`market create title="A station logo" description="Drawn by hand." price=500 days=3 category=design --tags logo,station`},
		"market edit":   {logo, "market edit {service} --price 700 --days 1"}, "market delete": {logo, "market delete {service} --yes"}, "market reviews": {logo, "market reviews {service}"},

		"order place": {table, account, `order place {service} CARD requirements="North shore, please"`}, "order list": with(paid, "order list --role buyer"), "order show": with(paid, "order show {order}"),
		"order update": with(paid, "order update {order} cancel"), "order messages": with(paid, "order messages {order}"), "order message": with(paid, `order message {order} "When will it be done?"`),
		"order review": with(done, `order review {order} 5 --text "Right to the minute"`), "order payouts": {"order payouts"}, "order account": {"order account"}, "order onboard": {"order onboard"},
		"order payout": append(slices.Clone(done), "payout:items.id = order payouts --agent {other}", "order payout {payout} --yes --agent {other}"),

		"service list": {openai, "service list"}, "service connect": {"service connect openai --key-file @./key.txt"}, "service toggle": {openai, "service toggle OPENAI off"},
		"service disconnect": {openai, "service disconnect OPENAI --yes"}, "service test": {openai, "service test OPENAI"},

		"hook show": {"hook show"}, "hook set": {"hook set https://hook.example/poke"}, "hook remove": {hook, "hook remove --yes"},
		"report send": {post, `report send --post {post} --reason spam --text "The same again and again"`},
	}
}

// unstable is what differs from run to run.
var unstable = []struct {
	found *regexp.Regexp
	shown string
}{
	{regexp.MustCompile(`\bc[a-z0-9]{24}\b`), "<id·····················>"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d`), "<when···········>"},
	{regexp.MustCompile(`http://127\.0\.0\.1:\d+`), "<site>"},
	{regexp.MustCompile(`cursor=\S+`), "cursor=<cursor>"},
}

func stable(text string) string {
	for _, u := range unstable {
		text = u.found.ReplaceAllString(text, u.shown)
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// refusedHere are commands that the terminal alone can't do.
var refusedHere = map[string]int{
	"profile register": exitFailure, "post scheduled": exitFailure, "post unschedule": exitFailure, // need a running bridge
}

func TestEveryCommandWorksFromTheTerminal(t *testing.T) {
	t.Parallel()
	// What the bridge itself is asked needs a running one: the matrix drives it.
	rows, table := lines(), slices.DeleteFunc(command.Table(), func(s command.Spec) bool { return s.House != nil })
	seen := make([]string, len(table))
	t.Run("each", func(t *testing.T) {
		for i, spec := range table {
			t.Run(spec.Name(), func(t *testing.T) {
				t.Parallel()
				row, ok := rows[spec.Name()]
				require.True(t, ok, "no line drives this command")
				seen[i] = driveLine(t, &spec, row[:len(row)-1], row[len(row)-1])
			})
		}
	})
	for group := range groupTitles {
		var texts []string
		for i, spec := range table {
			if spec.Group == group {
				texts = append(texts, seen[i])
			}
		}
		if len(texts) == 0 {
			continue
		}
		golden.Equal(t, "testdata/do/"+group+".golden", []byte(strings.Join(texts, "\n")))
	}
	require.Len(t, rows, len(table), "a line for a command that is gone")
}

// driveLine types a line twice, for people and for programs, and gives what
// people saw.
func driveLine(t *testing.T, spec *command.Spec, before []string, line string) string {
	t.Helper()
	require.True(t, strings.HasPrefix(line, spec.Name()), line)
	w := newTerminal(t)
	for _, step := range before {
		w.arrange(step)
	}
	n := len(w.box.Journal())
	got := w.do(line, "")
	require.Equal(t, refusedHere[spec.Name()], got.code, got.errs)
	if got.code == exitOK {
		var calls []string
		for _, e := range w.box.Journal()[n:] {
			calls = append(calls, placeholders.ReplaceAllString(e.Method+" "+e.Route, "{}"))
		}
		require.Contains(t, calls, placeholders.ReplaceAllString(spec.Calls[0], "{}"))
	}
	require.Empty(t, w.box.Violations())
	again := w.do(line, "", "--json") // what is deleted by now is refused
	if spec.Repeat == command.Reads {
		require.Equal(t, got.code, again.code)
	}
	requireJSON(t, spec, again)
	return "$ imaginebridge do " + line + "\n" + stable(got.out+got.errs)
}

var placeholders = regexp.MustCompile(`\{[a-z]+\}`)

// requireJSON holds the form that programs rely on, the same as over NATS.
func requireJSON(t *testing.T, spec *command.Spec, got typed) {
	t.Helper()
	require.Equal(t, 1, strings.Count(got.out, "\n"), "one line")
	var reply struct {
		OK     bool              `json:"ok"`
		Result json.RawMessage   `json:"result"`
		Text   string            `json:"text"`
		Next   map[string]string `json:"next"`
		Job    string            `json:"job"`
		Error  *doProblem        `json:"error"`
	}
	dec := json.NewDecoder(strings.NewReader(got.out))
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(&reply))
	if got.code != exitOK {
		require.False(t, reply.OK)
		require.NotEmpty(t, reply.Error.Status)
		require.NotEmpty(t, got.errs, "people read the sentence")
		return
	}
	require.True(t, reply.OK)
	require.NotEmpty(t, reply.Text)
	require.Empty(t, got.errs)
	dec = json.NewDecoder(bytes.NewReader(reply.Result))
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(reflect.New(reflect.TypeOf(spec.Result)).Interface()), "%s", reply.Result)
}

// bare runs do without a folder of one's own: what it says of the configuration.
func (w *terminal) bare(line string, env map[string]string) typed {
	w.t.Helper()
	var out, errs bytes.Buffer
	code := run(w.t.Context(), append([]string{"do"}, w.words(line)...), func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}, strings.NewReader(""), &out, &errs)
	return typed{code, out.String(), errs.String()}
}

// What is typed wrongly is told in a sentence with the next step, before
// anything is asked of anybody.
func TestWrongLinesAreToldAndSendNothing(t *testing.T) {
	t.Parallel()
	w := newTerminal(t)
	w.write("notes.txt", "no picture")
	w.write("empty.txt", "")
	var all strings.Builder
	for _, tc := range []struct{ line, stdin string }{
		{"pst create hello", ""},
		{"lik p1", ""},
		{"post creat hello", ""},
		{"post lik p1 --tekst x", ""},
		{"post create", ""},
		{`post create "   "`, ""},
		{"post like", ""},
		{"post create text=" + strings.Repeat("x", 501), ""},
		{"post create txt=hello", ""},
		{"post create --txt hello", ""},
		{"post create a b", ""},
		{"post create text=a --text b", ""},
		{"post comment p1 hi --reply_to c1 --reply-to c2", ""},
		{"feed home --limit many", ""},
		{"feed home --limit 500", ""},
		{"service toggle OPENAI perhaps", ""},
		{"stats overview range=8d", ""},
		{"notify mark-read n1 --all", ""},
		{"notify mark-read", ""},
		{"profile edit", ""},
		{"search find query=-", ""},
		{"post quote post=- text=-", "one"},
		{"post create text=- ", "\u200b\n"},
		{"media image @./nope.gif", ""},
		{"media image @./", ""},
		{"media image @./notes.txt", ""},
		{"media image @./ring.gif @./ring.gif", ""},
		{`post create "my key is ` + strings.Replace(providerKey, "good", "evil", 1) + `"`, ""},
		{"service connect OPENAI sk-evil-0123456789abcdef", ""},
		{"service connect provider=OPENAI key=sk-evil-0123456789abcdef", ""},
		{"service connect provider=OPENAI --key sk-evil-0123456789abcdef", ""},
		{"service connect provider=OPENAI --key=sk-evil-0123456789abcdef", ""},
		{"service list sk-evil-0123456789abcdef", ""},
		{"service connect OPENAI", ""},
		{"service connect OPENAI --key-file @./nope.txt", ""},
		{"service connect OPENAI --key-file @./empty.txt", ""},
		{"post like p1 --agent nova", ""},
		{"post like p1 --agent orbit_bt", ""},
		{"post delete p1", ""},
	} {
		got := w.do(tc.line, tc.stdin)
		require.Equal(t, exitUsage, got.code, "%s: %s", tc.line, got.errs)
		require.NotContains(t, got.errs, "sk-evil", "a key is not repeated")
		fmt.Fprintf(&all, "$ imaginebridge do %s\n%s\n", shortLine(tc.line), strings.ReplaceAll(stable(got.out+got.errs), w.dir, "."))
	}
	for _, tc := range []struct {
		line string
		env  map[string]string
	}{
		{"feed home", nil},
		{"feed home", map[string]string{"IMAGINEANYTHING_CLIENT_ID": "x"}},
		{"feed home --config nope.yaml", nil},
	} {
		got := w.bare(tc.line, tc.env)
		require.Equal(t, exitUsage, got.code, got.errs)
		fmt.Fprintf(&all, "$ imaginebridge do %s\n%s\n", tc.line, got.errs)
	}
	golden.Equal(t, "testdata/do/wrong.golden", []byte(all.String()))
	for _, e := range w.box.Journal() {
		require.Equal(t, sandbox.ClassAuth, e.Class, "%s %s was sent", e.Method, e.Path)
	}
}

func shortLine(line string) string {
	line = strings.ReplaceAll(line, "sk-evil-0123456789abcdef", "<a key>")
	if len(line) > 100 {
		return line[:60] + "…"
	}
	return line
}

// What the API refuses, or does not answer, is a failure with its sentence.
func TestFailuresAreSentencesWithTheNextStep(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		line, want string
		rule       sandbox.Rule
	}{
		"not found":       {"post like nothing", "I can't find that post. It may have been deleted.\n", sandbox.Rule{}},
		"not connected":   {"service test RUNWARE", "That provider is not connected. An admin can connect it: imaginebridge do service connect.\n", sandbox.Rule{}},
		"broken":          {"feed home", "ImagineAnything had a problem (500). Not read.\n  Try again: imaginebridge do feed home --agent orbit_bot\n", sandbox.Rule{Path: "/api/feed", Fault: sandbox.FaultStatus, Status: 500}},
		"credentials":     {"feed home", "Not read: ImagineAnything refuses the credentials of orbit_bot (invalid_client). An admin can enter new ones in the configuration.\n", sandbox.Rule{Path: "/api/*", Fault: sandbox.FaultRevoked}},
		"unreadable":      {"feed home", "ImagineAnything's answer could not be read. Not read.\n  Try again: imaginebridge do feed home --agent orbit_bot\n", sandbox.Rule{Path: "/api/feed", Fault: sandbox.FaultTruncated}},
		"nobody's agent":  {"agent follow nobody_at_all", "I can't find that agent. Check the handle; it is the part after @.\n", sandbox.Rule{}},
		"not offered yet": {"agent xp", "", sandbox.Rule{Fault: sandbox.FaultSeedOnly}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTerminal(t)
			if tc.rule.Fault != "" {
				w.box.Inject(tc.rule)
			}
			got := w.do(tc.line, "")
			require.Equal(t, exitFailure, got.code, got.errs)
			require.Empty(t, got.out)
			if tc.want != "" {
				require.Equal(t, tc.want, got.errs)
			}
			again := w.do(tc.line, "", "--json")
			require.Equal(t, exitFailure, again.code)
			spec, _ := command.Find(w.words(tc.line)[0], w.words(tc.line)[1])
			requireJSON(t, spec, again)
			require.Equal(t, got.errs, again.errs, "the sentence is the same")
		})
	}
}

func TestTextComesFromStandardInput(t *testing.T) {
	t.Parallel()
	w := newTerminal(t)
	got := w.do("post create text=- --json", "  two\nlines  \n")
	require.Zero(t, got.code, got.errs)
	require.Contains(t, got.out, `"content":"two\nlines"`)
	got = w.do("post create - files=@./ring.gif --json", "with a picture")
	require.Zero(t, got.code, got.errs)
	require.Contains(t, got.out, `"content":"with a picture","mediaType":"IMAGE"`)
}

func TestKeysComeFromAFileOrStandardInput(t *testing.T) {
	t.Parallel()
	w := newTerminal(t)
	for line, stdin := range map[string]string{
		"service connect OPENAI":                                       providerKey + "\n",
		"service connect OPENAI --key-file -":                          providerKey,
		"service connect OPENAI --key-file @./key.txt":                 "",
		"service connect provider=OPENAI --key-file @./key.txt --json": "",
	} {
		before := len(w.box.Journal())
		require.Zero(t, w.do(line, stdin).code)
		var sent []string
		for _, e := range w.box.Journal()[before:] {
			if e.Class != sandbox.ClassAuth {
				sent = append(sent, e.Method+" "+e.Path+" "+e.Body)
			}
		}
		require.Len(t, sent, 1)
		require.Contains(t, sent[0], "POST /api/settings/services")
	}
}

// --wait follows a generation to its end: on the screen for people, as one line
// for programs.
func TestWaitFollowsAGenerationToItsEnd(t *testing.T) {
	t.Parallel()
	w := newTerminal(t)
	w.hurry = true
	w.arrange(`_ = service connect OPENAI --key-file @./key.txt`)
	got := w.do(`generate image "a ring station" --wait`, "")
	require.Zero(t, got.code, got.errs)
	require.Contains(t, got.out, "made an image with OpenAI and posted it")
	require.Contains(t, got.out, "post id")
	require.Contains(t, got.errs, "Making an image with OpenAI.")
	got = w.do(`generate image "a ring station" --wait --json`, "")
	require.Zero(t, got.code, got.errs)
	var reply struct {
		OK     bool
		Result struct{ ID, Status, PostID string }
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &reply))
	require.Equal(t, "completed", reply.Result.Status)
	require.NotEmpty(t, reply.Result.PostID)

	got = w.do(`generate image "a ring station sandbox:fail-once" --wait --json`, "")
	require.Equal(t, exitFailure, got.code)
	require.Contains(t, got.out, `"status":"generation_failed"`)
	require.Contains(t, got.errs, "The generation failed: the provider refused the prompt")
	job := regexp.MustCompile(`generate retry (\S+)`).FindStringSubmatch(got.errs)
	require.NotNil(t, job, got.errs)
	got = w.do("generate retry "+job[1]+" --wait", "")
	require.Zero(t, got.code, got.errs)
}

// Text from strangers is shown, and obeyed by no terminal and no shell.
func TestForeignTextIsOnlyShown(t *testing.T) {
	t.Parallel()
	w := newTerminal(t)
	r, err := w.box.Act(sandbox.Action{As: w.vars["other"], Do: "post", Content: "evil \x1b[2J\x07\u202e title\r\nnext; rm -rf /"})
	require.NoError(t, err)
	got := w.do("post show "+r.Post, "")
	require.Zero(t, got.code, got.errs)
	require.NotRegexp(t, "[\x00-\x09\x0b-\x1f\x7f\u202e]", got.out)
	require.Equal(t, `'it'\''s $(rm) ;'`, quoted("it's $(rm) ;"))
	require.Equal(t, "''", quoted(""))
	require.Equal(t, "plain-1.2", quoted("plain-1.2"))
}

// Names of arguments and ours do not get into each other's way, and every part
// of the table says what it is.
func TestTheTableFitsTheTerminal(t *testing.T) {
	t.Parallel()
	reserved := []string{"agent", "json", "yes", "config", "help", "version", waitFlag}
	groups := map[string]bool{}
	for _, spec := range command.Table() {
		groups[spec.Group] = true
		require.NotEmpty(t, groupTitles[spec.Group], spec.Group)
		for _, arg := range spec.Args {
			require.NotContains(t, reserved, flagName(arg), spec.Name())
			if arg.Secret {
				_, taken := spec.Arg(arg.Name + "_file")
				require.False(t, taken)
			}
		}
	}
	require.Len(t, groupTitles, len(groups), "a title for a group that is gone")
}

// A result of any shape, as a bridge of another version may give it, is shown or
// refused, and nothing of it is obeyed by a terminal.
func TestResultsOfAnyShapeAreShown(t *testing.T) {
	t.Parallel()
	for result, want := range map[string]string{
		"": "", "null": "", "7": "", `"text"`: "", `[]`: "", `{}`: "",
		`{"items":[{"id":"x","likeCount":3},7,null],"nextCursor":"c"}`:                         "ID  LIKES\nx   3\n",
		`{"numbers":[{"name":"current.likes","value":1},{"name":"previous.likes","value":2}]}`: "NAME   CURRENT  PREVIOUS\nlikes  1        2\n",
		`{"name":[{"name":"a.b","value":{}}]}`:                                                 "\nNAME\nNAME\nb\n",
		`{"post":{"id":"p"},"price":150}`:                                                      "  id     p\n  price  $1.50\n",
		`[[{"a":[{}]}]]`:                                                                       "",
		`{"id":"\u001b[2J\u202ex","n":1}`:                                                      "  id  [2Jx\n  n   1\n",
	} {
		var out bytes.Buffer
		require.NoError(t, printResult(&out, json.RawMessage(result), time.UTC), result)
		require.Equal(t, want, out.String(), result)
	}
	for _, result := range []string{"{", `{"a":`, `[1,`, "x"} {
		require.Error(t, printResult(&bytes.Buffer{}, json.RawMessage(result), time.UTC), result)
	}
}
