package poller

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 2, 6, 12, 0, 0, 0, time.UTC)

func at(id string, after time.Duration) item { return item{ID: id, At: noon.Add(after)} }

func ids(items []item) []string {
	out := []string{}
	for _, it := range items {
		out = append(out, it.ID)
	}
	return out
}

func TestFreshIsWhatIsNeitherKnownNorHistory(t *testing.T) {
	t.Parallel()
	known := baseline([]item{at("a", 0), at("b", -time.Minute)}, keep, noon)
	for name, tc := range map[string]struct {
		read []item
		want []string
	}{
		"nothing new":           {[]item{at("a", 0), at("b", -time.Minute)}, []string{}},
		"newer":                 {[]item{at("c", time.Second), at("a", 0)}, []string{"c"}},
		"oldest first":          {[]item{at("d", 2*time.Second), at("c", time.Second)}, []string{"c", "d"}},
		"same instant":          {[]item{at("c", 0), at("a", 0)}, []string{"c"}},
		"late by a minute":      {[]item{at("c", -time.Minute), at("a", 0)}, []string{"c"}},
		"late by 14 minutes":    {[]item{at("c", -14*time.Minute)}, []string{"c"}},
		"history":               {[]item{at("c", -16*time.Minute)}, []string{}},
		"on two pages":          {[]item{at("c", time.Second), at("a", 0), at("c", time.Second)}, []string{"c"}},
		"folded, other actor":   {[]item{{ID: "f", At: noon.Add(time.Second), Actor: "x"}, {ID: "f", At: noon.Add(2 * time.Second), Actor: "y"}}, []string{"f", "f"}},
		"only its time renewed": {[]item{at("a", time.Minute)}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, ids(known.fresh(tc.read)))
		})
	}
}

// Whatever order pages come in, everything is found once: equal instants, late
// items within the overlap, repeats.
func TestEverythingIsFoundOnceWhateverTheOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := baseline(nil, keep, noon)
		var all []item
		told := map[string]int{}
		for round := range 40 {
			for range r.IntN(8) {
				late := time.Duration(r.IntN(14)) * time.Minute / 2
				all = append(all, at(fmt.Sprintf("%d-%d", round, len(all)), time.Duration(round)*time.Second-late))
			}
			read := make([]item, 0, 2*len(all))
			for _, it := range all {
				if it.At.After(noon.Add(time.Duration(round)*time.Second - overlap)) {
					read = append(read, it, it)
				}
			}
			r.Shuffle(len(read), func(i, j int) { read[i], read[j] = read[j], read[i] })
			fresh := s.fresh(read)
			for _, it := range fresh {
				told[it.ID]++
			}
			s = s.with(fresh, keep)
		}
		require.Len(t, told, len(all))
		for id, n := range told {
			require.Equal(t, 1, n, id)
		}
	}
}

func TestTheCursorStaysBounded(t *testing.T) {
	t.Parallel()
	s := baseline(nil, keep, noon)
	for i := range 10 {
		var burst []item
		for j := range 1000 {
			burst = append(burst, at(fmt.Sprintf("%d-%d", i, j), time.Duration(i)*time.Second))
		}
		s = s.with(s.fresh(burst), keep)
		require.LessOrEqual(t, len(s.Known), maxKnown)
		require.Empty(t, s.fresh(burst))
	}
}

func TestQuietItemsAreForgottenAndStayHistory(t *testing.T) {
	t.Parallel()
	s := baseline(nil, 2, noon)
	for i := range 5 {
		s = s.with([]item{at(strconv.Itoa(i), time.Duration(i)*time.Hour)}, 2)
	}
	require.Equal(t, []string{"4", "3"}, ids(s.Known))
	require.Empty(t, s.fresh([]item{at("2", 2*time.Hour), at("0", 0)}))
}

func TestPace(t *testing.T) {
	t.Parallel()
	p := newPace(10*time.Second, time.Minute)
	for range 20 {
		p = p.next(false, false)
	}
	require.Equal(t, time.Minute, p.interval, "quiet lets it drift to the ceiling")
	p = p.next(true, false)
	require.Equal(t, 10*time.Second, p.interval, "activity pulls it to the floor")
	for range patientLooks {
		p = p.next(false, false)
	}
	require.Equal(t, 10*time.Second, p.interval, "a minute of quiet is not quiet yet")
	p = p.next(false, false)
	require.Equal(t, 13*time.Second, p.interval)

	w := watchPace(3*time.Second, time.Minute)
	require.Equal(t, 30*time.Second, w.interval)
	w = w.next(false, true)
	require.Equal(t, 3*time.Second, w.interval, "a running job is watched at the floor")
	w = w.next(false, false)
	require.Equal(t, 30*time.Second, w.interval)
	refused := newPace(30*time.Second, time.Minute)
	for now := time.Now(); now.Before(time.Now().Add(time.Hour)); {
		d := refused.wait(now, 3)
		require.InDelta(t, 60*time.Second, d, float64(6*time.Second)+1, "a service that refuses is asked half as often")
		now = now.Add(d)
	}
}

// What a look begins too late, the next makes good: turns that were taken once do not
// drift.
func TestTurnsAreKept(t *testing.T) {
	t.Parallel()
	p := newPace(10*time.Second, time.Minute)
	p.phase = 0.25
	began := time.Now()
	now := began
	for look := range 500 {
		d := p.wait(now, 0)
		if look > 0 {
			require.InDelta(t, 10*time.Second, d, float64(time.Second)+1)
		}
		now = now.Add(d)
		require.InDelta(t, float64(look)*10+2.5, now.Sub(began).Seconds(), 0.5+0.3)
		now = now.Add(time.Duration(look%4) * 100 * time.Millisecond) // it took a while
	}
	now = now.Add(time.Hour) // the machine slept
	require.InDelta(t, 10*time.Second, p.wait(now, 0), float64(time.Second)+1)
}
