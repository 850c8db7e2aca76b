package seal_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/seal"
)

func ring(tb testing.TB, keys ...string) *seal.Ring {
	tb.Helper()
	r, err := seal.New(keys...)
	require.NoError(tb, err)
	return r
}

func TestWhatIsSealedOpensInItsPlaceOnly(t *testing.T) {
	t.Parallel()
	r := ring(t, "first key")
	for _, secret := range []string{"", "s", "ia_secret_0123456789", strings.Repeat("long ", 1000)} {
		sealed := r.Seal("IA_CONFIG/agent.nova", secret)
		got, err := r.Open("IA_CONFIG/agent.nova", sealed)
		require.NoError(t, err)
		require.Equal(t, secret, got)
		require.False(t, len(secret) > 3 && strings.Contains(sealed, secret))
		_, err = r.Open("IA_CONFIG/agent.luna", sealed)
		require.ErrorIs(t, err, seal.ErrBroken, "moved to another row")
		require.NotEqual(t, sealed, r.Seal("IA_CONFIG/agent.nova", secret), "the same secret twice can't be told")
	}
}

func TestOnlyTheKeyOpens(t *testing.T) {
	t.Parallel()
	sealed := ring(t, "first key").Seal("row", "secret")
	_, err := ring(t, "second key").Open("row", sealed)
	require.ErrorIs(t, err, seal.ErrKey)
	_, err = seal.New()
	require.ErrorIs(t, err, seal.ErrNoKey)
	_, err = seal.New("")
	require.ErrorIs(t, err, seal.ErrNoKey)
}

// TestKeysChangeWithoutAGap: a ring of two opens what either sealed, and says
// what is to be sealed anew.
func TestKeysChangeWithoutAGap(t *testing.T) {
	t.Parallel()
	old := ring(t, "first key")
	sealed := old.Seal("row", "secret")
	both := ring(t, "second key", "first key")
	got, err := both.Open("row", sealed)
	require.NoError(t, err)
	require.Equal(t, "secret", got)
	require.True(t, both.Stale(sealed))
	require.False(t, old.Stale(sealed))
	anew := both.Seal("row", got)
	require.False(t, both.Stale(anew))
	_, err = old.Open("row", anew)
	require.ErrorIs(t, err, seal.ErrKey)
}

func TestEveryChangeIsSeen(t *testing.T) {
	t.Parallel()
	r := ring(t, "first key")
	sealed := r.Seal("row", "secret")
	for i := range sealed {
		for _, c := range []byte{sealed[i] ^ 1, 'A', '.'} {
			if c == sealed[i] {
				continue
			}
			changed := sealed[:i] + string(rune(c)) + sealed[i+1:]
			_, err := r.Open("row", changed)
			require.Error(t, err, changed)
		}
		_, err := r.Open("row", sealed[:i])
		require.Error(t, err)
	}
}

func FuzzOpen(f *testing.F) {
	r := ring(f, "first key")
	f.Add(r.Seal("row", "secret"))
	f.Add("v1..")
	f.Add("v1.00000000.AAAA")
	f.Fuzz(func(t *testing.T, sealed string) {
		got, err := r.Open("row", sealed)
		if err != nil {
			require.Empty(t, got)
			return
		}
		require.Equal(t, "secret", got, "only what was sealed opens")
	})
}

// A ring that grows looks for a key that it lacks, and seals with the one that it is
// told to.
func TestARingGrowsWhenAKeyIsMissing(t *testing.T) {
	t.Parallel()
	keys, looked := []string{"first key"}, 0
	r, err := seal.Growing(func() []string { looked++; return keys }, "first key")
	require.NoError(t, err)
	second := ring(t, "second key")
	sealed := second.Seal("row", "secret")
	_, err = r.Open("row", sealed)
	require.ErrorIs(t, err, seal.ErrKey)
	require.False(t, r.Prefer(second.ID()))
	keys = []string{"second key", "", "first key"}
	got, err := r.Open("row", sealed)
	require.NoError(t, err)
	require.Equal(t, "secret", got)
	require.True(t, r.Stale(sealed), "it goes on sealing with the first")
	require.True(t, r.Prefer(second.ID()))
	require.Equal(t, "second key", r.Secret())
	require.Equal(t, []string{second.ID(), ring(t, "first key").ID()}, r.IDs())
	require.Equal(t, second.ID(), seal.KeyOf(r.Seal("row", "")))
	before := looked
	_, err = r.Open("row", sealed)
	require.NoError(t, err)
	require.Equal(t, before, looked, "what it has it does not look for")
	for _, other := range []string{"", "v1", "v1.zzzzzzzz." + sealed[12:], "v2" + sealed[2:], "v1.0011aabb.short", "hello v1.x"} {
		require.Empty(t, seal.KeyOf(other), other)
	}
}
