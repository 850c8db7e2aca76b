package poller_test

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
	"github.com/imaginebridge/imaginebridge/poller"
)

// Whatever form times have, and however far the service's clock is off, each fact
// is told once and with its own time.
func TestF14_TimesInEveryFormAndClocksThatAreOff(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]sandbox.Rule{
		"whole seconds":           {Fault: sandbox.FaultNoFraction},
		"microseconds":            {Fault: sandbox.FaultMicroseconds},
		"a zone":                  {Fault: sandbox.FaultOffsetTimes},
		"forty of a second":       {Fault: sandbox.FaultSameTime, Wait: time.Second},
		"ten minutes ahead":       {Fault: sandbox.FaultClockOff, Wait: 10 * time.Minute},
		"ten minutes behind":      {Fault: sandbox.FaultClockOff, Wait: -10 * time.Minute},
		"pages upside down":       {Fault: sandbox.FaultOldestFirst},
		"something dated back":    {Fault: sandbox.FaultLateItem, Wait: 14 * time.Minute, Every: 5},
		"something just too late": {Fault: sandbox.FaultLateItem, Wait: time.Second, Every: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
				rule.Path = "/api/*"
				if rule.Fault == sandbox.FaultLateItem {
					rule.After = time.Minute // what comes before the first look is history
				}
				in := w.Inject(rule)
				_, stop := w.poll(nil)
				pass(time.Minute)
				for range 25 {
					for range 40 {
						w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
					}
					pass(4 * time.Second)
				}
				pass(3 * time.Minute)
				if rule.Fault == sandbox.FaultLateItem {
					in.Stop()
					pass(3 * time.Minute)
				}
				sameFacts(t, w.happened(sandbox.HappenedNotification), w.journal.told("ntf_"))
				require.Empty(t, w.journal.refused)
				require.NotZero(t, in.Hits())
				at := map[string]time.Time{}
				for _, h := range w.Happenings(w.handle) {
					at["ntf_"+h.ID] = h.At
				}
				off := time.Second // whole seconds; same_time moves within its step
				if rule.Fault == sandbox.FaultClockOff {
					off = 10*time.Minute + time.Millisecond
				}
				for _, e := range w.journal.events {
					if is, known := at[e.ID]; known {
						require.WithinDuration(t, is, e.Time, off)
					}
				}
				stop()
			})
		})
	}
}

// A cursor that was lost, or that an older copy of the store brought back, sends
// nothing that lies before it, and loses nothing that comes after.
func TestF18_ALostOrOlderCursorFloodsNothing(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		w.journal.tolerant = true
		w.AddNotifications(w.handle, 500, time.Hour)
		w.AddConversations(w.handle, 40, 3, time.Hour)
		act := func(n int) {
			for range n {
				w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
				w.act(sandbox.Action{As: "nova_ai", Do: "dm", Handle: w.handle, Content: "word"})
			}
		}
		_, stop := w.poll(nil)
		pass(time.Minute)
		act(20)
		pass(2 * time.Minute)
		copied := map[string][]byte{}
		maps.Copy(copied, w.journal.cursors)
		act(20)
		pass(time.Hour)
		stop()
		before := len(w.journal.told(""))
		require.Equal(t, 80, before)

		w.journal.cursors = copied // an hour old, as from a copy
		_, stop = w.poll(nil)
		pass(2 * time.Minute)
		require.Len(t, w.journal.told(""), before, "what was read in that hour is known")
		act(5)
		pass(2 * time.Minute)
		require.Len(t, w.journal.told(""), before+10)
		stop()

		w.journal.cursors, w.journal.revs = map[string][]byte{}, map[string]uint64{} // wiped
		_, stop = w.poll(nil)
		pass(2 * time.Minute)
		require.Len(t, w.journal.told(""), before+10, "what is there is history")
		act(5)
		pass(2 * time.Minute)
		require.Len(t, w.journal.told(""), before+20)
		stop()
	})
}

// One agent's calls that never end are that agent's trouble alone: they are given
// up, named, and taken up again.
func TestF27_OneAgentsCallsHang(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Rule{
		"no reply":             {Fault: sandbox.FaultHang},
		"a body that trickles": {Fault: sandbox.FaultSlowBody, Wait: 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
				other := w.Agents()[1].Handle
				api := w.as(1)
				p, stop := w.poll(func(o *poller.Options) {
					o.Agents = append(o.Agents, poller.Agent{Handle: other, API: api})
					o.Ceiling = 10 * time.Second
				})
				pass(time.Minute)
				fault.Path, fault.Agent = "/api/notifications", other
				in := w.Inject(fault)
				for range 30 {
					began := time.Now()
					w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
					for len(w.journal.told("ntf_")) < len(w.happened(sandbox.HappenedNotification)) {
						pass(time.Second)
						require.Less(t, time.Since(began), 13*time.Second, "the other agent's pace")
					}
				}
				require.Greater(t, in.Hits(), 1, "the call that hung was given up")
				require.Equal(t, poller.OK, p.Statuses()[0].Health)
				require.Equal(t, poller.Degraded, p.Statuses()[1].Health)
				require.Contains(t, p.Statuses()[1].Reason, other)
				in.Stop()
				w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + other})
				pass(3 * time.Minute)
				require.Equal(t, poller.OK, p.Statuses()[1].Health)
				require.Len(t, w.journal.told("ntf_"), len(w.happened(sandbox.HappenedNotification))+1)
				stop()
			})
		})
	}
}

// The service's clock, as its replies show it, jumps: nothing old is sent, and
// nothing stands still.
func TestF61_TheClockOfTheServiceJumps(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]time.Duration{
		"an hour ahead": time.Hour, "an hour back": -time.Hour, "ten years ahead": 10 * 365 * 24 * time.Hour, "a second twice": -time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTown(t, sandbox.Options{}, func(_ *testing.T, w town) {
				var jumped atomic.Bool
				w.through(func(_ *http.Request, r *http.Response) {
					if at, err := http.ParseTime(r.Header.Get("Date")); jumped.Load() && err == nil {
						r.Header.Set("Date", at.Add(jump).UTC().Format(http.TimeFormat))
					}
				})
				w.AddNotifications(w.handle, 300, time.Hour)
				_, stop := w.poll(nil)
				pass(time.Minute)
				for i := range 20 {
					jumped.Store(i%4 > 1)
					w.busy(2)
					pass(30 * time.Second)
				}
				jumped.Store(true)
				w.settle(7 * time.Minute)
				w.complete()
				stop()
			})
		})
	}
}

// However a job goes astray it ends once, and what its provider says of a key is
// masked.
func TestF63_JobsThatGoAstrayEndOnce(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		const key = "sk-proj-abcdefghijklmnopqrstuvwx0123456789"
		w.through(func(q *http.Request, r *http.Response) {
			if strings.HasPrefix(q.URL.Path, "/api/generate/") {
				rewrite(t, r, func(body string) string {
					return strings.ReplaceAll(body, `"errorMessage":"`, `"errorMessage":"Incorrect API key provided: `+key+`. `)
				})
			}
		})
		_, stop := w.poll(nil)
		pass(time.Minute)
		var absent []*sandbox.Injection
		kinds := []string{"sandbox:stuck", "sandbox:fail", "sandbox:instant", "sandbox:fail-upload", "a ring station"}
		for i := range 50 {
			w.act(sandbox.Action{As: w.handle, Do: "generate", Prompt: kinds[i%len(kinds)]})
			if i%2 == 0 {
				absent = append(absent, w.Inject(sandbox.Rule{Path: "/api/generate/*", Fault: sandbox.FaultJobAbsent, Count: 3}))
			}
			pass(2 * time.Minute)
		}
		pass(10 * time.Minute)
		requireAlike(t, w.ends(), w.toldEnds())
		require.Len(t, w.toldEnds(), 50)
		for _, in := range absent {
			require.Equal(t, 3, in.Hits())
		}
		failed := 0
		for _, e := range w.journal.events {
			if d, ok := e.Data.(events.GenerationFailed); ok {
				failed++
				require.Contains(t, d.Job.ErrorMessage, "Incorrect API key provided")
				require.NotContains(t, d.Job.ErrorMessage, key[:20])
			}
		}
		require.GreaterOrEqual(t, failed, 30)
		stop()
	})
}

// rewrite changes the body of a reply.
func rewrite(t *testing.T, r *http.Response, change func(string) string) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	text := change(string(body))
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	r.Header.Del("Content-Length")
}
