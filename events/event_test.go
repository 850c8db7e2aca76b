package events_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
)

func TestEveryKindSurvivesARoundTrip(t *testing.T) {
	for k := range events.Kinds() {
		t.Run(k.Name(), func(t *testing.T) {
			before := events.New("https://imagineanything.com", "orbit_bot", "x_1", "about", exampleTime, k.Example)
			b, err := json.Marshal(before)
			require.NoError(t, err)
			var after events.Event
			require.NoError(t, json.Unmarshal(b, &after))
			require.Equal(t, before, after)
			require.Equal(t, k.Name(), after.Name())
			require.Equal(t, "orbit_bot", after.Agent())
		})
	}
}
