package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

func record(id string) command.Record {
	return command.Record{
		ID: id, State: command.Recorded, At: time.Date(2026, 2, 6, 13, 36, 48, 7, time.UTC),
		Request: command.Request{
			ID: id, Principal: command.Principal{Platform: command.Discord, Workspace: "g1", User: "u1"},
			Agent: "luna", Group: "post", Verb: "create", Door: "discord", Back: json.RawMessage(`{"token":1}`),
			Values: map[string]any{"text": "hello", "n": json.Number("12345678901234567890"), "list": []any{"a"}},
		},
	}
}

func requireRecord(t *testing.T, want, got command.Record) {
	t.Helper()
	a, err := json.Marshal(want)
	require.NoError(t, err)
	b, err := json.Marshal(got)
	require.NoError(t, err)
	require.Equal(t, string(a), string(b))
	require.Equal(t, want.Rev, got.Rev)
}

func TestRecordLivesFromCreationToItsAnswer(t *testing.T) {
	t.Parallel()
	l := open(t).Records()
	for _, id := range []string{"discord:1", "slack:Ev1", "Slack:ev1", "nats:luna:any text * > .", strings.Repeat("x", 300)} {
		r, fresh, err := l.Create(t.Context(), record(id))
		require.NoError(t, err)
		require.True(t, fresh)
		require.NotZero(t, r.Rev)
		again, fresh, err := l.Create(t.Context(), command.Record{ID: id, State: command.Recorded})
		require.NoError(t, err)
		require.False(t, fresh, "the first one wins")
		requireRecord(t, r, again)

		r.State, r.Owner, r.Since = command.Running, "p1", time.Date(2026, 2, 6, 13, 36, 49, 0, time.UTC)
		stale := r
		r, err = l.Update(t.Context(), r)
		require.NoError(t, err)
		_, err = l.Update(t.Context(), stale)
		require.ErrorIs(t, err, command.ErrMoved)

		r.State, r.Request.Values = command.Done, nil
		r.Answer = &command.Answer{OK: true, Reply: command.Reply{Text: "Posted.", Data: struct {
			Z int `json:"z"`
			A any `json:"a"`
		}{1, 12345678901234567}}}
		r, err = l.Update(t.Context(), r)
		require.NoError(t, err)
		again, fresh, err = l.Create(t.Context(), record(id))
		require.NoError(t, err)
		require.False(t, fresh)
		requireRecord(t, r, again) // also the order of the fields of what is for programs
	}
	left, err := l.Open(t.Context())
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestF33_OneOfManyCreatesTheRecord(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	ledgers := []command.Records{a.Records(), second(t, a).Records()}
	var wg sync.WaitGroup
	var first [20]atomic.Int32
	for i := range 100 {
		wg.Go(func() {
			r := record(fmt.Sprint("discord:", i%20))
			r.Owner = strconv.Itoa(i)
			_, fresh, err := ledgers[(i/20)%2].Create(t.Context(), r)
			if err != nil {
				t.Error(err)
			}
			if fresh {
				first[i%20].Add(1)
			}
		})
	}
	wg.Wait()
	for i := range first {
		require.EqualValues(t, 1, first[i].Load())
	}
}

func TestOpenRecordsAreFoundByEveryProcess(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	mine, others := a.Records(), second(t, a).Records()
	ids := func(l command.Records) (out []string) {
		all, err := l.Open(t.Context())
		require.NoError(t, err)
		for _, r := range all {
			out = append(out, r.ID+" "+string(r.State))
		}
		return out
	}
	require.Empty(t, ids(others))
	for i, state := range []command.State{command.Recorded, command.Scheduled, command.Running, command.Done, command.Failed, command.Unknown} {
		r := record(string(state))
		r.At = r.At.Add(-time.Duration(i) * time.Second)
		r, _, err := mine.Create(t.Context(), r)
		require.NoError(t, err)
		if state != command.Recorded {
			r.State = state
			_, err = mine.Update(t.Context(), r)
			require.NoError(t, err)
		}
	}
	want := []string{"running running", "scheduled scheduled", "recorded recorded"} // the oldest first
	require.Equal(t, want, ids(mine))
	require.Equal(t, want, ids(others))
	require.Equal(t, want, ids(others), "a second look sees what the first saw")

	all, err := others.Open(t.Context())
	require.NoError(t, err)
	all[0].State = command.Unknown
	_, err = others.Update(t.Context(), all[0])
	require.NoError(t, err)
	_, _, err = others.Create(t.Context(), record("new"))
	require.NoError(t, err)
	require.Equal(t, []string{"scheduled scheduled", "new recorded", "recorded recorded"}, ids(mine))

	// A record that no version of ours wrote hides no other.
	_, err = a.js.PublishMsg(t.Context(), withHeader(commandPrefix+"junk", "{", stateHeader, "running"))
	require.NoError(t, err)
	require.Equal(t, []string{"scheduled scheduled", "new recorded", "recorded recorded"}, ids(mine))
}

// TestWhatIsScheduledStaysInTheStore: the ledger forgets after 30 days, and a post
// may wait for a year.
func TestWhatIsScheduledStaysInTheStore(t *testing.T) {
	t.Parallel()
	b := open(t)
	l := b.Records()
	r := record("discord:1")
	r.State, r.Due = command.Scheduled, time.Date(2027, 2, 6, 13, 36, 48, 0, time.UTC)
	r, _, err := l.Create(t.Context(), r)
	require.NoError(t, err)
	for range 2 {
		all, err := l.Open(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 1)
		requireRecord(t, r, all[0])
	}
	ttl := func() string {
		m, err := b.last(t.Context(), streamLedger, commandPrefix+keyToken(r.ID))
		require.NoError(t, err)
		return m.header.Get(jetstream.MsgTTLHeader)
	}
	require.Equal(t, "never", ttl())
	old := l.(*records)
	for subject, k := range old.open {
		k.at = k.at.Add(-25 * time.Hour)
		old.open[subject] = k
	}
	all, err := l.Open(t.Context())
	require.NoError(t, err)
	require.Greater(t, all[0].Rev, r.Rev, "written anew once a day: a full ledger drops the oldest")
	r = all[0]
	all, err = l.Open(t.Context())
	require.NoError(t, err)
	requireRecord(t, r, all[0])
	r.State = command.Running
	_, err = l.Update(t.Context(), r)
	require.NoError(t, err)
	require.Empty(t, ttl(), "from then on it ages like any other")
}

// An answer that is too large for the store loses what people and programs could
// ask for again, never its sentence.
func TestLargeAnswerIsKeptInPart(t *testing.T) {
	t.Parallel()
	l := open(t).Records()
	for name, tc := range map[string]struct {
		reply          command.Reply
		messages, data bool
	}{
		"small": {command.Reply{Text: "x", Messages: []bridge.Message{{Text: "b"}}, Data: "d"}, true, true},
		"cards": {command.Reply{Text: "x", Messages: []bridge.Message{{Text: strings.Repeat("b", maxRecord)}}, Data: "d"}, false, true},
		"data":  {command.Reply{Text: "x", Data: strings.Repeat("d", maxRecord)}, false, false},
	} {
		r, _, err := l.Create(t.Context(), record(name))
		require.NoError(t, err)
		r.State, r.Answer = command.Done, &command.Answer{OK: true, Reply: tc.reply}
		before := len(tc.reply.Messages)
		_, err = l.Update(t.Context(), r)
		require.NoError(t, err)
		require.Len(t, r.Answer.Reply.Messages, before, "the answer in hand stays whole")
		got, _, err := l.Create(t.Context(), record(name))
		require.NoError(t, err)
		require.Equal(t, "x", got.Answer.Reply.Text)
		require.Equal(t, tc.messages, got.Answer.Reply.Messages != nil, name)
		require.Equal(t, tc.data, got.Answer.Reply.Data != nil, name)
	}
	r := record("large")
	r.Request.Values["text"] = strings.Repeat("x", maxRecord)
	_, _, err := l.Create(t.Context(), r)
	require.ErrorContains(t, err, "are more than 524288")
}

// What a killed process left is there after the start, in each state, and a
// write whose answer the kill swallowed is no second command.
func TestF36_RecordsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(o *Options) { o.DataDir = dir }
	a, err := Open(t.Context(), Options{DataDir: dir, Listen: "off", Store: 64 << 20})
	require.NoError(t, err)
	states := []command.State{command.Recorded, command.Scheduled, command.Running, command.Done, command.Failed, command.Unknown}
	for _, s := range states {
		r, _, err := a.Records().Create(t.Context(), record(string(s)))
		require.NoError(t, err)
		r.State, r.Owner = s, a.Member()
		_, err = a.Records().Update(t.Context(), r)
		require.NoError(t, err)
	}
	closeBus(t, a)
	b := open(t, at)
	require.Equal(t, "embedded", b.Member(), "the process that embeds the store is known by one name")
	for _, s := range states {
		r, fresh, err := b.Records().Create(t.Context(), record(string(s)))
		require.NoError(t, err)
		require.False(t, fresh)
		require.Equal(t, s, r.State)
	}
	left, err := b.Records().Open(t.Context())
	require.NoError(t, err)
	require.Len(t, left, 3)
}

func TestRecordIsRefusedWithinTheCallersTime(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	b := second(t, a)
	a.host.server.Shutdown()
	ctx, cancel := contextWithin(t, 300*time.Millisecond)
	defer cancel()
	_, _, err := b.Records().Create(ctx, record("late"))
	require.Error(t, err)
	require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
}

func TestDeadProcessIsToldFromALivingOne(t *testing.T) {
	t.Parallel()
	a := open(t, listening)
	b := second(t, a)
	require.True(t, a.Alive("anybody"), "who knows nothing yet calls nobody dead")
	run(t, a)
	stop := run(t, b)
	require.True(t, a.Alive(a.Member()))
	require.Eventually(t, func() bool { return a.members.count() == 2 }, soon, step)
	require.True(t, a.Alive(b.Member()))
	stop()
	require.Eventually(t, func() bool { return !a.Alive(b.Member()) }, soon, step)
	require.Eventually(t, func() bool { return !a.Alive("never_seen") }, soon, step)
}
