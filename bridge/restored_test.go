package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

// onlooker is a process whose platform can be asked what stands there. It knows
// messages by what rides along with them, as the real ones do.
type onlooker struct {
	*process
	blind bool
}

func (o onlooker) Sent(_ context.Context, d bridge.Delivery, f bridge.Former) (bridge.Sighting, error) {
	if o.blind {
		return bridge.Sighting{Blind: true}, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var all bridge.Posted
	for _, s := range o.shown {
		if s.posted.Before(f.From) && s.id != d.Replaces.Message {
			continue
		}
		told, ok := bridge.ParseTold(s.last.Told.String())
		if !ok {
			panic("what rides along can't be read")
		}
		all.Add(bridge.Post{Mark: markOf(s.last), Told: told, At: bridge.Receipt{Channel: "c", Message: s.id, At: s.posted, Version: s.version}})
	}
	return all.Find(markOf(d), d), nil
}

func markOf(d bridge.Delivery) string {
	if d.Message.UpdateKey == "" {
		return d.Key
	}
	return bridge.Key(d.Subscription, d.Message.UpdateKey, d.To, 0, d.Generation)
}

// backup is what a copy of the store holds.
type backup struct {
	made     time.Time
	record   bridge.Record
	receipts map[string]bridge.Receipt
	wishes   []bridge.Resend
	stream   int // events
}

// copyAt makes a copy while the process works: its lane at the nth operation, the
// rest some operations later.
func (w *world) copyAt(n, later int) *backup {
	out := &backup{}
	w.onOp = func(op int) {
		if op == n {
			out.made, out.record, out.wishes = time.Now(), w.record, slices.Clone(w.wishes)
			if in := w.record.Intent; in != nil {
				out.record.Intent = new(*in)
			}
		}
		if op == n || op <= n+later {
			out.receipts, out.stream = maps.Clone(w.receipts), len(w.stream)
		}
	}
	return out
}

// restore brings the copy back: what happened after it is found anew, now.
func (w *world) restore(b *backup) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onOp = nil
	w.record, w.receipts, w.wishes, w.dead = b.record, b.receipts, b.wishes, nil
	after := w.stream[b.stream:]
	w.stream = slices.Clone(w.stream[:b.stream])
	for _, e := range after {
		w.append(e.Data)
	}
	w.record.Former = &bridge.Former{From: b.made, Until: time.Now()}
}

var counted = regexp.MustCompile(`^(\d+) likes`)

// told counts what people read: each comment and message by its words, and likes.
func (w *world) told() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]int{}
	note := func(label, text string, m bridge.Message) {
		switch {
		case strings.HasPrefix(text, "word"):
			out[text]++
		case strings.Contains(label, "liked"):
			n := 1
			if found := counted.FindStringSubmatch(m.Footnote); found != nil {
				n, _ = strconv.Atoi(found[1])
			}
			out["likes"] += n
		}
	}
	for _, s := range w.shown {
		m := s.last.Message
		if m.Event == "bridge.gap" {
			out["notices"]++
			continue
		}
		if len(m.Quotes) > 0 && m.Text == "" && (strings.Contains(m.Title, " of ") || strings.Contains(m.Title, "happened")) {
			for _, q := range m.Quotes {
				note(q.Label, q.Text, bridge.Message{})
			}
			continue
		}
		var label strings.Builder
		for _, span := range m.Headline {
			label.WriteString(span.Text)
		}
		note(label.String(), m.Text, m)
	}
	return out
}

// word is a comment that people know by its text.
func word(n int) events.Event {
	return events.New("https://imagineanything.com", "orbit_bot", fmt.Sprintf("ntf_%d", n), "p", time.Now(),
		events.NotificationComment{Post: events.Post{ID: "p"}, Comment: events.Comment{ID: "c", Content: fmt.Sprintf("word %d", n)}})
}

// story is one life of the bridge.
type story struct {
	pace  func(*bridge.WorkerOptions)
	words int
	likes int
	step  int            // every so many operations a copy is made; 0 for each
	while func(w *world) // the bridge is away
	tell  func(w *world)
}

// stories are what happens in one life of the bridge, in each pace. Each ends with
// everything sent.
var stories = map[string]story{
	"one by one": {paced(bridge.Pace{}), 4, 0, 0, nil, func(w *world) {
		w.publish(word(1), job("pending", 0), word(2))
		wait(time.Minute)
		w.publish(job("uploading", 0), word(3))
		wait(time.Minute)
		w.publish(job("completed", 0), word(4))
		wait(time.Minute)
	}},
	"interval digests": {func(o *bridge.WorkerOptions) { o.Subscription.Digest = 10 * time.Minute }, 40, 0, 0, nil, func(w *world) {
		for i := range 40 {
			w.publish(word(i + 1))
			wait(time.Minute)
		}
		wait(20 * time.Minute)
	}},
	"overflow digests": {paced(bridge.Pace{Cap: 3}), 12, 0, 0, nil, func(w *world) {
		for i := range 12 {
			w.publish(word(i + 1))
			wait(3 * time.Second)
		}
		wait(3 * time.Minute)
	}},
	"folds": {paced(bridge.Pace{Fold: 10 * time.Minute}), 1, 9, 0, nil, func(w *world) {
		w.publish(fan(1, "p"), fan(2, "p"))
		wait(7 * time.Second)
		w.publish(fan(3, "p"), word(1))
		wait(time.Minute)
		w.publish(fan(4, "p"), fan(5, "q"))
		wait(20 * time.Minute)
		w.publish(fan(6, "p"), fan(7, "p"))
		wait(time.Minute)
		w.publish(fan(8, "q"), fan(9, "p"))
		wait(time.Minute)
	}},
	"a crowd in one message": {paced(bridge.Pace{Fold: time.Hour}), 0, 300, 53, nil, func(w *world) {
		for i := range 300 {
			w.publish(fan(i+1, "p"))
			wait(100 * time.Millisecond)
		}
		wait(time.Minute)
	}},
	"catching up": {catchingUp, 64, 0, 0, func(w *world) {
		for i := range 60 {
			w.publish(word(i + 1))
		}
		w.publish(whisper(61))
		wait(20 * time.Minute)
	}, func(w *world) {
		w.publish(whisper(62), word(63), word(64))
		wait(20 * time.Minute)
	}},
}

// whisper is a direct message that people know by its text.
func whisper(n int) events.Event {
	return events.New("https://imagineanything.com", "orbit_bot", fmt.Sprintf("msg_%d", n), "c", time.Now(), events.MessageReceived{
		Actor: events.Agent{Handle: "nova"}, Conversation: events.Conversation{ID: "c"}, Message: events.Message{ID: strconv.Itoa(n), Content: fmt.Sprintf("word %d", n)},
	})
}

// F18: whatever one message tells of, a restored run neither tells it again nor
// leaves it out, whenever the copy was made and however its original ended.
func TestF18_WhatDigestsAndFoldsToldIsToldOnce(t *testing.T) {
	t.Parallel()
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, later := range []int{0, 3} {
				for at, more := 1, true; more; at += max(1, story.step) {
					more = false
					for _, dies := range []int{0, 1, 4} { // operations after the copy; 0 never
						t.Run(fmt.Sprintf("copied at %d and %d, dies after %d", at, later, dies), func(t *testing.T) {
							synctest.Test(t, func(t *testing.T) {
								more = story.restored(t, at, later, dies) || more
							})
						})
					}
				}
			}
		})
	}
}

// restored plays the story, restores a copy of its middle, and reports whether there
// was one.
func (s story) restored(t *testing.T, at, later, dies int) bool {
	t.Helper()
	w := newWorld()
	if s.while != nil {
		s.while(w)
	}
	b := w.copyAt(at, later)
	if dies > 0 {
		w.crashAt = at + later + dies
	}
	r := w.run(t, s.pace)
	s.tell(w)
	if b.made.IsZero() {
		r.stop(t)
		return false
	}
	died := w.life > 1
	if died {
		_ = r.ended()
	} else {
		r.stop(t)
	}
	before := w.told()
	sends := len(w.attempts())
	wait(7 * time.Minute)
	w.crashAt = 0
	w.restore(b)
	r = w.run(t, s.pace, func(o *bridge.WorkerOptions) { o.Sink = onlooker{process: o.Sink.(*process)} })
	wait(2 * time.Hour)
	want := map[string]int{}
	for i := range s.words {
		want[fmt.Sprintf("word %d", i+1)] = 1
	}
	if s.likes > 0 {
		want["likes"] = s.likes
	}
	require.Equal(t, want, w.told(), "before: %v", before)
	if !died {
		for _, a := range w.attempts()[sends:] {
			require.NotZero(t, a.Doubt, "%s was sent again", a.Event.ID) // that one its sink looks for
		}
	}
	w.publish(word(100), fan(101, "p"))
	wait(2 * time.Hour)
	want["word 100"] = 1
	want["likes"]++
	require.Equal(t, want, w.told())
	r.stop(t)
	return true
}

// F18: a notice of what will not be sent, and a dead letter that somebody wanted sent
// again, are told once too.
func TestF18_NoticesAndReplaysAreToldOnce(t *testing.T) {
	t.Parallel()
	for at, more := 1, true; more; at++ {
		more = false
		t.Run(fmt.Sprintf("copied at %d", at), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.publish(word(1), word(2))
				w.stream[0].Position, w.stream[0].Skipped = 498, 497
				w.stream[1].Position = 499
				lost := word(3)
				data, err := json.Marshal(lost)
				require.NoError(t, err)
				w.dead = []bridge.DeadLetter{{EventID: lost.ID, Event: data, At: time.Now()}}
				w.want(7, 0)
				b := w.copyAt(at, 0)
				r := w.run(t)
				wait(time.Minute)
				r.stop(t)
				want := map[string]int{"notices": 1, "word 1": 1, "word 2": 1, "word 3": 1}
				require.Equal(t, want, w.told())
				if b.made.IsZero() {
					return
				}
				more = true
				wait(time.Hour)
				w.restore(b)
				r = w.run(t, func(o *bridge.WorkerOptions) { o.Sink = onlooker{process: o.Sink.(*process)} })
				wait(time.Minute)
				r.stop(t)
				require.Equal(t, want, w.told())
				require.Empty(t, w.wishes)
				require.Nil(t, w.stored().Gap)
			})
		})
	}
}

// F18: where nobody may look, what may have been sent says so, and nothing else does.
func TestF18_WhereNobodyMayLookARepeatSaysSo(t *testing.T) {
	t.Parallel()
	for name, pace := range map[string]func(*bridge.WorkerOptions){
		"one by one": paced(bridge.Pace{}),
		"a digest":   func(o *bridge.WorkerOptions) { o.Subscription.Digest = time.Minute },
		"a fold":     paced(bridge.Pace{Fold: time.Minute}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.publish(fan(1, "p"), fan(2, "p"))
				w.record.Former = &bridge.Former{From: time.Now(), Until: time.Now().Add(time.Minute)}
				wait(2 * time.Minute)
				r := w.run(t, pace, func(o *bridge.WorkerOptions) { o.Sink = onlooker{process: o.Sink.(*process), blind: true} })
				wait(10 * time.Minute)
				w.publish(fan(3, "p"))
				wait(10 * time.Minute)
				r.stop(t)
				sends := w.attempts()
				last := len(sends) - 1
				require.Positive(t, last)
				for i, a := range sends {
					require.Equal(t, i < last, a.Unsure, "message %d", i)
					require.Zero(t, a.Doubt, "it is the first of its key")
				}
			})
		})
	}
}

// F18: of a notice that the restored run tells, nobody can know any more how much of
// it was sent.
func TestF18_ANoticeAfterARestoreIsOfSoManyAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(word(1))
		w.stream[0].Position, w.stream[0].Skipped = 498, 497
		w.record.Former = &bridge.Former{From: time.Now(), Until: time.Now()}
		r := w.run(t)
		wait(time.Minute)
		r.stop(t)
		require.Equal(t, "Up to 497 events not sent", w.shown[0].title)
	})
}

func TestToldRoundTrip(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 2, 6, 9, 12, 0, 0, time.UTC)
	for name, told := range map[string]bridge.Told{
		"none":   {},
		"one":    {Keys: []string{"abcDEF0"}},
		"two":    {Keys: []string{"abcDEF0", "1234567"}},
		"a span": {Keys: []string{"abcDEF0"}, From: at, Until: at.Add(time.Hour)},
	} {
		text := told.String()
		got, ok := bridge.ParseTold(text)
		require.True(t, ok, name)
		require.Equal(t, told, got, name)
	}
}

func TestToldIsNeverShortOfItsSpan(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 2, 6, 9, 12, 0, 500, time.UTC)
	got, ok := bridge.ParseTold(bridge.Told{From: at, Until: at}.String())
	require.True(t, ok)
	require.Equal(t, at.Truncate(time.Second), got.From)
	require.Equal(t, at.Truncate(time.Second).Add(time.Second), got.Until)
}

func FuzzParseTold(f *testing.F) {
	for _, text := range []string{"", "abcDEF0", "abcDEF01234567~tb9o40-tb9r00", "~1-2", "abc", "abcDEF0~", "abcDEF0~-", "~zzzzzzzzz-zzzzzzzzz", "abcDEF0 "} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		told, ok := bridge.ParseTold(text)
		if !ok {
			return
		}
		for _, key := range told.Keys {
			require.Len(t, key, 7)
		}
		again, ok := bridge.ParseTold(told.String())
		require.True(t, ok)
		require.Equal(t, told.Keys, again.Keys)
	})
}
