package slack

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// drive returns when calls go out within d when one tries all the time.
func drive(p *pacer, begin time.Time, d time.Duration, next func(n int) call) []time.Time {
	var out []time.Time
	for now := begin; now.Before(begin.Add(d)); {
		c := next(len(out))
		if wait := p.take(now, c); wait > 0 {
			now = now.Add(wait)
			continue
		}
		out = append(out, now)
		p.done(now, c)
	}
	return out
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
	require.Len(t, one, 60)

	many := drive(newPacer(), begin, 5*time.Minute, func(n int) call {
		return call{method: methodPost, channel: string(rune('A' + n%400))}
	})
	require.LessOrEqual(t, most(many, time.Minute), postsPerMin)
	require.Greater(t, len(many), 4*(postsPerMin-postBurst))

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
	require.Positive(t, p.take(now.Add(10*time.Second), post))
	require.Zero(t, p.take(now.Add(wait), post))
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
