package poller_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
	"github.com/imaginebridge/imaginebridge/poller"
)

func TestF16_FirstStartOnAFullAccount(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		w.AddNotifications(w.handle, 5000, time.Hour)
		w.AddConversations(w.handle, 300, 3, time.Hour)
		w.AddJobs(w.handle, 200, time.Hour)
		_, stop := w.poll(nil)
		pass(10 * time.Minute)
		require.Empty(t, w.journal.told(""), "nothing old is sent")
		for i := range 10 {
			w.act(sandbox.Action{As: "nova_ai", Do: "mention", Handle: w.handle, Content: fmt.Sprintf("hello @%s %d", w.handle, i)})
		}
		pass(2 * time.Minute)
		require.Equal(t, w.happened(sandbox.HappenedNotification), w.journal.told("ntf_"))
		require.Len(t, w.journal.told("ntf_"), 10)
		require.Len(t, w.journal.told(""), 10)
		stop()
	})
}

func TestF16_TheBaselineSurvivesAKillAtOnce(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		w.AddNotifications(w.handle, 500, time.Hour)
		_, stop := w.poll(nil)
		pass(100 * time.Millisecond)
		stop()
		w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
		_, stop = w.poll(nil)
		pass(time.Minute)
		require.Equal(t, w.happened(sandbox.HappenedNotification), w.journal.told("ntf_"))
		stop()
	})
}

func TestEverythingThatHappensIsToldOnceAndInOrder(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		_, stop := w.poll(nil)
		pass(time.Minute)
		post := w.act(sandbox.Action{As: w.handle, Do: "post", Content: "Docking ring done"}).Post
		for i := range 40 {
			who := []string{"nova_ai", "luna_dev"}[i%2]
			if _, err := w.Act(sandbox.Action{As: who, Do: "comment", Post: post, Content: fmt.Sprint("comment ", i)}); err != nil {
				who = "nova_ai"
				w.act(sandbox.Action{As: who, Do: "comment", Post: post, Content: fmt.Sprint("comment ", i)})
			}
			w.act(sandbox.Action{As: "nova_ai", Do: "dm", Handle: w.handle, Content: fmt.Sprint("message ", i)})
			if i%5 == 0 {
				w.act(sandbox.Action{As: w.handle, Do: "dm", Handle: "nova_ai", Content: fmt.Sprint("answer ", i)})
			}
			pass(time.Duration(i%7) * time.Second)
		}
		pass(3 * time.Minute)
		require.Equal(t, w.happened(sandbox.HappenedNotification), w.journal.told("ntf_"))
		requireAlike(t, append(w.happened(sandbox.HappenedReceived), w.happened(sandbox.HappenedSent)...), w.journal.told("msg_"))
		require.Equal(t, w.happened(sandbox.HappenedReceived), slices.DeleteFunc(w.journal.told("msg_"), func(id string) bool { return id[len(id)-5:] == "_sent" }))
		require.Empty(t, w.journal.refused)
		stop()
	})
}

func TestAGenerationIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		_, stop := w.poll(func(o *poller.Options) { o.Ceiling = 10 * time.Second })
		pass(time.Minute)
		job := w.act(sandbox.Action{As: w.handle, Do: "generate", Prompt: "a ring station", Type: "music", Provider: "ELEVENLABS"}).Job
		pass(2 * time.Minute)
		var names []string
		for _, e := range w.journal.events {
			if e.About == job {
				names = append(names, e.Name())
			}
		}
		require.Equal(t, "generation.started", names[0])
		require.Equal(t, "generation.completed", names[len(names)-1])
		end := w.journal.events[len(w.journal.events)-1]
		data, ok := end.Data.(events.GenerationCompleted)
		require.True(t, ok)
		require.NotEmpty(t, data.Job.PostID)
		require.NotEmpty(t, data.Job.ResultURL)
		stop()
	})
}

func TestAPokeBringsALookAtOnce(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		p, stop := w.poll(nil)
		pass(10 * time.Minute) // drifted to the ceiling
		job := w.act(sandbox.Action{As: w.handle, Do: "generate", Prompt: "a ring station"}).Job
		p.Poke(w.handle)
		p.Poke("somebody_else")
		pass(500 * time.Millisecond)
		require.Equal(t, []string{"job_" + job + "_0_pending"}, w.journal.told("job_"))
		stop()
	})
}

func TestF13_PagesThatShiftWhileTheyAreRead(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		_, stop := w.poll(func(o *poller.Options) { o.Ceiling = 10 * time.Second })
		pass(time.Minute)
		for range 50 {
			for range 100 {
				w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
			}
			pass(time.Second)
		}
		w.settle(5 * time.Minute)
		sameFacts(t, w.happened(sandbox.HappenedNotification), w.journal.told("ntf_"))
		require.True(t, slices.IsSortedFunc(w.journal.events, func(a, b events.Event) int { return a.Time.Compare(b.Time) }))
		require.Len(t, w.journal.told("ntf_"), 5000)
		stop()
	})
}

func TestABurstBeyondOneWalkLosesNoMiddle(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		_, stop := w.poll(nil)
		pass(time.Minute)
		stop()
		for i := range 7000 {
			w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
			if i%10 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		_, stop = w.poll(nil)
		w.settle(10 * time.Minute)
		sameFacts(t, w.happened(sandbox.HappenedNotification), w.journal.told("ntf_"))
		require.Empty(t, w.journal.refused)
		stop()
	})
}

func TestF14_LateAndSimultaneousItemsAreFoundOnce(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		_, stop := w.poll(nil)
		pass(time.Minute)
		for i := range 1000 {
			late := time.Duration(i*37%840) * time.Second // up to 14 minutes
			w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle, Late: late})
			if i%40 == 0 {
				pass(time.Second)
			}
		}
		w.settle(5 * time.Minute)
		sameFacts(t, w.happened(sandbox.HappenedNotification), w.journal.told("ntf_"))
		require.Empty(t, w.journal.refused)
		stop()
	})
}

func TestF3_ACommitWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	t.Parallel()
	lost := errors.New("no answer")
	for name, fail := range map[string]func(n int) (before, after error){
		"before it was stored": func(n int) (error, error) {
			if n%3 == 0 {
				return lost, nil
			}
			return nil, nil
		},
		"after it was stored": func(n int) (error, error) {
			if n%3 == 0 {
				return nil, lost
			}
			return nil, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
				w.journal.fail = fail
				_, stop := w.poll(nil)
				pass(time.Minute)
				for i := range 50 {
					w.act(sandbox.Action{As: "nova_ai", Do: "dm", Handle: w.handle, Content: strconv.Itoa(i)})
					w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
					pass(5 * time.Second)
				}
				pass(5 * time.Minute)
				require.Equal(t, w.happened(sandbox.HappenedNotification), w.journal.told("ntf_"))
				require.Equal(t, w.happened(sandbox.HappenedReceived), w.journal.told("msg_"))
				require.Empty(t, w.journal.refused, "the cursor is read back before anything is stored again")
				stop()
			})
		})
	}
}

func TestABusyAgentStaysWithinFortyReadsAMinute(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		_, stop := w.poll(func(o *poller.Options) { o.Ceiling = 10 * time.Second })
		pass(time.Minute)
		w.act(sandbox.Action{As: w.handle, Do: "generate", Prompt: "sandbox:stuck"})
		pass(time.Minute)
		before := len(w.Journal())
		for range 60 {
			w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
			pass(time.Second)
		}
		reads := len(w.Journal()) - before
		require.LessOrEqual(t, reads, 40)
		require.Greater(t, reads, 20, "a running job is watched closely")
		stop()
	})
}

func TestAPersonNeverWaitsBehindPolling(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		w.AddConversations(w.handle, 300, 3, time.Hour)
		_, stop := w.poll(func(o *poller.Options) {
			o.Notifications, o.Messages, o.Generations, o.Ceiling = 2*time.Second, 2*time.Second, 2*time.Second, 2*time.Second
		})
		for range 60 {
			w.act(sandbox.Action{As: "nova_ai", Do: "dm", Handle: w.handle, Content: "more"})
			pass(5 * time.Second)
			began := time.Now()
			_, err := w.api.Me(t.Context())
			require.NoError(t, err)
			require.Zero(t, time.Since(began))
		}
		stop()
	})
}

func TestF62_RefusedCredentialsAreOneAgentsTrouble(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		other := w.Agents()[1]
		api, err := imagine.New(imagine.Options{
			BaseURL: w.BaseURL(), ClientID: other.ClientID, ClientSecret: func() string { return other.ClientSecret }, HTTPClient: w.Client(),
		})
		require.NoError(t, err)
		p, stop := w.poll(func(o *poller.Options) {
			o.Agents = append(o.Agents, poller.Agent{Handle: other.Handle, API: api})
		})
		pass(time.Minute)
		for _, s := range p.Statuses() {
			require.Equal(t, poller.OK, s.Health, s.Agent)
			require.True(t, s.Ready)
		}
		w.RevokeSecret(other.Handle)
		w.EndTokens(other.Handle, true)
		w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
		calls := authCalls(w, other.ClientID)
		pass(3 * time.Minute)
		require.Equal(t, poller.OK, p.Statuses()[0].Health)
		require.Len(t, w.journal.told("ntf_"), 1)
		require.Equal(t, poller.Down, p.Statuses()[1].Health)
		require.Contains(t, p.Statuses()[1].Reason, other.Handle+": ImagineAnything refused these credentials (invalid_client).")
		require.LessOrEqual(t, authCalls(w, other.ClientID)-calls, 30)
		stop()
	})
}

func authCalls(w town, _ string) (n int) {
	for _, e := range w.Journal() {
		if e.Path == "/api/auth/token" {
			n++
		}
	}
	return n
}

func TestAnAgentIsReadyOnceEverySourceHasItsBaseline(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		var told []poller.Health
		w.journal.fail = func(n int) (error, error) {
			if n <= 3 {
				return errors.New("not yet"), nil
			}
			return nil, nil
		}
		p, stop := w.poll(func(o *poller.Options) {
			o.Report = func(_ context.Context, s poller.Status) {
				require.Equal(t, s.Health == poller.OK, s.Ready)
				told = append(told, s.Health)
			}
		})
		pass(100 * time.Millisecond)
		require.False(t, p.Statuses()[0].Ready)
		require.Equal(t, poller.Starting, p.Statuses()[0].Health)
		pass(time.Minute)
		require.True(t, p.Statuses()[0].Ready)
		require.Equal(t, []poller.Health{poller.OK}, told, "one passing failure is no news")
		stop()
	})
}

func TestF16_OneEmptyAnswerIsNoEmptyAccount(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"notifications": "/api/notifications", "messages": "/api/conversations"} {
		t.Run(name, func(t *testing.T) {
			inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
				w.AddNotifications(w.handle, 50, time.Minute)
				w.AddConversations(w.handle, 20, 3, time.Minute)
				lie := w.Inject(sandbox.Rule{Path: path, Fault: sandbox.FaultNullList, Count: 1})
				_, stop := w.poll(nil)
				pass(10 * time.Minute)
				require.Equal(t, 1, lie.Hits())
				require.Empty(t, w.journal.told(""), "nothing old is sent")
				stop()
			})
		})
	}
}

func TestBackfillSendsWhatIsYoungEnough(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{Empty: true}, func(t *testing.T, w town) {
		w.AddNotifications(w.handle, 30, 2*time.Hour)
		pass(time.Second)
		for range 5 {
			w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
		}
		_, stop := w.poll(func(o *poller.Options) { o.Backfill = time.Hour })
		pass(time.Minute)
		require.Equal(t, w.happened(sandbox.HappenedNotification), w.journal.told("ntf_"))
		stop()
	})
}

func TestBackfillReachesBeyondTheOverlap(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{Empty: true}, func(t *testing.T, w town) {
		began := time.Now()
		for range 40 {
			w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
			pass(time.Minute)
		}
		_, stop := w.poll(func(o *poller.Options) { o.Backfill = time.Since(began) + time.Hour })
		pass(time.Minute)
		require.Equal(t, w.happened(sandbox.HappenedNotification), w.journal.told("ntf_"))
		stop()
	})
}

func TestTheFeedIsToldWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		w.act(sandbox.Action{As: w.handle, Do: "follow", Handle: "nova_ai"})
		_, stop := w.poll(func(o *poller.Options) { o.Feed = true })
		pass(time.Minute)
		theirs := w.act(sandbox.Action{As: "nova_ai", Do: "post", Content: "A new gate"}).Post
		own := w.act(sandbox.Action{As: w.handle, Do: "post", Content: "Mine"}).Post
		pass(2 * time.Minute)
		requireAlike(t, []string{
			"post_" + w.handle + "_followed_" + theirs, "post_" + w.handle + "_published_" + own,
		}, w.journal.told("post_"))
		stop()
	})
}
