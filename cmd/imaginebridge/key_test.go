package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/internal/seal"
)

// F75: after a rotation webhooks are signed with both secrets, the new one first;
// before it with that of the store's key, whichever stands first.
func TestF75_WebhooksAreSignedWithBothKeysAfterARotation(t *testing.T) {
	t.Parallel()
	ring, err := seal.New("new", "old")
	require.NoError(t, err)
	to := ring.ID()
	old, err := seal.New("old")
	require.NoError(t, err)
	require.True(t, ring.Prefer(old.ID()))
	b, err := bus.Open(t.Context(), bus.Options{DataDir: t.TempDir(), Listen: "off", Store: 64 << 20, Seal: ring, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		ending, stop := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
		defer stop()
		require.NoError(t, b.Close(ending))
	})
	w := &wiring{keys: ring, bus: b}
	require.Equal(t, []string{derivedSecret("old", "h")}, w.derivedSecrets("h"))
	_, err = b.Rotate(t.Context(), to)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(w.derivedSecrets("h")) == 2 }, 30*time.Second, 10*time.Millisecond)
	require.Equal(t, []string{derivedSecret("new", "h"), derivedSecret("old", "h")}, w.derivedSecrets("h"))
}

func TestKeysOfAFileAreReadAgainWhenOneIsMissing(t *testing.T) {
	t.Parallel()
	cfg := config.Config{Runtime: config.Runtime{DataDir: filepath.Join(t.TempDir(), "data")}}
	require.NoError(t, ensureKey(&cfg))
	file := filepath.Join(cfg.Runtime.DataDir, "key")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	ring, err := newRing(cfg)
	require.NoError(t, err)
	require.NotEmpty(t, keySource(cfg))
	another, err := seal.New("another")
	require.NoError(t, err)
	sealed := another.Seal("place", "secret")
	_, err = ring.Open("place", sealed)
	require.ErrorIs(t, err, seal.ErrKey)
	require.NoError(t, writeKeys(file, "another", cfg.Runtime.Key.Reveal()))
	text, err := ring.Open("place", sealed)
	require.NoError(t, err)
	require.Equal(t, "secret", text)
	info, err = os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "also after it was rewritten")

	env := config.Config{Runtime: config.Runtime{DataDir: cfg.Runtime.DataDir, Key: config.NewSecret("from the environment")}}
	require.NoError(t, ensureKey(&env))
	require.Empty(t, keySource(env))
}
