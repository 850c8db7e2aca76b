package bus

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

var makeStore = flag.Bool("make-store", false, "make the data folder in testdata of this version's form anew")

// fixtureKey seals what is secret in the folders.
const fixtureKey = "the key of stored data folders"

// TestF65_DataFoldersOfEarlierVersionsOpen: every data folder that was ever kept
// here opens, with all that is in it, and is worked on.
func TestF65_DataFoldersOfEarlierVersionsOpen(t *testing.T) {
	t.Parallel()
	now := filepath.Join("testdata", "store-"+strconv.Itoa(StoreFormat)+".tar.gz")
	if *makeStore {
		makeFolder(t, now)
	}
	require.FileExists(t, now, "of the present form; go test -run F65 -make-store makes it")
	kept, err := filepath.Glob(filepath.Join("testdata", "store-*.tar.gz"))
	require.NoError(t, err)
	for _, file := range kept {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			unpack(t, file, dir)
			b := open(t, func(o *Options) {
				o.DataDir, o.Seal, o.Version, o.Keep = dir, keysOf(t, fixtureKey), "9.9.9", forever
			})
			run(t, b)
			checkFolder(t, b)
		})
	}
}

// forever is for events whose folder may be years old when it is opened.
const forever = 100 * 365 * day

// fill puts one of each kind of record into a store.
func fill(t *testing.T, b *Bus) {
	t.Helper()
	ctx := t.Context()
	commit(t, b, "nova", "ntf_1", "ntf_2", "ntf_3")
	l := lane(t, b, LaneSpec{Subscription: "team", Start: "all"})
	r := l.Record()
	r.Position = next(t, l, 0).Position
	require.NoError(t, l.Save(ctx, r))
	second := next(t, l, r.Position)
	r.Position = second.Position
	require.NoError(t, l.Bury(ctx, r, bridge.DeadLetter{Subscription: "team", To: "console", Position: second.Position, EventID: "ntf_2", Reason: "too long", At: second.Stored, Event: second.Data}))
	require.NoError(t, b.Keep(ctx, "discord:1|thread", bridge.Receipt{Channel: "1", Message: "2", Delivery: "k"}))
	_, err := b.Subscriptions().Put(ctx, bridge.SubscriptionRecord{ID: "team", Name: "team", To: "webhook:https://x.example/in?token=t", Events: []string{"*"}, Origin: bridge.FromCLI})
	require.NoError(t, err)
	require.NoError(t, b.PutAgent(ctx, AgentRecord{Handle: "nova", ClientID: "id", Sealed: b.opts.Seal.Seal(AgentPlace("nova"), "secret")}))
	_, err = b.Workspaces().Change(ctx, "discord", "1", func(w *bridge.WorkspaceRecord) (bool, error) { w.Name = "Lab"; return true, nil })
	require.NoError(t, err)
	_, err = b.Installs().Put(ctx, bridge.Installation{Platform: "slack", Team: "T1", Bot: "xoxb-1"})
	require.NoError(t, err)
	_, _, err = b.Records().Create(ctx, command.Record{ID: "later", State: command.Scheduled, At: time.Now(), Due: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
}

// checkFolder holds a store against what fill put into it, and works on it.
func checkFolder(t *testing.T, b *Bus) {
	t.Helper()
	ctx := t.Context()
	cursor, _, err := b.Load(ctx, "nova", "notifications")
	require.NoError(t, err)
	require.JSONEq(t, `{"at":"ntf_3"}`, string(cursor))
	l := lane(t, b, LaneSpec{Subscription: "team"})
	third := next(t, l, l.Record().Position)
	require.Equal(t, "ntf_3", idOf(t, third.Data), "after the one that was sent and the one that was buried")
	r := l.Record()
	r.Position = third.Position
	require.NoError(t, l.Save(ctx, r))
	require.NoError(t, b.Dead().List(ctx, "team", func(d bridge.DeadLetter) bool {
		require.Equal(t, "ntf_2", d.EventID) // none where the folder is older than ninety days by now
		return true
	}))
	kept, err := b.Receipt(ctx, "discord:1|thread")
	require.NoError(t, err)
	if kept.IsZero() { // receipts live for thirty days, and the folder is older by now
		require.NoError(t, b.Keep(ctx, "discord:1|thread", bridge.Receipt{Message: "2"}))
	} else {
		require.Equal(t, "2", kept.Message)
	}
	subs, err := b.Subscriptions().List(ctx)
	require.NoError(t, err)
	require.Equal(t, "webhook:https://x.example/in?token=t", subs[0].To)
	subs[0].Filter = "true"
	_, err = b.Subscriptions().Put(ctx, subs[0])
	require.NoError(t, err)
	w, err := b.Workspaces().Get(ctx, "discord", "1")
	require.NoError(t, err)
	require.Equal(t, "Lab", w.Name)
	install, err := b.Installs().Get(ctx, "slack", "", "T1")
	require.NoError(t, err)
	require.Equal(t, "xoxb-1", install.Bot)
	list, err := b.Records().Open(ctx)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, command.Scheduled, list[0].State)
	in, err := b.Key(ctx)
	require.NoError(t, err)
	require.Equal(t, KeyInfo{ID: keysOf(t, fixtureKey).ID()}, in)
	about, err := b.readStore(ctx)
	require.NoError(t, err)
	require.Equal(t, "9.9.9", about.MadeBy, "the newest that ran on it")
	commit(t, b, "nova", "ntf_4")
	require.Equal(t, "ntf_4", idOf(t, next(t, l, third.Position).Data))
}

func makeFolder(t *testing.T, file string) {
	t.Helper()
	dir := t.TempDir()
	b, err := Open(t.Context(), Options{DataDir: dir, Listen: "off", Store: 64 << 20, Keep: forever, Seal: keysOf(t, fixtureKey), Version: "0.8.0"})
	require.NoError(t, err)
	stop := run(t, b)
	fill(t, b)
	stop()
	closeBus(t, b)
	f, err := os.Create(file)
	require.NoError(t, err)
	gz := gzip.NewWriter(f)
	w := tar.NewWriter(gz)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		if err != nil || !d.Type().IsRegular() || filepath.Ext(name) == ".json" && filepath.Dir(name) == "nats" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		err = w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content))})
		_, writing := w.Write(content)
		return errors.Join(err, writing)
	}))
	require.NoError(t, errors.Join(w.Close(), gz.Close(), f.Close()))
}

func unpack(t *testing.T, file, dir string) {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	gz, err := gzip.NewReader(f)
	require.NoError(t, err)
	for r := tar.NewReader(gz); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		require.True(t, filepath.IsLocal(h.Name))
		path := filepath.Join(dir, h.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, content, 0o600))
	}
}
