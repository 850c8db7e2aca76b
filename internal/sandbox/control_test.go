package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// desk drives an emulator through its control calls.
func desk(t *testing.T) *client {
	t.Helper()
	return nobody(t, open(t, sandbox.Options{Control: true}))
}

func TestControlNeedsToBeAskedFor(t *testing.T) {
	t.Parallel()
	got := nobody(t, open(t, sandbox.Options{})).get("/_sandbox/state")
	require.Equal(t, http.StatusNotFound, got.status)
}

func TestControlIsForThisMachineOnly(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Control: true})
	for name, tc := range map[string]struct {
		remote, host string
		header       http.Header
		status       int
	}{
		"this machine":         {"127.0.0.1:4000", "127.0.0.1:8481", nil, 200},
		"by name":              {"127.0.0.1:4000", "localhost:8481", nil, 200},
		"IPv6":                 {"[::1]:4000", "[::1]:8481", nil, 200},
		"own page":             {"127.0.0.1:4000", "127.0.0.1:8481", http.Header{"Origin": {"http://127.0.0.1:8481"}}, 200},
		"another machine":      {"192.0.2.7:4000", "127.0.0.1:8481", nil, 403},
		"rebound name":         {"127.0.0.1:4000", "evil.example:8481", nil, 403},
		"name that looks like": {"127.0.0.1:4000", "127.0.0.1.evil.example", nil, 403},
		"no host":              {"127.0.0.1:4000", "", nil, 403},
		"page elsewhere":       {"127.0.0.1:4000", "127.0.0.1:8481", http.Header{"Origin": {"https://evil.example"}}, 403},
		"behind a proxy":       {"127.0.0.1:4000", "127.0.0.1:8481", http.Header{"X-Forwarded-For": {"192.0.2.7"}}, 403},
	} {
		r := httptest.NewRequest(http.MethodPost, "/_sandbox/act", strings.NewReader(`{"as":"nova_ai","do":"like","handle":"orbit_bot"}`))
		r.RemoteAddr, r.Host, r.Header = tc.remote, tc.host, tc.header
		if r.Header == nil {
			r.Header = http.Header{}
		}
		w := httptest.NewRecorder()
		box.ServeHTTP(w, r)
		require.Equal(t, tc.status, w.Code, "%s: %s", name, w.Body)
	}
}

func TestControlRefusesNonsense(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]wrong{
		"unknown call":     {"GET", "nothing", "", 404, "not_found", "GET nothing"},
		"other method":     {"GET", "reset", "", 404, "not_found", "GET reset"},
		"no body":          {"POST", "clock", "", 400, "validation_error", "EOF"},
		"unknown field":    {"POST", "clock", `{"warp":1}`, 400, "validation_error", "warp"},
		"bad duration":     {"POST", "clock", `{"advance":"soon"}`, 400, "validation_error", "soon"},
		"unknown deed":     {"POST", "act", `{"as":"nova_ai","do":"dance"}`, 400, "validation_error", "dance"},
		"nobody":           {"POST", "act", `{"as":"nobody","do":"post"}`, 404, "not_found", "nobody"},
		"bad rate":         {"POST", "crowd", `{"rate":"often"}`, 400, "validation_error", "12/m"},
		"bulk for nobody":  {"POST", "bulk", `{"handle":"nobody","jobs":1}`, 404, "not_found", "nobody"},
		"bulk too large":   {"POST", "bulk", `{"handle":"orbit_bot","jobs":10001}`, 400, "validation_error", "10000"},
		"unknown class":    {"POST", "limits", `{"class":"think","per_minute":1}`, 400, "validation_error", "class"},
		"ledger of nobody": {"GET", "happenings?agent=nobody", "", 404, "not_found", "nobody"},
		"unknown fault":    {"POST", "faults", `{"fault":"gremlin"}`, 400, "validation_error", "close_after_effect"},
		"odd chance":       {"POST", "faults", `{"fault":"delay","chance":2}`, 400, "validation_error", "chance"},
		"no such fault":    {"DELETE", "faults?id=7", "", 404, "not_found", "7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := desk(t).send(tc.method, "/_sandbox/"+tc.path, "application/json", strings.NewReader(tc.body))
			require.Equal(t, tc.status, got.status, got.text)
			require.Equal(t, tc.code, got.str("error"), got.text)
			require.Contains(t, got.str("message"), tc.says)
		})
	}
}

func TestControlTurnsTheClock(t *testing.T) {
	t.Parallel()
	c := desk(t)
	now := func(got answer) time.Time {
		require.Equal(t, http.StatusOK, got.status, got.text)
		at, err := time.Parse(time.RFC3339, got.str("now"))
		require.NoError(t, err)
		return at
	}
	c.post("/_sandbox/clock", `{"freeze":true}`)
	before := now(c.get("/_sandbox/clock"))
	require.Equal(t, before.Add(90*time.Second), now(c.post("/_sandbox/clock", `{"advance":"90s"}`)))
	require.Equal(t, "2031-01-02T03:04:05.000Z", c.post("/_sandbox/clock", `{"set":"2031-01-02T03:04:05Z"}`).str("now"))
	require.Equal(t, http.StatusOK, c.post("/_sandbox/clock", `{"freeze":false,"scale":10}`).status)
}

func TestControlActsAndTellsTheLedger(t *testing.T) {
	t.Parallel()
	c := desk(t)
	did := c.post("/_sandbox/act", `{"as":"nova_ai","do":"dm","handle":"orbit_bot","content":"Hello","late":"90s"}`)
	require.Equal(t, http.StatusOK, did.status, did.text)
	require.NotEmpty(t, did.str("message"))
	mine := list(c.get("/_sandbox/happenings?agent=orbit_bot"), "happenings")
	require.Len(t, mine, 1)
	require.Equal(t, did.str("message"), mine[0]["id"])
	require.Equal(t, "received", mine[0]["kind"])
	require.Len(t, list(c.get("/_sandbox/happenings"), "happenings"), 2)
	require.NotEmpty(t, list(c.get("/_sandbox/state"), "conversations"))

	require.Equal(t, http.StatusOK, c.post("/_sandbox/reset", ``).status)
	require.Empty(t, list(c.get("/_sandbox/happenings"), "happenings"))
}

func TestControlAddsHistoryInBulk(t *testing.T) {
	t.Parallel()
	c := desk(t)
	got := c.post("/_sandbox/bulk", `{"handle":"orbit_bot","notifications":120,"conversations":25,"jobs":3,"older_than":"72h"}`)
	require.Equal(t, http.StatusOK, got.status, got.text)
	require.Len(t, got.list("notifications"), 120)
	require.Len(t, got.list("conversations"), 25)
	require.Len(t, got.list("jobs"), 3)
	require.Empty(t, list(c.get("/_sandbox/happenings"), "happenings"), "history is no happening")
}

func TestControlShowsTheJournal(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Control: true})
	me, c := as(t, box, 0), nobody(t, box)
	me.get("/api/notifications?limit=500")
	me.get("/api/feed")
	require.Len(t, list(c.get("/_sandbox/journal"), "requests"), 3, "the sign-in and two lists")
	require.Empty(t, list(c.get("/_sandbox/journal?agent=nova_ai"), "requests"))
	bad := list(c.get("/_sandbox/journal?violations=1"), "violations")
	require.Len(t, bad, 1)
	require.Equal(t, sandbox.RuleLimit, bad[0]["rule"])
}

func TestControlChangesLimits(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Control: true})
	me, c := as(t, box, 0), nobody(t, box)
	require.Equal(t, http.StatusOK, c.post("/_sandbox/limits", `{"class":"read","per_minute":20,"agent":"orbit_bot","spend":19}`).status)
	require.Equal(t, http.StatusOK, me.get("/api/feed").status)
	require.Equal(t, http.StatusTooManyRequests, me.get("/api/feed").status)
}

func TestControlWakesTheCrowd(t *testing.T) {
	t.Parallel()
	c := desk(t)
	for _, body := range []string{`{"on":true,"rate":"12/m","seed":7}`, `{"rate":30}`, `{"rate":"2/s"}`, `{"on":false}`} {
		require.Equal(t, http.StatusOK, c.post("/_sandbox/crowd", body).status, body)
	}
}

func TestControlInjectsFaults(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Control: true})
	me, c := as(t, box, 0), nobody(t, box)
	made := c.post("/_sandbox/faults", `{"fault":"status","status":502,"method":"GET","path":"/api/posts/*","count":1,"for":"1h"}`)
	require.Equal(t, http.StatusOK, made.status, made.text)
	c.post("/_sandbox/faults", `{"fault":"delay","wait":"5ms","agent":"nova_ai"}`)
	require.Equal(t, http.StatusBadGateway, me.get("/api/posts/x").status)
	require.Equal(t, http.StatusNotFound, me.get("/api/posts/x").status)
	faults := list(c.get("/_sandbox/faults"), "faults")
	require.Len(t, faults, 2)
	require.EqualValues(t, 1, faults[0]["hits"])
	require.EqualValues(t, 2, faults[0]["matched"])
	require.Equal(t, "1h0m0s", faults[0]["for"])
	require.EqualValues(t, 0, faults[1]["hits"], "a rule that met nothing shows it")

	require.Equal(t, true, list(c.delete("/_sandbox/faults?id=2"), "faults")[1]["stopped"])
	require.Equal(t, true, list(c.delete("/_sandbox/faults"), "faults")[0]["stopped"])
	require.Equal(t, http.StatusOK, c.post("/_sandbox/reset", "").status)
	require.Empty(t, list(c.get("/_sandbox/faults"), "faults"))
}

// list is a list of objects in a reply.
func list(a answer, path string) []map[string]any {
	var out []map[string]any
	for _, x := range a.list(path) {
		m, _ := x.(map[string]any)
		out = append(out, m)
	}
	return out
}
