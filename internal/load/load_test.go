package load

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatTheProfilesAddUpTo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		each, events int
		every        time.Duration
	}{
		"S": {100, 400, 100 * time.Millisecond},
		"M": {1200, 60000, 500 * time.Millisecond},
	} {
		p := named(t, name)
		require.Equal(t, name, p.Name)
		require.Equal(t, tc.each, p.Each(), name)
		require.Equal(t, tc.events, p.Events(), name)
		require.Equal(t, tc.every, p.Every(), name)
		require.Equal(t, name == "M", p.Heavy())
	}
}

// refusal is a testing.TB that notes why it was ended.
type refusal struct {
	testing.TB
	said string
}

func (*refusal) Helper() {}

func (r *refusal) Fatalf(format string, args ...any) { r.said = fmt.Sprintf(format, args...) }

func TestANameThatIsNoLoadFailsTheTest(t *testing.T) {
	t.Parallel()
	r := &refusal{TB: t}
	named(r, "m")
	require.Equal(t, `load: -load "m" is none; it is S or M`, r.said)
}
