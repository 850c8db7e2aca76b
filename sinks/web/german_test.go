package web

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// inGerman asks as a browser in Austria does.
func inGerman(t *testing.T, s *Server, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	r.Host, r.RemoteAddr = "localhost:8480", "127.0.0.1:5555"
	r.Header.Set("Accept-Language", "de-AT,de;q=0.9,en;q=0.5")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestGoldenInGerman(t *testing.T) {
	t.Parallel()
	o := full("<b>Ann</b>")
	o.answer = answered
	s := desked(t, o, Options{Token: "0123456789abcdef"})
	for name, query := range visits {
		t.Run(name, func(t *testing.T) {
			res := inGerman(t, s, "/console/"+name+"?once=once&"+query)
			require.Equal(t, http.StatusOK, res.StatusCode)
			golden.Equal(t, "testdata/german/"+name+".html", []byte(body(t, res)))
		})
	}
	golden.Equal(t, "testdata/german/login.html", []byte(body(t, inGerman(t, s, "/console/login?back=/console/", "X-Forwarded-For", "192.0.2.7"))))
	for _, q := range o.requests() {
		require.Equal(t, "de", q.Locale, "answers are in the reader's language too")
	}
}

// Each page's name is in the catalogue, though no sentence.
func TestEveryPageHasItsNameInGerman(t *testing.T) {
	t.Parallel()
	same := []string{"Workspaces"}
	for _, p := range sheets() {
		require.True(t, language.Match("de").Word(p.title) != p.title || strings.Join(same, " ") == p.title, p.title)
	}
}

// What is drawn anew while somebody looks is in the language of the page.
func TestChangesAreInTheLanguageOfThePage(t *testing.T) {
	t.Parallel()
	o := full("x")
	s := desked(t, o, Options{})
	states, err := s.states()
	require.NoError(t, err)
	s.room.setState(states)
	site := httptest.NewServer(s.Handler())
	t.Cleanup(site.Close)
	for target, want := range map[string][2]string{
		"/console/changes?page=overview&once=once": {"dead letters", "tote Briefe"}, "/console/events": {"All quiet.", "Alles ruhig."},
	} {
		for i, locale := range []string{"en", "de"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.URL+target, http.NoBody)
			require.NoError(t, err)
			req.Header.Set("Accept-Language", locale)
			res, err := http.DefaultTransport.RoundTrip(req)
			require.NoError(t, err)
			text := told(t, res, "body", "state")
			require.NoError(t, res.Body.Close())
			require.Contains(t, text, want[i], "%s %s", target, locale)
			require.NotContains(t, text, want[1-i], "%s %s", target, locale)
		}
	}
}

// told reads a stream until one of the events and returns its data.
func told(t *testing.T, res *http.Response, names ...string) string {
	t.Helper()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for name := ""; lines.Scan(); {
		if now, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			name = now
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && strings.Contains(strings.Join(names, " "), name) {
			var text any
			require.NoError(t, json.Unmarshal([]byte(data), &text))
			out, err := json.Marshal(text)
			require.NoError(t, err)
			return string(out)
		}
	}
	t.Fatal("the stream ended", lines.Err())
	return ""
}
