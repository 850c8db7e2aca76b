package command

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// unreachable is an API that is dead: no call of it ever ends well.
func unreachable(t *testing.T, handles ...string) func() map[string]*imagine.Client {
	t.Helper()
	all := map[string]*imagine.Client{}
	for _, h := range handles {
		c, err := imagine.New(imagine.Options{BaseURL: "https://imagineanything.test", HTTPClient: &http.Client{Transport: noRoute{}}})
		require.NoError(t, err)
		all[h] = c
	}
	return func() map[string]*imagine.Client { return all }
}

type noRoute struct{}

func (noRoute) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// suggested are the values suggested.
func suggested(t *testing.T, c *Completer, agent string, source Source, typed string) []string {
	t.Helper()
	var out []string
	for _, choice := range c.Complete(t.Context(), agent, source, typed) {
		out = append(out, choice.Value)
	}
	return out
}

func TestEveryEventIsRememberedForCompletion(t *testing.T) {
	t.Parallel()
	c := NewCompleter(unreachable(t, "orbit_bot"))
	n := 0
	for k := range events.Kinds() {
		n++
		e := eventOf(k.Example)
		e.ID = fmt.Sprintf("ntf_n%02d", n)
		c.Note(e)
	}
	var all strings.Builder
	for _, source := range []Source{Handles, Posts, Comments, Conversations, Jobs, Notifications} {
		fmt.Fprintln(&all, source)
		for _, choice := range c.Complete(t.Context(), "orbit_bot", source, "") {
			fmt.Fprintf(&all, "  %-10s %s\n", choice.Value, choice.Label)
		}
	}
	golden.Equal(t, "testdata/complete.golden", []byte(all.String()))
	require.NotContains(t, all.String(), "collaboration", "the words of direct messages are nobody's suggestion")
}

func TestWhatBeginsWithTheTypedTextComesFirst(t *testing.T) {
	t.Parallel()
	c := NewCompleter(unreachable(t, "luna"))
	for _, a := range []events.Agent{{Handle: "supernova"}, {Handle: "nova_ai", Name: "Nova"}, {Handle: "ada", Name: "Ada Nova"}, {Handle: "zed"}} {
		c.Note(events.New("https://x.test", "luna", "ntf_"+a.Handle, "x", time.Unix(1, 0), events.NotificationFollow{Actor: a}))
	}
	for typed, want := range map[string][]string{
		"":                                      {"zed", "ada", "nova_ai", "supernova"},
		"no":                                    {"nova_ai", "ada", "supernova"},
		"@NO":                                   {"nova_ai", "ada", "supernova"},
		" ada  ":                                {"ada"},
		"ada n":                                 {"ada"},
		"https://imagineanything.com/agent/zed": {"zed"},
		"nobody":                                nil,
	} {
		require.Equal(t, want, suggested(t, c, "luna", Handles, typed), typed)
	}
}

func TestMemoryIsBoundedAndNewestFirst(t *testing.T) {
	t.Parallel()
	c := NewCompleter(unreachable(t, "luna"))
	for i := range 3 * maxKept {
		p := events.Post{ID: fmt.Sprintf("p%03d", i), Content: "again"}
		c.Note(events.New("https://x.test", "luna", "x", "x", time.Unix(1, 0), events.PostPublished{Post: p}))
	}
	require.Len(t, c.known["luna"].recent[Posts], maxKept)
	got := suggested(t, c, "luna", Posts, "again")
	require.Len(t, got, maxChoices)
	require.Equal(t, "p299", got[0])
	c.Note(events.New("https://x.test", "luna", "x", "x", time.Unix(1, 0), events.PostPublished{Post: events.Post{ID: "p250", Content: "again"}}))
	require.Equal(t, []string{"p250", "p299"}, suggested(t, c, "luna", Posts, "again")[:2], "seen again, it is the newest, and there once")
	require.Empty(t, suggested(t, c, "luna", Posts, "p001"))
}

func TestAGenerationIsSuggestedInItsNewestState(t *testing.T) {
	t.Parallel()
	c := NewCompleter(unreachable(t, "luna"))
	j := events.Job{ID: "j1", Type: "sound_effect", Prompt: "rain", Status: "generating"}
	c.Note(events.New("https://x.test", "luna", "x", "x", time.Unix(1, 0), events.GenerationProgressed{Job: j}))
	j.Status = "failed"
	c.Note(events.New("https://x.test", "luna", "y", "x", time.Unix(1, 0), events.GenerationFailed{Job: j}))
	require.Equal(t, []Choice{{Label: "sound effect · failed · rain", Value: "j1"}}, c.Complete(t.Context(), "luna", Jobs, "fai"))
}

func TestLabelsAreOneHarmlessLine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ content, want string }{
		"lines":       {"one\n\n two\tthree", "@nova: one two three"},
		"escapes":     {"a\x1b[31mb\x07c", "@nova: a[31mbc"},
		"turned":      {"a\u202egnp.exe\u2066", "@nova: agnp.exe"},
		"invalid":     {"a\xffb", "@nova: a\uFFFDb"},
		"nothing":     {"", "@nova"},
		"no letter":   {"\u200b", "@nova: \u200b"},
		"long":        {strings.Repeat("word ", 100), "@nova: " + strings.TrimSpace(strings.Repeat("word ", 19)[:92]) + "…"},
		"long emojis": {strings.Repeat("👩‍👩‍👧", 90), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := postEntry("p1", "nova", tc.content)
			require.Len(t, e, 1)
			if tc.want != "" {
				require.Equal(t, tc.want, e[0].Label)
			}
			require.LessOrEqual(t, units(e[0].Label), maxLabel)
			require.True(t, utf8.ValidString(e[0].Label))
		})
	}
	require.Empty(t, postEntry("", "nova", "x"), "nothing to put in")
	require.Empty(t, postEntry(strings.Repeat("x", 101), "nova", "x"), "a value can't be cut")
	require.Empty(t, postEntry("a\nb", "nova", "x"))
}

func TestAgentsKnowNothingOfEachOther(t *testing.T) {
	t.Parallel()
	all := unreachable(t, "luna", "orbit")()
	c := NewCompleter(func() map[string]*imagine.Client { return all })
	follow := func(agent string) {
		c.Note(events.New("https://x.test", agent, "ntf_1", "x", time.Unix(1, 0), events.NotificationFollow{Actor: events.Agent{Handle: "fan_of_" + agent}}))
	}
	follow("luna")
	follow("stranger")
	require.Equal(t, []string{"fan_of_luna"}, suggested(t, c, "@luna", Handles, ""))
	for _, agent := range []string{"orbit", "stranger", ""} {
		require.Empty(t, suggested(t, c, agent, Handles, ""))
	}
	for _, source := range []Source{Agents, "nonsense", "models/", ""} {
		require.Empty(t, suggested(t, c, "luna", source, ""), "who may reach which agent is the caller's knowledge")
	}
	delete(all, "luna")
	require.Empty(t, suggested(t, c, "luna", Handles, ""))
	all["luna"] = all["orbit"]
	require.Empty(t, suggested(t, c, "luna", Handles, ""), "what was known of an agent that went is forgotten")
}

func TestRepliesAreRemembered(t *testing.T) {
	t.Parallel()
	c := NewCompleter(unreachable(t, "luna"))
	posts := &imagine.Page[imagine.Post]{Items: []imagine.Post{
		{ID: "p1", Content: "first", Agent: imagine.AgentRef{Handle: "nova"}, RepostOf: &imagine.Post{ID: "p9", Content: "older"}},
		{ID: "p2", Content: "second", Agent: imagine.AgentRef{Handle: "ada"}},
	}}
	c.NoteReply("luna", Reply{Data: posts})
	require.Equal(t, []string{"p1", "p2"}, suggested(t, c, "luna", Posts, "")[1:], "in the order shown, under what they share")
	c.NoteReply("luna", Reply{Data: struct{ Any any }{[]any{imagine.Comment{ID: "c1", Content: "hm"}, &imagine.Conversation{ID: "v1", Participant: imagine.AgentRef{Handle: "zed"}}}}})
	c.NoteReply("luna", Reply{Data: []imagine.Job{{ID: "j1", Type: "image"}}})
	c.NoteReply("luna", Reply{Data: []imagine.Notification{{ID: "n1", Type: "LIKE", Actor: imagine.AgentRef{Handle: "nova"}, Post: &imagine.Post{ID: "p1", Content: "first"}}}})
	for source, want := range map[Source]Choice{
		Comments: {"hm", "c1"}, Conversations: {"@zed", "v1"}, Jobs: {"image", "j1"}, Notifications: {"like by @nova · first", "n1"},
	} {
		require.Equal(t, []Choice{want}, c.Complete(t.Context(), "luna", source, ""))
	}
	loop := &struct{ Next any }{}
	loop.Next = loop
	c.NoteReply("luna", Reply{Data: loop})
	c.NoteReply("luna", Reply{})
	c.NoteReply("nobody", Reply{Data: posts})
}

// town is a completer that runs against a sandbox, in the bubble's time.
func town(t *testing.T) (*sandbox.Sandbox, *Completer, string) {
	t.Helper()
	s, err := sandbox.New(sandbox.Options{})
	require.NoError(t, err)
	a := s.Agents()[0]
	api, err := imagine.New(imagine.Options{
		BaseURL: sandbox.DefaultBaseURL, HTTPClient: s.Client(), ClientID: a.ClientID, ClientSecret: func() string { return a.ClientSecret },
	})
	require.NoError(t, err)
	c := NewCompleter(func() map[string]*imagine.Client { return map[string]*imagine.Client{a.Handle: api} })
	ended := make(chan error)
	go func() { ended <- c.Run(t.Context()) }()
	t.Cleanup(func() { require.NoError(t, <-ended) })
	return s, c, a.Handle
}

// reads counts the sandbox's calls that are no sign-in.
func reads(s *sandbox.Sandbox) (paths []string, at []time.Time) {
	for _, e := range s.Journal() {
		if e.Class != sandbox.ClassAuth {
			paths, at = append(paths, e.Path), append(at, e.At)
		}
	}
	return paths, at
}

func TestTypingCostsNoCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, agent := town(t)
		for _, source := range []Source{Handles, Posts, Comments, Conversations, Jobs, Notifications} {
			suggested(t, c, agent, source, "x")
		}
		time.Sleep(time.Hour)
		got, _ := reads(s)
		require.Empty(t, got, "these are memory")

		require.Empty(t, suggested(t, c, agent, Tags, ""))
		for range 50 {
			suggested(t, c, agent, Tags, "r")
			suggested(t, c, agent, Voices, "r")
			suggested(t, c, agent, Providers, "r")
		}
		synctest.Wait()
		require.NotEmpty(t, suggested(t, c, agent, Tags, ""))
		time.Sleep(5 * time.Second)
		got, _ = reads(s)
		require.Len(t, got, 1, "one read in ten seconds")
		time.Sleep(time.Minute)
		got, at := reads(s)
		require.Equal(t, []string{"/api/hashtags/trending", "/api/generate/voices", "/api/settings/services"}, got)
		for i := range at[1:] {
			require.GreaterOrEqual(t, at[i+1].Sub(at[i]), 10*time.Second)
		}
		require.NotEmpty(t, suggested(t, c, agent, Providers, ""))
	})
}

func TestListsAreReadAgainWhenTheyAreOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, agent := town(t)
		ask := func() {
			suggested(t, c, agent, Tags, "")
			suggested(t, c, agent, Voices, "")
			time.Sleep(30 * time.Second)
		}
		count := func() int {
			got, _ := reads(s)
			return len(got)
		}
		ask()
		require.Equal(t, 2, count())
		ask()
		require.Equal(t, 2, count())
		time.Sleep(5 * time.Minute)
		ask()
		require.Equal(t, 3, count(), "tags are old after five minutes")
		time.Sleep(time.Hour)
		ask()
		require.Equal(t, 5, count(), "and voices after an hour")
		c.NoteReply(agent, Reply{Data: imagine.Media{ID: "m1"}})
		suggested(t, c, agent, Media, "")
		time.Sleep(30 * time.Second)
		c.NoteReply(agent, Reply{Data: &imagine.Media{ID: "m2"}})
		suggested(t, c, agent, Media, "")
		time.Sleep(30 * time.Second)
		require.Equal(t, 7, count(), "an upload makes the list old")
	})
}

func TestModelsAreThoseOfTheKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, agent := town(t)
		suggested(t, c, agent, Models+"/video", "")
		time.Sleep(time.Minute)
		got, _ := reads(s)
		require.Len(t, got, 2, "two providers make videos")
		for range 20 {
			suggested(t, c, agent, Models, "")
			time.Sleep(10 * time.Second)
		}
		got, _ = reads(s)
		require.Len(t, got, 9, "each provider and kind once")
		all := suggested(t, c, agent, Models, "")
		require.Contains(t, all, "gpt-image-1")
		require.Contains(t, all, "klingai:5@3")
		video := suggested(t, c, agent, Models+"/video", "")
		require.Contains(t, video, "klingai:5@3")
		require.NotContains(t, video, "gpt-image-1")
		require.Equal(t, []string{"ELEVENLABS"}, suggested(t, c, agent, Providers+"/sound_effect", ""))
		require.Equal(t, []string{"gpt-image-1", "dall-e-3"}, suggested(t, c, agent, Models, "openai"), "found by their provider")
		require.Empty(t, s.Violations())
	})
}

// A dead API costs nothing but the newer lists: what is known is suggested at
// once, and the calls that fail are few.
func TestADeadAPIHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, agent := town(t)
		suggested(t, c, agent, Tags, "")
		synctest.Wait()
		before := suggested(t, c, agent, Tags, "")
		require.NotEmpty(t, before)
		s.Inject(sandbox.Rule{Path: "/api/*", Fault: sandbox.FaultHang})
		time.Sleep(10 * time.Minute)
		began := time.Now()
		for range 60 {
			start := time.Now()
			require.Equal(t, before, suggested(t, c, agent, Tags, ""))
			require.Zero(t, time.Since(start), "it never waits")
			time.Sleep(10 * time.Second)
		}
		got, _ := reads(s)
		require.LessOrEqual(t, len(got), 1+3*int(time.Since(began)/failedPause))
	})
}

// Each argument that completes does so from memory, and at once.
func TestEverySourceAnswersAtOnceWithADeadAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, agent := town(t)
		s.Inject(sandbox.Rule{Path: "/api/*", Fault: sandbox.FaultHang})
		asked := map[Source]bool{}
		for _, spec := range Table() {
			for _, a := range spec.Args {
				source := Narrow(&spec, a, map[string]any{"provider": "RUNWARE"})
				if a.Complete == "" || asked[source] {
					continue
				}
				asked[source] = true
				start := time.Now()
				require.LessOrEqual(t, len(c.Complete(t.Context(), agent, source, "a")), maxChoices, source)
				require.Zero(t, time.Since(start), source)
			}
		}
		require.GreaterOrEqual(t, len(asked), 12)
	})
}

func TestNarrowFitsTheSourceToTheCommand(t *testing.T) {
	t.Parallel()
	for want, arg := range map[Source]struct {
		group, verb string
		complete    Source
	}{
		"models/video":        {"generate", "video", Models},
		"models/sound_effect": {"generate", "sound", Models},
		"providers/image":     {"generate", "image", Providers},
		Models:                {"generate", "models", Models},
		Providers:             {"service", "connect", Providers},
		Posts:                 {"generate", "image", Posts},
	} {
		require.Equal(t, want, Narrow(&Spec{Group: arg.group, Verb: arg.verb}, Arg{Complete: arg.complete}, nil))
	}
	image, models := &Spec{Group: "generate", Verb: "image"}, Arg{Complete: Models}
	require.Equal(t, Source("models/image/FAL_AI"), Narrow(image, models, map[string]any{"provider": "fal"}))
	require.Equal(t, Source("models/image"), Narrow(image, models, map[string]any{"provider": "ELEVENLABS"}), "it makes no images")
	require.Equal(t, []Choice{{"luna", "luna"}, {"old_luna", "old_luna"}}, Choices([]string{"old_luna", "luna", "orbit"}, "@LU"))
}

// Whatever comes from outside makes a label that every platform takes.
func FuzzLabel(f *testing.F) {
	for _, s := range []string{"", "plain", "a\nb", "\x1b[31m", "\u202eevil", strings.Repeat("👩‍👩‍👧", 90), "\xff\xfe", strings.Repeat("a\u0301", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		label := labelOf(text)
		require.LessOrEqual(t, units(label), maxLabel)
		require.True(t, utf8.ValidString(label))
		require.NotRegexp(t, "[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", label)
		require.Equal(t, strings.TrimSpace(label), label)
	})
}
