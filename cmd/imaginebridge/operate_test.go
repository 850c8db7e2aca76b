package main

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheTokenOfTheConsoleIsMadeOnceForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	token, err := consoleToken("", dir)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(token), 26, "128 bits")
	info, err := os.Stat(filepath.Join(dir, tokenFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	again, err := consoleToken("", dir)
	require.NoError(t, err)
	require.Equal(t, token, again)
	configured, err := consoleToken("as-configured-elsewhere", filepath.Join(dir, tokenFile, "no folder"))
	require.NoError(t, err)
	require.Equal(t, "as-configured-elsewhere", configured)

	require.NoError(t, os.WriteFile(filepath.Join(dir, tokenFile), []byte("short\n"), 0o644))
	fresh, err := consoleToken("", dir)
	require.NoError(t, err)
	require.NotEqual(t, "short", fresh)
	info, err = os.Stat(filepath.Join(dir, tokenFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	_, err = consoleToken("", filepath.Join(dir, tokenFile))
	require.ErrorContains(t, err, "The data folder")
}

// listenerAt is a listener of which only the address counts.
type listenerAt struct {
	net.Listener

	addr net.Addr
}

func (l listenerAt) Addr() net.Addr { return l.addr }

func TestWhereTheConsoleCanBeReachedFrom(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		listen, publicURL string
		elsewhere         bool
	}{
		"this machine":                   {"127.0.0.1:8480", "", false},
		"this machine, version 6":        {"[::1]:8480", "", false},
		"this machine by its name":       {"127.0.0.1:8480", "http://localhost:8480", false},
		"this machine by its address":    {"127.0.0.1:8480", "http://127.0.0.1:8480", false},
		"every address":                  {"0.0.0.0:8480", "", true},
		"every address, version 6":       {"[::]:8480", "", true},
		"an address of the network":      {"192.0.2.1:8480", "", true},
		"behind a proxy":                 {"127.0.0.1:8480", "https://bridge.example.com", true},
		"behind a proxy, by its address": {"127.0.0.1:8480", "https://192.0.2.1", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := listenerAt{addr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(tc.listen))}
			require.Equal(t, tc.elsewhere, reachable(l, tc.publicURL))
		})
	}
}
