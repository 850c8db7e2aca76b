package bus

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// F18: a stream that is gone while others are there is told with what it held; a new
// store misses nothing.
func TestF18_AMissingStreamIsToldWithWhatItHeld(t *testing.T) {
	t.Parallel()
	o := shared(t)
	begin := func() string {
		var out bytes.Buffer
		o.Log = slog.New(slog.NewTextHandler(&out, nil))
		b, err := Open(t.Context(), o)
		require.NoError(t, err)
		commit(t, b, "nova", "ntf_1")
		closeBus(t, b)
		return out.String()
	}
	require.NotContains(t, begin(), "was missing", "it is new")
	require.NotContains(t, begin(), "was missing", "all is there")
	for _, asset := range o.assets() {
		admin := openWith(t, o)
		require.NoError(t, admin.js.DeleteStream(t.Context(), asset.Name))
		closeBus(t, admin)
		held, next := heldIn(asset.Name)
		told := begin()
		require.Equal(t, held != "", strings.Contains(told, "stream="+asset.Name), asset.Name)
		require.Contains(t, told, next)
	}
}
