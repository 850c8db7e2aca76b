package bus

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/load"
)

func TestB27_SecondProcessOnTheFolderIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, func(o *Options) { o.DataDir = dir })
	_, err := Open(t.Context(), Options{DataDir: dir, Listen: "off"})
	requireState(t, err, InUse)
	require.ErrorContains(t, err, dir+" is in use by another imaginebridge (pid "+strconv.Itoa(os.Getpid())+"). Stop it")
	commit(t, b, "nova", "ntf_1") // the first is unharmed
}

func TestB26_TakenPortIsToldWithBothWaysOut(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	dir := t.TempDir()
	_, err = Open(t.Context(), Options{DataDir: dir, Listen: l.Addr().String()})
	requireState(t, err, PortTaken)
	require.EqualError(t, err, l.Addr().String()+" is in use by another program. Stop it, or set IMAGINEBRIDGE_NATS_LISTEN to a free port, or to off.")
	open(t, func(o *Options) { o.DataDir = dir }) // the folder was let go
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*Options)
		text   string
	}{
		"nothing":        {func(o *Options) { o.DataDir = "" }, "neither a NATS URL nor a data folder"},
		"open to all":    {func(o *Options) { o.Listen = "0.0.0.0:4222" }, "not a loopback address"},
		"no address":     {func(o *Options) { o.Listen = "here" }, `"here" is no address`},
		"no port":        {func(o *Options) { o.Listen = "127.0.0.1:99999" }, "is no address"},
		"odd sync":       {func(o *Options) { o.Sync = "sometimes" }, `"sometimes" is neither`},
		"hurried sync":   {func(o *Options) { o.Sync = "1ms" }, "at least 100ms"},
		"tiny store":     {func(o *Options) { o.Store = 1000 }, "1000 bytes are too few"},
		"odd keep":       {func(o *Options) { o.Keep = -1 }, "nats.keep"},
		"many replicas":  {func(o *Options) { o.Replicas = 9 }, "replicas"},
		"no credentials": {func(o *Options) { o.URL, o.Creds = "nats://127.0.0.1:1", "/nowhere/x.creds" }, "/nowhere/x.creds can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{DataDir: t.TempDir(), Listen: "off"}
			tc.change(&o)
			_, err := Open(t.Context(), o)
			require.ErrorContains(t, err, tc.text)
		})
	}
}

func TestF12_DataFolderThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Open(t.Context(), Options{DataDir: file, Listen: "off"})
	requireState(t, err, BadFolder)
	require.ErrorContains(t, err, "the data folder "+file+" can't be used: not a directory.")
}

func TestEverythingIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, err := Open(t.Context(), Options{DataDir: dir, Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	commit(t, b, "nova", "ntf_1")
	l := lane(t, b, LaneSpec{Subscription: "team"})
	r := l.Record()
	r.Position = 1
	require.NoError(t, l.Save(t.Context(), r))
	before, err := b.Info(t.Context())
	require.NoError(t, err)
	admin, err := ReadCredentials(before.AdminFile)
	require.NoError(t, err)
	closeBus(t, b)

	// The size of the store may be lowered meanwhile.
	b = open(t, func(o *Options) { o.DataDir = dir })
	cursor, rev, err := b.Load(t.Context(), "nova", "notifications")
	require.NoError(t, err)
	require.JSONEq(t, `{"at":"ntf_1"}`, string(cursor))
	require.Equal(t, uint64(2), rev)
	require.Equal(t, []string{"ntf_1"}, storedIDs(t, b))
	require.Equal(t, uint64(1), lane(t, b, LaneSpec{Subscription: "team"}).Record().Position)
	again, err := ReadCredentials(before.AdminFile)
	require.NoError(t, err)
	require.Equal(t, admin.Password, again.Password, "clients keep their credentials")
	require.Empty(t, again.URL, "off")
	info, err := b.Info(t.Context())
	require.NoError(t, err)
	require.True(t, info.Embedded)
	require.Equal(t, "1s", info.Sync)
	require.Empty(t, info.URL)
	require.Len(t, info.Streams, 9)
	require.Equal(t, "IA_EVENTS", info.Streams[0].Name)
	require.Equal(t, uint64(2), info.Streams[0].Messages)
	require.Positive(t, info.Streams[0].Share())
}

func TestNF22_EmptiedStreamIsNotReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, err := Open(t.Context(), Options{DataDir: dir, Listen: "off"})
	require.NoError(t, err)
	commit(t, b, "nova", "ntf_1")
	closeBus(t, b)
	stream := filepath.Join(dir, "nats", "jetstream", "$G", "streams", "IA_EVENTS")
	meta := filepath.Join(stream, "meta.inf")
	good, err := os.ReadFile(meta)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(meta, nil, 0o600))

	_, err = Open(t.Context(), Options{DataDir: dir, Listen: "off"})
	requireState(t, err, Damaged)
	require.ErrorContains(t, err, "meta.inf")

	require.NoError(t, os.WriteFile(meta, good, 0o600))
	b = open(t, func(o *Options) { o.DataDir = dir })
	require.Equal(t, []string{"ntf_1"}, storedIDs(t, b), "nothing was touched")
}

// tear damages the newest block of a stream whose server does not run.
func tear(t *testing.T, dir, stream string, damage func([]byte) []byte) (torn int) {
	t.Helper()
	msgs := filepath.Join(dir, "nats", "jetstream", "$G", "streams", stream, "msgs")
	blocks, err := filepath.Glob(filepath.Join(msgs, "*.blk"))
	require.NoError(t, err)
	if len(blocks) == 0 {
		return 0
	}
	number := func(path string) int {
		n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".blk"))
		require.NoError(t, err)
		return n
	}
	newest := slices.MaxFunc(blocks, func(a, b string) int { return number(a) - number(b) })
	old, err := os.ReadFile(newest)
	require.NoError(t, err)
	if len(old) < 10 {
		return 0
	}
	require.NoError(t, os.WriteFile(newest, damage(old), 0o600))
	require.NoError(t, os.RemoveAll(filepath.Join(msgs, "index.db"))) // as after a power cut
	return 1
}

// F9: a power cut tears the newest part off a stream, or off all of them. The store
// opens; what the poller reads again stands in the stream once, and the lane goes on.
func TestF9_TornNewestBlock(t *testing.T) {
	t.Parallel()
	torn := []string{"IA_EVENTS", "IA_DELIVERY", "KV_IA_CONFIG", "all"}
	torn = load.Pick(t, torn, append(torn, "IA_AUDIT", "KV_IA_RECEIPTS", "KV_IA_LEDGER", "KV_IA_MEMBERS"))
	base := t.TempDir()
	ids := tornStore(t, base, load.Pick(t, 20, 500))
	for name, damage := range map[string]func([]byte) []byte{
		"one byte":    func(b []byte) []byte { return b[:len(b)-1] },
		"one message": func(b []byte) []byte { return b[:max(0, len(b)-200)] },
		"a good part": func(b []byte) []byte { return b[:len(b)/2] },
		"64 KiB":      func(b []byte) []byte { return b[:max(0, len(b)-64<<10)] },
		"a bit":       func(b []byte) []byte { b[len(b)-9] ^= 4; return b },
	} {
		for _, stream := range torn {
			t.Run(name+" of "+stream, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				require.NoError(t, os.CopyFS(dir, os.DirFS(base)))
				streams := []string{stream}
				if stream == "all" {
					streams = streamsIn(t, dir)
				}
				hits := 0
				for _, one := range streams {
					hits += tear(t, dir, one, damage)
				}
				require.Positive(t, hits, "nothing was torn")
				goesOnAfterTear(t, dir, ids)
			})
		}
	}
}

// tornStore makes a store as a process leaves it that is killed: n events, of a lane
// that took each, a setting, a receipt and a command.
func tornStore(t *testing.T, dir string, n int) (ids []string) {
	t.Helper()
	b, err := Open(t.Context(), Options{DataDir: dir, Listen: "off", Store: 64 << 20})
	require.NoError(t, err)
	stop := run(t, b)
	l := lane(t, b, LaneSpec{Subscription: "team"})
	for i := range n {
		ids = append(ids, "ntf_"+strconv.Itoa(i))
		commit(t, b, "nova", ids[i])
		r := l.Record()
		r.Position = uint64(2*i) + 1
		require.NoError(t, l.Save(t.Context(), r))
		require.NoError(t, b.Keep(t.Context(), ids[i], bridge.Receipt{Message: ids[i]}))
	}
	_, err = b.Subscriptions().Put(t.Context(), bridge.SubscriptionRecord{ID: "team", To: "console", Events: []string{"*"}})
	require.NoError(t, err)
	_, _, err = b.Records().Create(t.Context(), command.Record{ID: "c1", State: command.Done, At: time.Now()})
	require.NoError(t, err)
	require.NoError(t, b.put(t.Context(), jsonMsg("ia.audit.test", []byte(`{}`))))
	stop()
	closeBus(t, b)
	return ids
}

// goesOnAfterTear reads again from the cursor that is found, as the poller does, and
// looks that each event is there once and that the lane gets what comes.
func goesOnAfterTear(t *testing.T, dir string, ids []string) {
	t.Helper()
	b := open(t, func(o *Options) { o.DataDir = dir })
	cursor, rev, err := b.Load(t.Context(), "nova", "notifications")
	require.NoError(t, err)
	rest := ids
	for i, id := range ids {
		if string(cursor) == `{"at":"`+id+`"}` {
			rest = ids[i+1:]
		}
	}
	_, err = b.Commit(t.Context(), "nova", "notifications", append(evs("nova", rest...), event("nova", "ntf_new")), []byte(`{}`), rev)
	require.NoError(t, err)
	require.ElementsMatch(t, append(slices.Clone(ids), "ntf_new"), storedIDs(t, b))
	run(t, b)
	l := lane(t, b, LaneSpec{Subscription: "team"}) // claimed after the stream grew again
	_, rev, err = b.Load(t.Context(), "nova", "notifications")
	require.NoError(t, err)
	_, err = b.Commit(t.Context(), "nova", "notifications", evs("nova", "ntf_last"), []byte(`{}`), rev)
	require.NoError(t, err)
	e := next(t, l, l.Record().Position)
	for idOf(t, e.Data) != "ntf_last" {
		e = next(t, l, e.Position)
	}
	_, err = b.Subscriptions().List(t.Context())
	require.NoError(t, err)
}

// streamsIn are the streams that have something on disk.
func streamsIn(t *testing.T, dir string) (out []string) {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(dir, "nats", "jetstream", "$G", "streams"))
	require.NoError(t, err)
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

func TestT19_CredentialFilesAreForTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	b := open(t, listening)
	info, err := b.Info(t.Context())
	require.NoError(t, err)
	for _, file := range []string{info.AdminFile, info.SubscriberFile} {
		st, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), st.Mode().Perm())
	}
	st, err := os.Stat(b.host.dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), st.Mode().Perm())
	var fields map[string]string
	text, err := os.ReadFile(info.SubscriberFile)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &fields))
	require.Len(t, fields["password"], 43)
	delete(fields, "password")
	require.Equal(t, map[string]string{
		"url": info.URL, "user": "subscriber", "inbox": "_INBOX_subscriber", "stream": "IA_EVENTS", "durable": "subscriber",
	}, fields)

	_, err = nats.Connect(info.URL)
	require.ErrorIs(t, err, nats.ErrAuthorization, "nobody without credentials")
}

func TestNF17_SubscriberMayReadAndNothingElse(t *testing.T) {
	t.Parallel()
	b := open(t, listening)
	commit(t, b, "nova", "ntf_1", "ntf_2")
	info, err := b.Info(t.Context())
	require.NoError(t, err)
	c, err := ReadCredentials(info.SubscriberFile)
	require.NoError(t, err)
	denied := make(chan error, 64)
	nc, err := nats.Connect(c.URL, nats.UserInfo(c.User, c.Password), nats.CustomInboxPrefix(c.Inbox),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied <- err }))
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(100*time.Millisecond))
	require.NoError(t, err)

	cons, err := js.Consumer(t.Context(), c.Stream, c.Durable)
	require.NoError(t, err)
	batch, err := cons.Fetch(2, jetstream.FetchMaxWait(soon))
	require.NoError(t, err)
	for m := range batch.Messages() {
		require.NoError(t, m.DoubleAck(t.Context()))
	}
	_, err = nc.Request("$JS.API.CONSUMER.RESET.IA_EVENTS.subscriber", []byte(`{"seq":1}`), soon)
	require.NoError(t, err)
	live, err := nc.SubscribeSync("ia.event.nova.>")
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	commit(t, b, "nova", "ntf_3")
	m, err := live.NextMsg(soon)
	require.NoError(t, err)
	require.Equal(t, "ia.event.nova.notification.follow", m.Subject)
	require.Empty(t, denied)

	for name, try := range map[string]func() error{
		"put event":       func() error { return nc.Publish("ia.put.event.nova.notification.follow", nil) },
		"fake event":      func() error { return nc.Publish("ia.event.nova.notification.follow", nil) },
		"move cursor":     func() error { return nc.Publish("ia.put.cursor.nova.s", nil) },
		"move lane":       func() error { return nc.Publish("ia.lane.team", nil) },
		"command":         func() error { return nc.Publish("ia.cmd.nova.post.create", nil) },
		"other inbox":     func() error { _, err := nc.SubscribeSync("_INBOX.>"); return err },
		"see what is put": func() error { _, err := nc.SubscribeSync("ia.put.>"); return err },
		"see all":         func() error { _, err := nc.SubscribeSync(">"); return err },
		"new consumer": func() error {
			return nc.Publish("$JS.API.CONSUMER.CREATE.IA_EVENTS.x", nil)
		},
		"new durable":     func() error { return nc.Publish("$JS.API.CONSUMER.DURABLE.CREATE.IA_EVENTS.x", nil) },
		"delete consumer": func() error { return nc.Publish("$JS.API.CONSUMER.DELETE.IA_EVENTS.subscriber", nil) },
		"read directly":   func() error { return nc.Publish("$JS.API.DIRECT.GET.IA_EVENTS", nil) },
		"read a message":  func() error { return nc.Publish("$JS.API.STREAM.MSG.GET.IA_DELIVERY", nil) },
		"purge":           func() error { return nc.Publish("$JS.API.STREAM.PURGE.IA_EVENTS", nil) },
		"delete stream":   func() error { return nc.Publish("$JS.API.STREAM.DELETE.IA_EVENTS", nil) },
		"create stream":   func() error { return nc.Publish("$JS.API.STREAM.CREATE.MINE", nil) },
		"read installs":   func() error { return nc.Publish("$JS.API.DIRECT.GET.KV_IA_INSTALLS.$KV.IA_INSTALLS.x", nil) },
	} {
		require.NoError(t, try(), name)
		require.NoError(t, nc.Flush())
		require.ErrorIs(t, receive(t, denied), nats.ErrPermissionViolation, name)
	}
}
