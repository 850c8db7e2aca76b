package bridge_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

// dayOf are what a crowd does to an agent whom many know, of a thousand deeds: a
// few talk, most press a button.
var dayOf = []struct {
	share int
	talk  bool
	make  func(actor events.Agent, id, text string) events.Payload
}{
	{770, false, func(a events.Agent, id, _ string) events.Payload {
		return events.NotificationLike{Actor: a, Post: events.Post{ID: "p" + id, Content: "Look"}}
	}},
	{90, false, func(a events.Agent, _, _ string) events.Payload { return events.NotificationFollow{Actor: a} }},
	{60, false, func(a events.Agent, id, _ string) events.Payload {
		return events.NotificationRepost{Actor: a, Post: events.Post{ID: "p" + id, Content: "Look"}}
	}},
	{40, true, func(a events.Agent, id, text string) events.Payload {
		return events.NotificationComment{Actor: a, Post: events.Post{ID: "p"}, Comment: events.Comment{ID: "c" + id, Content: text}}
	}},
	{15, true, func(a events.Agent, id, text string) events.Payload {
		return events.NotificationMention{Actor: a, Post: events.Post{ID: "q" + id, Content: text}}
	}},
	{15, true, func(a events.Agent, id, text string) events.Payload {
		return events.NotificationReply{Actor: a, Post: events.Post{ID: "p"}, Comment: events.Comment{ID: "r" + id, Content: text}}
	}},
	{10, true, func(a events.Agent, id, text string) events.Payload {
		return events.MessageReceived{Actor: a, Conversation: events.Conversation{ID: "v" + a.Handle}, Message: events.Message{ID: id, Content: text}}
	}},
}

// A day of crowd, with an hour in which a post goes round and another in which the
// destination is down: the preset that people begin with sends few messages, and
// whoever talked to the agent is in one of them, once.
func TestADayOfCrowdIsFewMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		preset := bridge.Presets()[0]
		require.Equal(t, "quiet", preset.Name)
		dice := rand.New(rand.NewPCG(1, 1))
		w := newWorld()
		var down atomic.Bool
		w.answer = func(context.Context, int, bridge.Delivery) error {
			if down.Load() {
				return &bridge.SendError{Verdict: bridge.Retry}
			}
			return nil
		}
		r := w.run(t, catchingUp, func(o *bridge.WorkerOptions) { o.Subscription.Events = preset.Events })
		happened, talked := 0, map[string]bool{}
		for minute := range 24 * 60 {
			deeds := 1 + dice.IntN(10)
			if minute/60 == 18 {
				deeds *= 15 // a post goes round
			}
			down.Store(minute/60 == 19)
			for range deeds {
				happened++
				text := fmt.Sprintf("words-%06d", happened)
				throw, i := dice.IntN(1000), 0
				for throw >= dayOf[i].share {
					throw -= dayOf[i].share
					i++
				}
				if dayOf[i].talk {
					talked[text] = true
				}
				who := events.Agent{Handle: fmt.Sprintf("fan_%d", dice.IntN(5000))}
				w.publish(events.New("https://imagineanything.com", "orbit_bot", "e_"+text, "p", time.Now(), dayOf[i].make(who, text, text)))
			}
			wait(time.Minute)
		}
		wait(10 * time.Minute)
		seen := toldOf(w)
		for text := range talked {
			require.Equal(t, 1, seen[text], text)
		}
		require.Len(t, seen, len(talked), "and nothing else")
		messages := len(w.seen())
		t.Logf("%d events, %d of them talk, %d messages", happened, len(talked), messages)
		require.Less(t, messages, happened/10)
		r.stop(t)
	})
}

var worded = regexp.MustCompile(`words-\d{6}`)

// toldOf counts how often people see each text.
func toldOf(w *world) map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := map[string]attempt{}
	for _, a := range w.sends {
		last[a.Key] = a
	}
	out := map[string]int{}
	for _, s := range w.shown {
		m := last[s.key].Message
		var all strings.Builder
		all.WriteString(m.Text)
		for _, q := range m.Quotes {
			all.WriteString(" " + q.Text)
		}
		for _, text := range worded.FindAllString(all.String(), -1) {
			out[text]++
		}
	}
	return out
}
