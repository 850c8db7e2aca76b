package bus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/seal"
)

// keysOf makes a ring.
func keysOf(t *testing.T, keys ...string) *seal.Ring {
	t.Helper()
	r, err := seal.New(keys...)
	require.NoError(t, err)
	return r
}

// backup copies a store.
func backup(t *testing.T, b *Bus) []byte {
	t.Helper()
	var out bytes.Buffer
	_, err := b.Backup(t.Context(), &out, t.TempDir(), nil)
	require.NoError(t, err)
	return out.Bytes()
}

// restore brings a copy into a store.
func restore(t *testing.T, o Options, data []byte, over bool) error {
	t.Helper()
	m, err := ReadBackup(bytes.NewReader(data))
	require.NoError(t, err)
	return Restore(t.Context(), o, bytes.NewReader(data), m, over)
}

func TestF65_ABackupOfARunningStoreRestoresWhole(t *testing.T) {
	t.Parallel()
	b := open(t, func(o *Options) { o.Seal = keysOf(t, "key") })
	stop := run(t, b)
	commit(t, b, "nova", "ntf_1", "ntf_2", "ntf_3")
	l := lane(t, b, LaneSpec{Subscription: "s", Start: "all"})
	r := l.Record()
	r.Position = next(t, l, 0).Position
	require.NoError(t, l.Save(t.Context(), r))
	require.NoError(t, b.Keep(t.Context(), "x", bridge.Receipt{Message: "m"}))
	sub, err := b.Subscriptions().Put(t.Context(), bridge.SubscriptionRecord{ID: "s", To: "webhook:https://x.example/secret", Events: []string{"*"}})
	require.NoError(t, err)
	data := backup(t, b)
	commit(t, b, "nova", "ntf_4") // after the copy
	stop()

	dir := t.TempDir()
	o := Options{DataDir: dir, Listen: "off", Store: 64 << 20, Seal: keysOf(t, "key")}
	require.NoError(t, restore(t, o, data, false))
	again := open(t, func(p *Options) { p.DataDir, p.Seal = dir, o.Seal })
	at, err := again.bounds(t.Context(), streamEvents)
	require.NoError(t, err)
	have, err := b.bounds(t.Context(), streamEvents)
	require.NoError(t, err)
	require.Equal(t, have.last-2, at.last, "one event and its cursor came later")
	cursor, rev, err := again.Load(t.Context(), "nova", "notifications")
	require.NoError(t, err)
	require.NotNil(t, cursor)
	require.LessOrEqual(t, rev, at.last, "the cursor agrees with the events")
	l = lane(t, again, LaneSpec{Subscription: "s", Start: "all"})
	require.Equal(t, r.Position, l.Record().Position)
	require.NotNil(t, l.Record().Former, "it may have been sent on since")
	require.Equal(t, "ntf_2", idOf(t, next(t, l, l.Record().Position).Data))
	kept, err := again.Receipt(t.Context(), "x")
	require.NoError(t, err)
	require.Equal(t, "m", kept.Message)
	subs, err := again.Subscriptions().List(t.Context())
	require.NoError(t, err)
	require.Len(t, subs, 1)
	require.Equal(t, sub.To, subs[0].To)
	require.NotContains(t, string(data), "x.example/secret")
}

func TestALaneKnowsOfACopyOnce(t *testing.T) {
	t.Parallel()
	b := open(t)
	run(t, b)
	require.Nil(t, lane(t, b, LaneSpec{Subscription: "s"}).Record().Former)
	require.NoError(t, b.noteCopy(t.Context(), time.Now()))
	l := lane(t, b, LaneSpec{Subscription: "s"})
	r := l.Record()
	require.NotNil(t, r.Former)
	until := r.Former.Until
	require.Equal(t, until, lane(t, b, LaneSpec{Subscription: "s"}).Record().Former.Until, "the next owner goes by the same span")
	l = lane(t, b, LaneSpec{Subscription: "s"})
	r = l.Record()
	r.Former = nil
	require.NoError(t, l.Save(t.Context(), r))
	require.Nil(t, lane(t, b, LaneSpec{Subscription: "s"}).Record().Former, "it is done with")
}

func TestARestoreSettlesWhatMayHaveBeenDone(t *testing.T) {
	t.Parallel()
	b := open(t)
	now := time.Now().UTC().Truncate(time.Second)
	for id, r := range map[string]command.Record{
		"recorded": {State: command.Recorded, At: now},
		"overdue":  {State: command.Scheduled, At: now, Due: now.Add(-time.Minute)},
		"later":    {State: command.Scheduled, At: now, Due: now.Add(time.Hour)},
		"done":     {State: command.Done, At: now},
	} {
		r.ID = id
		_, _, err := b.Records().Create(t.Context(), r)
		require.NoError(t, err)
	}
	data := backup(t, b)
	dir := t.TempDir()
	require.NoError(t, restore(t, Options{DataDir: dir, Listen: "off", Store: 64 << 20}, data, false))
	again := open(t, func(o *Options) { o.DataDir = dir })
	list, err := again.Records().Open(t.Context())
	require.NoError(t, err)
	got := map[string]string{}
	for _, r := range list {
		got[r.ID] = fmt.Sprint(r.State, " ", r.Since.Equal(now) || r.Since.Equal(now.Add(-time.Minute)))
	}
	require.Equal(t, map[string]string{"recorded": "running true", "overdue": "running true", "later": "scheduled false"}, got)
}

func TestRestoreRefusesWhatItMustNotTouch(t *testing.T) {
	t.Parallel()
	b := open(t)
	data := backup(t, b)
	b2 := open(t)
	dir := b2.opts.DataDir
	commit(t, b2, "nova", "ntf_1")
	closeBus(t, b2)
	o := Options{DataDir: dir, Listen: "off", Store: 64 << 20}

	err := restore(t, o, data, false)
	requireState(t, err, Mismatch)
	require.ErrorContains(t, err, "say --over. Nothing was changed.")
	again := open(t, func(p *Options) { p.DataDir = dir })
	at, err := again.bounds(t.Context(), streamEvents)
	require.NoError(t, err)
	require.NotZero(t, at.last, "what was there is there")
	err = restore(t, o, data, true)
	requireState(t, err, InUse)
	closeBus(t, again)
	require.NoError(t, restore(t, o, data, true))
	again = open(t, func(p *Options) { p.DataDir = dir })
	at, err = again.bounds(t.Context(), streamEvents)
	require.NoError(t, err)
	require.Zero(t, at.last, "the copy is in its place")
}

func TestAnArchiveThatIsNotWholeIsRefused(t *testing.T) {
	t.Parallel()
	b := open(t)
	commit(t, b, "nova", "ntf_1")
	data := backup(t, b)
	whole, err := ReadBackup(bytes.NewReader(data))
	require.NoError(t, err)
	for name, bad := range map[string][]byte{
		"empty":     {},
		"text":      []byte("hello"),
		"half":      data[:len(data)/2],
		"cut short": data[:len(data)-4],
		"a bit":     func() []byte { c := bytes.Clone(data); c[len(c)/2] ^= 1; return c }(),
	} {
		_, err := ReadBackup(bytes.NewReader(bad))
		requireState(t, err, Damaged)
		require.ErrorContains(t, err, "Nothing was changed.", name)
	}
	forge := func(change func(*Manifest), content string) []byte {
		var out bytes.Buffer
		a := newArchive(&out, whole)
		a.manifest.Entries = nil
		require.NoError(t, a.add("files/x", t.TempDir(), func(w io.Writer) (*snapshot, error) {
			_, err := io.WriteString(w, content)
			return nil, err
		}))
		change(&a.manifest)
		require.NoError(t, a.close())
		return out.Bytes()
	}
	_, err = ReadBackup(bytes.NewReader(forge(func(*Manifest) {}, "x")))
	require.NoError(t, err)
	_, err = ReadBackup(bytes.NewReader(forge(func(m *Manifest) { m.Entries[0].SHA256 = "00" }, "x")))
	require.ErrorContains(t, err, "files/x in it is damaged")
	_, err = ReadBackup(bytes.NewReader(forge(func(m *Manifest) { m.Entries = nil }, "x")))
	require.ErrorContains(t, err, "does not name")
	for _, newer := range []func(*Manifest){
		func(m *Manifest) { m.Format, m.MadeBy = ArchiveFormat+1, "9.1.0" },
		func(m *Manifest) { m.Store, m.MadeBy = StoreFormat+1, "9.1.0" },
	} {
		_, err = ReadBackup(bytes.NewReader(forge(newer, "x")))
		requireState(t, err, TooNew)
		require.ErrorContains(t, err, "was made by ImagineBridge 9.1.0")
	}
}

func TestAFileInABackupStaysInTheDataFolder(t *testing.T) {
	t.Parallel()
	b := open(t)
	outside := filepath.Join(t.TempDir(), "audit.jsonl")
	require.NoError(t, os.WriteFile(outside, []byte("{}\n"), 0o600))
	var out bytes.Buffer
	_, err := b.Backup(t.Context(), &out, t.TempDir(), map[string]string{"audit.jsonl": outside, "../evil": outside})
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, restore(t, Options{DataDir: dir, Listen: "off", Store: 64 << 20}, out.Bytes(), false))
	require.FileExists(t, filepath.Join(dir, "audit.jsonl"))
	require.NoFileExists(t, filepath.Join(dir, "..", "evil"))
}

// A restore that was broken off leaves no store that a bridge would take for whole.
func TestAHalfRestoredStoreIsRefused(t *testing.T) {
	t.Parallel()
	b := open(t)
	commit(t, b, "nova", "ntf_1")
	data := backup(t, b)
	m, err := ReadBackup(bytes.NewReader(data))
	require.NoError(t, err)
	dir := t.TempDir()
	o := Options{DataDir: dir, Listen: "off", Store: 64 << 20}
	require.Error(t, Restore(t.Context(), o, bytes.NewReader(data[:len(data)/2]), m, false))
	_, err = Open(t.Context(), o)
	requireState(t, err, Halfway)
	require.NoError(t, restore(t, o, data, true))
	again := open(t, func(p *Options) { p.DataDir = dir })
	at, err := again.bounds(t.Context(), streamEvents)
	require.NoError(t, err)
	require.NotZero(t, at.last)
}

func TestABackupMovesToAServerOfOnesOwn(t *testing.T) {
	t.Parallel()
	b := open(t)
	commit(t, b, "nova", "ntf_1")
	data := backup(t, b)
	url := external(t, &server.Options{JetStream: true, JetStreamMaxStore: 1 << 30, JetStreamMaxMemory: 8 << 20})
	o := Options{URL: url, Store: 64 << 20}
	require.NoError(t, restore(t, o, data, false))
	there, err := Open(t.Context(), o)
	require.NoError(t, err)
	defer closeBus(t, there)
	_, rev, err := there.Load(t.Context(), "nova", "notifications")
	require.NoError(t, err)
	require.NotZero(t, rev)

	nc, err := nats.Connect(url)
	require.NoError(t, err)
	defer nc.Close()
	beat, err := json.Marshal(member{})
	require.NoError(t, err)
	require.NoError(t, there.putOnce(t.Context(), &nats.Msg{Subject: memberSubject("x"), Data: beat}))
	err = restore(t, o, data, true)
	requireState(t, err, InUse)
	require.ErrorContains(t, err, "a bridge is at work there")
}
