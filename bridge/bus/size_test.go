package bus

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
)

// P20: an event of 256 KiB is stored, one byte more is refused before anything is.
func TestAnEventIsBoundedAndNothingIsStoredOfALargerOne(t *testing.T) {
	t.Parallel()
	b := open(t)
	of := func(size int) events.Event {
		e := event("nova", "ntf_1")
		e.Data = events.NotificationOther{Text: ""}
		empty, err := json.Marshal(e)
		require.NoError(t, err)
		e.Data = events.NotificationOther{Text: strings.Repeat("x", size-len(empty)-len(`"text":"",`))}
		data, err := json.Marshal(e)
		require.NoError(t, err)
		e.Data = events.NotificationOther{Text: strings.Repeat("x", size-len(empty)-len(`"text":"",`)-(len(data)-size))}
		return e
	}
	_, err := b.Commit(t.Context(), "nova", "s", []events.Event{of(events.MaxSize + 1)}, []byte("1"), 0)
	require.ErrorContains(t, err, "262145 bytes; 262144 are the most")
	require.Empty(t, storedIDs(t, b))
	_, err = b.Commit(t.Context(), "nova", "s", []events.Event{of(events.MaxSize)}, []byte("1"), 0)
	require.NoError(t, err)
	require.Equal(t, []string{"ntf_1"}, storedIDs(t, b))
}
