package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// twins are two processes with one configuration on one NATS server: three
// agents, and for each a Discord channel and a webhook.
type twins struct {
	*world
	channels []string
	hooks    []*hook
	run      [2]*child
	web      [2]string
	n        int // happened to each agent
}

func newTwins(t *testing.T) *twins {
	t.Helper()
	w := &twins{world: newWorld(t, lenient)}
	w.natsURL = natsServer(t).ClientURL()
	w.watched = w.sandbox.Agents()[:3]
	guild := w.discord.Guild("Annex")
	var lines strings.Builder
	lines.WriteString("subscriptions:\n")
	for i, a := range w.watched {
		w.channels, w.hooks = append(w.channels, w.discord.Channel(guild, a.Handle)), append(w.hooks, newHook(t))
		fmt.Fprintf(&lines, "  - {name: d%d, agents: [%s], events: [notification.mention], catch_up: all, to: \"discord:%s\"}\n", i, a.Handle, w.channels[i])
		fmt.Fprintf(&lines, "  - {name: h%d, agents: [%s], events: [notification.mention], to: \"webhook:%s\", secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n", i, a.Handle, w.hooks[i].url)
	}
	w.configure(lines.String())
	w.web = [2]string{w.world.web, freeAddress(t)}
	for i := range w.run {
		w.begin(i)
	}
	return w
}

// sharedKey is what processes on one NATS seal with.
const sharedKey = "IMAGINEBRIDGE_KEY=one key for both, one key for both, one key for both"

// begin starts one of the two and waits until it has its share of the work. It is
// ready only later: it can't know how the agents do that the other watches.
func (w *twins) begin(i int) {
	w.t.Helper()
	w.run[i] = w.startWith([]string{"IMAGINEBRIDGE_LISTEN=" + w.web[i], "IMAGINEBRIDGE_DATA_DIR=" + filepath.Join(w.dir, fmt.Sprint("data", i)), sharedKey})
	w.eventually("its share", 20*time.Second, func() bool { return strings.Contains(w.run[i].logs.String(), "took a shard") })
}

// atRest waits until everything arrived and every lane has recorded it.
func (w *twins) atRest(what string, within time.Duration) {
	w.t.Helper()
	w.eventually(what, within, w.arrived)
	w.eventually("lanes at rest", within, func() bool {
		moving := 0
		w.read("IA_DELIVERY", "ia.lane.*", func(m jetstream.Msg) {
			var r bridge.Record
			require.NoError(w.t, json.Unmarshal(m.Data(), &r))
			if r.Intent != nil {
				moving++
			}
		})
		return moving == 0
	})
}

// happen makes something happen to each agent.
func (w *twins) happen(more int) {
	w.t.Helper()
	for range more {
		w.n++
		for _, a := range w.watched {
			w.mentionOf(a.Handle, w.n)
		}
	}
}

func (w *twins) arrived() bool {
	for i := range w.watched {
		if len(w.hooks[i].seen()) < w.n || len(w.discord.Messages(w.channels[i])) < w.n {
			return false
		}
	}
	return true
}

// settled holds everything that arrived against everything that happened.
func (w *twins) settled() {
	w.t.Helper()
	stored := map[string][]string{}
	for _, e := range w.stored() {
		stored[e.Agent()] = append(stored[e.Agent()], e.ID)
	}
	for i, a := range w.watched {
		var ids []string
		for _, h := range w.sandbox.Happenings(a.Handle) {
			ids = append(ids, "ntf_"+h.ID)
		}
		require.Equal(w.t, ids, stored[a.Handle], "in NATS: each once, in order")
		require.Equal(w.t, ids, w.hooks[i].seen(), "at the webhook: each once by its id, in order")
		w.channel = w.channels[i]
		require.Equal(w.t, wanted(w.n), w.atDiscord(), "at Discord: each once, in order")
	}
	require.Empty(w.t, w.sandbox.Violations())
	require.Empty(w.t, w.discord.Faults())
}

// Two processes share agents, lanes and the gateway. When one is killed, or told
// to end, the other does its part within ten seconds. This test is not parallel:
// it holds the program to a time.
func TestF2_TheOtherTakesOverInTime(t *testing.T) {
	w := newTwins(t)
	w.happen(3)
	w.atRest("everything", 20*time.Second)
	for i := range w.run {
		w.run[i].kill()
		w.happen(3)
		w.eventually("everything, from the one that is left", 10*time.Second, w.arrived)
		w.begin(i)
		w.happen(1)
		w.atRest("everything, from both", 10*time.Second)
	}
	w.run[0].stop()
	w.happen(2)
	w.eventually("everything, handed over", 5*time.Second, w.arrived)
	w.settled()
	w.run[1].stop()
}

// The two are killed in turn while events flow. Nothing is lost or doubled.
func TestF2_KilledInTurnUnderLoad(t *testing.T) {
	t.Parallel()
	w := newTwins(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	for round := range 4 {
		deadline := time.After(time.Duration(200+r.IntN(2500)) * time.Millisecond)
		for flowing := true; flowing; {
			w.happen(1)
			select {
			case <-deadline:
				flowing = false
			case <-time.After(50 * time.Millisecond):
			}
		}
		w.run[round%2].kill()
		w.happen(2)
		w.begin(round % 2)
	}
	w.eventually("everything", 45*time.Second, w.arrived)
	w.settled()
	for _, c := range w.run {
		c.stop()
	}
}

// Of two processes the one that sends dies between the intent and the request.
// The other knows that it is dead, and sends the message at once, which nobody
// sees twice.
func TestF2_OwnerDiesBetweenIntentAndRequest(t *testing.T) {
	t.Parallel()
	for name, to := range map[string]func(*world) string{
		"discord": func(w *world) string { return "discord:" + w.channel },
		"slack":   func(w *world) string { return "slack:" + w.alerts },
		"webhook": func(w *world) string { return "webhook:" + w.hookURL },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, lenient)
			server := natsServer(t)
			var mines [2]*mine
			var runs [2]*child
			for i := range runs {
				mines[i] = &mine{wants: laneWrite("x", true), after: true, skip: 1, sprung: make(chan struct{})}
				w.natsURL, w.web = natsGate(t, server, mines[i]), freeAddress(t)
				w.configure("subscriptions:\n" + strings.TrimPrefix(w.toward("x", to(w)), "subscriptions:\n"))
				file := filepath.Join(w.dir, fmt.Sprintf("twin%d.yaml", i))
				require.NoError(t, os.Rename(w.file(), file))
				runs[i] = w.startWith([]string{"IMAGINEBRIDGE_DATA_DIR=" + filepath.Join(w.dir, fmt.Sprint("data", i)), sharedKey}, "run", "--config", file)
				w.ready()
				mines[i].aim(runs[i])
			}
			for n := range 4 {
				w.mention(n + 1)
			}
			left := 0
			select {
			case <-mines[0].sprung:
				left = 1
			case <-mines[1].sprung:
			case <-time.After(30 * time.Second):
				t.Fatal("neither died")
			}
			mines[left].aim(nil)
			seen := map[string]func() int{
				"discord": func() int { return len(w.atDiscord()) },
				"slack":   func() int { return len(w.atSlack()) },
				"webhook": func() int { return len(w.hook.seen()) },
			}[name]
			w.eventually("everything, from the one that is left", 20*time.Second, func() bool { return seen() >= 4 })
			runs[left].stop()
			switch name {
			case "discord":
				require.Equal(t, wanted(4), w.atDiscord(), "each once, in order")
			case "slack":
				require.Equal(t, wanted(4), w.atSlack(), "each once, in order")
			case "webhook":
				require.Len(t, w.hook.seen(), 4, "each once by its id")
			}
			require.Contains(t, w.logs.String(), "a message is in doubt")
		})
	}
}
