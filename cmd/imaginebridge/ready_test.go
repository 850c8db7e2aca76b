package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// A health check is told what the bridge says of itself, and by the exit code
// whether that is well.
func TestReadyTellsWhatTheBridgeSays(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		json   bool
		out    string
		err    string
		fails  bool
	}{
		"all well": {status: 200, body: `{"ready":true,"components":[{"component":"nats","state":"ok"}]}`, out: "ready\n"},
		"ready with one that fails": {
			status: 200, body: `{"ready":true,"components":[{"component":"discord","state":"down","reason":"The token is refused.","next":"Set a new one."},{"component":"poller","agent":"luna","state":"degraded"}]}`,
			out: "discord down: The token is refused. Set a new one.\npoller luna degraded\nready\n",
		},
		"still starting":  {status: 503, body: `{"ready":false,"components":[{"component":"nats","state":"starting"}]}`, out: "nats starting\nnot ready yet\n", fails: true},
		"for programs":    {status: 200, body: `{"ready":true,"components":[]}`, json: true, out: `{"ready":true,"components":[]}`},
		"another program": {status: 404, body: `<html>not found`, err: "another program's: it answers 404 Not Found", fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			}))
			defer server.Close()
			out, err := askReady(t, server.Listener.Addr().String(), tc.json)
			require.Equal(t, tc.out, out)
			require.Equal(t, tc.fails, err != nil)
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
			}
		})
	}
}

func TestReadySaysWhereNobodyAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := askReady(t, server.Listener.Addr().String(), false)
	require.ErrorContains(t, err, "No bridge answers at "+server.Listener.Addr().String())
	_, err = askReady(t, "off", false)
	require.ErrorContains(t, err, "http.listen")
}

// askReady runs the subcommand in an environment that names nothing but an address.
func askReady(t *testing.T, address string, asJSON bool) (string, error) {
	t.Helper()
	var out bytes.Buffer
	p := &program{out: &out, errs: &out, json: asJSON, configFile: "", env: func(name string) (string, bool) {
		return address, name == "IMAGINEBRIDGE_LISTEN"
	}}
	err := p.ready(t.Context())
	return out.String(), err
}
