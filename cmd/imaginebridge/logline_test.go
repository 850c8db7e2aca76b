package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALogLineIsBounded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		size int
		cut  bool
	}{"at the limit": {maxLogLine - len("said") - len("luna"), false}, "one more": {maxLogLine - len("said") - len("luna") + 1, true}, "much more": {1 << 20, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			log := slog.New(shortLines{slog.NewJSONHandler(&out, nil)}).With("component", "poller")
			log.Info("said", "agent", "luna", "err", errors.New(strings.Repeat("x", tc.size)), "attempt", 3)
			require.Less(t, out.Len(), maxLogLine+256, "with its keys")
			var line struct {
				Agent, Err string
				Attempt    int
			}
			require.NoError(t, json.Unmarshal(out.Bytes(), &line), "it stays JSON")
			require.Equal(t, "luna", line.Agent)
			require.Equal(t, 3, line.Attempt)
			require.Equal(t, tc.cut, strings.HasSuffix(line.Err, "…"))
		})
	}
}
