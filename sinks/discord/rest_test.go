package discord

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// overHTTP makes a sink on a small server of the test's own.
func overHTTP(t *testing.T, handle http.HandlerFunc) *Sink {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	s, err := New(Options{
		Token: func() string { return secretToken }, APIURL: server.URL, HTTPClient: server.Client(), Version: "1.2.3",
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	require.NoError(t, err)
	return s
}
