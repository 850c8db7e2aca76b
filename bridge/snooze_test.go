package bridge_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// TestOnlyDigestsOfferPeace: a card about one thing keeps its buttons to that thing.
func TestOnlyDigestsOfferPeace(t *testing.T) {
	t.Parallel()
	snooze := bridge.Action{Label: "Snooze 1 h", Command: "subscribe pause", Args: map[string]string{"subscription": "team", "until": "1h"}}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(comment(1))
		r := w.run(t, hourly)
		wait(2 * time.Hour)
		w.publish(comment(2), comment(3))
		wait(2 * time.Hour)
		r.stop(t)
		sent := w.attempts()
		require.Len(t, sent, 2)
		require.NotContains(t, sent[0].Message.Actions, snooze)
		require.Equal(t, []bridge.Action{snooze}, sent[1].Message.Actions)
	})
}
