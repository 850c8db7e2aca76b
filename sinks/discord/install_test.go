package discord

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

func TestInstallLeadsToDiscord(t *testing.T) {
	t.Parallel()
	visit := func(s *Sink) *http.Response {
		rec := httptest.NewRecorder()
		s.Install().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, InstallPath, http.NoBody))
		return rec.Result()
	}
	st := newStand(t, fakediscord.Options{})
	for range 2 {
		resp := visit(st.sink)
		require.Equal(t, http.StatusFound, resp.StatusCode)
		to, err := url.Parse(resp.Header.Get("Location"))
		require.NoError(t, err)
		require.Equal(t, st.fake.URL(), to.Scheme+"://"+to.Host)
		require.Equal(t, "/oauth2/authorize?client_id="+fakediscord.DefaultApplicationID+"&permissions=309237763136&scope=bot+applications.commands", to.RequestURI())
	}
	require.Len(t, st.fake.Requests(), 1, "the application is asked for once")

	st = newStand(t, fakediscord.Options{}, func(o *Options) { o.ApplicationID = "1100000000000000042" })
	require.Equal(t, http.StatusFound, visit(st.sink).StatusCode)
	require.Empty(t, st.fake.Requests(), "nothing is asked where it is configured")

	st = newStand(t, fakediscord.Options{})
	st.fake.RevokeToken()
	require.Equal(t, http.StatusServiceUnavailable, visit(st.sink).StatusCode)
	require.Equal(t, http.StatusNotFound, visit(nil).StatusCode)
}
