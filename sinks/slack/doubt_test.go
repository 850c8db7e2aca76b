package slack

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/load"
)

var lost = map[string]fakeslack.Trouble{
	"connection cut":            {Kind: fakeslack.Cut},
	"connection cut, stored":    {Kind: fakeslack.Cut, Effect: true},
	"connection reset, stored":  {Kind: fakeslack.Reset, Effect: true},
	"500 page":                  {Kind: fakeslack.Status, Code: 500},
	"500 page, stored":          {Kind: fakeslack.Status, Code: 500, Effect: true},
	"internal_error":            {Kind: fakeslack.Refused, Error: "internal_error"},
	"internal_error, stored":    {Kind: fakeslack.Refused, Error: "internal_error", Effect: true},
	"fatal_error, stored":       {Kind: fakeslack.Refused, Error: "fatal_error", Effect: true},
	"request_timeout, stored":   {Kind: fakeslack.Refused, Error: "request_timeout", Effect: true},
	"a page of nothing, stored": {Kind: fakeslack.Status, Code: 200, Effect: true},
}

// S22, F23: with a history scope a lost answer shows one message, stored or not.
func TestF23_AnswerLostIsLookedFor(t *testing.T) {
	t.Parallel()
	many := load.Pick(t, 20, 50)
	for name, trouble := range lost {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, settings{}, func(w *world) {
				trouble.Method, trouble.Every = methodPost, 2
				hit := w.fake.Inject(trouble)
				var want []string
				for n := range many { // of ten kinds: 500 under M
					r := w.must(w.note(n))
					want = append(want, fmt.Sprintf("key-%d", n))
					require.Equal(w, w.shown()[n].TS, r.Message)
				}
				require.Equal(w, want, w.keys())
				require.GreaterOrEqual(w, hit.Hits(), many/2)
				require.Zero(w, w.counts.get("slack_repeats_without_look"))
				w.clean()
			})
		})
	}
}

// S22: without any way to look a message is repeated at most once, marked, counted.
func TestF23_AnswerLostWithoutHistoryIsRepeatedOnceAndMarked(t *testing.T) {
	t.Parallel()
	for name, trouble := range lost {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, settings{scopes: []string{"chat:write"}}, func(w *world) {
				trouble.Method, trouble.Times = methodPost, 1
				w.fake.Inject(trouble)
				w.must(w.note(1))
				stored := 1
				if trouble.Effect {
					stored = 2
				}
				require.Len(w, w.shown(), stored)
				require.Contains(w, string(w.shown()[stored-1].Blocks), repeatNote)
				require.Equal(w, 1, w.counts.get("slack_repeats_without_look"))
				w.clean()
			})
		})
	}
}

func TestF23_LostTwiceWithoutHistoryIsSetAside(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{scopes: []string{"chat:write"}}, func(w *world) {
		w.fake.Inject(fakeslack.Trouble{Method: methodPost, Kind: fakeslack.Cut, Effect: true})
		_, err := w.lane(w.note(1))
		require.Equal(w, bridge.Reject, err.Verdict)
		require.Contains(w, err.Advice, "channels:history")
		require.Len(w, w.shown(), 2)
	})
}

func TestDoubtIsNotRepeatedWhileSlackIsDown(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{scopes: []string{"chat:write"}}, func(w *world) {
		w.must(w.note(0)) // tells the scopes
		posts := w.fake.Inject(fakeslack.Trouble{Method: methodPost, Kind: fakeslack.Status, Code: 502})
		auth := w.fake.Inject(fakeslack.Trouble{Method: methodAuth, Kind: fakeslack.Status, Code: 502})
		d := w.note(1)
		_, err := w.send(d)
		require.Equal(w, bridge.InDoubt, err.Verdict)
		d.Doubt = time.Now()
		for range 5 {
			_, err = w.send(d)
			require.Equal(w, bridge.InDoubt, err.Verdict)
		}
		require.Equal(w, 1, posts.Hits())
		posts.Stop()
		auth.Stop()
		w.must(d)
		require.Equal(w, []string{"key-0", "key-1"}, w.keys())
	})
}

func TestLookBackWaitsForSlacksLimitAndServesAllDoubtsAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{fake: fakeslack.Options{Limits: fakeslack.Limits{NewApp: true}}}, func(w *world) {
		for n := range 40 {
			w.must(w.note(n))
		}
		w.fake.Inject(fakeslack.Trouble{Method: methodPost, Kind: fakeslack.Cut, Effect: true, Times: 3})
		var wg sync.WaitGroup
		for n := 100; n < 103; n++ {
			wg.Go(func() { w.must(w.note(n)) })
		}
		wg.Wait()
		require.Len(w, w.shown(), 43)
		require.LessOrEqual(w, len(w.fake.Requests(methodHistory)), 8, "one reading serves all")
		w.clean("ratelimited")
	})
}

func TestLookBackFindsAMessageInItsThread(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		root := w.note(0)
		root.Message.ThreadKey = "post:p1"
		d := w.note(1)
		d.Message.ThreadKey = "post:p1"
		d.Thread = w.must(root)
		w.fake.Inject(fakeslack.Trouble{Method: methodPost, Kind: fakeslack.Cut, Effect: true, Times: 1})
		r := w.must(d)
		require.Equal(w, d.Thread.Message, r.Root)
		require.Len(w, w.shown(), 2)

		d = w.note(2)
		d.Message.ThreadKey, d.Thread = "post:p1", r
		w.do(func() { w.fake.DeleteMessage(w.channel, r.Root) })
		w.fake.Inject(fakeslack.Trouble{Method: methodPost, Kind: fakeslack.Cut, Effect: true, Times: 1})
		r = w.must(d)
		require.Equal(w, r.Message, r.Thread, "it heads the thread now")
		require.Empty(w, r.Root)
		require.Len(w, w.shown(), 2)
		w.clean("thread_not_found")
	})
}

func TestLookBackBelievesOnlyOurOwnMessages(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		w.must(w.note(1))
		r, f := w.sink.lookBack(w.Context(), bridge.Delivery{Key: "key-1", To: w.note(1).To, Doubt: time.Now()})
		require.Nil(w, f)
		require.NotEmpty(w, r.Message)
		w.sink.web.who.BotID = "B0SOMEBODY"
		r, f = w.sink.lookBack(w.Context(), bridge.Delivery{Key: "key-1", To: w.note(1).To, Doubt: time.Now()})
		require.Nil(w, f)
		require.Empty(w, r.Message)
	})
}

// A crash after the message was stored: another process finds it.
func TestDoubtAfterARestart(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		first := w.must(w.note(1))
		sleep(w.Context(), 10*time.Minute)
		w.start(settings{}, w.sink.opt.HTTPClient)
		d := w.note(1)
		d.Doubt, d.Attempt = first.At, 2
		require.Equal(w, first.Message, w.must(d).Message)
		require.Len(w, w.shown(), 1)
		w.clean()
	})
}

// tardy hands on every other post and keeps its answer for forty seconds.
type tardy struct {
	http.RoundTripper
	posts, late int
}

func (l *tardy) RoundTrip(q *http.Request) (*http.Response, error) {
	r, err := l.RoundTripper.RoundTrip(q)
	if err != nil || !strings.HasSuffix(q.URL.Path, "/"+methodPost) {
		return r, err
	}
	if l.posts++; l.posts%2 == 0 {
		return r, nil
	}
	l.late++
	select {
	case <-time.After(40 * time.Second):
		return r, nil
	case <-q.Context().Done():
		_ = r.Body.Close()
		return nil, q.Context().Err()
	}
}

// F24: a hundred messages, of which every other one's answer comes after 40 s: nobody
// waits so long, and each is shown once.
func TestF24_LateAnswersShowOneMessage(t *testing.T) {
	t.Parallel()
	inBubble(t, settings{}, func(w *world) {
		late := &tardy{RoundTripper: w}
		w.start(settings{}, &http.Client{Transport: late})
		var want []string
		for n := range 100 {
			d := w.note(n)
			want = append(want, d.Key)
			begin := time.Now()
			_, err := w.send(d)
			require.LessOrEqual(w, time.Since(begin), 20*time.Second)
			if err != nil {
				require.Equal(w, bridge.InDoubt, err.Verdict)
				d.Doubt, d.Attempt = begin, 2
				w.must(d)
			}
		}
		require.Equal(w, want, w.keys())
		require.GreaterOrEqual(w, late.late, 50)
		w.clean()
	})
}

// F24: the answer comes long after our patience, while the message was stored.
func TestF24_AnswerLate(t *testing.T) {
	t.Parallel()
	w := onSockets(t, settings{timeout: 1500 * time.Millisecond})
	for name, trouble := range map[string]fakeslack.Trouble{
		"late":         {Kind: fakeslack.Slow, Delay: time.Minute},
		"never":        {Kind: fakeslack.Hang, Effect: true},
		"byte by byte": {Kind: fakeslack.Dripping, Delay: 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			channel := w.team.AddChannel(strings.ReplaceAll(name, " ", "-"))
			trouble.Method, trouble.Times, trouble.Channel = methodPost, 1, channel
			w.fake.Inject(trouble)
			d := w.note(1)
			d.Key, d.To.Place = "key "+name, channel
			begin := time.Now()
			_, err := w.send(d)
			require.Equal(t, bridge.InDoubt, err.Verdict)
			require.Less(t, time.Since(begin), 20*time.Second)
			d.Doubt, d.Attempt = begin, 2
			w.must(d)
			require.Len(t, w.fake.Messages(channel), 1, w.fake.Screen(channel))
		})
	}
}

// Messages carry Slack's time: a clock that is off must not hide them.
func TestLookBackGoesBySlacksClock(t *testing.T) {
	t.Parallel()
	for name, off := range map[string]time.Duration{"ours is behind": time.Hour, "ours is ahead": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, settings{}, func(w *world) {
				w.off = off
				w.fake.Inject(fakeslack.Trouble{Method: methodPost, Kind: fakeslack.Cut, Effect: true, Times: 1})
				w.must(w.note(1))
				require.Len(w, w.shown(), 1)
			})
		})
	}
}
