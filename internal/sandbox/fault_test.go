package sandbox_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// scene is an emulator with a fault at work, seen by orbit_bot.
type scene struct {
	stage

	t     *testing.T
	fault *sandbox.Injection
}

func (s scene) ok(path string) answer {
	s.t.Helper()
	got := s.me.get(s.ids.Replace(path))
	require.Equal(s.t, http.StatusOK, got.status, got.text)
	return got
}

func (s scene) write(status int) answer {
	s.t.Helper()
	got := s.me.post("/api/posts", `{"content":"Unheard of"}`)
	require.Equal(s.t, status, got.status, got.text)
	return got
}

// posts is how many posts of that text there are.
func (s scene) written() int {
	n := 0
	for _, p := range s.box.State().Posts {
		if p.Content == "Unheard of" {
			n++
		}
	}
	return n
}

// try sends a write whose reply may not come.
func (s scene) try(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.box.BaseURL()+"/api/posts", strings.NewReader(`{"content":"Unheard of"}`))
	require.NoError(s.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.me.token)
	resp, err := s.box.Client().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return err
}

const (
	talks = "/api/conversations"
	notes = "/api/notifications"
)

// faults holds, for each fault, what shows that it happens.
func faults() map[sandbox.Fault]func(scene) {
	all := map[sandbox.Fault]func(scene){}
	for _, family := range []map[sandbox.Fault]func(scene){
		transportFaults(), statusFaults(), bodyFaults(), listFaults(), messageAndJobFaults(), limitFaults(),
	} {
		maps.Copy(all, family)
	}
	return all
}

func TestEveryFaultShows(t *testing.T) {
	t.Parallel()
	checks := faults()
	for _, fault := range sandbox.Faults() {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			check := checks[fault]
			require.NotNil(t, check, "no test for this fault")
			synctest.Test(t, func(t *testing.T) {
				s := scene{stage: newStage(t, sandbox.Options{}), t: t}
				s.fault = s.box.Inject(sandbox.Rule{Fault: fault})
				check(s)
				require.Positive(t, s.fault.Hits())
			})
		})
	}
}

func TestTheServicesClockCanBeBehind(t *testing.T) {
	t.Parallel()
	s := scene{stage: newStage(t, sandbox.Options{}), t: t}
	s.box.Inject(sandbox.Rule{Fault: sandbox.FaultClockOff, Wait: -90 * time.Second})
	at, err := http.ParseTime(s.ok(notes).header.Get("Date"))
	require.NoError(t, err)
	require.WithinDuration(t, s.box.Clock().Now().Add(-90*time.Second), at, 2*time.Second)
}

func TestAStatusCanComeAfterTheEffect(t *testing.T) {
	t.Parallel()
	s := scene{stage: newStage(t, sandbox.Options{}), t: t}
	s.box.Inject(sandbox.Rule{Fault: sandbox.FaultStatus, Status: 502, Effect: true})
	require.Contains(t, s.write(http.StatusBadGateway).text, "Bad Gateway")
	require.Equal(t, 1, s.written())
}

func TestFaultsMeetWhatTheirRuleSays(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule sandbox.Rule
		hits []int // of six GET /api/posts/{id} in a row, a second apart
	}{
		"everything":      {sandbox.Rule{}, []int{1, 2, 3, 4, 5, 6}},
		"a method":        {sandbox.Rule{Method: "post"}, nil},
		"a path":          {sandbox.Rule{Path: "/api/posts/{id}"}, []int{1, 2, 3, 4, 5, 6}},
		"a star":          {sandbox.Rule{Path: "/api/*/x"}, []int{1, 2, 3, 4, 5, 6}},
		"any rest":        {sandbox.Rule{Path: "/api/*"}, []int{1, 2, 3, 4, 5, 6}},
		"a longer path":   {sandbox.Rule{Path: "/api/posts/{id}/like"}, nil},
		"a shorter path":  {sandbox.Rule{Path: "/api/posts"}, nil},
		"the agent":       {sandbox.Rule{Agent: "orbit_bot"}, []int{1, 2, 3, 4, 5, 6}},
		"another agent":   {sandbox.Rule{Agent: "lumen_lab"}, nil},
		"the class":       {sandbox.Rule{Class: sandbox.ClassRead}, []int{1, 2, 3, 4, 5, 6}},
		"another class":   {sandbox.Rule{Class: sandbox.ClassWrite}, nil},
		"twice":           {sandbox.Rule{Count: 2}, []int{1, 2}},
		"each third":      {sandbox.Rule{Every: 3}, []int{3, 6}},
		"after the first": {sandbox.Rule{Skip: 1, Count: 1}, []int{2}},
		"a time span":     {sandbox.Rule{After: 2 * time.Second, For: 2 * time.Second}, []int{3, 4}},
		"never":           {sandbox.Rule{Chance: 1e-12}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				box := open(t, sandbox.Options{})
				me := as(t, box, 0)
				tc.rule.Fault, tc.rule.Status = sandbox.FaultStatus, http.StatusTeapot
				fault := box.Inject(tc.rule)
				var hits []int
				for i := range 6 {
					if me.get("/api/posts/x").status == http.StatusTeapot {
						hits = append(hits, i+1)
					}
					time.Sleep(time.Second)
				}
				require.Equal(t, tc.hits, hits)
				require.Equal(t, len(tc.hits), fault.Hits())
			})
		})
	}
}

func TestChanceRepeatsUnderASeed(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (hits []bool) {
		box := open(t, sandbox.Options{Seed: seed})
		box.Inject(sandbox.Rule{Fault: sandbox.FaultStatus, Chance: 0.5})
		for range 40 {
			hits = append(hits, nobody(t, box).get("/api/posts/x").status == http.StatusInternalServerError)
		}
		return hits
	}
	first, again := run(1), run(1)
	require.Equal(t, first, again)
	require.NotEqual(t, run(1), run(2))
	require.Contains(t, run(1), true)
	require.Contains(t, run(1), false)
}

func TestAFaultWithoutAnythingToSpoilIsNoHit(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	me := as(t, box, 0)
	fault := box.Inject(sandbox.Rule{Fault: sandbox.FaultNullList, Count: 1})
	unknown := box.Inject(sandbox.Rule{Fault: "gremlin"})
	me.get("/api/notifications/count")
	require.Zero(t, fault.Hits())
	require.Equal(t, 1, fault.Matched())
	require.Contains(t, me.get(notes).text, "null", "the hit was kept for the one that counts")
	require.Equal(t, 1, fault.Hits())
	require.Zero(t, unknown.Matched())
}

func TestALostReplyMakesARepeatAViolation(t *testing.T) {
	t.Parallel()
	s := scene{stage: newStage(t, sandbox.Options{}), t: t}
	s.box.Inject(sandbox.Rule{Fault: sandbox.FaultCloseAfterEffect, Count: 1})
	require.Error(t, s.try(time.Minute))
	s.write(http.StatusCreated)
	require.Len(t, s.box.Violations(), 1)
	require.Equal(t, sandbox.RuleBlindRepeat, s.box.Violations()[0].Rule)
}

func TestFaultsOverASocket(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	server := httptest.NewServer(box)
	defer server.Close()
	box.SetBaseURL(server.URL)
	get := func(limit time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/posts", nil)
		require.NoError(t, err)
		resp, err := server.Client().Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return json.NewDecoder(resp.Body).Decode(&map[string]any{})
	}
	for fault, want := range map[sandbox.Fault]error{
		sandbox.FaultCloseBefore: io.EOF, sandbox.FaultCloseWithin: io.ErrUnexpectedEOF, sandbox.FaultHang: context.DeadlineExceeded,
		sandbox.FaultCloseAfter: nil, sandbox.FaultGzip: nil,
	} {
		limit := time.Minute
		if fault == sandbox.FaultHang {
			limit = 50 * time.Millisecond
		}
		in := box.Inject(sandbox.Rule{Fault: fault})
		require.ErrorIs(t, get(limit), want, string(fault))
		in.Stop()
		require.Positive(t, in.Hits())
	}
}
