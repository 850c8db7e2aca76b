package golden_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/golden"
)

// recorder is a testing.TB that notes failures instead of failing.
type recorder struct {
	testing.TB
	failures []string
}

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) { r.Errorf(format, args...) }

func TestEqualFailsOnAnyDifference(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.golden")
	require.NoError(t, os.WriteFile(file, []byte("one\ntwo\n"), 0o600))
	for name, tc := range map[string]struct {
		path, got string
		fails     bool
	}{
		"the same":        {file, "one\ntwo\n", false},
		"another word":    {file, "one\nto\n", true},
		"line end absent": {file, "one\ntwo", true},
		"no such file":    {file + "x", "one", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			golden.Equal(r, tc.path, []byte(tc.got))
			require.Equal(t, tc.fails, len(r.failures) > 0, "%v", r.failures)
		})
	}
}
