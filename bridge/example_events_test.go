package bridge_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
)

// eventOf is a complete event of a kind.
func eventOf(k *events.Kind) events.Event {
	at := time.Date(2026, 2, 6, 13, 36, 48, 0, time.UTC)
	return events.New("https://imagineanything.com", "orbit_bot", "x_1", "about", at, k.Example)
}

func example(t *testing.T, name string) events.Event {
	t.Helper()
	for k := range events.Kinds() {
		if k.Name() == name {
			return eventOf(k)
		}
	}
	require.Fail(t, "no such kind", name)
	return events.Event{}
}
