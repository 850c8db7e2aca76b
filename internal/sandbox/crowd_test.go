package sandbox

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// afterMinute runs a crowd for a minute and returns all that happened.
func afterMinute(t *testing.T, opt Options) (s *Sandbox, happened []Happening) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s = must(t, opt)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		time.Sleep(time.Minute)
		cancel()
		require.NoError(t, <-ended)
		happened = s.Happenings("")
	})
	return s, happened
}

func must(t *testing.T, opt Options) *Sandbox {
	t.Helper()
	s, err := New(opt)
	require.NoError(t, err)
	return s
}

func TestCrowdShowsEveryKindWithinAMinute(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{0, 1, 2, 3} {
		s, happened := afterMinute(t, Options{Seed: seed, Crowd: Crowd{Rate: 20}})
		star := s.Agents()[0].Handle
		seen := map[string]int{}
		for _, h := range happened {
			if h.Agent == star {
				seen[h.Kind+" "+h.Type]++
			}
		}
		for kind := range notePhrases {
			require.NotZero(t, seen["notification "+kind], "%s under seed %d: %v", kind, seed, seen)
		}
		for _, status := range []string{statusPending, statusGenerating, statusUploading, statusCompleted, statusFailed} {
			require.NotZero(t, seen["job "+status], "%s under seed %d: %v", status, seed, seen)
		}
		require.NotZero(t, seen["received "], "messages under seed %d: %v", seed, seen)
		require.LessOrEqual(t, len(happened), 120, "a rate of 20 is not a flood")
	}
}

func TestCrowdBeginsWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := must(t, Options{Crowd: Crowd{Rate: 20}})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = s.Run(ctx) }()
		time.Sleep(2 * time.Second)
		require.NotEmpty(t, s.Happenings(s.Agents()[0].Handle))
	})
}

func TestCrowdRepeatsUnderOneSeed(t *testing.T) {
	t.Parallel()
	_, a := afterMinute(t, Options{Seed: 7, Crowd: Crowd{Rate: 60}})
	_, b := afterMinute(t, Options{Seed: 7, Crowd: Crowd{Rate: 60}})
	_, c := afterMinute(t, Options{Seed: 7, Crowd: Crowd{Rate: 60, Seed: 8}})
	require.Equal(t, a, b)
	require.NotEqual(t, a, c)
}

func TestCrowdStaysAwayUnlessAsked(t *testing.T) {
	t.Parallel()
	_, happened := afterMinute(t, Options{})
	require.Empty(t, happened)
}

func TestCrowdLivesInAnEmptyWorld(t *testing.T) {
	t.Parallel()
	_, happened := afterMinute(t, Options{Empty: true, Crowd: Crowd{On: true}})
	require.NotEmpty(t, happened)
}

func TestCrowdAnswersAgents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := must(t, Options{Crowd: Crowd{Rate: 0.01}}) // so slow that only answers come
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = s.Run(ctx) }()
		time.Sleep(3 * time.Second)
		me := s.Agents()[1].Handle
		wrote, err := s.Act(Action{As: me, Do: "dm", Handle: "nova_ai", Content: "Anybody there?"})
		require.NoError(t, err)
		posted, err := s.Act(Action{As: me, Do: "post", Content: "Hello, dock"})
		require.NoError(t, err)
		time.Sleep(6 * time.Second)

		var answered, liked bool
		for _, h := range s.Happenings(me) {
			answered = answered || (h.Kind == HappenedReceived && h.Conversation == wrote.Conversation && h.Actor == "nova_ai")
			liked = liked || (h.Type == noteLike && h.Post == posted.Post)
		}
		require.True(t, answered, "the direct message was answered")
		require.True(t, liked, "the post was liked")
	})
}

func TestCrowdChangesAndSurvivesReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := must(t, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = s.Run(ctx) }()
		time.Sleep(time.Minute)
		require.Empty(t, s.Happenings(""))
		s.SetCrowd(Crowd{On: true})
		time.Sleep(10 * time.Second)
		require.NotEmpty(t, s.Happenings(""))
		require.NoError(t, s.Reset())
		time.Sleep(10 * time.Second)
		require.NotEmpty(t, s.Happenings(""), "the crowd moved into the new world")
		s.SetCrowd(Crowd{})
		synctest.Wait()
		before := len(s.Happenings(""))
		time.Sleep(time.Second)
		require.LessOrEqual(t, len(s.Happenings(""))-before, 2, "at most what jobs still do")
	})
}

func TestCrowdSpeaksWithinTheLimits(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("h", 30)
	for _, choice := range [][]string{says.posts, says.comments, says.mentions, says.quotes, says.letters, says.answers, says.tricks} {
		for _, text := range choice {
			require.LessOrEqual(t, length(strings.ReplaceAll(text, "{}", longest))+length(longest)+2, maxPost, text)
		}
	}
}

func TestTheTricksterTriesItsLuck(t *testing.T) {
	t.Parallel()
	s, _ := afterMinute(t, Options{Crowd: Crowd{Rate: 600}})
	var said strings.Builder
	for _, p := range s.world.wall {
		said.WriteString(p.content + "\n")
	}
	for _, v := range s.world.conversations {
		for _, m := range v.messages {
			said.WriteString(m.content + "\n")
		}
	}
	for _, c := range s.world.comments {
		said.WriteString(c.content + "\n")
	}
	for _, hostile := range []string{"@everyone", "<!channel>", "||secret||", "<@123456789012345678>"} {
		require.Contains(t, said.String(), hostile)
	}
}
