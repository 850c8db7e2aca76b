package imagine_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// A name that nobody knows is told with the host, and not with the whole address.
func TestF64_ANameThatDoesNotResolveIsNamed(t *testing.T) {
	t.Parallel()
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	}}
	dialer := net.Dialer{Resolver: resolver}
	c, err := imagine.New(imagine.Options{
		BaseURL: "https://imagineanything.invalid", ClientID: "id", ClientSecret: func() string { return "canary-secret" },
		HTTPClient: &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err = c.Login(ctx)
	require.ErrorContains(t, err, "imagineanything.invalid")
	require.NotContains(t, err.Error(), "canary-secret")
}

// The variables of a proxy are obeyed. They are read once for a process, so the
// test runs itself again with one set.
func TestF64_AProxyIsObeyed(t *testing.T) {
	if address := os.Getenv("PROXIED_TEST_OF"); address != "" { //nolint:forbidigo // set by the test below
		site := imagine.NewSite()
		defer site.CloseIdle()
		c, err := imagine.New(imagine.Options{Site: site, BaseURL: address, AllowHTTP: true, ClientID: "id", ClientSecret: func() string { return "s" }})
		require.NoError(t, err)
		_, err = c.Timeline(t.Context(), imagine.PageQuery{})
		require.NoError(t, err)
		return
	}
	t.Parallel()
	asked := make(chan *url.URL, 10)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"posts":[],"access_token":"iat_x","token_type":"Bearer","expires_in":3600}`))
	}))
	t.Cleanup(proxy.Close)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestF64_AProxyIsObeyed$")
	cmd.Env = []string{"PROXIED_TEST_OF=http://imagineanything.invalid", "HTTP_PROXY=" + proxy.URL}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, path := range []string{"/api/auth/token", "/api/posts"} {
		u := <-asked
		require.Equal(t, "imagineanything.invalid", u.Host)
		require.Equal(t, path, u.Path)
	}
}
