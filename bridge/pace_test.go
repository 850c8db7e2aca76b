package bridge_test

import (
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

func paced(p bridge.Pace) func(*bridge.WorkerOptions) {
	return func(o *bridge.WorkerOptions) { o.Subscription.Pace = p }
}

func toWebhook(o *bridge.WorkerOptions) {
	o.Subscription.To = bridge.ParseDestination("webhook:https://hooks.example/t0ken")
}

// fan is the nth like of a post, each by another.
func fan(n int, post string) events.Event {
	who := events.Agent{Handle: fmt.Sprintf("fan_%d", n), Name: fmt.Sprintf("Fan %d", n)}
	return events.New("https://imagineanything.com", "orbit_bot", fmt.Sprintf("like_%d", n), post, time.Now(),
		events.NotificationLike{Actor: who, Post: events.Post{ID: post, Content: "Look"}})
}

func dm(n int) events.Event {
	return events.New("https://imagineanything.com", "orbit_bot", fmt.Sprintf("msg_%d", n), "c", time.Now(),
		events.MessageReceived{Actor: events.Agent{Handle: "nova"}, Conversation: events.Conversation{ID: "c"}, Message: events.Message{ID: strconv.Itoa(n), Content: "hi"}})
}

func TestDailyTimeOfDay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ at, zone, now, next string }{
		"later today":              {"09:00", "Europe/Berlin", "2026-01-10T07:59:00Z", "2026-01-10T08:00:00Z"},
		"at that time":             {"09:00", "Europe/Berlin", "2026-01-10T08:00:00Z", "2026-01-10T08:00:00Z"},
		"tomorrow":                 {"09:00", "Europe/Berlin", "2026-01-10T08:00:01Z", "2026-01-11T08:00:00Z"},
		"over the loss of an hour": {"09:00", "Europe/Berlin", "2026-03-28T08:00:01Z", "2026-03-29T07:00:00Z"},
		"west":                     {"18:30", "America/New_York", "2026-01-10T00:00:00Z", "2026-01-10T23:30:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := bridge.ParseDaily(tc.at, tc.zone)
			require.NoError(t, err)
			now, err := time.Parse(time.RFC3339, tc.now)
			require.NoError(t, err)
			require.Equal(t, tc.next, d.Next(now).UTC().Format(time.RFC3339))
		})
	}
	_, err := bridge.ParseDaily("25:00", "")
	require.EqualError(t, err, `"25:00" is not a time of day (00:00–23:59)`)
	_, err = bridge.ParseDaily("09:00", "Mars/Base")
	require.EqualError(t, err, `no time zone "Mars/Base"; use names like Europe/Berlin`)
}

// The bubble's clock begins at midnight UTC.
func TestDailyDigestWaitsForItsTimeHoweverFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		nine, err := bridge.ParseDaily("09:00", "")
		require.NoError(t, err)
		w := newWorld()
		r := w.run(t, paced(bridge.Pace{DigestAt: nine}))
		w.publish(comments(60)...)
		wait(8 * time.Hour)
		require.Empty(t, w.attempts())
		r.stop(t)
		r = w.run(t, paced(bridge.Pace{DigestAt: nine}))
		wait(time.Hour + time.Minute)
		var sizes []int
		for _, a := range w.attempts() {
			require.Equal(t, 9, a.at.Hour())
			sizes = append(sizes, len(a.Message.Quotes))
		}
		require.Equal(t, []int{25, 25, 10}, sizes)
		r.stop(t)
	})
}

func TestDigestTellsWhatMattersFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		list := []events.Event{fan(1, "p"), job("failed", 0), comment(3), fan(4, "p"), dm(5), fan(6, "q"), dm(7), job("completed", 1)}
		golden.Equal(t, "testdata/layout/digest_of_a_day.golden", []byte(describe(bridge.Digest(list))))
		away := bridge.Away{Count: 10000, From: time.Date(2026, 2, 6, 9, 12, 0, 0, time.UTC), Until: time.Date(2026, 2, 6, 17, 40, 0, 0, time.UTC)}
		golden.Equal(t, "testdata/layout/digest_after_an_outage.golden", []byte(describe(bridge.Cards{}.AfterOutage(list, away))))
	})
}

func TestT22_ACapSendsSoManyAMinuteAndTheRestAsADigest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		r := w.run(t, paced(bridge.Pace{Cap: 3}))
		w.publish(comments(10)...)
		wait(30 * time.Second)
		require.Len(t, w.attempts(), 3)
		r.stop(t)
		r = w.run(t, paced(bridge.Pace{Cap: 3}))
		wait(20 * time.Second)
		require.Len(t, w.attempts(), 3, "a restart gives no more")
		wait(time.Minute)
		sends := w.attempts()
		require.Len(t, sends, 4)
		require.Len(t, sends[3].Message.Quotes, 7, "what comes beyond is counted in one message")
		require.EqualValues(t, 10, w.stored().Position)
		for i := range 30 {
			w.publish(comment(100 + i))
			wait(7 * time.Second)
		}
		times := w.attempts()
		for i := 3; i < len(times); i++ {
			require.GreaterOrEqual(t, times[i].at.Sub(times[i-3].at), time.Minute, "never more than three in any minute")
		}
		r.stop(t)
	})
}

func TestT22_BurstsFoldIntoOneMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		r := w.run(t, paced(bridge.Pace{Fold: 10 * time.Minute}))
		for i := range 312 {
			w.publish(fan(i+1, "p"))
			wait(time.Second)
		}
		wait(10 * time.Second)
		require.Len(t, w.seen(), 1)
		sends := w.attempts()
		last := sends[len(sends)-1].Message
		require.Equal(t, "Fan 1", last.Author.Name)
		require.Equal(t, "and 311 others liked your post", spans(last.Headline))
		require.Contains(t, last.Footnote, "312 likes since 00:00 UTC")
		require.Less(t, len(sends), 80, "an edit every few seconds")
		require.EqualValues(t, 312, w.stored().Position)

		w.publish(fan(400, "q"), comment(1), fan(401, "p"))
		wait(10 * time.Second)
		require.Len(t, w.seen(), 3, "another post and a comment are messages of their own; the first post's goes on")
		wait(10 * time.Minute)
		w.publish(fan(500, "p"))
		wait(10 * time.Second)
		require.Len(t, w.seen(), 4, "after the window a new message begins")
		r.stop(t)
	})
}

func spans(list []bridge.Span) (out string) {
	for _, s := range list {
		out += s.Text
	}
	return out
}

func TestF3_CrashInAnyGapOfAFoldCountsEachOnce(t *testing.T) {
	t.Parallel()
	crashes := 0
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			crashed := false
			t.Run(fmt.Sprintf("operation %d after=%v", at, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					w.crashAt, w.crashAfter = at, after
					fold := paced(bridge.Pace{Fold: 10 * time.Minute})
					feed := func(from, to int) {
						for i := from; i <= to; i++ {
							w.publish(fan(i, "p"))
						}
					}
					r := w.run(t, fold)
					feed(1, 3)
					wait(7 * time.Second)
					feed(4, 5)
					w.publish(comment(6))
					wait(time.Minute)
					feed(7, 8)
					wait(time.Minute)
					if crashed = w.life > 1; crashed {
						t.Log("it ended with", r.ended())
						r = w.run(t, fold)
						wait(2 * time.Minute)
					}
					require.Equal(t, []string{"like_8", "ntf_6"}, w.seen())
					sends := w.attempts()
					require.Equal(t, "and 6 others liked your post", spans(sends[len(sends)-1].Message.Headline))
					require.EqualValues(t, 8, w.stored().Position)
					r.stop(t)
				})
			})
			if !crashed {
				break
			}
			crashes++
		}
	}
	require.Greater(t, crashes, 20, "too few gaps were tried")
}

func TestProgramsGetEachEventWhateverThePace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for i := range 60 {
			w.publish(fan(i+1, "p"))
		}
		wait(time.Hour)
		nine, err := bridge.ParseDaily("09:00", "")
		require.NoError(t, err)
		r := w.run(t, toWebhook, paced(bridge.Pace{DigestAt: nine, Cap: 2, Fold: time.Hour, CatchUp: bridge.CatchUpDigest}))
		wait(time.Minute)
		require.Len(t, w.seen(), 60)
		r.stop(t)
	})
}
