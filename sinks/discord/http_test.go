package discord

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

// knocker signs requests to a door of its own key.
type knocker struct {
	*testing.T
	key  ed25519.PrivateKey
	door http.Handler
	sink *Sink
	log  *bytes.Buffer
	desk *desk
}

func newKnocker(t *testing.T) *knocker {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	k := &knocker{T: t, key: private, log: &bytes.Buffer{}, desk: &desk{records: map[string]command.Answer{}}}
	k.sink, err = New(Options{
		Token: func() string { return secretToken }, APIURL: "http://127.0.0.1:1", Commands: k.desk, PublicKey: hex.EncodeToString(public),
		ApplicationID: "1100", Log: slog.New(slog.NewTextHandler(k.log, nil)),
	})
	require.NoError(t, err)
	k.door = k.sink.Door(t.Context())
	k.sink.Drain() // nobody tells the time here
	k.log.Reset()
	return k
}

const pinging = `{"id":"1","application_id":"1100","type":1,"token":"t","version":1}`

// knock sends a body signed for a time; spoil changes the request first.
func (k *knocker) knock(body string, at time.Time, spoil func(r *http.Request)) *httptest.ResponseRecorder {
	stamp := strconv.FormatInt(at.Unix(), 10)
	r := httptest.NewRequestWithContext(k.Context(), http.MethodPost, "/discord/interactions", strings.NewReader(body))
	r.Header.Set(headerTimestamp, stamp)
	r.Header.Set(headerSignature, hex.EncodeToString(ed25519.Sign(k.key, []byte(stamp+body))))
	if spoil != nil {
		spoil(r)
	}
	w := httptest.NewRecorder()
	k.door.ServeHTTP(w, r)
	return w
}

// F51: whatever is not signed by Discord, now and whole, gets 401 and is not read.
func TestF51_WrongSignaturesAreRefused(t *testing.T) {
	t.Parallel()
	k := newKnocker(t)
	w := k.knock(pinging, time.Now(), nil)
	require.Equal(t, http.StatusOK, w.Code)
	require.JSONEq(t, `{"type":1}`, w.Body.String())
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))

	other := func(value string, names ...string) func(*http.Request) {
		return func(r *http.Request) {
			for _, n := range names {
				r.Header.Set(n, value)
			}
		}
	}
	// resigned signs words of the caller's choice; stamped is good but for its time.
	resigned := func(key ed25519.PrivateKey, words func(stamp string) string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set(headerSignature, hex.EncodeToString(ed25519.Sign(key, []byte(words(r.Header.Get(headerTimestamp))))))
		}
	}
	stamped := func(change func(stamp string) string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set(headerTimestamp, change(r.Header.Get(headerTimestamp)))
			resigned(k.key, func(stamp string) string { return stamp + pinging })(r)
		}
	}
	rewritten := func(change func(signature string) string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(headerSignature, change(r.Header.Get(headerSignature))) }
	}
	flipped := func(n int) func(*http.Request) {
		return rewritten(func(s string) string {
			digit := "0"
			if s[n] == '0' {
				digit = "1"
			}
			return s[:n] + digit + s[n+1:]
		})
	}
	bodied := func(body string) func(*http.Request) {
		return func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(body)) }
	}
	_, stranger, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	variants := map[string]struct {
		body  string
		age   time.Duration
		spoil func(*http.Request)
	}{
		"a stranger's key":     {pinging, 0, resigned(stranger, func(stamp string) string { return stamp + pinging })},
		"its first digit":      {pinging, 0, flipped(0)},
		"a digit in it":        {pinging, 0, flipped(63)},
		"its last digit":       {pinging, 0, flipped(127)},
		"all bits":             {pinging, 0, other(strings.Repeat("ff", 64), headerSignature)},
		"an odd digit":         {pinging, 0, rewritten(func(s string) string { return s + "0" })},
		"white space before":   {pinging, 0, rewritten(func(s string) string { return " " + s })},
		"in quotes":            {pinging, 0, rewritten(strconv.Quote)},
		"as base64":            {pinging, 0, rewritten(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })},
		"halves swapped":       {pinging, 0, rewritten(func(s string) string { return s[64:] + s[:64] })},
		"a list with it":       {pinging, 0, rewritten(func(s string) string { return "00," + s })},
		"64 kB long":           {pinging, 0, rewritten(func(s string) string { return s + strings.Repeat("0", 64<<10) })},
		"both empty":           {pinging, 0, other("", headerSignature, headerTimestamp)},
		"neither":              {pinging, 0, func(r *http.Request) { r.Header.Del(headerSignature); r.Header.Del(headerTimestamp) }},
		"of the body alone":    {pinging, 0, resigned(k.key, func(string) string { return pinging })},
		"of the time alone":    {pinging, 0, resigned(k.key, func(stamp string) string { return stamp })},
		"with a colon between": {pinging, 0, resigned(k.key, func(stamp string) string { return stamp + ":" + pinging })},
		"a day old":            {pinging, 24 * time.Hour, nil},
		"a year ahead":         {pinging, -365 * 24 * time.Hour, nil},
		"time nought":          {pinging, 0, stamped(func(string) string { return "0" })},
		"a negative time":      {pinging, 0, stamped(func(s string) string { return "-" + s })},
		"a fraction of time":   {pinging, 0, stamped(func(s string) string { return s + ".5" })},
		"milliseconds":         {pinging, 0, stamped(func(s string) string { return s + "000" })},
		"time and white space": {pinging, 0, stamped(func(s string) string { return " " + s })},
		"a body cut short":     {pinging, 0, bodied(pinging[:len(pinging)-1])},
		"a body and a space":   {pinging, 0, bodied(pinging + " ")},
		"changed after it":     {pinging, 0, bodied(strings.Replace(pinging, `"type":1`, `"type":2`, 1))},
		"missing signature":    {pinging, 0, func(r *http.Request) { r.Header.Del(headerSignature) }},
		"missing timestamp":    {pinging, 0, func(r *http.Request) { r.Header.Del(headerTimestamp) }},
		"empty":                {pinging, 0, other("", headerSignature)},
		"truncated":            {pinging, 0, func(r *http.Request) { r.Header.Set(headerSignature, r.Header.Get(headerSignature)[:126]) }},
		"longer":               {pinging, 0, func(r *http.Request) { r.Header.Set(headerSignature, r.Header.Get(headerSignature)+"00") }},
		"no hex":               {pinging, 0, other(strings.Repeat("zz", 64), headerSignature)},
		"nought":               {pinging, 0, other(strings.Repeat("00", 64), headerSignature)},
		"of another body":      {pinging, 0, func(r *http.Request) { r.Body = http.NoBody }},
		"301 s old":            {pinging, 302 * time.Second, nil},
		"301 s ahead":          {pinging, -302 * time.Second, nil},
		"no number":            {pinging, 0, other("soon", headerTimestamp)},
		"huge number":          {pinging, 0, other(strings.Repeat("9", 30), headerTimestamp)},
		"other time":           {pinging, 0, other("1", headerTimestamp)},
		"doubled signature":    {pinging, 0, func(r *http.Request) { r.Header.Add(headerSignature, r.Header.Get(headerSignature)) }},
		"doubled timestamp":    {pinging, 0, func(r *http.Request) { r.Header.Add(headerTimestamp, r.Header.Get(headerTimestamp)) }},
		"get":                  {pinging, 0, func(r *http.Request) { r.Method = http.MethodGet }},
		"a megabyte and one":   {pinging + strings.Repeat(" ", maxInbound), 0, nil},
		"another application":  {strings.Replace(pinging, "1100", "1101", 1), 0, nil},
		"no interaction":       {`[]`, 0, nil},
	}
	require.GreaterOrEqual(t, len(variants), 40)
	for name, tc := range variants {
		w := k.knock(tc.body, time.Now().Add(-tc.age), tc.spoil)
		require.Equal(t, http.StatusUnauthorized, w.Code, name)
		require.Empty(t, w.Body.String(), name)
	}
	require.Empty(t, k.desk.calls())
	require.Empty(t, k.log.String(), "nothing of it is logged")
}

func TestDoorStandsEveryProbe(t *testing.T) {
	t.Parallel()
	st, _ := talkative(t, fakediscord.Options{}, false)
	key, err := readPublicKey(st.fake.PublicKey())
	require.NoError(t, err)
	st.sink.key = key
	server := httptest.NewServer(st.sink.Door(t.Context()))
	defer server.Close()
	for kind, status := range st.fake.Probe(t.Context(), server.URL) {
		require.Equal(t, http.StatusUnauthorized, status, kind)
	}
}

// Library pitfall: its verifier panics on a key of another length.
func TestPublicKeyOfAnotherLengthIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := New(Options{Token: func() string { return secretToken }, PublicKey: strings.Repeat("a", 63)})
	require.EqualError(t, err, "discord.public_key: DISCORD_PUBLIC_KEY must be 64 hex digits; this has 63. It is on the application's General Information page.")
}

// One script gives the same calls and the same screens through both doors.
func TestBothDoorsShowTheSame(t *testing.T) {
	t.Parallel()
	screens, calls := map[bool]string{}, map[bool][]string{}
	for _, byHTTP := range []bool{false, true} {
		st, d := talkative(t, fakediscord.Options{}, byHTTP)
		screens[byHTTP] = script(st, d)
		calls[byHTTP] = d.calls()
		st.faultless()
	}
	require.Equal(t, calls[false], calls[true])
	require.Equal(t, screens[false], screens[true])
	golden.Equal(t, "testdata/script.golden", []byte(screens[false]+"\n"+strings.Join(calls[false], "\n")+"\n"))
}

// script is what a group of people does on a day.
func script(st *stand, d *desk) string {
	post := bridge.Message{
		Event: "post.published", Agent: "my_agent", Author: &bridge.Author{Name: "Luna", Handle: "my_agent"}, Text: "hello *world*", Link: "https://imagineanything.com/post/p1",
		Actions: []bridge.Action{{Label: "Like", Command: "post like", Args: map[string]string{"post": "p1"}}, {Label: "Delete post", Command: "post delete", Args: map[string]string{"post": "p1"}, Danger: true}, {Label: "Open post", URL: "https://imagineanything.com/post/p1"}},
	}
	d.answer = func(_ context.Context, q command.Request) command.Answer {
		switch q.Group + " " + q.Verb {
		case "post create", "post show":
			return ok("Posted.", post)
		case "post repost":
			return command.Answer{Private: true, Problem: &command.Problem{
				Code: 502, Message: "ImagineAnything had a problem (500).", Hint: "Not reposted.", Buttons: []bridge.Action{{Label: "Try again", Command: "post repost", Args: map[string]string{"post": "p1"}, Primary: true}},
			}}
		case "post like":
			a := ok("Liked: 3 likes.")
			a.Reply.Undo = &bridge.Action{Label: "Unlike", Command: "post unlike", Args: map[string]string{"post": "p1"}}
			return a
		}
		return ok("Done: " + q.Group + " " + q.Verb + ".")
	}
	var b strings.Builder
	show := func(what string, in *fakediscord.Interaction, err error) fakediscord.Response {
		r := st.settled(in, err)
		fmt.Fprintf(&b, "%s → type %d", what, r.Type)
		if r.Message != nil {
			fmt.Fprintf(&b, " private %v: %s", r.Message.Flags&flagPrivate != 0, r.Message.Content)
			for _, c := range r.Message.Components {
				for _, x := range c.Components {
					fmt.Fprintf(&b, " ‹%s›", x.Label)
				}
			}
		}
		if r.Modal != nil {
			fmt.Fprintf(&b, " form %q with %q", r.Modal.Title, r.Modal.Components[0].Label)
		}
		b.WriteString("\n")
		return r
	}
	slash := func(line string) fakediscord.Response {
		in, err := st.fake.Slash("ada", st.channel, line)
		return show(line, in, err)
	}
	r := slash("/ia post create text:hello")
	in, err := st.fake.Click("bob", st.channel, r.Message.ID, "Like")
	liked := show("Like", in, err)
	in, err = st.fake.Click("bob", st.channel, liked.Message.ID, "Unlike")
	st.becomes("Done: post unlike.", in, err)
	in, err = st.fake.Click("bob", st.channel, r.Message.ID, "Delete post")
	asked := show("Delete post", in, err)
	in, err = st.fake.Click("bob", st.channel, asked.Message.ID, "Yes, do it")
	st.becomes("Done: post delete.", in, err)
	in, err = st.fake.Slash("ada", st.channel, "/ia post comment post:p1")
	show("/ia post comment", in, err)
	in, err = st.fake.Submit(in, map[string]string{"text": "nice"})
	show("form", in, err)
	slash("/ia post repost post:p1")
	slash("/ia dm list")
	slash("/ia-agent show handle:nova_ai")
	slash("/ia generate retry job:j1")
	slash("/ia notify count")
	b.WriteString("\n" + st.fake.Screen(st.channel))
	return b.String()
}
