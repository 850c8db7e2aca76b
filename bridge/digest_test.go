package bridge_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

func hourly(o *bridge.WorkerOptions) { o.Subscription.Digest = time.Hour }

func TestDigestGathersForItsInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		r := w.run(t, hourly)
		begin := time.Now()
		for i := range 3 {
			w.publish(comment(i + 1))
			wait(10 * time.Minute)
		}
		require.Empty(t, w.attempts())
		wait(30*time.Minute + time.Second)
		sends := w.attempts()
		require.Len(t, sends, 1)
		require.Equal(t, time.Hour, sends[0].at.Sub(begin))
		require.Len(t, sends[0].Message.Quotes, 3)
		require.Equal(t, "3 things happened to @orbit_bot", sends[0].Message.Title)
		require.EqualValues(t, 3, w.stored().Position)

		w.publish(like(4))
		wait(time.Hour + time.Second)
		sends = w.attempts()
		require.Len(t, sends, 2)
		require.Equal(t, "notification.like", sends[1].Message.Event, "a lone event is itself")
		require.Empty(t, sends[1].Message.Title)
		r.stop(t)
	})
}

func TestDigestHoldsTwentyFive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(comments(60)...)
		wait(2 * time.Hour) // all are overdue
		r := w.run(t, hourly)
		wait(time.Minute)
		var sizes []int
		for _, a := range w.attempts() {
			sizes = append(sizes, len(a.Message.Quotes))
		}
		require.Equal(t, []int{25, 25, 10}, sizes)
		r.stop(t)
	})
}

func comments(n int) []events.Event {
	var out []events.Event
	for i := range n {
		out = append(out, comment(i+1))
	}
	return out
}

func TestDigestInDoubtIsGatheredAsItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(comments(3)...)
		w.crashAt, w.crashAfter = 2, true // the Send: shown, but the process dies
		w.run(t, hourly)
		wait(2 * time.Hour)
		require.Equal(t, 2, w.life)
		w.publish(like(4))
		r := w.run(t, hourly)
		wait(2 * time.Hour)
		require.Equal(t, []string{"ntf_3", "ntf_4"}, w.seen())
		sends := w.attempts()
		require.Equal(t, sends[0].Key, sends[1].Key)
		require.Len(t, sends[1].Message.Quotes, 3)
		r.stop(t)
	})
}

func TestDigestGoesBeforeAPoisonEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(likes(2)...)
		w.publishRaw("poison")
		w.publish(like(4))
		r := w.run(t, hourly)
		wait(3 * time.Hour)
		require.Equal(t, []string{"ntf_2", "ntf_4"}, w.seen())
		require.Len(t, w.dead, 1)
		r.stop(t)
	})
}

func TestWebhooksGetNoDigest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(likes(3)...)
		r := w.run(t, hourly, func(o *bridge.WorkerOptions) {
			o.Subscription.To = bridge.ParseDestination("webhook:https://hooks.example/t0ken")
		})
		wait(time.Second)
		require.Equal(t, names(3), w.seen())
		require.Equal(t, "webhook:hooks.example", w.outcomes[0].To, "the address may hold a secret")
		r.stop(t)
	})
}

func TestDigestLayout(t *testing.T) {
	t.Parallel()
	var all []events.Event
	for k := range events.Kinds() {
		all = append(all, eventOf(k))
	}
	golden.Equal(t, "testdata/layout/digest.golden", []byte(describe(bridge.Digest(all))))
}

func TestKeysAreStableAndApart(t *testing.T) {
	t.Parallel()
	to := bridge.ParseDestination("discord:123")
	key := bridge.Key("team", "ntf_1", to, 0, 0)
	require.Equal(t, "GX0i", key[:4], "stored nonces depend on it")
	seen := map[string]bool{key: true}
	for i, other := range []string{
		bridge.Key("teams", "ntf_1", to, 0, 0), bridge.Key("team", "ntf_2", to, 0, 0), bridge.Key("team", "ntf_1", to, 1, 0),
		bridge.Key("team", "ntf_1", to, 0, 1), bridge.Key("team", "ntf_1", bridge.ParseDestination("slack:123"), 0, 0),
		bridge.Key("teamn", "tf_1", to, 0, 0),
	} {
		require.Regexp(t, "^[0-9A-Za-z]{43}$", other)
		require.False(t, seen[other], "key %d", i)
		seen[other] = true
	}
}
