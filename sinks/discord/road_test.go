package discord

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/load"
	"github.com/imaginebridge/imaginebridge/internal/sinktest"
)

// onRoad runs a test with as many channels as the load has destinations, n at least,
// each with its worker. A channel takes one message a second, so the events of the
// load are shared among them; each is how long a channel needs for its own.
func onRoad(t *testing.T, n int, test func(st *stand, p load.Profile, r *sinktest.Road, each time.Duration)) {
	t.Helper()
	p := load.Of(t)
	p.Destinations = max(n, p.Destinations)
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		to := []bridge.Destination{st.to()}
		for i := range p.Destinations - 1 {
			to = append(to, bridge.Destination{Scheme: "discord", Place: st.fake.Channel(st.guild, "c"+strconv.Itoa(i))})
		}
		r := sinktest.NewRoad(st.T, st.sink, to...)
		defer r.Close()
		test(st, p, r, time.Minute+time.Duration(p.Events()/p.Destinations)*1200*time.Millisecond)
	})
}

// delivered holds what a channel shows to what happened: each event once, in order.
func (st *stand) delivered(s *sinktest.Stop) {
	st.Helper()
	shown := st.fake.Messages(s.To.Place)
	require.Len(st, shown, s.Events())
	require.Zero(st, s.Dead())
	for n, m := range shown {
		form, err := json.Marshal(m)
		require.NoError(st, err)
		require.Contains(st, string(form), s.Name(n))
	}
}

// asked counts the messages that were tried in a channel since an instant.
func (st *stand) asked(channel string, since time.Time) (n int) {
	for _, r := range st.fake.Requests() {
		if r.Route == createRoute && r.Channel == channel && r.Time.After(since) {
			n++
		}
	}
	return n
}

func TestF21_APermissionIsTakenAwayUnderLoad(t *testing.T) {
	t.Parallel()
	onRoad(t, 2, func(st *stand, p load.Profile, r *sinktest.Road, each time.Duration) {
		first := r.Stops[0]
		var taken time.Time
		r.Drive(p.Events(), p.For, func(n int) {
			if n == p.Events()/3 {
				taken = time.Now()
				st.fake.SetPermissions(st.channel, fakediscord.DefaultPermissions&^sendMessages.bit)
			}
		})
		time.Sleep(min(each, 50*time.Minute)) // it looks again after an hour
		require.LessOrEqual(st, st.asked(st.channel, taken), 2)
		require.Positive(st, first.Waiting())
		require.Len(st, first.Notices(), 1)
		require.Contains(st, first.Notices()[0].Reason, "I may not: Send Messages")

		before := len(st.fake.Messages(st.channel))
		st.fake.SetPermissions(st.channel, fakediscord.DefaultPermissions)
		r.Resume()
		time.Sleep(time.Minute)
		require.Greater(st, len(st.fake.Messages(st.channel)), before, "it goes on within the minute")
		require.True(st, r.Settle(2*each))
		for i, s := range r.Stops {
			st.delivered(s)
			require.Len(st, s.Notices(), 2*max(0, 1-i))
		}
		require.True(st, first.Notices()[1].Works)
	})
}

func TestF22_ATokenIsRevokedUnderLoad(t *testing.T) {
	t.Parallel()
	onRoad(t, 20, func(st *stand, p load.Profile, r *sinktest.Road, each time.Duration) {
		token := secretToken
		st.sink.rest.token = func() string { return token }
		r.Drive(p.Events(), p.For, func(n int) {
			if n == p.Events()/3 {
				st.fake.RevokeToken()
			}
		})
		time.Sleep(min(each, 50*time.Minute))
		require.Positive(st, st.fake.Stats().Status[http.StatusUnauthorized])
		require.LessOrEqual(st, st.fake.Stats().Status[http.StatusUnauthorized], 1+3, "the first, and what was under way")
		for _, s := range r.Stops {
			require.Len(st, s.Notices(), 1)
			require.Contains(st, s.Notices()[0].Reason, "DISCORD_BOT_TOKEN")
		}
		token = "MTEwMDAwMDAwMDAwMDAwMDA0Mg.Gother.another-another-another-another-0"
		st.fake.SetToken(token)
		r.Resume()
		require.True(st, r.Settle(2*each))
		for _, s := range r.Stops {
			st.delivered(s)
		}
	})
}

func TestF57_AChannelIsDeletedUnderLoad(t *testing.T) {
	t.Parallel()
	onRoad(t, 2, func(st *stand, p load.Profile, r *sinktest.Road, each time.Duration) {
		first := r.Stops[0]
		var gone time.Time
		r.Drive(p.Events(), p.For, func(n int) {
			if n == p.Events()/3 {
				gone = time.Now()
				st.fake.DeleteChannel(st.channel)
			}
		})
		time.Sleep(min(each, 50*time.Minute))
		require.Positive(st, st.asked(st.channel, gone))
		require.LessOrEqual(st, st.asked(st.channel, gone), 2)
		require.Positive(st, first.Waiting(), "what waits is kept")
		require.Len(st, first.Notices(), 1)
		time.Sleep(each)
		for _, s := range r.Stops[1:] {
			st.delivered(s)
			require.Empty(st, s.Notices())
		}
	})
}
