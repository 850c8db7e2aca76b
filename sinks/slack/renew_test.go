package slack

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// rotating is a town whose tokens rotate, with the app in one workspace and a channel.
type rotating struct {
	*town
	team    *fakeslack.Workspace
	channel string
	ahead   *atomic.Int64 // of Slack's clock, in nanoseconds
	sent    atomic.Int64
}

func openRotating(t *testing.T, processes int, grace time.Duration) *rotating {
	t.Helper()
	r := &rotating{ahead: &atomic.Int64{}}
	r.town = buildTown(t, fakeslack.Options{
		RotateTokens: true, RefreshGrace: grace, Now: func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) },
	}, processes, nil)
	r.team = r.fake.AddEmptyWorkspace("acme")
	page := r.install(fakeslack.Install{Workspace: r.team.ID})
	require.Equal(t, 200, page.Status, page.Body)
	r.channel = r.team.AddChannel("alerts")
	r.everywhere(r.team.ID, r.team.BotToken)
	return r
}

// expire makes the record say that its token ends in a while, and waits until every
// process knows.
func (r *rotating) expire(in time.Duration) {
	r.Helper()
	old := r.record("", r.team.ID)
	old.Expires = time.Now().Add(in)
	now, err := r.shelf.Put(r.Context(), old)
	require.NoError(r, err)
	r.eventually("known in every process", func() bool {
		for _, a := range r.apps {
			if a.record(keyOf(now)).Rev < now.Rev {
				return false
			}
		}
		return true
	})
}

// send sends through a process, again where that is asked for.
func (r *rotating) send(a *Apps) *bridge.SendError {
	d := note(r.channel, int(r.sent.Add(1)))
	for range 5 {
		_, err := a.In(r.team.ID).Send(r.Context(), d)
		e, failed := errors.AsType[*bridge.SendError](err)
		if !failed || e.Verdict != bridge.Retry {
			return e
		}
	}
	return &bridge.SendError{Verdict: bridge.Retry, Err: errors.New("never sent")}
}

// guard asks before each record is stored.
func (r *rotating) guard(f func(bridge.Installation) error) {
	r.shelf.mu.Lock()
	defer r.shelf.mu.Unlock()
	r.shelf.guard = f
}

// refreshes are the calls that asked for a new pair.
func (r *rotating) refreshes() (out []fakeslack.Request) {
	for _, q := range r.fake.Requests("oauth.v2.access") {
		if q.Args["grant_type"] == "refresh_token" {
			out = append(out, q)
		}
	}
	return out
}

// S29: of all processes that need a token anew, one buys it, and all use it.
func TestTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	r := openRotating(t, 3, 0)
	before := r.record("", r.team.ID)
	r.expire(5 * time.Minute)
	var all sync.WaitGroup
	for i := range 9 {
		all.Go(func() {
			if e := r.send(r.apps[i%3]); e != nil {
				t.Errorf("not sent: %v", e)
			}
		})
	}
	all.Wait()
	r.eventually("renewed", func() bool { return r.record("", r.team.ID).Bot != before.Bot })
	r.everywhere(r.team.ID, r.team.BotToken)
	r.ahead.Store(int64(2 * time.Minute)) // the old one is dead by now
	for _, a := range r.apps {
		require.Nil(t, r.send(a))
	}
	require.Len(t, r.refreshes(), 1)
	require.Len(t, r.fake.Messages(r.channel), 12)
	got := r.record("", r.team.ID)
	require.NotEqual(t, before.Refresh, got.Refresh)
	require.Empty(t, got.Renewer)
	require.Greater(t, time.Until(got.Expires), 11*time.Hour)
	r.clean()
}

// S29: an answer that was lost is asked for again; nobody is locked out.
func TestLostAnswerLocksNobodyOut(t *testing.T) {
	t.Parallel()
	r := openRotating(t, 2, time.Minute)
	lost := r.fake.Inject(fakeslack.Trouble{Method: "oauth.v2.access", Kind: fakeslack.Cut, Effect: true, Times: 1})
	r.expire(5 * time.Minute)
	require.Nil(t, r.send(r.apps[0]))
	r.eventually("asked again", func() bool { return len(r.refreshes()) == 2 })
	require.Equal(t, 1, lost.Hits())
	r.everywhere(r.team.ID, r.team.BotToken)
	r.ahead.Store(int64(2 * time.Minute))
	require.Nil(t, r.send(r.apps[1]))
	require.Len(t, r.refreshes(), 2)
	r.clean()
}

// S29: where Slack takes the old refresh token no more, the old token is used up, no
// call is made with a dead one, and installing anew mends it.
func TestLostForGoodAsksForAnInstallation(t *testing.T) {
	t.Parallel()
	r := openRotating(t, 1, 0)
	r.fake.Inject(fakeslack.Trouble{Method: "oauth.v2.access", Kind: fakeslack.Cut, Effect: true, Times: 1})
	r.expire(5 * time.Minute)
	require.Nil(t, r.send(r.apps[0]), "the old one works until its end")
	r.ahead.Store(int64(2 * time.Minute))
	r.expire(time.Second)
	calls := len(r.fake.Requests("chat.postMessage"))
	e := r.send(r.apps[0])
	require.NotNil(t, e)
	require.Equal(t, bridge.Revoked, e.Verdict)
	require.Contains(t, e.Advice, r.site.URL+installPath)
	require.Len(t, r.fake.Requests("chat.postMessage"), calls, "no call with a dead token")
	require.Len(t, r.refreshes(), 2, "the lost one and its repetition")

	page := r.install(fakeslack.Install{Workspace: r.team.ID})
	require.Equal(t, 200, page.Status, page.Body)
	require.Nil(t, r.send(r.apps[0]))
	r.clean("invalid_refresh_token")
}

// S29: a process that ended while it renewed holds nobody up for long.
func TestRenewalIsTakenOverFromADeadProcess(t *testing.T) {
	t.Parallel()
	r := openRotating(t, 1, 0)
	held := r.record("", r.team.ID)
	held.Expires, held.Renewer, held.Renewal = time.Now().Add(time.Second), "a dead process", time.Now().Add(2*time.Second)
	held, err := r.shelf.Put(t.Context(), held)
	require.NoError(t, err)
	r.eventually("known", func() bool { return r.apps[0].record(keyOf(held)).Rev >= held.Rev })
	require.Nil(t, r.send(r.apps[0]))
	require.Len(t, r.refreshes(), 1)
	require.Equal(t, r.team.BotToken(), r.record("", r.team.ID).Bot)
	r.clean()
}

// S29: a store that fails just after the purchase does not lose what was bought.
func TestBoughtPairSurvivesAStoreThatFails(t *testing.T) {
	t.Parallel()
	r := openRotating(t, 1, 0)
	before := r.record("", r.team.ID)
	var up atomic.Bool
	r.guard(func(next bridge.Installation) error {
		if next.Bot != before.Bot && !up.Load() {
			return errDown
		}
		return nil
	})
	r.expire(5 * time.Minute)
	r.eventually("not stored", func() bool { return containsLine(r.log, "a renewed token is not stored yet") })
	require.Equal(t, before.Bot, r.apps[0].record(keyOf(before)).Bot, "stored before it is used")
	up.Store(true)
	r.everywhere(r.team.ID, r.team.BotToken)
	require.Nil(t, r.send(r.apps[0]))
	r.eventually("stored", func() bool { return r.record("", r.team.ID).Bot == r.team.BotToken() })
	require.Len(t, r.refreshes(), 1)
	r.clean()
}

// S29: a token that ends before its time is renewed when Slack says so.
func TestTokenThatEndsEarlyIsRenewed(t *testing.T) {
	t.Parallel()
	r := openRotating(t, 2, 0)
	r.ahead.Store(int64(13 * time.Hour))
	require.Nil(t, r.send(r.apps[0]))
	require.Nil(t, r.send(r.apps[1]))
	require.Len(t, r.refreshes(), 1)
	r.clean("token_expired")
}

// S29: a renewal and an end at once leave no token behind.
func TestRenewalOfAnEndedInstallationIsDropped(t *testing.T) {
	t.Parallel()
	r := openRotating(t, 1, 0)
	before := r.record("", r.team.ID)
	bought, ended := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(bought) })
	r.guard(func(next bridge.Installation) error {
		if next.Bot != "" && next.Bot != before.Bot { // the pair waits until the end is stored
			once()
			<-ended
		}
		return nil
	})
	r.expire(5 * time.Minute)
	<-bought
	require.NoError(t, r.apps[0].end(t.Context(), keyOf(before), Change{Kind: Uninstalled, At: time.Now().Add(time.Minute), Reason: "app_uninstalled"}))
	close(ended)
	e := r.send(r.apps[0])
	require.NotNil(t, e)
	require.Equal(t, bridge.Revoked, e.Verdict)
	got := r.record("", r.team.ID)
	require.Empty(t, got.Bot+got.Refresh)
	require.False(t, got.Ended.IsZero())
	r.clean()
}
