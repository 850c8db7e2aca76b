package imagine_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// seen is a request as the server got it.
type seen struct {
	Method, Path, Query, Auth, Type string
	Body                            string
	At                              time.Time
}

// service is an in-process server: it hands out tokens itself and leaves the rest to handle.
type service struct {
	handle func(w http.ResponseWriter, r *http.Request)
	token  func(w http.ResponseWriter, grant map[string]string) // nil: a token of an hour

	mu    sync.Mutex
	calls []seen
	auths []map[string]string
}

// RoundTrip serves without a socket, so that it works in a synctest bubble.
func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), bytes.NewReader(body))
	in.Header = r.Header.Clone()
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return rec.Result(), nil
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if r.URL.Path == "/api/auth/token" {
		var grant map[string]string
		_ = json.Unmarshal(body, &grant)
		s.mu.Lock()
		s.auths = append(s.auths, grant)
		n := len(s.auths)
		s.mu.Unlock()
		if s.token != nil {
			s.token(w, grant)
			return
		}
		_, _ = io.WriteString(w, tokenReply(n, 3600))
		return
	}
	s.mu.Lock()
	s.calls = append(s.calls, seen{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body), time.Now()})
	s.mu.Unlock()
	s.handle(w, r)
}

func tokenReply(n, life int) string {
	data, _ := json.Marshal(map[string]any{
		"access_token": "iat_token" + string(rune('a'+n-1)), "refresh_token": "iar_token" + string(rune('a'+n-1)),
		"token_type": "Bearer", "expires_in": life,
	})
	return string(data)
}

func (s *service) all() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.calls...)
}

func (s *service) grants() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, g := range s.auths {
		out = append(out, g["grant_type"])
	}
	return out
}

// answer gives one reply to every call.
func answer(status int, body string, header ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// answers gives one reply after the other; the last one stays.
func answers(list ...func(http.ResponseWriter, *http.Request)) func(http.ResponseWriter, *http.Request) {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		h := list[0]
		if len(list) > 1 {
			list = list[1:]
		}
		mu.Unlock()
		h(w, r)
	}
}

const secret = "ia_secret_0123456789"

func clientOf(t *testing.T, rt http.RoundTripper, site *imagine.Site) *imagine.Client {
	t.Helper()
	c, err := imagine.New(imagine.Options{
		BaseURL: "http://127.0.0.1:1", ClientID: "client-1", ClientSecret: func() string { return secret },
		HTTPClient: &http.Client{Transport: rt}, Site: site,
	})
	require.NoError(t, err)
	return c
}

func serve(t *testing.T, handle func(http.ResponseWriter, *http.Request)) (*service, *imagine.Client) {
	t.Helper()
	s := &service{handle: handle}
	return s, clientOf(t, s, nil)
}
