package slack

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

func version(m fakeslack.Message) string {
	n, _ := m.Metadata.Payload["s"].(interface{ String() string })
	return n.String()
}

// S23: thirty states in ten seconds.
func TestS23_ProgressIsEditedSeldomAndEndsRight(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		r := w.must(w.state(1, false))
		for v := 2; v <= 30; v++ {
			sleep(w.Context(), 330*time.Millisecond)
			d := w.state(v, v == 30)
			d.Replaces = r
			r = w.must(d)
		}
		require.NoError(w, w.sink.Drain(w.Context()))
		require.Len(w, w.shown(), 1)
		require.Equal(w, "30", version(w.shown()[0]))
		require.Contains(w, w.shown()[0].Text, "state 30")
		updates := w.fake.Requests(methodUpdate)
		require.LessOrEqual(w, len(updates), 4)
		for i := 1; i < len(updates); i++ {
			require.GreaterOrEqual(w, updates[i].At.Sub(updates[i-1].At), 3*time.Second)
		}
		w.clean()
	})
}

// S19: two hundred likes of one post in a minute, and a message in between.
func TestS19_ACountIsEditedAndEndsRight(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		r := w.must(w.state(1, false))
		for v := 2; v <= 200; v++ {
			sleep(w.Context(), 300*time.Millisecond)
			d := w.state(v, false)
			d.Replaces = r
			begin := time.Now()
			r = w.must(d)
			if v == 100 {
				w.must(w.note(1))
				require.LessOrEqual(w, time.Since(begin), 3*time.Second)
			}
		}
		require.NoError(w, w.sink.Drain(w.Context()))
		require.Len(w, w.shown(), 2)
		require.Equal(w, "200", version(w.shown()[0]))
		require.LessOrEqual(w, len(w.fake.Requests(methodUpdate)), 22)
		w.clean()
	})
}

// F26: states that arrive out of order.
func TestF26_AnOlderStateNeverReplacesANewerOne(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		const jobs = 50
		dice := rand.New(rand.NewPCG(26, 0))
		for job := range jobs {
			state := func(v int, final bool) bridge.Delivery {
				d := w.state(v, final)
				d.Key, d.Message.UpdateKey = fmt.Sprintf("job-%d-%d", job, v), fmt.Sprintf("job:j%d", job)
				return d
			}
			first := w.must(state(1, false))
			for _, n := range dice.Perm(5) {
				v := []int{2, 3, 4, 5, 9}[n]
				d := state(v, v == 9)
				d.Replaces = first // as a lane would that never learned of the others
				w.must(d)
				sleep(w.Context(), time.Second)
			}
		}
		require.NoError(w, w.sink.Drain(w.Context()))
		sleep(w.Context(), time.Minute)
		require.Len(w, w.shown(), jobs)
		for _, m := range w.shown() {
			require.Equal(w, "9", version(m))
		}
		w.clean()
	})
}

// F26, S24: the message was deleted by a moderator.
func TestF26_ADeletedMessageComesBackOnlyForItsFinalState(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		r := w.must(w.state(1, false))
		w.do(func() { w.fake.DeleteMessage(w.channel, r.Message) })
		for v := 2; v < 8; v++ {
			sleep(w.Context(), 10*time.Second)
			d := w.state(v, false)
			d.Replaces = r
			require.Empty(w, w.must(d).Message)
			require.Empty(w, w.shown())
		}
		require.Len(w, w.fake.Requests(methodUpdate), 1, "the deletion is remembered")
		d := w.state(8, true)
		d.Replaces = r
		r = w.must(d)
		require.Len(w, w.shown(), 1)
		require.Equal(w, w.shown()[0].TS, r.Message)
		require.Equal(w, "8", version(w.shown()[0]))
		w.clean("message_not_found")
	})
}

func TestAnEditSurvivesALimitAndALostAnswer(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]fakeslack.Trouble{
		"limit":       {Kind: fakeslack.RateLimited, RetryAfter: "7"},
		"lost answer": {Kind: fakeslack.Cut, Effect: true},
		"500":         {Kind: fakeslack.Status},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, settings{}, func(w *world) {
				r := w.must(w.state(1, false))
				sleep(w.Context(), 5*time.Second)
				trouble.Method, trouble.Times = methodUpdate, 2
				w.fake.Inject(trouble)
				d := w.state(2, true)
				d.Replaces = r
				w.must(d)
				require.Equal(w, []string{"job-2"}, w.keys())
				w.clean()
			})
		})
	}
}

func TestAnEditThatWaitsIsTriedAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		r := w.must(w.state(1, false))
		d := w.state(2, false)
		d.Replaces = r
		r = w.must(d)
		w.fake.Inject(fakeslack.Trouble{Method: methodUpdate, Kind: fakeslack.RateLimited, RetryAfter: "5", Times: 1})
		d = w.state(3, false)
		d.Replaces = r
		require.Equal(w, 3, w.must(d).Version)
		require.NoError(w, w.sink.Drain(w.Context()))
		require.Equal(w, "3", version(w.shown()[0]))
		w.clean()
	})
}

func TestS24_AnEditInAChannelThatIsGone(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		d := w.state(2, true)
		d.Replaces = w.must(w.state(1, false))
		w.do(func() { w.fake.Archive(w.channel, true) })
		_, err := w.send(d)
		require.Equal(w, bridge.Gone, err.Verdict)
		require.Contains(w, err.Advice, "archived")
	})
}

func TestAMovedSubscriptionPostsInItsNewChannel(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		old := w.must(w.state(1, false))
		d := w.state(2, false)
		d.Replaces, d.Thread = old, old
		w.do(func() { d.To.Place = w.team.AddChannel("new") })
		r := w.must(d)
		require.Equal(w, d.To.Place, r.Channel)
		require.Len(w, w.fake.Messages(d.To.Place), 1)
		require.Len(w, w.shown(), 1)
		w.clean()
	})
}

func TestThreadsJoinTheirRootAndSurviveItsDeletion(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		note := func(n int, in bridge.Receipt) bridge.Receipt {
			d := w.note(n)
			d.Message.ThreadKey, d.Thread = "post:p1", in
			return w.must(d)
		}
		root := note(0, bridge.Receipt{})
		require.Equal(w, root.Message, root.Thread)
		second := note(1, root)
		require.Equal(w, root.Message, second.Root)
		third := note(2, second)
		require.Equal(w, root.Message, third.Root, "a reply is joined through its root")
		w.do(func() { w.fake.DeleteMessage(w.channel, root.Message) })
		fourth := note(3, third)
		require.Empty(w, fourth.Root)
		require.Equal(w, fourth.Message, fourth.Thread, "it heads the thread from now on")
		fifth := note(4, fourth)
		require.Equal(w, fourth.Message, fifth.Root)
		w.clean()
	})
}
