package bus

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/seal"
)

// shared starts a server of one's own and returns options for several processes.
func shared(t *testing.T) Options {
	t.Helper()
	url := external(t, &server.Options{JetStream: true, JetStreamMaxStore: 1 << 30, JetStreamMaxMemory: 8 << 20})
	return Options{URL: url, Store: 64 << 20}
}

func openWith(t *testing.T, o Options) *Bus {
	t.Helper()
	b, err := Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { closeBus(t, b) })
	return b
}

func TestF66_AnotherKeyIsToldInOneSentence(t *testing.T) {
	t.Parallel()
	o := shared(t)
	o.Seal = keysOf(t, "one")
	b := openWith(t, o)
	_, err := b.Subscriptions().Put(t.Context(), bridge.SubscriptionRecord{ID: "hook", To: "webhook:https://x.example/secret", Events: []string{"*"}})
	require.NoError(t, err)
	require.NoError(t, b.PutAgent(t.Context(), AgentRecord{Handle: "nova", ClientID: "c", Sealed: o.Seal.Seal(AgentPlace("nova"), "s")}))

	other := o
	other.Seal = keysOf(t, "two")
	for name, guest := range map[string]bool{"a bridge": false, "a guest with a key": true} {
		other.Guest = guest
		_, err = Open(t.Context(), other)
		requireState(t, err, OtherKey)
		require.ErrorContains(t, err, "IMAGINEBRIDGE_KEY, or the file key in the data folder, is not the key of this store, which is sealed with key "+o.Seal.ID()+"; this is "+other.Seal.ID(), name)
		require.ErrorContains(t, err, "It can't open IA_CONFIG/agent.nova, IA_CONFIG/subscription.hook.", name)
	}
	other.Seal, other.Guest = nil, true
	guest := openWith(t, other) // who opens nothing needs no key
	require.NoError(t, guest.TryKey(t.Context(), keysOf(t, "one")))
	requireState(t, guest.TryKey(t.Context(), keysOf(t, "two")), OtherKey)
}

// A store from before stores named their key is held against what is sealed in it.
func TestAStoreThatNamesNoKeyIsLookedThrough(t *testing.T) {
	t.Parallel()
	o := shared(t)
	b := openWith(t, o)
	require.NoError(t, b.PutAgent(t.Context(), AgentRecord{Handle: "nova", ClientID: "c", Sealed: keysOf(t, "one").Seal(AgentPlace("nova"), "s")}))
	o.Seal = keysOf(t, "two")
	_, err := Open(t.Context(), o)
	requireState(t, err, OtherKey)
	require.ErrorContains(t, err, "IA_CONFIG/agent.nova")
	o.Seal = keysOf(t, "one")
	b = openWith(t, o)
	in, err := b.Key(t.Context())
	require.NoError(t, err)
	require.Equal(t, KeyInfo{ID: o.Seal.ID()}, in)
}

func TestF66_RotationSealsEverythingAnew(t *testing.T) {
	t.Parallel()
	o := shared(t)
	o.Seal = keysOf(t, "new", "old")
	require.True(t, o.Seal.Prefer(keysOf(t, "old").ID()))
	b := openWith(t, o) // the store's key is the old one
	run(t, b)
	ctx := t.Context()
	sub, err := b.Subscriptions().Put(ctx, bridge.SubscriptionRecord{ID: "hook", To: "webhook:https://x.example/secret", Events: []string{"*"}})
	require.NoError(t, err)
	require.NoError(t, b.PutAgent(ctx, AgentRecord{Handle: "Nova.1", ClientID: "c", Sealed: b.opts.Seal.Seal(AgentPlace("Nova.1"), "agent secret")}))
	_, err = b.Installs().Put(ctx, bridge.Installation{Platform: "slack", Team: "T1", Bot: "xoxb-secret"})
	require.NoError(t, err)
	before, err := b.locked(ctx)
	require.NoError(t, err)
	require.Len(t, before, 3)

	keeper := o
	keeper.Guest, keeper.Seal = true, keysOf(t, "new", "old")
	done, err := openWith(t, keeper).Rotate(ctx, keysOf(t, "new").ID())
	require.NoError(t, err)
	require.Equal(t, 3, done.Entries)
	require.Equal(t, keysOf(t, "old").ID(), done.From)

	after, err := b.locked(ctx)
	require.NoError(t, err)
	require.Len(t, after, 3)
	for _, s := range after {
		require.Equal(t, keysOf(t, "new").ID(), s.key, s.name)
	}
	old := o
	old.Seal = keysOf(t, "old")
	_, err = Open(ctx, old)
	requireState(t, err, OtherKey)

	fresh := o
	fresh.Seal = keysOf(t, "new")
	c := openWith(t, fresh)
	subs, err := c.Subscriptions().List(ctx)
	require.NoError(t, err)
	require.Equal(t, sub.To, subs[0].To)
	install, err := c.Installs().Get(ctx, "slack", "", "T1")
	require.NoError(t, err)
	require.Equal(t, "xoxb-secret", install.Bot)
	secret := make(chan string, 8)
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_ = c.WatchAgents(watching, func(list []AgentRecord) {
			for _, a := range list {
				text, err := fresh.Seal.Open(AgentPlace(a.Handle), a.Sealed)
				secret <- text + errText(err)
			}
		})
	}()
	require.Equal(t, "agent secret", receive(t, secret))

	// The process that was at work seals with the new key by now, and still knows
	// the old one for the signatures made of it.
	require.Eventually(t, func() bool { return b.opts.Seal.ID() == done.To && b.FormerKey() == "old" }, 20*time.Second, step)
	again, err := openWith(t, keeper).Rotate(ctx, done.To)
	require.NoError(t, err)
	require.Zero(t, again.Entries, "there is nothing left to do")
}

// What was made of the former key is in use for a day, and no longer.
func TestTheFormerKeyIsForgottenInTime(t *testing.T) {
	t.Parallel()
	b := &Bus{}
	require.Empty(t, b.FormerKey())
	b.oldKey.Store(&formerKey{"old", time.Now().Add(time.Hour)})
	require.Equal(t, "old", b.FormerKey())
	b.oldKey.Store(&formerKey{"old", time.Now().Add(-time.Second)})
	require.Empty(t, b.FormerKey())
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestARotationWaitsForEverybodyToHaveTheKey(t *testing.T) {
	t.Parallel()
	o := shared(t)
	o.Seal = keysOf(t, "old")
	b := openWith(t, o)
	run(t, b)
	require.Eventually(t, func() bool {
		n := 0
		return b.eachMember(t.Context(), func(member) { n++ }) == nil && n > 0
	}, 20*time.Second, step)
	keeper := o
	keeper.Guest, keeper.Seal = true, keysOf(t, "new", "old")
	_, err := openWith(t, keeper).Rotate(t.Context(), keysOf(t, "new").ID())
	requireState(t, err, OtherKey)
	require.ErrorContains(t, err, "1 of the processes at work do not have the new key yet")
	in, err := b.Key(t.Context())
	require.NoError(t, err)
	require.Equal(t, keysOf(t, "old").ID(), in.ID)
}

// A process that reads its keys from a file finds the new one when it meets it.
func TestARingThatGrowsNeedsNoRestart(t *testing.T) {
	t.Parallel()
	o := shared(t)
	keys := make(chan []string, 1)
	keys <- []string{"old"}
	read := func() []string { k := <-keys; keys <- k; return k }
	ring, err := seal.Growing(read, "old")
	require.NoError(t, err)
	o.Seal, o.KeySource = ring, "file://here/key"
	b := openWith(t, o)
	run(t, b)
	_, err = b.Subscriptions().Put(t.Context(), bridge.SubscriptionRecord{ID: "hook", To: "webhook:https://x.example/secret", Events: []string{"*"}})
	require.NoError(t, err)
	<-keys
	keys <- []string{"new", "old"}
	keeper := o
	keeper.Guest, keeper.Seal = true, keysOf(t, "new", "old")
	_, err = openWith(t, keeper).Rotate(t.Context(), keysOf(t, "new").ID())
	require.NoError(t, err)
	subs, err := b.Subscriptions().List(t.Context())
	require.NoError(t, err)
	require.Equal(t, "webhook:https://x.example/secret", subs[0].To)
	require.Eventually(t, func() bool { return ring.ID() == keysOf(t, "new").ID() }, 20*time.Second, step)
}

func TestF65_AStoreOfANewerVersionIsRefusedUnchanged(t *testing.T) {
	t.Parallel()
	o := shared(t)
	o.Version = "0.9.0"
	b := openWith(t, o)
	r, err := b.readStore(t.Context())
	require.NoError(t, err)
	require.Equal(t, StoreFormat, r.Format)
	r.Format++
	require.NoError(t, b.writeStore(t.Context(), r))
	before, err := b.bounds(t.Context(), streamConfig)
	require.NoError(t, err)
	o.Version, o.Store = "0.8.0", 32<<20 // which would make the streams smaller
	_, err = Open(t.Context(), o)
	requireState(t, err, TooNew)
	require.ErrorContains(t, err, "was used by ImagineBridge 0.9.0, and this is 0.8.0, which does not know its form ("+strconv.Itoa(StoreFormat+1)+"; it knows "+strconv.Itoa(StoreFormat)+"). Nothing was changed.")
	after, err := b.bounds(t.Context(), streamConfig)
	require.NoError(t, err)
	require.Equal(t, before, after)
	s, err := b.js.Stream(t.Context(), streamEvents)
	require.NoError(t, err)
	require.Equal(t, int64(64<<20)*60/100, s.CachedInfo().Config.MaxBytes)
}

// TestF76_FieldsOfANewerVersionSurvive: what a newer version wrote into a record is
// still there when an older one stored it again, and both work on.
func TestF76_FieldsOfANewerVersionSurvive(t *testing.T) {
	t.Parallel()
	o := shared(t)
	o.Seal = keysOf(t, "key")
	newer, old := openWith(t, o), openWith(t, o)
	run(t, newer)
	ctx := t.Context()
	commit(t, newer, "nova", "ntf_1", "ntf_2")
	l := lane(t, newer, LaneSpec{Subscription: "s", Start: "all"})
	require.NoError(t, l.Save(ctx, l.Record()))
	_, err := newer.Subscriptions().Put(ctx, bridge.SubscriptionRecord{ID: "s", To: "console", Events: []string{"*"}})
	require.NoError(t, err)
	_, err = newer.Workspaces().Change(ctx, "discord", "1", func(r *bridge.WorkspaceRecord) (bool, error) { r.Name = "Lab"; return true, nil })
	require.NoError(t, err)
	rec, fresh, err := newer.Records().Create(ctx, command.Record{ID: "c1", State: command.Recorded, At: time.Now().UTC(), Request: command.Request{ID: "c1", Agent: "nova"}})
	require.NoError(t, err)
	require.True(t, fresh)
	require.NoError(t, newer.Keep(ctx, "k", bridge.Receipt{Message: "m1", Fold: &bridge.Tally{Count: 1}}))
	require.NoError(t, newer.PutAgent(ctx, AgentRecord{Handle: "nova", ClientID: "id", Sealed: "x"}))
	_, err = newer.Installs().Put(ctx, bridge.Installation{Platform: "slack", Team: "T1", Name: "acme", Bot: "xoxb"})
	require.NoError(t, err)
	require.NoError(t, newer.Invites().Put(ctx, "code", bridge.Invite{Agent: "nova", Until: time.Now().Add(time.Hour).UTC()}))
	records := map[string]string{ // by subject, the stream
		commandPrefix + "c1":           streamLedger,
		receiptSubject("k"):            "KV_" + bucketReceipts,
		agentsPrefix + "nova":          streamConfig,
		installsPrefix + "slack.-.t1":  streamInstalls,
		inviteSubject("code"):          streamLedger,
		"ia.lane.s":                    streamDelivery,
		subscriptionsPrefix + "s":      streamConfig,
		workspacesPrefix + "discord.1": streamConfig,
		storeSubject:                   streamConfig,
	}
	for subject, stream := range records { // as a newer version would
		m, err := newer.last(ctx, stream, subject)
		require.NoError(t, err)
		var r map[string]any
		require.NoError(t, json.Unmarshal(m.data, &r), subject)
		r["of_tomorrow"] = map[string]any{"deep": []any{1.5, "x"}}
		for _, inner := range []string{"request", "fold"} {
			if object, ok := r[inner].(map[string]any); ok {
				object["of_tomorrow"] = true
			}
		}
		data, err := json.Marshal(r)
		require.NoError(t, err)
		_, err = newer.swap(ctx, swap{stream: stream, subject: subject, stored: subject, data: data, revision: m.seq, header: keptHeader(m.header), mortal: stream != streamDelivery})
		require.NoError(t, err)
	}
	run(t, old)
	l = lane(t, old, LaneSpec{Subscription: "s", Start: "all"})
	r := l.Record()
	r.Position = next(t, l, 0).Position
	require.NoError(t, l.Save(ctx, r))
	subs, err := old.Subscriptions().List(ctx)
	require.NoError(t, err)
	subs[0].Filter = "true"
	_, err = old.Subscriptions().Put(ctx, subs[0])
	require.NoError(t, err)
	_, err = old.Workspaces().Change(ctx, "discord", "1", func(r *bridge.WorkspaceRecord) (bool, error) { r.Name = "Lab 2"; return true, nil })
	require.NoError(t, err)
	stored, fresh, err := old.Records().Create(ctx, rec)
	require.NoError(t, err)
	require.False(t, fresh)
	stored.State, stored.Request.Values = command.Done, nil
	_, err = old.Records().Update(ctx, stored)
	require.NoError(t, err)
	at, err := old.Receipt(ctx, "k")
	require.NoError(t, err)
	at.Version, at.Fold = 2, &bridge.Tally{Count: 2}
	require.NoError(t, old.Keep(ctx, "k", at))
	require.NoError(t, old.PutAgent(ctx, AgentRecord{Handle: "nova", ClientID: "id2", Sealed: "y"}))
	granted, err := old.Installs().Get(ctx, "slack", "", "T1")
	require.NoError(t, err)
	granted.Name = "Acme"
	_, err = old.Installs().Put(ctx, granted)
	require.NoError(t, err)
	_, ok, err := old.Invites().Take(ctx, "code", bridge.Person{}, "discord:1")
	require.NoError(t, err)
	require.True(t, ok)
	about, err := old.readStore(ctx)
	require.NoError(t, err)
	about.MadeBy = "0.1"
	require.NoError(t, old.writeStore(ctx, about))
	for subject, stream := range records {
		m, err := old.last(ctx, stream, subject)
		require.NoError(t, err)
		var r map[string]any
		require.NoError(t, json.Unmarshal(m.data, &r), subject)
		require.Equal(t, map[string]any{"deep": []any{1.5, "x"}}, r["of_tomorrow"], subject)
		for _, inner := range []string{"request", "fold"} {
			if object, ok := r[inner].(map[string]any); ok {
				require.Equal(t, true, object["of_tomorrow"], subject+" "+inner)
			}
		}
	}
	l = lane(t, newer, LaneSpec{Subscription: "s"})
	require.Equal(t, r.Position, l.Record().Position, "the newer one goes on where the older one stopped")
	require.Equal(t, "ntf_2", idOf(t, next(t, l, r.Position).Data))
	require.NoError(t, l.Save(ctx, l.Record()))
}
