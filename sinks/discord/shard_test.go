package discord

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

func TestShardNamesAreReadBack(t *testing.T) {
	t.Parallel()
	for _, s := range []Shard{{0, 1}, {0, 2}, {1, 2}, {1023, 1024}} {
		back, ok := ParseShard(s.Name())
		require.True(t, ok, s.Name())
		require.Equal(t, s, back)
	}
	require.Equal(t, "discord", Shard{0, 1}.Name(), "as it was before there were several")
	for _, name := range []string{"", "slack", "discord.1", "discord.2.2", "discord.-1.2", "discord.a.2", "discord.0.2.3", "slack.0.2"} {
		_, ok := ParseShard(name)
		require.False(t, ok, name)
	}
}

// runShards holds as many sessions as Discord advises, as a process does.
func (st *stand) runShards() {
	st.Helper()
	ctx, cancel := context.WithCancel(st.Context())
	var all sync.WaitGroup
	all.Go(func() {
		var sessions sync.WaitGroup
		stop := context.CancelFunc(func() {})
		_ = st.sink.Shards(ctx, func(list []Shard) {
			stop()
			sessions.Wait()
			var held context.Context
			held, stop = context.WithCancel(ctx)
			for _, shard := range list {
				sessions.Go(func() { _ = st.sink.RunShard(held, shard) })
			}
		})
		stop()
		sessions.Wait()
	})
	st.stop = func() { cancel(); all.Wait() }
	st.Cleanup(st.stop)
}

func (st *stand) holding(want ...string) {
	st.Helper()
	st.eventually("shards are held", func() bool {
		return slices.Equal(st.fake.Shards(), want) && st.sink.Status().State == StateOK
	})
}

// What happens in any guild is heard, whichever session tells it, and a bot that
// grew is divided anew.
func TestShardsHearEveryGuild(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{Shards: 2, MaxConcurrency: 2})
	even, odd := st.fake.GuildOf("even", 0, 2), st.fake.GuildOf("odd", 1, 2)
	st.runShards()
	st.holding("0/2", "1/2")
	require.Equal(t, Shard{0, 2}, st.sink.FirstShard())
	for _, guild := range []string{even, odd} {
		channel := st.fake.Channel(guild, "hall")
		st.eventually("told of "+guild, st.changed(Change{Kind: Altered, Guild: guild, Channel: channel}))
	}
	st.fake.SetShards(3)
	st.holding("0/3", "1/3", "2/3")
	fifth := st.fake.GuildOf("fifth", 2, 3)
	st.eventually("told by the new one", st.changed(Change{Kind: Joined, Guild: fifth}))
	st.stop()
	require.Equal(t, StateOK, st.sink.Status().State, "sessions that were handed back are no trouble")
	st.faultless()
}

// Another process's division is followed, so that both divide alike.
func TestShardsFollowWhatWasNoted(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	require.NoError(t, st.sink.notes.PutNote(t.Context(), shardsNote, []byte("2")))
	st.runShards()
	st.holding("0/2", "1/2")
	st.faultless()
}

// Whoever identifies, no two of a bucket come closer than five seconds, also when
// several processes begin at once.
func TestIdentifiesOfAllProcessesKeepTheirDistance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		notes := newLooseNotes()
		var mu sync.Mutex
		at := map[int][]time.Time{}
		var all sync.WaitGroup
		for shard := range 6 {
			s, err := New(Options{Token: func() string { return secretToken }, Notes: notes})
			require.NoError(t, err)
			g := &gateway{Sink: s, shard: Shard{shard, 6}}
			all.Go(func() {
				for range 3 {
					if g.turn(t.Context(), shard%2) != nil {
						return
					}
					g.identified = time.Now()
					mu.Lock()
					at[shard%2] = append(at[shard%2], time.Now())
					mu.Unlock()
				}
			})
		}
		all.Wait()
		for bucket, list := range at {
			require.Len(t, list, 9)
			for i := 1; i < len(list); i++ {
				require.GreaterOrEqual(t, list[i].Sub(list[i-1]), 5*time.Second, "bucket %d", bucket)
				require.LessOrEqual(t, list[i].Sub(list[i-1]), 10*time.Second, "nobody waits for nothing")
			}
		}
		require.Equal(t, at[0][0], at[1][0], "buckets don't wait for each other")
	})
}
