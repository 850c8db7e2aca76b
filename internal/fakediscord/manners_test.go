package fakediscord_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// Each ill-mannered request is answered as Discord answers it, and written
// down.
func TestManners(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil  func(*http.Request)
		status int
		rule   string
	}{
		"no token":            {func(r *http.Request) { r.Header.Del("Authorization") }, 401, "authorization"},
		"bearer token":        {func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 401, "authorization"},
		"browser's agent":     {func(r *http.Request) { r.Header.Set("User-Agent", "Mozilla/5.0") }, 200, "user-agent"},
		"no content type":     {func(r *http.Request) { r.Header.Del("Content-Type") }, 400, "content-type"},
		"form content type":   {func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 400, "content-type"},
		"version 9":           {func(r *http.Request) { r.URL.Path = strings.Replace(r.URL.Path, "v10", "v9", 1) }, 404, "api-version"},
		"no version":          {func(r *http.Request) { r.URL.Path = strings.Replace(r.URL.Path, "/v10", "", 1) }, 404, "api-version"},
		"unknown route":       {func(r *http.Request) { r.URL.Path += "/all" }, 404, "route"},
		"unknown method":      {func(r *http.Request) { r.Method = http.MethodPut }, 404, "route"},
		"multipart of nobody": {func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }, 400, "multipart"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, ch := start(t, quick())
			r := newRequest(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c"`))
			tc.spoil(r)
			require.Equal(t, tc.status, send(t, r).status)
			require.Equal(t, []string{tc.rule}, rules(fake))
		})
	}
}

func TestBadJSONIsRefused(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	for _, body := range []string{`{"content":`, `{} {}`, `nonsense`} {
		require.Equal(t, 50109, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", body).code(t))
	}
	require.Equal(t, []string{"json"}, rules(fake))
	require.Equal(t, 50035, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", `[]`).code(t))
	do(t, fake, http.MethodGet, "/users/@me", `{}`)
	require.Equal(t, []string{"json", "body"}, rules(fake), "a GET has no body")
}

func TestWrongTokenIsRefusedButNoFault(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	fake.RevokeToken()
	require.Equal(t, 401, do(t, fake, http.MethodGet, "/channels/"+ch, "").status)
	require.Equal(t, 1, fake.Stats().Invalid)
	fake.SetToken(fakediscord.DefaultToken)
	require.Equal(t, 200, do(t, fake, http.MethodGet, "/channels/"+ch, "").status)
	require.Empty(t, fake.Faults())
}

func TestRequestsAreKeptWithoutSecrets(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c"`))
	do(t, fake, http.MethodPatch, "/webhooks/"+fakediscord.DefaultApplicationID+"/secret-token/messages/@original", quiet(`"content":"c"`))
	got := fake.Requests()
	require.Len(t, got, 2)
	require.Equal(t, createMessage, got[0].Route)
	require.Equal(t, "/channels/"+ch+"/messages", got[0].Path)
	require.JSONEq(t, quiet(`"content":"c"`), string(got[0].Body))
	require.Equal(t, 200, got[0].Status)
	require.Equal(t, "/webhooks/"+fakediscord.DefaultApplicationID+"/***/messages/@original", got[1].Path)
	require.Equal(t, 50027, got[1].Code)
}

func TestAListenAddressCanBeGiven(t *testing.T) {
	t.Parallel()
	first, _ := start(t, quick())
	o := quick()
	o.Addr = strings.TrimPrefix(first.URL(), "http://")
	_, err := fakediscord.New(o)
	require.Error(t, err, "taken")
	first.Close()
	again, err := fakediscord.New(o)
	require.NoError(t, err)
	t.Cleanup(again.Close)
	require.Equal(t, first.URL(), again.URL())
}
