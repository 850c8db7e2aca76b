package discord

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

const (
	madeUpID     = "ia_client_of_nobody"
	madeUpSecret = "s3cret-of-nobody-at-all"
)

// office is a stand whose server connects agents by the wizard.
type office struct {
	*stand
	desk *desk

	mu     sync.Mutex
	agents []string
}

func (o *office) connectedTo() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.agents...)
}

// reaches connects agents in another way than by the wizard.
func (o *office) reaches(handles ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.agents = handles
}

// newOffice has nobody connected; ann manages its server.
func newOffice(t *testing.T, byHTTP bool, change ...func(*Options)) *office {
	t.Helper()
	o := &office{}
	o.stand, o.desk = talkative(t, fakediscord.Options{}, byHTTP, append([]func(*Options){func(opts *Options) {
		opts.Workspaces, opts.Agents = newBook(), func(string) []string { return o.connectedTo() }
	}}, change...)...)
	o.desk.answer = func(_ context.Context, q command.Request) command.Answer {
		switch q.Group + " " + q.Verb {
		case "connect agent", "connect redeem":
			if q.Values["client_secret"] == "wrong" {
				return command.Answer{Problem: &command.Problem{Code: 400, Status: "wrong_credentials", Message: "Not connected: ImagineAnything refused this client id and secret."}}
			}
			o.mu.Lock()
			handle := []string{"my_agent", "other_agent"}[len(o.agents)]
			o.agents = append(o.agents, handle)
			o.mu.Unlock()
			a := ok("Connected: @" + handle + ".")
			a.Reply.Data = command.ConnectionView{Handle: handle}
			return a
		}
		return ok("Subscribed: quiet.")
	}
	o.fake.Member(o.guild, "ann", 1<<5|1<<10|1<<11)
	return o
}

// shows is the private message that a step leads to.
func (o *office) shows(in *fakediscord.Interaction, err error) *fakediscord.Message {
	o.Helper()
	r := o.settled(in, err)
	require.NotNil(o, r.Message)
	return r.Message
}

func (o *office) click(m *fakediscord.Message, label string) (*fakediscord.Interaction, error) {
	return o.fake.Click("ann", o.channel, m.ID, label)
}

// picks uses the menu of a step.
func (o *office) picks(m *fakediscord.Message, step string, values ...string) (*fakediscord.Interaction, error) {
	for _, row := range m.Components {
		if id := row.Components[0].CustomID; strings.HasPrefix(id, wizardPrefix+step+":") {
			return o.fake.Choose("ann", o.channel, m.ID, id, values...)
		}
	}
	o.Fatalf("no menu %s", step)
	return nil, nil
}

// reads waits until the wizard's message says so.
func (o *office) reads(in *fakediscord.Interaction, err error, words string) *fakediscord.Message {
	o.Helper()
	require.NoError(o, err)
	var m *fakediscord.Message
	o.eventually(words, func() bool {
		r, err := in.Response(o.Context())
		m = r.Message
		return err == nil && m != nil && strings.Contains(m.Content, words)
	})
	return m
}

// connects goes through the form.
func (o *office) connects(m *fakediscord.Message, secret, words string) *fakediscord.Message {
	o.Helper()
	in, err := o.click(m, "Connect an agent")
	form := o.form(in, err)
	require.Equal(o, "Connect an agent by its secret", form.Title)
	in, err = o.fake.Submit(in, map[string]string{"client_id": madeUpID, "client_secret": secret})
	return o.reads(in, err, words)
}

func TestWizardFromWelcomeToSubscription(t *testing.T) {
	t.Parallel()
	for name, byHTTP := range map[string]bool{"gateway": false, "http": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			notes := &listening{Notes: newLooseNotes()}
			o := newOffice(t, byHTTP, func(opts *Options) { opts.Notes = notes })
			quiet := o.fake.Channel(o.guild, "quiet")
			o.fake.SetPermissions(quiet, lesser(sendMessages, embedLinks))

			m := o.shows(o.fake.Slash("ann", o.channel, "/ia setup"))
			require.NotZero(t, m.Flags&flagPrivate)
			m = o.connects(m, "wrong", "refused this client id and secret")
			m = o.connects(m, madeUpSecret, "@my")
			require.Contains(t, m.Content, "Mentions, Replies, Comments, Quotes, Direct messages, Finished generations")

			in, err := o.picks(m, stepChannel, "quiet")
			m = o.reads(in, err, "There I may not: Send Messages, Embed Links.")
			for _, label := range []string{"Start", "Send test"} {
				_, err = o.click(m, label)
				require.ErrorContains(t, err, "disabled")
			}
			in, err = o.picks(m, stepChannel, "alerts")
			m = o.reads(in, err, "<#"+o.channel+">")
			require.NotContains(t, m.Content, "may not")
			in, err = o.picks(m, stepEvents, "Mentions", "New followers")
			m = o.reads(in, err, "Mentions, New followers")
			require.NotContains(t, m.Content, "Everybody who reads")
			in, err = o.picks(m, stepPace, "hourly")
			m = o.reads(in, err, "Gathered for an hour")

			in, err = o.click(m, "Send test")
			m = o.reads(in, err, "The test message is there.")
			require.Contains(t, o.fake.Screen(o.channel), "This is how messages arrive here.")
			in, err = o.click(m, "Start")
			m = o.reads(in, err, "Subscribed: quiet.")
			require.Empty(t, m.Components)
			require.Equal(t, []string{
				"connect agent client_id=" + madeUpID + " client_secret=wrong",
				"connect agent client_id=" + madeUpID + " client_secret=" + madeUpSecret,
				"subscribe add events=notification.mention,notification.follow to=" + o.channel + " digest=1h",
			}, o.desk.calls())
			require.True(t, o.desk.last().Confirmed)
			require.NotContains(t, notes.all(), madeUpSecret, "never shown again, and never kept here")
			require.NotContains(t, o.fake.Screen(o.channel), madeUpSecret)
			o.faultless()
		})
	}
}

// listening keeps all that is noted.
type listening struct {
	Notes
	mu   sync.Mutex
	said strings.Builder
}

func (l *listening) PutNote(ctx context.Context, key string, value []byte) error {
	l.mu.Lock()
	l.said.WriteString(key + " " + string(value) + "\n")
	l.mu.Unlock()
	return l.Notes.PutNote(ctx, key, value)
}

func (l *listening) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.String()
}

// Whoever has no secret has a code of somebody who does.
func TestWizardRedeemsACode(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	m := o.shows(o.fake.Slash("ann", o.channel, "/ia setup"))
	in, err := o.click(m, "I have a code")
	form := o.form(in, err)
	require.Equal(t, "Connect an agent by a code", form.Title)
	in, err = o.fake.Submit(in, map[string]string{"code": "ABCD-EFGH"})
	m = o.reads(in, err, "Everybody who reads that channel")
	require.Equal(t, []string{"connect redeem code=ABCD-EFGH"}, o.desk.calls())
	_, err = o.click(m, "Start")
	require.NoError(t, err)
	_, _ = o.click(m, "Start") // pressed twice; the button may be gone by now
	o.eventually("subscribed", func() bool { return len(o.desk.calls()) == 2 })
	o.stop() // ends what is at work
	require.Len(t, o.desk.calls(), 2, "one subscription")
	o.faultless()
}

// What people see, in their language.
func TestWizardGolden(t *testing.T) {
	t.Parallel()
	for _, locale := range []string{"en-US", "de"} {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, false)
			o.fake.Settle("ann", locale)
			o.fake.SettleGuild(o.guild, locale)
			m := o.shows(o.fake.Slash("ann", o.channel, "/ia setup"))
			out := o.fake.Screen(o.channel)
			for _, handle := range []string{`@my\_agent`, `@other\_agent`} {
				var in *fakediscord.Interaction
				var err error
				for _, row := range m.Components {
					for _, b := range row.Components {
						if strings.HasPrefix(b.CustomID, wizardPrefix+stepConnect) {
							in, err = o.click(m, b.Label)
						}
					}
				}
				form := o.form(in, err)
				out += "\n" + form.Title + "\n"
				for _, field := range form.Components {
					out += "  " + field.Label + ": " + field.Description + "\n"
				}
				in, err = o.fake.Submit(in, map[string]string{"client_id": "x", "client_secret": "y"})
				m = o.reads(in, err, handle)
			}
			out = strings.ReplaceAll(out+"\n"+o.fake.Screen(o.channel), o.channel, "CHANNEL")
			golden.Equal(t, "testdata/wizard/steps."+locale+".golden", []byte(out))
			o.faultless()
		})
	}
}

// The wizard's state is the store's: a new process goes on where another ended.
func TestWizardSurvivesARestart(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	o.reaches("my_agent")
	m := o.shows(o.fake.Slash("ann", o.channel, "/ia setup"))
	o.stop()
	next, err := New(o.sink.o)
	require.NoError(t, err)
	next.times, next.notes = o.sink.times, o.sink.notes
	o.sink = next
	o.run()
	o.connected()
	in, err := o.picks(m, stepPace, "daily")
	m = o.reads(in, err, "Once a day")
	in, err = o.click(m, "Start")
	o.reads(in, err, "Subscribed")
	require.Equal(t, []string{"subscribe add preset=quiet to=" + o.channel + " digest=09:00"}, o.desk.calls())
	o.faultless()
}

func TestWizardThatNobodyTouchedIsOver(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	o.reaches("my_agent")
	m := o.shows(o.fake.Slash("ann", o.channel, "/ia setup"))
	key := strings.TrimPrefix(m.Components[0].Components[0].CustomID, wizardPrefix+stepChannel+":")
	age := func(by time.Duration) {
		form, err := o.sink.notes.Note(t.Context(), wizardNote(key))
		require.NoError(t, err)
		var w wizard
		require.NoError(t, json.Unmarshal(form, &w))
		w.At = w.At.Add(-by)
		form, err = json.Marshal(w)
		require.NoError(t, err)
		require.NoError(t, o.sink.notes.PutNote(t.Context(), wizardNote(key), form))
	}
	age(wizardLife - time.Minute)
	in, err := o.picks(m, stepPace, "daily")
	m = o.reads(in, err, "Once a day")
	age(wizardLife)
	in, err = o.click(m, "Start")
	m = o.reads(in, err, "Run it again: /ia setup.")
	require.Empty(t, m.Components)
	require.Empty(t, o.desk.calls())

	m = o.shows(o.fake.Slash("ann", o.channel, "/ia setup"))
	in, err = o.click(m, "Cancel")
	o.reads(in, err, "Nothing was set up.")
	o.faultless()
}

// What people may not do the wizard does not do for them, and whose it is not it
// does not obey.
func TestWizardIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	o.reaches("my_agent")
	o.desk.refuse = func(q command.Request) *command.Problem {
		if !q.Principal.Manages {
			return &command.Problem{Code: 403, Status: "denied", Message: "Ask an administrator."}
		}
		return nil
	}
	m := o.shows(o.fake.Slash("bob", o.channel, "/ia setup"))
	require.Equal(t, "Ask an administrator.", m.Content)
	m = o.shows(o.fake.Slash("bob", o.channel, "/ia subscribe add"))
	require.Equal(t, "Ask an administrator.", m.Content)

	m = o.shows(o.fake.Slash("ann", o.channel, "/ia setup"))
	id := m.Components[0].Components[0].CustomID
	elsewhere := o.fake.Guild("elsewhere")
	ann, bob := sender{ID: o.fake.User("ann"), Manages: true}, sender{ID: o.fake.User("bob"), Manages: true}
	for i, tc := range []struct {
		guild string
		who   sender
		id    string
		says  string
	}{
		{o.guild, bob, id, "Run it again"},
		{elsewhere, ann, id, "Run it again"},
		{o.guild, ann, "ia1:w:x:" + strings.Split(id, ":")[3], "not known here"},
		{o.guild, ann, "ia1:w:", "Run it again"},
		{o.guild, ann, wizardPrefix + strings.Repeat("x", 90), "Run it again"},
		{o.guild, ann, id, "not known here"}, // a channel that was never resolved
	} {
		d, in := &noted{}, forgedPress(i, tc.id)
		in.Guild, in.User = tc.guild, tc.who
		(&visit{Sink: o.sink, in: in, door: d}).serve(t.Context())
		require.Equal(t, respondMessage, d.kind, i)
		require.Contains(t, d.said, tc.says, i)
	}
	require.Empty(t, o.desk.calls())
	o.faultless()
}

// forgedPress is a press that no client makes.
func forgedPress(n int, id string) interaction {
	at, err := strconv.Atoi(snowflakeAt(time.Now()))
	if err != nil {
		panic(err) // it is a number
	}
	const apart = 1 << 20 // from the ids that the fake gives in the same millisecond
	return interaction{ID: strconv.Itoa(at + apart + n), Token: "t", Kind: visitPress, GuildInstalled: true, CustomID: id, Chosen: []string{"1"}}
}

// noted is a door that keeps what was said.
type noted struct {
	kind int
	said string
}

func (n *noted) first(_ context.Context, r response) error {
	n.kind = r.Type
	if m, ok := r.Data.(reply); ok {
		n.said = m.Content
	}
	return nil
}

// Without anything said a new subscription is asked for step by step; with
// something it stays one line.
func TestWizardServesSubscribe(t *testing.T) {
	t.Parallel()
	o := newOffice(t, false)
	o.reaches("my_agent", "other_agent")
	m := o.shows(o.fake.Slash("ann", o.channel, "/ia subscribe add"))
	require.Contains(t, m.Content, "Set up ImagineBridge")
	in, err := o.picks(m, stepAgent, "@other_agent")
	m = o.reads(in, err, "@other")
	in, err = o.click(m, "Start")
	o.reads(in, err, "Subscribed")
	o.shows(o.fake.Slash("ann", o.channel, "/ia subscribe add preset:public"))
	require.Equal(t, []string{
		"subscribe add preset=quiet to=" + o.channel + " agents=other_agent", "subscribe add preset=public",
	}, o.desk.calls())
	o.faultless()
}

func TestTopicsAreThePresets(t *testing.T) {
	t.Parallel()
	for _, preset := range []string{"quiet", "public", "dms", "generations", "crowd"} {
		require.Equal(t, preset, presetOf(topicsOf(preset)), preset)
	}
	require.Empty(t, presetOf([]string{"mentions", "likes"}))
	require.Equal(t, "notification.mention,notification.like", patternsOf([]string{"likes", "mentions"}))
}
