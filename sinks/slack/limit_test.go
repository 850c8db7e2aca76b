package slack

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// drive returns when calls go out within d when one tries all the time.
func drive(p *pacer, begin time.Time, d time.Duration, next func(n int) call) []time.Time {
	var out []time.Time
	for now := begin; ; {
		c := next(len(out))
		wait := p.wait(now, c)
		if wait == 0 {
			wait, _ = p.book(now, c.method)
		}
		if now = now.Add(wait); now.After(begin.Add(d)) {
			return out
		}
		if p.wait(now, c) == 0 {
			out = append(out, now)
			p.done(now, c)
		}
	}
}

func TestPacerKeepsSlacksLimits(t *testing.T) {
	t.Parallel()
	begin := time.Unix(0, 0)
	most := func(at []time.Time, window time.Duration) int {
		n := 0
		for i := range at {
			for j := i; j < len(at) && at[j].Sub(at[i]) < window; j++ {
				n = max(n, j-i+1)
			}
		}
		return n
	}
	one := drive(newPacer(), begin, time.Minute, func(int) call { return call{method: methodPost, channel: "C1"} })
	require.Equal(t, 1, most(one, time.Second))
	require.InDelta(t, 60, len(one), 1)

	many := drive(newPacer(), begin, 5*time.Minute, func(n int) call {
		return call{method: methodPost, channel: string(rune('A' + n%400))}
	})
	require.LessOrEqual(t, most(many, time.Minute), 200)
	require.InDelta(t, 1000, len(many), 10)

	edits := drive(newPacer(), begin, 5*time.Minute, func(n int) call {
		return call{method: methodUpdate, channel: "C1", ts: string(rune('A' + n%400))}
	})
	require.LessOrEqual(t, most(edits, time.Minute), editsPerMin)

	same := drive(newPacer(), begin, time.Minute, func(int) call { return call{method: methodUpdate, channel: "C1", ts: "1"} })
	require.Equal(t, 1, most(same, editGap))
}

func TestPacerPausesOneMethodAlone(t *testing.T) {
	t.Parallel()
	p, now := newPacer(), time.Unix(0, 0)
	post, edit := call{method: methodPost, channel: "C1"}, call{method: methodUpdate, channel: "C1", ts: "1"}
	wait := p.pause(now, methodPost, 10*time.Second)
	require.Greater(t, wait, 10*time.Second)
	require.LessOrEqual(t, wait, 10*time.Second+time.Second+250*time.Millisecond)
	require.Zero(t, p.wait(now, edit))
	require.Equal(t, wait, p.wait(now, post))
	require.Positive(t, p.wait(now.Add(10*time.Second), post))
	require.Zero(t, p.wait(now.Add(wait), post))
	p.pause(now, methodPost, 30*time.Second)
	p.pause(now, methodPost, time.Second)
	require.Greater(t, p.wait(now, post), 30*time.Second, "a shorter pause does not shorten a longer one")
}

func TestPacerForgets(t *testing.T) {
	t.Parallel()
	p := newPacer()
	for n := range 10 * maxRemembered {
		p.done(time.Unix(int64(n), 0), call{method: methodPost, channel: string(rune(n))})
	}
	require.LessOrEqual(t, len(p.gaps), maxRemembered)
}

func TestMemoryForgetsTheOldest(t *testing.T) {
	t.Parallel()
	m := newMemory[int](2)
	require.True(t, m.put("a", 1))
	require.False(t, m.put("a", 2))
	m.put("b", 3)
	m.put("c", 4)
	_, ok := m.get("a")
	require.False(t, ok)
	v, ok := m.get("c")
	require.True(t, ok)
	require.Equal(t, 4, v)
}

func TestPacerGivesSlotsBack(t *testing.T) {
	t.Parallel()
	p, now := newPacer(), time.Unix(0, 0)
	first, _ := p.book(now, methodPost)
	second, cancel := p.book(now, methodPost)
	require.Zero(t, first)
	require.Equal(t, apart, second)
	cancel()
	third, _ := p.book(now, methodPost)
	require.Equal(t, apart, third)
}
