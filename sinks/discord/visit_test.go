package discord

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

func TestSlashCommandIsCarriedOut(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	in, err := st.fake.Slash("ada", st.channel, "/ia post create text:hello")
	r := st.settled(in, err)
	require.Equal(t, "Done: post create.", r.Message.Content)
	require.Equal(t, respondLater, r.Type)
	require.Zero(t, r.Message.Flags&flagPrivate, "others see what was posted")
	require.Equal(t, []string{"post create text=hello"}, d.calls())
	q := d.last()
	require.Equal(t, "discord:"+in.ID(), q.ID)
	require.Equal(t, command.Principal{Platform: "discord", Workspace: st.guild, User: st.fake.User("ada"), Name: "ada", Roles: q.Principal.Roles}, q.Principal)
	require.True(t, q.Open)
	st.faultless()
}

func TestPrivateCommandAnswersPrivately(t *testing.T) {
	t.Parallel()
	st, _ := talkative(t, fakediscord.Options{}, false)
	r := st.settled(st.fake.Slash("ada", st.channel, "/ia dm send conversation:c1 text:hello"))
	require.NotZero(t, r.Message.Flags&flagPrivate)
	st.faultless()
}

func TestRefusalsComeAtOnceAndPrivately(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	d.refuse = func(command.Request) *command.Problem {
		return &command.Problem{Code: 403, Status: "forbidden", Message: "You can look, but not act for my_agent here.", Hint: "Ask someone with @Agent-Team, or an admin can run /ia access."}
	}
	r := st.settled(st.fake.Slash("ada", st.channel, "/ia post create"))
	require.Equal(t, respondMessage, r.Type, "no form for who may not")
	require.NotZero(t, r.Message.Flags&flagPrivate)
	require.Contains(t, r.Message.Content, "not act for my")
	require.Contains(t, r.Message.Content, "\\@Agent-Team", "nobody is called")
	require.Empty(t, d.calls())
	st.faultless()
}

func TestLongTextLeftOutOpensAForm(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	in, err := st.fake.Slash("ada", st.channel, "/ia post comment post:p1")
	m := st.form(in, err)
	require.Equal(t, "Text", m.Components[0].Label)
	in, err = st.fake.Submit(in, map[string]string{"text": strings.Repeat("👋", 400) + "\nand *more*"})
	r := st.settled(in, err)
	require.Equal(t, "Done: post comment.", r.Message.Content)
	require.Zero(t, r.Message.Flags&flagPrivate)
	require.Equal(t, []string{"post comment post=p1 text=" + strings.Repeat("👋", 400) + "\nand *more*"}, d.calls())
	require.False(t, d.last().Open, "what is typed into a form, others don't see")
	st.faultless()
}

func TestFormThatIsClosedLeavesNothing(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	in, err := st.fake.Slash("ada", st.channel, "/ia post create")
	st.form(in, err)
	require.Empty(t, d.calls())
	require.Empty(t, st.fake.Messages(st.channel))
	st.faultless()
}

// B31: a text that is too long is kept and offered again.
func TestTextTooLongIsKept(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	long := strings.Repeat("x", 501)
	d.refuse = func(q command.Request) *command.Problem {
		if text, _ := q.Values["text"].(string); len(text) > 500 {
			return &command.Problem{
				Code: 400, Status: "invalid_argument", Message: "That is 501 characters; a post holds 500.", Hint: "Your text is kept:",
				Buttons: []bridge.Action{{Label: "Edit", Command: "post create", Args: map[string]string{"text": text, command.Form: "yes"}, Primary: true}},
			}
		}
		return nil
	}
	r := st.settled(st.fake.Slash("ada", st.channel, "/ia post create text:"+long))
	require.Contains(t, r.Message.Content, "That is 501 characters; a post holds 500. Your text is kept:")
	in, err := st.fake.Click("ada", st.channel, r.Message.ID, "Edit")
	m := st.form(in, err)
	require.Equal(t, long, m.Components[0].Component.Value)
	in, err = st.fake.Submit(in, map[string]string{"text": long[:500]})
	st.becomes("Done: post create.", in, err)
	require.Equal(t, []string{"post create text=" + long[:500]}, d.calls())
	st.faultless()
}

func TestT10_ASecretIsTypedIntoAFormOnly(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	st.fake.Member(st.guild, "boss", 1<<5)
	in, err := st.fake.Slash("boss", st.channel, "/ia-admin service connect provider:OPENAI")
	m := st.form(in, err)
	require.Equal(t, "Key", m.Components[0].Label)
	in, err = st.fake.Submit(in, map[string]string{"key": "sk-canary-0123456789abcdef"})
	r := st.settled(in, err)
	require.NotZero(t, r.Message.Flags&flagPrivate)
	require.Equal(t, []string{"service connect provider=OPENAI key=sk-canary-0123456789abcdef"}, d.calls())
	require.True(t, d.last().Principal.Manages)
	require.NotContains(t, string(d.last().Back), "canary")
	for _, req := range st.fake.Requests() {
		require.NotContains(t, string(req.Body), "canary")
	}
	st.faultless()
}

func TestWhatCannotBeUndoneAsksFirst(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	r := st.settled(st.fake.Slash("ada", st.channel, "/ia post delete post:p1"))
	require.NotZero(t, r.Message.Flags&flagPrivate)
	require.Empty(t, d.calls())
	in, err := st.fake.Click("ada", st.channel, r.Message.ID, "No")
	require.Equal(t, "Not done.", st.said(in, err))

	r = st.settled(st.fake.Slash("ada", st.channel, "/ia post delete post:p1"))
	in, err = st.fake.Click("ada", st.channel, r.Message.ID, "Yes, do it")
	st.becomes("Done: post delete.", in, err)
	require.Equal(t, []string{"post delete post=p1"}, d.calls())
	require.True(t, d.last().Confirmed)
	st.faultless()
}

// F33: one interaction that arrives twice is one command.
func TestF33_InteractionThatComesTwiceRunsOnce(t *testing.T) {
	t.Parallel()
	for name, door := range map[string]bool{"gateway": false, "http": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, d := talkative(t, fakediscord.Options{}, door)
			st.fake.Disturb(fakediscord.Disturbance{Twice: true})
			for range 5 {
				require.Equal(t, "Done: post like.", st.said(st.fake.Slash("ada", st.channel, "/ia post like post:p1")))
			}
			require.Len(t, d.calls(), 5)
			require.Zero(t, d.repeats)
		})
	}
}

func TestInteractionThatComesLateIsNotCarriedOut(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{AnswerWithin: 3 * time.Second}, false)
	st.fake.Disturb(fakediscord.Disturbance{Late: 3200 * time.Millisecond})
	in, err := st.fake.Slash("ada", st.channel, "/ia post like post:p1")
	require.NoError(t, err)
	_, err = in.Response(t.Context())
	require.ErrorIs(t, err, fakediscord.ErrNoResponse)
	require.Empty(t, d.calls())
}

func TestWrongClockSilencesNobody(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	for _, skew := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		st.fake.Skew(skew)
		_, err := st.sink.another(t.Context()) // any answer of Discord tells its time
		require.NoError(t, err)
		require.Equal(t, "Done: post like.", st.said(st.fake.Slash("ada", st.channel, "/ia post like post:p1")))
	}
	require.Len(t, d.calls(), 2)
}

// another asks who we are, past the memory.
func (s *Sink) another(ctx context.Context) (string, error) {
	s.me.Store(nil)
	return s.self(ctx)
}

func TestPanicIsAnsweredAndTheProcessLives(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	d.answer = func(_ context.Context, q command.Request) command.Answer {
		if q.Verb == "like" {
			panic("broken")
		}
		return ok("Fine.")
	}
	require.Contains(t, st.said(st.fake.Slash("ada", st.channel, "/ia post like post:p1")), "Something went wrong inside the bridge")
	require.Equal(t, "Fine.", st.said(st.fake.Slash("ada", st.channel, "/ia post show post:p1")))
	st.faultless()
}

func TestCommandThatCouldNotBeRecordedSaysSo(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	d.accept = func(command.Request) error {
		return &command.Problem{Code: 503, Status: "not_recorded", Message: "Not done: the bridge could not note this command.", Hint: "Send it again in a few seconds."}
	}
	r := st.settled(st.fake.Slash("ada", st.channel, "/ia post like post:p1"))
	require.Equal(t, respondMessage, r.Type)
	require.Contains(t, r.Message.Content, "Not done: the bridge could not note this command.")
	require.Empty(t, d.calls())
}

func TestAppOfAPersonIsToldToBeAddedToTheServer(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	st.fake.Disturb(fakediscord.Disturbance{UserInstalled: true})
	require.Contains(t, st.said(st.fake.Slash("ada", st.channel, "/ia post like post:p1")), "Add the app to the server")
	require.Empty(t, d.calls())
}

func TestCompletionIsQuickWithADeadSource(t *testing.T) {
	t.Parallel()
	dead := make(chan struct{})
	st, d := talkative(t, fakediscord.Options{}, false, func(o *Options) {
		o.Complete = func(_ context.Context, agent string, source command.Source, typed string) []Choice {
			if typed == "dead" {
				<-dead
			}
			var out []Choice
			for range 30 {
				out = append(out, Choice{Name: agent + " " + string(source) + " " + typed + strings.Repeat("n", 200), Value: "p1"})
			}
			return append(out, Choice{Value: strings.Repeat("v", 101)})
		}
	})
	defer close(dead)
	r := st.settled(st.fake.Complete("ada", st.channel, "/ia post like post:or"))
	require.Len(t, r.Choices, 25)
	require.Contains(t, r.Choices[0].Name, "my_agent posts or")
	require.Empty(t, st.settled(st.fake.Complete("ada", st.channel, "/ia post like post:dead")).Choices)
	d.refuse = func(command.Request) *command.Problem { return &command.Problem{Code: 403} }
	require.Empty(t, st.settled(st.fake.Complete("eve", st.channel, "/ia post like post:or")).Choices, "F54: who may not use it sees nothing")
	st.faultless()
}

func TestListsHaveAMenuForTheirRows(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	d.answer = func(_ context.Context, q command.Request) command.Answer {
		if q.Verb != "home" {
			return ok("Liked.")
		}
		a := ok("12 posts.")
		for id := range strings.SplitSeq("p1 p2 p3 p4 p5 p6 p7 p8 p9 pa pb pc", " ") {
			a.Reply.Messages = append(a.Reply.Messages, bridge.Message{
				Event: "post.followed", Author: &bridge.Author{Name: "Ada", Handle: "ada"}, Text: strings.Repeat("word ", 200), Link: "https://imagineanything.com/post/" + id,
				Actions: []bridge.Action{{Label: "Like", Command: "post like", Args: map[string]string{"post": id}}, {Label: "Open post", URL: "https://imagineanything.com/post/" + id}},
			})
		}
		a.Reply.More = map[string]string{"cursor": "next", "limit": "10"}
		return a
	}
	r := st.settled(st.fake.Slash("ada", st.channel, "/ia feed home"))
	require.Len(t, r.Message.Embeds, maxListed)
	require.Equal(t, "12 posts.", r.Message.Content)
	menu := r.Message.Components[0].Components[0]
	in, err := st.fake.Choose("bob", st.channel, r.Message.ID, chooserID, menu.Options[2].Value)
	answer := st.settled(in, err)
	require.Equal(t, "Liked.", answer.Message.Content)
	require.NotZero(t, answer.Message.Flags&flagPrivate, "browsing disturbs nobody")
	in, err = st.fake.Click("bob", st.channel, r.Message.ID, "More")
	st.settled(in, err)
	require.Equal(t, []string{"feed home", "post like post=p3", "feed home limit=10 cursor=next"}, d.calls())
	st.faultless()
}

func TestSlowWorkTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	d.answer = func(_ context.Context, q command.Request) command.Answer {
		for range 20 {
			q.Tell(command.Reply{Text: "Uploading."})
		}
		st.eventually("progress is shown", func() bool {
			m := st.fake.Messages(st.channel)
			return len(m) == 1 && m[0].Content == "Uploading."
		})
		return ok("Done at last.")
	}
	in, err := st.fake.Slash("ada", st.channel, "/ia post like post:p1")
	st.settled(in, err)
	st.eventually("the end is shown", func() bool { return st.fake.Messages(st.channel)[0].Content == "Done at last." })
	require.LessOrEqual(t, st.fake.Messages(st.channel)[0].Edits, 3)
	st.faultless()
}

func TestGenerationIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	seen := func(id, status string) bridge.Message { return stage(st, id, status).Message }
	d.answer = func(context.Context, command.Request) command.Answer {
		a := ok("Started.", seen("e1", "pending"))
		a.Reply.Job = "j1"
		return a
	}
	r := st.settled(st.fake.Slash("ada", st.channel, "/ia generate image prompt:cat"))
	require.Equal(t, "Generating an image", r.Message.Embeds[0].Title)
	st.eventually("followed", func() bool {
		note, err := st.sink.notes.Note(t.Context(), liveNote("job:j1"))
		return err == nil && note != nil
	})
	require.NoError(t, st.sink.Update(t.Context(), always(seen("e3", "completed"))))
	require.NoError(t, st.sink.Update(t.Context(), always(seen("e2", "uploading"))))
	require.NoError(t, st.sink.Update(t.Context(), always(delivery(st, "n1").Message)))
	require.Equal(t, "Image ready", st.fake.Messages(st.channel)[0].Embeds[0].Title)
	require.Len(t, st.fake.Messages(st.channel), 1)
	st.faultless()
}

func TestFilesArePassedOn(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	var got []byte
	d.answer = func(_ context.Context, q command.Request) command.Answer {
		if len(q.Files["files"]) == 1 {
			var err error
			got, err = readAll(t, q.Files["files"][0])
			if err != nil {
				return command.Answer{Problem: command.Explain(language.Speaker{}, err)}
			}
		}
		return ok("Posted.")
	}
	cat := fakediscord.Upload{Name: "cat.png", ContentType: "image/png", Data: []byte("\x89PNG\r\n\x1a\ncat")}
	require.Equal(t, "Posted.", st.said(st.fake.Slash("ada", st.channel, "/ia post create text:look file1:cat.png", cat)))
	require.Equal(t, cat.Data, got)
	require.Equal(t, []string{"post create text=look files=1 files"}, d.calls())
	st.faultless()
}

func TestFilesFromElsewhereAreNotFetched(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	for name, address := range map[string]string{
		"loopback": "http://127.0.0.1:9/x", "another host": "https://evil.example/a.png", "look-alike": "https://cdn.discordapp.com.evil.example/a",
		"user": "https://cdn.discordapp.com@evil.example/a", "plain": "http://cdn.discordapp.com/a", "our own API": st.fake.URL() + "/api/v10/users/@me", "none": "", "file": "file:///etc/passwd",
	} {
		_, err := st.sink.download(t.Context(), attachment{URL: address})
		require.ErrorContains(t, err, "not one of Discord's own files", name)
	}
	_, err := st.sink.fileURL("https://cdn.discordapp.com/ephemeral-attachments/1/2/cat.png?ex=1&is=1&hm=0")
	require.NoError(t, err)
}

// F38: the interaction's token is over before the answer.
func TestF38_AnswerAfterTheTokenGoesElsewhere(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		line    string
		private bool
	}{
		"public answer":  {"/ia post create text:hello", false},
		"private answer": {"/ia dm send conversation:c1 text:secret", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, d := talkative(t, fakediscord.Options{}, false)
			d.answer = func(_ context.Context, q command.Request) command.Answer {
				st.fake.Skew(16 * time.Minute)
				a := ok("The result.")
				a.Private = q.Group == "dm"
				return a
			}
			_, err := st.fake.Slash("ada", st.channel, tc.line)
			require.NoError(t, err)
			where, other := st.channel, st.fake.DM("ada")
			if tc.private {
				where, other = other, where
			}
			holds := func(place string) bool {
				for _, m := range st.fake.Messages(place) {
					if m.Content == "The result." {
						return true
					}
				}
				return false
			}
			st.eventually("told", func() bool { return holds(where) })
			require.False(t, holds(other))
		})
	}
}

func TestCommandLeftBehindIsToldAfterARestart(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	begun, leave := make(chan command.Request, 1), make(chan struct{})
	d.answer = func(_ context.Context, q command.Request) command.Answer {
		begun <- q
		<-leave
		return command.Answer{Running: true}
	}
	_, err := st.fake.Slash("ada", st.channel, "/ia post create text:hello")
	require.NoError(t, err)
	q := <-begun
	close(leave)
	st.sink.Tell(t.Context(), q, ok("It was posted."))
	require.Equal(t, "It was posted.", st.fake.Messages(st.channel)[0].Content)
	st.faultless()
}

func TestTokenIsSealedInTheRecord(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	in, err := st.fake.Slash("ada", st.channel, "/ia post create text:hello")
	st.settled(in, err)
	require.NotContains(t, string(d.last().Back), in.Token())
	sealed, err := seal(secretToken, in.Token())
	require.NoError(t, err)
	again, err := unseal(secretToken, sealed)
	require.NoError(t, err)
	require.Equal(t, in.Token(), again)
	_, err = unseal("another", sealed)
	require.Error(t, err)
}

func TestHelpListsEveryCommand(t *testing.T) {
	t.Parallel()
	st, _ := talkative(t, fakediscord.Options{}, false)
	st.eventually("ids are known", func() bool { return st.sink.commandIDs.Load() != nil })
	r := st.settled(st.fake.Slash("ada", st.channel, "/ia help"))
	require.NotZero(t, r.Message.Flags&flagPrivate)
	var words []string
	for _, f := range r.Message.Embeds[0].Fields {
		words = append(words, f.Name+": "+f.Value)
	}
	all := strings.Join(words, "\n")
	for _, s := range command.Table() {
		if s.Access == command.Admin && !s.Whole && s.Group != connecting {
			require.Regexp(t, "(?m)^/ia-admin: .*"+s.Group+": [^·]*`"+s.Verb+"`", all)
			continue
		}
		require.Contains(t, all, s.Group+" "+s.Verb+":", "clickable")
	}
	require.Contains(t, all, "</ia setup:")
	st.faultless()
}

func TestLongWorkSaysWhereItsEndAppears(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		at   spotOf
		says string
	}{
		"public":  {public, "The result follows in this channel."},
		"private": {private, "I'll send you the result by direct message."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, _ := talkative(t, fakediscord.Options{}, false)
			in, err := st.fake.Slash("ada", st.channel, "/ia post create text:hello")
			st.settled(in, err)
			v := &visit{Sink: st.sink, in: interaction{ID: in.ID(), App: fakediscord.DefaultApplicationID, Token: in.Token(), Channel: st.channel, User: sender{ID: st.fake.User("ada")}}}
			q := command.Request{ID: "x", Back: v.back(tc.at)}
			l := v.live(q, tc.at)
			l.farewell(t.Context())
			require.Contains(t, st.said(in, nil), tc.says)
			l.finish(t.Context(), ok("The end."))
			where := st.channel
			if tc.at == private {
				where = st.fake.DM("ada")
			}
			list := st.fake.Messages(where)
			require.Equal(t, "The end.", list[len(list)-1].Content)
			st.faultless()
		})
	}
}

// always is a message that reads the same in every language.
func always(m bridge.Message) bridge.Localized { return func(string) bridge.Message { return m } }
