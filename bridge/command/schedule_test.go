package command_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

// clerk runs what is scheduled, and remembers what it tells.
type clerk struct {
	mu      sync.Mutex
	answers []command.Answer
	at      []time.Time
	stop    func()
	ended   chan struct{}
}

func minding(t *testing.T, r *command.Runner) *clerk {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	c := &clerk{stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		_ = r.Run(ctx, func(_ command.Request, a command.Answer) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.answers, c.at = append(c.answers, a), append(c.at, time.Now())
		})
	}()
	return c
}

func (c *clerk) told() []command.Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.answers)
}

// end stops the process whose clerk it is.
func (c *clerk) end() {
	c.stop()
	<-c.ended
}

// order schedules a post and gives its short name.
func (w *world) order(id, text, at string) command.Answer {
	q := w.request("post create", map[string]any{"text": text, "at": at})
	q.ID, q.Zone = id, "Europe/Berlin"
	return w.runner.Do(w.t.Context(), q)
}

func TestAScheduledPostIsMadeWhenItIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := minding(t, w.runner)
		defer c.end()
		began := time.Now()
		a := w.order("i1", "good evening", "in 2h")
		require.True(t, a.OK, "%v", a.Problem)
		require.Equal(t, began.Add(2*time.Hour).Unix(), a.Reply.Planned.At.Unix())
		require.Equal(t, "scheduled", w.entries[0].Outcome)
		require.Equal(t, command.Scheduled, w.records.get("i1").State)

		again := w.order("i1", "good evening", "in 2h")
		require.True(t, again.Repeat, "a redelivery schedules nothing more")
		require.Equal(t, a.Reply.Text, again.Reply.Text)

		time.Sleep(2*time.Hour - time.Second)
		require.Empty(t, w.writes("POST /api/posts"))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Len(t, w.writes("POST /api/posts"), 1)
		require.Len(t, c.answers, 1)
		require.True(t, c.answers[0].OK)
		require.Less(t, c.at[0].Sub(began.Add(2*time.Hour)), 2*time.Second)
		require.Equal(t, command.Done, w.records.get("i1").State)
		require.NotContains(t, fmt.Sprint(w.records.get("i1").Request), "good evening", "words are not kept longer than needed")
		time.Sleep(time.Hour)
		require.Len(t, w.writes("POST /api/posts"), 1)
	})
}

// TestAScheduledPostOutlivesItsProcess: whoever is alive then makes it, once.
func TestAScheduledPostOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *command.RunnerOptions) { o.Alive = func(owner string) bool { return owner != "one" } })
		c := minding(t, w.runner)
		require.True(t, w.order("i1", "still here", "in 1h").OK)
		c.end()
		var clerks []*clerk
		for _, name := range []string{"two", "three", "four"} {
			other := w.another(name)
			clerks = append(clerks, minding(t, other))
		}
		time.Sleep(time.Hour + 2*time.Second)
		synctest.Wait()
		require.Len(t, w.writes("POST /api/posts"), 1)
		told := 0
		for _, c := range clerks {
			c.end()
			told += len(c.answers)
		}
		require.Equal(t, 1, told)
	})
}

func TestTheBridgeWasAwayWhenAPostWasDue(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		away time.Duration
		made int
		said string
	}{
		"an hour":       {2 * time.Hour, 1, ""},
		"almost a day":  {24*time.Hour + 30*time.Minute, 1, ""},
		"more than one": {26 * time.Hour, 0, "Not posted: it was due at 2000-01-01 02:00 CET, and the bridge was away for more than a day. [Do it now]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				require.True(t, w.order("i1", "good morning", "in 1h").OK)
				time.Sleep(tc.away)
				c := minding(t, w.another("two"))
				time.Sleep(time.Minute)
				c.end()
				require.Len(t, w.writes("POST /api/posts"), tc.made)
				require.Len(t, c.answers, 1)
				if tc.said != "" {
					require.Equal(t, tc.said, sentence(c.answers[0].Problem))
					require.Equal(t, "good morning", c.answers[0].Problem.Buttons[0].Args["text"])
				}
			})
		})
	}
}

// TestAccessIsDecidedWhenTheTimeComes: who may not any more, does not.
func TestAccessIsDecidedWhenTheTimeComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lists := command.Lists{}
		w := newWorld(t, func(o *command.RunnerOptions) {
			o.Access = func(command.Principal, string) command.Lists { return lists }
		})
		require.True(t, w.order("i1", "hello", "in 1h").OK)
		lists.Write, lists.Admin = []string{"discord:user:somebody"}, []string{"discord:user:somebody"}
		c := minding(t, w.runner)
		time.Sleep(time.Hour + time.Second)
		c.end()
		require.Empty(t, w.writes("POST /api/posts"))
		require.Equal(t, "forbidden", c.answers[0].Problem.Status)
		require.Equal(t, "refused", w.entries[len(w.entries)-1].Outcome)
	})
}

// TestAWorkspaceThatIsNotKnownYetIsWaitedFor: what a workspace reaches is learned
// from its platform after a start.
func TestAWorkspaceThatIsNotKnownYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		known := time.Now().Add(90 * time.Minute)
		w := newWorld(t, func(o *command.RunnerOptions) {
			o.Reach = func(command.Principal) []string {
				if time.Now().Before(known) && time.Now().After(known.Add(-time.Hour)) {
					return nil
				}
				return []string{"orbit_bot"}
			}
		})
		require.True(t, w.order("i1", "hello", "in 1h").OK)
		c := minding(t, w.runner)
		time.Sleep(89 * time.Minute)
		require.Empty(t, w.writes("POST /api/posts"))
		require.Empty(t, c.told())
		time.Sleep(2 * time.Minute)
		c.end()
		require.Len(t, w.writes("POST /api/posts"), 1)
	})
}

func TestScheduledPostsAreListedAndCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		second, first := w.order("i1", "the second", "in 2h"), w.order("i2", "the first", "tomorrow 0:30 UTC")
		require.True(t, first.OK && second.OK)
		first = w.order("i3", "the first", "in 1 h")
		list := w.do("post scheduled", nil)
		undo := first.Reply.Undo
		require.Equal(t, "post unschedule", undo.Command)
		cancelled := w.do("post unschedule", map[string]any{"scheduled": undo.Args["scheduled"]})
		gone := w.try("post unschedule", map[string]any{"scheduled": undo.Args["scheduled"]})
		var out strings.Builder
		for _, a := range []command.Answer{second, first, {Reply: list}, {Reply: cancelled}, gone} {
			out.WriteString(show(a) + "\n")
		}
		golden.Equal(t, "testdata/scheduled.golden", []byte(out.String()))
		c := minding(t, w.runner)
		time.Sleep(48 * time.Hour)
		c.end()
		require.Len(t, w.writes("POST /api/posts"), 2, "what was cancelled is not posted")
		require.Equal(t, "No post is scheduled.", w.do("post scheduled", nil).Text)
	})
}

// TestOtherWorkspacesScheduleUnseen holds T3.
func TestOtherWorkspacesScheduleUnseen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.order("i1", "a surprise", "in 2h")
	q := w.request("post scheduled", nil)
	q.Principal.Workspace = "G2"
	require.Equal(t, "No post is scheduled.", w.runner.Do(t.Context(), q).Reply.Text)
	q = w.request("post unschedule", map[string]any{"scheduled": a.Reply.Planned.ID})
	q.Principal.Workspace = "G2"
	require.Equal(t, "not_found", w.runner.Do(t.Context(), q).Problem.Status)
	q.Principal = command.Principal{Platform: command.NATS}
	require.True(t, w.runner.Do(t.Context(), q).OK)
}

func TestWhatCantBeScheduledIsSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var out strings.Builder
		for _, at := range []string{"soon", "0:30", "2001-06-01 09:00"} {
			q := w.request("post create", map[string]any{"text": "hello", "at": at})
			q.ID, q.Zone = at, "Europe/Berlin"
			a := w.runner.Do(t.Context(), q)
			fmt.Fprintf(&out, "at:%s\n%s", at, show(a))
			require.Equal(t, a.Problem.Error(), w.runner.Check(t.Context(), q).Error(), "a form says the same")
		}
		q := w.request("post create", map[string]any{"text": "hello", "at": "in 2h"})
		q.Files = map[string][]command.File{"files": {picture()}}
		fmt.Fprintf(&out, "with a file\n%s", show(w.runner.Do(t.Context(), q)))
		for i := range 100 {
			require.True(t, w.order(strconv.Itoa(i), "one of many", "in 2h").OK)
		}
		fmt.Fprintf(&out, "one too many\n%s", show(w.order("last", "one more", "in 2h")))
		w.runner = command.NewRunner(command.RunnerOptions{Agents: w.agents})
		fmt.Fprintf(&out, "without a bridge\n%s", show(w.order("x", "hello", "in 2h")))
		golden.Equal(t, "testdata/unscheduled.golden", []byte(out.String()))
		require.Empty(t, w.writes("POST /api/posts"))
	})
}

// TestF37_WhatWasToldAsNotDoneIsNotDoneLater: a store that takes a command but
// does not say so in time must not have it run behind the person's back.
func TestF37_WhatWasToldAsNotDoneIsNotDoneLater(t *testing.T) {
	t.Parallel()
	silent := errors.New("no answer in time")
	door := map[string]func(w *world, q command.Request) *command.Problem{
		"a door that notes first": func(w *world, q command.Request) *command.Problem {
			p, _ := errors.AsType[*command.Problem](w.runner.Accept(w.t.Context(), q))
			return p
		},
		"a door that does at once": func(w *world, q command.Request) *command.Problem {
			return w.runner.Do(w.t.Context(), q).Problem
		},
	}
	for name, through := range door {
		for _, back := range []time.Duration{0, 30 * time.Second} {
			t.Run(fmt.Sprintf("%s, the store answers after %s", name, back), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					c := minding(t, w.runner)
					w.records.silent(silent)
					q := w.request("post create", map[string]any{"text": "never said"})
					q.ID = "i1"
					require.Equal(t, "not_recorded", through(w, q).Status)
					require.Equal(t, command.Recorded, w.records.get("i1").State, "it is stored all the same")
					time.Sleep(back)
					w.records.silent(nil)
					time.Sleep(5 * time.Second)
					require.Equal(t, command.Failed, w.records.get("i1").State)
					c.end()
					other := minding(t, w.another("two"))
					time.Sleep(time.Minute)
					other.end()
					require.Empty(t, w.writes("POST /api/posts"))
					require.Empty(t, other.told())

					a := w.runner.Do(t.Context(), q)
					require.True(t, a.OK, "sent again, as the sentence says: %v", a.Problem)
					require.Len(t, w.writes("POST /api/posts"), 1)
					require.True(t, w.runner.Do(t.Context(), q).Repeat)
				})
			})
		}
	}
}

// TestF37_AWriteThatComesLateComesTooLate: the first write reaches the store
// after the person was told that nothing was done.
func TestF37_AWriteThatComesLateComesTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := minding(t, w.runner)
		defer c.end()
		w.records.broke = errors.New("no answer in time")
		q := w.request("post create", map[string]any{"text": "never said"})
		q.ID = "i1"
		require.Equal(t, "not_recorded", w.runner.Do(t.Context(), q).Problem.Status)
		w.records.mend()
		time.Sleep(5 * time.Second)
		_, fresh, err := w.records.Create(t.Context(), command.Record{ID: "i1", State: command.Recorded, Request: q, Owner: "one", At: time.Now()})
		require.NoError(t, err)
		require.False(t, fresh)
		time.Sleep(time.Minute)
		require.Empty(t, w.writes("POST /api/posts"))
	})
}

// TestAStoreThatIsAwayDelaysWhatIsDue: it is neither given up nor done twice.
func TestAStoreThatIsAwayDelaysWhatIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		require.True(t, w.order("i1", "patience", "in 1h").OK)
		c := minding(t, w.runner)
		time.Sleep(30 * time.Minute)
		w.records.fail(errors.New("away"))
		time.Sleep(time.Hour)
		require.Empty(t, c.told())
		w.records.mend()
		time.Sleep(time.Minute)
		c.end()
		require.Len(t, w.writes("POST /api/posts"), 1)
		require.Len(t, c.answers, 1)
		require.True(t, slices.ContainsFunc(w.entries, func(e command.Entry) bool { return e.Outcome == "done" && e.Verb == "create" }))
	})
}
