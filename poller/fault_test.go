package poller_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
	"github.com/imaginebridge/imaginebridge/poller"
)

// long is a text longer than previews are cut to.
var long = strings.Repeat("word ", 30)

// through lets every reply pass through change on its way to the poller.
func (w *town) through(change func(*http.Request, *http.Response)) {
	w.t.Helper()
	cred := w.Agents()[0]
	var err error
	w.api, err = imagine.New(imagine.Options{
		BaseURL: w.BaseURL(), ClientID: cred.ClientID, ClientSecret: func() string { return cred.ClientSecret },
		HTTPClient: &http.Client{Transport: wire{w.Transport(), change}},
	})
	require.NoError(w.t, err)
}

type wire struct {
	http.RoundTripper
	change func(*http.Request, *http.Response)
}

func (w wire) RoundTrip(q *http.Request) (*http.Response, error) {
	r, err := w.RoundTripper.RoundTrip(q)
	if err == nil {
		w.change(q, r)
	}
	return r, err
}

// busy lets things of every kind happen for a minute.
func (w town) busy(n int) {
	w.t.Helper()
	for i := range n {
		w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: fmt.Sprintf("hi @%s %d", w.handle, i)})
		w.act(sandbox.Action{As: "nova_ai", Do: "dm", Handle: w.handle, Content: fmt.Sprint(long, i)})
		if i == 1 {
			w.act(sandbox.Action{As: w.handle, Do: "generate", Prompt: fmt.Sprint("sandbox:slow a ring station ", i)})
		}
		pass(time.Minute / time.Duration(n))
	}
}

// settle lets time go by until everything that happened was told, or so long at
// most, and then a deep look's time more, in which nothing may be told again.
func (w town) settle(most time.Duration) {
	w.t.Helper()
	behind := func() bool {
		words := len(w.happened(sandbox.HappenedReceived)) + len(w.happened(sandbox.HappenedSent))
		return len(w.journal.told("ntf_")) < len(w.happened(sandbox.HappenedNotification)) || len(w.journal.told("msg_")) < words || len(w.toldEnds()) < len(w.ends())
	}
	for end := time.Now().Add(most); behind() && time.Now().Before(end); {
		pass(5 * time.Second)
	}
	pass(70 * time.Second)
}

// complete holds what was told against what happened: each fact once.
func (w town) complete() {
	w.t.Helper()
	sameFacts(w.t, w.happened(sandbox.HappenedNotification), w.journal.told("ntf_"))
	sameFacts(w.t, append(w.happened(sandbox.HappenedReceived), w.happened(sandbox.HappenedSent)...), w.journal.told("msg_"))
	sameFacts(w.t, w.ends(), w.toldEnds())
	require.Empty(w.t, w.journal.refused)
}

// sameFacts compares thousands of ids, in any order, sooner than ElementsMatch does.
func sameFacts(t *testing.T, want, got []string) {
	t.Helper()
	require.Equal(t, slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got)))
}

// ends are the jobs that ended, with how.
func (w town) ends() []string {
	out := []string{}
	for _, h := range w.Happenings(w.handle) {
		if h.Kind == sandbox.HappenedJob && slices.Contains([]string{"COMPLETED", "FAILED"}, strings.ToUpper(h.Type)) {
			out = append(out, fmt.Sprintf("%s %d %s", h.ID, h.Retry, strings.ToLower(h.Type)))
		}
	}
	return out
}

func (w town) toldEnds() []string {
	out := []string{}
	for _, e := range w.journal.events {
		switch d := e.Data.(type) {
		case events.GenerationCompleted:
			out = append(out, fmt.Sprintf("%s %d completed", d.Job.ID, d.Job.RetryCount))
		case events.GenerationFailed:
			out = append(out, fmt.Sprintf("%s %d failed", d.Job.ID, d.Job.RetryCount))
		}
	}
	return out
}

// untouched are the faults that no look of a poller can meet.
var untouched = []sandbox.Fault{
	sandbox.FaultStatsOnly, sandbox.FaultFlatCounts, sandbox.FaultSeedOnly, sandbox.FaultNoMediaURLs, sandbox.FaultNoFalAI,
	sandbox.FaultGzip, sandbox.FaultJobStuck,
}

// paging are the faults that are met between pages.
var paging = []sandbox.Fault{
	sandbox.FaultTwice, sandbox.FaultShifted, sandbox.FaultBadCursor, sandbox.FaultNoCursor, sandbox.FaultEndless,
	sandbox.FaultLimitIgnored, sandbox.FaultOldestFirst, sandbox.FaultSameTime, sandbox.FaultLateItem, sandbox.FaultGone,
}

// renaming are the faults that make other facts of known ones: everything that
// ever happened gets another id or another time.
var renaming = []sandbox.Fault{sandbox.FaultLongIDs, sandbox.FaultClockOff}

// Whatever goes wrong, first with every call, then with every other, while much
// happens: once it is over, every fact was told once.
func TestEveryFaultPasses(t *testing.T) {
	t.Parallel()
	for _, fault := range sandbox.Faults() {
		if slices.Contains(untouched, fault) || slices.Contains(renaming, fault) {
			continue
		}
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
				w.AddConversations(w.handle, 25, 2, time.Hour)
				_, stop := w.poll(func(o *poller.Options) { o.Ceiling = 30 * time.Second })
				pass(time.Minute)
				hits := 0
				for _, every := range []int{1, 2} {
					w.busy(4)
					in := w.Inject(sandbox.Rule{Path: "/api/*", Fault: fault, Every: every})
					w.busy(4)
					if slices.Contains(paging, fault) && every == 1 {
						for range 110 { // more than a page
							w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
						}
					}
					w.busy(4)
					in.Stop()
					hits += in.Hits()
				}
				w.settle(6 * time.Minute)
				w.complete()
				stop()
				require.NotZero(t, hits)
			})
		})
	}
}

// Pages that repeat their neighbour's last item, because it came again or because
// something arrived in between, while 5,000 items are read.
func TestF13_PagesThatRepeatAndShift(t *testing.T) {
	t.Parallel()
	for _, fault := range []sandbox.Fault{sandbox.FaultTwice, sandbox.FaultShifted, sandbox.FaultOldestFirst} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
				_, stop := w.poll(nil)
				pass(time.Minute)
				stop()
				for range 5000 {
					w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
				}
				in := w.Inject(sandbox.Rule{Path: "/api/notifications", Fault: fault})
				_, stop = w.poll(nil)
				pass(2 * time.Minute)
				in.Stop()
				w.settle(10 * time.Minute)
				w.complete()
				require.GreaterOrEqual(t, len(w.journal.told("ntf_")), 5000)
				require.Greater(t, in.Hits(), 20)
				stop()
			})
		})
	}
}

func TestF13_ItemsArriveBetweenPages(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		between := 0
		w.through(func(q *http.Request, _ *http.Response) {
			if q.URL.Query().Get("cursor") == "" || q.URL.Path != "/api/notifications" || between == 150 {
				return
			}
			for range 3 {
				between++
				w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
			}
		})
		_, stop := w.poll(nil)
		pass(time.Minute)
		stop()
		for range 5000 {
			w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
		}
		_, stop = w.poll(nil)
		w.settle(10 * time.Minute)
		w.complete()
		require.Equal(t, 150, between)
		require.Len(t, w.journal.told("ntf_"), 5000+between)
		stop()
	})
}

func TestF15_CursorsThatLie(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]sandbox.Rule{
		"refused once":             {Fault: sandbox.FaultBadCursor, Count: 1},
		"refused in the middle":    {Fault: sandbox.FaultBadCursor, Skip: 4, Count: 1},
		"refused for a while":      {Fault: sandbox.FaultBadCursor, For: 2 * time.Minute},
		"expired (410)":            {Fault: sandbox.FaultStatus, Status: http.StatusGone, Skip: 3, Count: 1},
		"unknown (404)":            {Fault: sandbox.FaultStatus, Status: http.StatusNotFound, Skip: 3, Count: 1},
		"more, but no cursor":      {Fault: sandbox.FaultNoCursor, For: 2 * time.Minute},
		"after the last the first": {Fault: sandbox.FaultEndless, For: 2 * time.Minute},
		"pages of twenty":          {Fault: sandbox.FaultLimitIgnored, For: 2 * time.Minute},
		"the same page end twice":  {Fault: sandbox.FaultTwice},
		"oldest first":             {Fault: sandbox.FaultOldestFirst, For: 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
				rule.Path = "/api/notifications"
				_, stop := w.poll(nil)
				pass(time.Minute)
				stop()
				for range 1000 {
					w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
				}
				in := w.Inject(rule)
				before := len(w.Journal())
				_, stop = w.poll(nil)
				pass(2 * time.Minute)
				require.LessOrEqual(t, w.mostPages(before), 51, "reads in one look")
				in.Stop()
				w.settle(4 * time.Minute)
				w.complete()
				stop()
				require.NotZero(t, in.Hits())
			})
		})
	}
}

// mostPages is the longest run of reads of notifications that follow each other
// from a head of the list.
func (w town) mostPages(from int) int {
	most, now := 0, 0
	for _, e := range w.Journal()[from:] {
		switch {
		case e.Path != "/api/notifications":
			continue
		case !strings.Contains(e.Query, "cursor="):
			now = 0
		}
		now++
		most = max(most, now)
	}
	return most
}

func TestF62_TokensEndInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, refresh := range map[string]bool{"access": false, "access and refresh": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
				ended := 0
				w.through(func(q *http.Request, _ *http.Response) {
					if q.URL.Query().Get("cursor") != "" && ended < 12 {
						ended++
						w.EndTokens(w.handle, refresh)
					}
				})
				_, stop := w.poll(nil)
				pass(time.Minute)
				for range 4 {
					for range 250 {
						w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
					}
					w.act(sandbox.Action{As: "nova_ai", Do: "dm", Handle: w.handle, Content: "word"})
					pass(time.Minute)
				}
				w.settle(7 * time.Minute)
				w.complete()
				require.Greater(t, ended, 5)
				require.LessOrEqual(t, w.mostAuth(), 10, "sign-ins a minute")
				stop()
			})
		})
	}
}

func TestF62_TheAuthLimitIsReached(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{AuthBy: sandbox.AuthByAddress}, func(t *testing.T, w town) {
		var others []poller.Agent
		for _, cred := range w.Agents()[1:] {
			api, err := imagine.New(imagine.Options{
				BaseURL: w.BaseURL(), ClientID: cred.ClientID, ClientSecret: func() string { return cred.ClientSecret }, HTTPClient: w.Client(),
			})
			require.NoError(t, err)
			others = append(others, poller.Agent{Handle: cred.Handle, API: api})
		}
		limited := w.Inject(sandbox.Rule{Path: "/api/auth/token", Fault: sandbox.FaultLimited, Wait: 40 * time.Second, Every: 2})
		p, stop := w.poll(func(o *poller.Options) { o.Agents = append(o.Agents, others...) })
		pass(2 * time.Minute)
		for range 4 {
			for _, a := range append(others, poller.Agent{Handle: w.handle}) {
				w.EndTokens(a.Handle, true)
				w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + a.Handle})
			}
			pass(time.Minute)
		}
		limited.Stop()
		pass(7 * time.Minute)
		for _, s := range p.Statuses() {
			require.Equal(t, poller.OK, s.Health, s.Agent)
			for _, h := range w.Happenings(s.Agent) {
				if h.Kind == sandbox.HappenedNotification {
					require.Contains(t, w.journal.told("ntf_"), "ntf_"+h.ID)
				}
			}
		}
		require.Empty(t, w.journal.refused)
		require.LessOrEqual(t, w.mostAuth(), 10, "sign-ins a minute, of all agents")
		require.NotZero(t, limited.Hits())
		stop()
	})
}

// mostAuth is the largest number of sign-ins within a minute.
func (w town) mostAuth() (most int) {
	var at []time.Time
	for _, e := range w.Journal() {
		if e.Path == "/api/auth/token" {
			at = append(at, e.At)
		}
	}
	for i := range at {
		n := 0
		for _, other := range at[i:] {
			if other.Sub(at[i]) < time.Minute {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func TestAStormOf429sLosesNothing(t *testing.T) {
	t.Parallel()
	for _, fault := range []sandbox.Fault{sandbox.FaultLimited, sandbox.FaultLimitedDate, sandbox.FaultLimitedBody, sandbox.FaultLimitedBare} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
				_, stop := w.poll(nil)
				pass(time.Minute)
				in := w.Inject(sandbox.Rule{Class: sandbox.ClassRead, Fault: fault, Chance: 0.4, Wait: 3 * time.Second})
				for range 5 {
					w.busy(10)
				}
				in.Stop()
				w.settle(7 * time.Minute)
				w.complete()
				require.Greater(t, in.Hits(), 3)
				stop()
			})
		})
	}
}

// A list that ends after twenty conversations hides the others until they speak
// again; then all they said is told.
func TestAListThatEndsEarlyDelaysAndLosesNothing(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		talks := w.AddConversations(w.handle, 35, 1, time.Hour)
		in := w.Inject(sandbox.Rule{Path: "/api/conversations", Fault: sandbox.FaultListCapped, Amount: 20})
		_, stop := w.poll(nil)
		pass(time.Minute)
		speak := func(talk string) {
			w.act(sandbox.Action{As: w.partner(talk), Do: "dm", Handle: w.handle, Content: "word"})
		}
		for range 2 {
			for _, talk := range talks {
				speak(talk)
			}
			slices.Reverse(talks)
			pass(2 * time.Minute)
		}
		require.Less(t, len(w.journal.told("msg_")), 70, "some are hidden")
		for _, talk := range talks {
			speak(talk)
			pass(20 * time.Second)
		}
		pass(time.Minute)
		requireAlike(t, w.happened(sandbox.HappenedReceived), w.journal.told("msg_"))
		require.Empty(t, w.journal.refused)
		require.NotZero(t, in.Hits())
		stop()
	})
}

func (w town) partner(talk string) string {
	for _, c := range w.State().Conversations {
		if c.ID == talk {
			if c.Between[0] == w.handle {
				return c.Between[1]
			}
			return c.Between[0]
		}
	}
	w.t.Fatal("no conversation ", talk)
	return ""
}

func TestAPreviewThatIsCutIsToldWhole(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		in := w.Inject(sandbox.Rule{Path: "/api/conversations", Fault: sandbox.FaultPreviewCut, Amount: 10})
		_, stop := w.poll(nil)
		pass(time.Minute)
		var said, told []string
		for i := range 5 {
			said = append(said, fmt.Sprint(long, i)) // the same up to where it is cut
			w.act(sandbox.Action{As: "nova_ai", Do: "dm", Handle: w.handle, Content: said[i]})
			pass(30 * time.Second)
		}
		for _, e := range w.journal.events {
			if m, ok := e.Data.(events.MessageReceived); ok {
				told = append(told, m.Message.Content)
			}
		}
		require.Equal(t, said, told)
		require.NotZero(t, in.Hits())
		stop()
	})
}

// A conversation that was silent for long is read when the list tells of a new
// message, and again where the reading did not show it.
func TestADirectMessageThatOneLookMissedIsTold(t *testing.T) {
	t.Parallel()
	for _, fault := range []sandbox.Fault{sandbox.FaultNullList, sandbox.FaultNoList, sandbox.FaultGone, sandbox.FaultEmptyBody, sandbox.FaultTruncated} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
				talk := w.AddConversations(w.handle, 1, 3, 3*time.Hour)[0]
				_, stop := w.poll(nil)
				pass(time.Minute)
				in := w.Inject(sandbox.Rule{Path: "/api/conversations/*/messages", Fault: fault, Count: 2})
				w.act(sandbox.Action{As: w.partner(talk), Do: "dm", Handle: w.handle, Content: "after all this time"})
				pass(3 * time.Minute)
				require.Equal(t, w.happened(sandbox.HappenedReceived), w.journal.told("msg_"))
				require.Equal(t, 2, in.Hits())
				stop()
			})
		})
	}
}

// However a job's states come by, it begins once and ends once, and what was
// completed has its post.
func TestAJobEndsOnceHoweverItIsSeen(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]sandbox.Rule{
		"a state is skipped":         {Fault: sandbox.FaultJobSkips},
		"absent for a look":          {Fault: sandbox.FaultJobAbsent, Every: 2},
		"absent for three looks":     {Fault: sandbox.FaultJobAbsent, Skip: 2, Count: 3},
		"completed without its post": {Fault: sandbox.FaultPostLater},
		"never among the pending":    {Fault: sandbox.FaultNeverListed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
				_, stop := w.poll(nil)
				pass(time.Minute)
				in := w.Inject(rule)
				var jobs []string
				for i := range 6 {
					prompt := fmt.Sprint("a ring station ", i)
					switch i {
					case 0: // long enough that a look meets it on its way, however drifted the pace
						prompt += " sandbox:slow"
					case 3:
						prompt = "sandbox:fail"
					}
					jobs = append(jobs, w.act(sandbox.Action{As: w.handle, Do: "generate", Prompt: prompt}).Job)
					pass(time.Minute)
				}
				pass(7 * time.Minute)
				requireAlike(t, w.ends(), w.toldEnds())
				for _, job := range jobs {
					w.endsLast(job)
				}
				require.NotZero(t, in.Hits())
				stop()
			})
		})
	}
}

// endsLast holds one job's events against the order they must have.
func (w town) endsLast(job string) {
	w.t.Helper()
	var names []string
	for _, e := range w.journal.events {
		if e.About != job {
			continue
		}
		names = append(names, e.Name())
		if d, ok := e.Data.(events.GenerationCompleted); ok {
			require.NotEmpty(w.t, d.Job.PostID)
		}
	}
	require.NotEmpty(w.t, names)
	for i, name := range names {
		end := name == "generation.completed" || name == "generation.failed"
		require.Equal(w.t, i == len(names)-1, end, names)
		require.Equal(w.t, i == 0 && !end, name == "generation.started", names)
	}
}
