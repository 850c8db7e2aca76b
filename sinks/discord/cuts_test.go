package discord

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/load"
)

// thenNext ends the line and gives the next one an effect.
func thenNext(e fakediscord.GatewayEffect) func(*fakediscord.Server) {
	return func(f *fakediscord.Server) {
		f.InjectGateway(fakediscord.GatewayRule{Times: 1, Effect: e})
		f.CloseGateway(0)
	}
}

// gatewayCuts are the ways in which a line ends, or is resumed in vain.
var gatewayCuts = map[string]func(*fakediscord.Server){
	"cut":                        func(f *fakediscord.Server) { f.CloseGateway(0) },
	"closed by 4009":             func(f *fakediscord.Server) { f.CloseGateway(4009) },
	"torn frame":                 (*fakediscord.Server).TearGateway,
	"op 7":                       (*fakediscord.Server).Reconnect,
	"op 9, d false":              func(f *fakediscord.Server) { f.Invalidate(false) },
	"op 9, d true":               func(f *fakediscord.Server) { f.Invalidate(true) },
	"half open":                  (*fakediscord.Server).Freeze,
	"closed after the resume":    thenNext(fakediscord.CloseFirst(4000)),
	"torn after the resume":      thenNext(fakediscord.Torn()),
	"op 7 after the resume":      thenNext(fakediscord.ReconnectFirst()),
	"op 9 after the resume":      thenNext(fakediscord.InvalidFirst(false)),
	"op 9 d true after it":       thenNext(fakediscord.InvalidFirst(true)),
	"half open after the resume": thenNext(fakediscord.Silent()),
	"no heartbeat is answered":   thenNext(fakediscord.NoACKs()),
}

// F40: while people answer in five threads the gateway is cut three times, how and
// when follows from a seed; every kind of cut comes first in some of them.
func TestF40_CutsLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	kinds := slices.Sorted(maps.Keys(gatewayCuts))
	room := make(chan struct{}, 6) // lines have two seconds to open, and should get their turn of the processor
	for seed := range load.Pick(t, 20, 100) {
		first := kinds[seed%len(kinds)]
		t.Run(fmt.Sprintf("seed %d, %s", seed, first), func(t *testing.T) {
			t.Parallel()
			room <- struct{}{}
			t.Cleanup(func() { <-room })
			st, d, head := conversation(t, unhurried, fakediscord.Options{Heartbeat: 300 * time.Millisecond})
			threads := []string{head.Thread}
			for i := range 4 {
				e := commented(st, fmt.Sprint("n", i), "hm")
				e.Message.ThreadKey = fmt.Sprint("post:p", i)
				r, _ := st.patient(t.Context(), st.sink, e)
				threads = append(threads, r.Thread)
			}
			// Signs below messages take their turn in the rate of all requests.
			st.fake.SetPermissions(st.channel, fakediscord.DefaultPermissions&^fakediscord.PermAddReactions)
			const words = 50
			said, dice := make([]string, 0, words), rand.New(rand.NewPCG(uint64(seed), 40))
			cutAt := dice.Perm(words - 1)[:3]
			slices.Sort(cutAt)
			arrived := func() bool { return len(d.calls()) >= len(said) }
			cuts := 0
			for i := range words {
				at := dice.IntN(len(threads))
				st.fake.Say("ada", threads[at], fmt.Sprintf("thread %d word %d", at, i), "", false)
				said = append(said, fmt.Sprintf("thread %d word %d", at, i))
				if !slices.Contains(cutAt, i) {
					continue
				}
				if dice.IntN(2) == 0 { // else what was said is still on its way
					st.eventually("all so far arrived", arrived)
				}
				kind := first
				if cuts++; cuts > 1 {
					kind = kinds[dice.IntN(len(kinds))]
				}
				t.Log("after word", i, kind)
				gatewayCuts[kind](st.fake)
			}
			st.eventually("all arrived", arrived)
			require.Equal(t, 3, cuts)
			st.eventually("a line after the cuts", func() bool { return st.fake.Stats().Resumes+st.fake.Stats().Identifies > 1 })
			for i, id := range threads { // and it goes on
				st.fake.Say("ada", id, fmt.Sprintf("thread %d word last", i), "", false)
				said = append(said, fmt.Sprintf("thread %d word last", i))
			}
			st.eventually("the last arrived", arrived)
			require.Equal(t, byThread(said), byThread(d.calls()))
		})
	}
}

// byThread are the words said in each thread, in their order.
func byThread(lines []string) map[string][]string {
	out := map[string][]string{}
	for _, line := range lines {
		thread, word, _ := strings.Cut(line[strings.Index(line, "thread "):], " word ")
		out[thread] = append(out[thread], word)
	}
	return out
}
