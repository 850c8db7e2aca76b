package bus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// hostMember is the name of the process that embeds the server among the
// members. It is the same after a restart: the lock on the data folder proves
// that the former bearer is gone, so its shards need no waiting for.
const hostMember = "embedded"

// noLimit is the server's own bound on its store, in bytes. The streams' bounds
// together keep to the configured size; a tight bound here would refuse to make
// them smaller after that size was lowered.
const noLimit = 1 << 50

// host is the embedded server with its folder.
type host struct {
	dir               string // <data>/nats
	server            *server.Server
	options           *server.Options
	lock              *flock.Flock
	admin, subscriber Credentials
	told              *serverLog // by the server
}

// startHost locks the folder and starts the server in it. Nothing in the server
// itself keeps two of them off one store.
func startHost(ctx context.Context, o Options) (_ *host, err error) {
	every, always, err := parseSync(o.Sync)
	if err != nil {
		return nil, err
	}
	address, port, err := parseListen(o.Listen)
	if err != nil {
		return nil, err
	}
	h := &host{dir: filepath.Join(o.DataDir, "nats")}
	if err := h.claimFolder(o.DataDir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.stop(context.WithoutCancel(ctx)))
		}
	}()
	if err := probe(ctx, o.Listen, port); err != nil {
		return nil, err
	}
	h.options = &server.Options{
		ServerName: "imaginebridge", Host: address, Port: port, DontListen: o.Listen == "off",
		NoSigs: true, NoLog: true, DisableJetStreamBanner: true,
		JetStream: true, StoreDir: h.dir, JetStreamMaxStore: noLimit, JetStreamMaxMemory: 64 << 20,
		SyncInterval: every, SyncAlways: always, AuthTimeout: embeddedTimeout.Seconds(),
	}
	if h.options.Users, err = h.users(); err != nil {
		return nil, err
	}
	if h.server, err = server.NewServer(h.options); err != nil {
		return nil, stateOf(BadFolder, err, "the embedded NATS server can't start in %s: %s.", h.dir, err)
	}
	h.told = &serverLog{log: o.Log}
	h.server.SetLoggerV2(h.told, false, false, false)
	h.server.Start()
	if !h.server.ReadyForConnections(30 * time.Second) {
		return nil, stateOf(Unreachable, nil, "the embedded NATS server did not start: %s.", h.told.worst())
	}
	return h, h.writeFiles(o.Listen == "off")
}

func parseSync(text string) (every time.Duration, always bool, err error) {
	if text == "always" {
		return time.Second, true, nil
	}
	every, err = time.ParseDuration(text)
	if err != nil || every < 100*time.Millisecond {
		return 0, false, stateOf(Invalid, nil, `nats.sync: %q is neither a duration of at least 100ms nor "always".`, text)
	}
	return every, false, nil
}

func parseListen(listen string) (host string, port int, err error) {
	if listen == "off" {
		return "127.0.0.1", server.RANDOM_PORT, nil
	}
	host, text, err := net.SplitHostPort(listen)
	port, perr := strconv.Atoi(text)
	if err != nil || perr != nil || port < 0 || port > 65535 {
		return "", 0, stateOf(Invalid, nil, `nats.listen: %q is no address like 127.0.0.1:4222, nor "off".`, listen)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", 0, stateOf(Invalid, nil,
			"nats.listen: %s is not a loopback address, and the embedded server speaks without TLS. Use 127.0.0.1, or a NATS server of your own and NATS_URL.", listen)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

// probe tells a taken port before the server meets it.
func probe(ctx context.Context, listen string, port int) error {
	if listen == "off" || port == server.RANDOM_PORT {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		return stateOf(PortTaken, err,
			"%s is in use by another program. Stop it, or set IMAGINEBRIDGE_NATS_LISTEN to a free port, or to off.", listen)
	}
	return l.Close()
}

func (h *host) claimFolder(data string) error {
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return folderError(data, err)
	}
	if err := os.Chmod(h.dir, 0o700); err != nil { //nolint:gosec // a folder needs its x bit
		return folderError(data, err)
	}
	file := filepath.Join(h.dir, "lock")
	lock := flock.New(file)
	free, err := lock.TryLock()
	if err != nil {
		return folderError(data, err)
	}
	if !free {
		pid, _ := os.ReadFile(file)
		who := ""
		if p := strings.TrimSpace(string(pid)); p != "" {
			who = " (pid " + p + ")"
		}
		return stateOf(InUse, nil,
			"%s is in use by another imaginebridge%s. Stop it, or set IMAGINEBRIDGE_DATA_DIR. To run several, use one NATS server for all (docs/scaling.md).", data, who)
	}
	h.lock = lock
	if err := os.WriteFile(file, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		return errors.Join(folderError(data, err), lock.Unlock())
	}
	return nil
}

func folderError(dir string, err error) error {
	reason := err
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		reason = e.Err
	}
	return stateOf(BadFolder, err,
		"the data folder %s can't be used: %s. Give this user the right to write there, or set IMAGINEBRIDGE_DATA_DIR to another folder.", dir, reason)
}

func (h *host) users() ([]*server.User, error) {
	var err error
	h.admin, err = keepCredentials(h.dir, AdminFile, Credentials{User: "admin", Inbox: "_INBOX", Stream: streamEvents})
	if err != nil {
		return nil, err
	}
	h.subscriber, err = keepCredentials(h.dir, SubscriberFile, Credentials{
		User: subscriberName, Inbox: "_INBOX_" + subscriberName, Stream: streamEvents, Durable: subscriberName,
	})
	if err != nil {
		return nil, err
	}
	admin, err := h.admin.user(nil)
	if err != nil {
		return nil, err
	}
	subscriber, err := h.subscriber.user(subscriberPermissions())
	if err != nil {
		return nil, err
	}
	return []*server.User{admin, subscriber}, nil
}

func (h *host) writeFiles(alone bool) error {
	if !alone {
		h.admin.URL = "nats://" + h.server.Addr().String()
		h.subscriber.URL = h.admin.URL
	}
	if err := writeCredentials(h.dir, AdminFile, h.admin); err != nil {
		return err
	}
	return writeCredentials(h.dir, SubscriberFile, h.subscriber)
}

// stop shuts the server down and frees the folder.
func (h *host) stop(ctx context.Context) error {
	if h.server != nil {
		h.server.Shutdown()
		done := make(chan struct{})
		go func() { h.server.WaitForShutdown(); close(done) }()
		select {
		case <-done:
		case <-ctx.Done():
			return fmt.Errorf("stop the embedded server: %w", ctx.Err())
		}
	}
	return h.lock.Unlock()
}

// dialOptions lead to the server without the network.
func (h *host) dialOptions() []nats.Option {
	return []nats.Option{
		nats.InProcessServer(h.server), nats.UserInfo(h.admin.User, h.admin.Password), nats.ReconnectWait(100 * time.Millisecond),
	}
}

// revive switches JetStream on again after it switched itself off, which it does
// when a write fails: on a full disk, for example.
func (h *host) revive() error {
	err := h.server.EnableJetStream(&server.JetStreamConfig{
		MaxMemory: h.options.JetStreamMaxMemory, MaxStore: h.options.JetStreamMaxStore, StoreDir: h.dir,
		SyncInterval: h.options.SyncInterval, SyncAlways: h.options.SyncAlways, Strict: true,
	})
	if err != nil {
		return fmt.Errorf("switch jetstream on again: %w", err)
	}
	return nil
}

// emptied reports the folder of a stream that the server did not find although
// its messages are still there: its description was lost, and a new stream would
// take its place.
func (h *host) emptied(stream string) (string, bool) {
	dir := filepath.Join(h.dir, server.JetStreamStoreDir, "$G", "streams", stream)
	blocks, err := filepath.Glob(filepath.Join(dir, "msgs", "*.blk"))
	if err != nil {
		return "", false
	}
	for _, b := range blocks {
		if info, err := os.Stat(b); err == nil && info.Size() > 0 {
			return dir, true
		}
	}
	return "", false
}

// serverLog hands on what the embedded server says. Notices are for debugging.
type serverLog struct {
	log *slog.Logger
	mu  sync.Mutex
	bad string

	broken atomic.Pointer[string] // what it said of a store that takes no write any more
}

func (l *serverLog) Noticef(f string, v ...any) {
	l.log.Debug("nats server", "text", fmt.Sprintf(f, v...))
}
func (l *serverLog) Debugf(string, ...any) {}
func (l *serverLog) Tracef(string, ...any) {}

// Warnf passes warnings on, but for the one that every start after a kill brings:
// the server then only reads its messages' ends of life again.
func (l *serverLog) Warnf(f string, v ...any) {
	text := fmt.Sprintf(f, v...)
	level := slog.LevelWarn
	if strings.Contains(text, "TTL state is outdated; attempting to recover") {
		level = slog.LevelDebug
	}
	l.log.Log(context.Background(), level, "nats server warns", "text", text)
}

func (l *serverLog) Errorf(f string, v ...any) {
	text := fmt.Sprintf(f, v...)
	l.noteBroken(f, text)
	l.tell(text)
}
func (l *serverLog) Fatalf(f string, v ...any) { l.tell(fmt.Sprintf(f, v...)) }

func (l *serverLog) tell(text string) {
	l.mu.Lock()
	l.bad = text
	l.mu.Unlock()
	l.log.Error("nats server reports an error", "text", text)
}

func (l *serverLog) worst() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bad == "" {
		return "it is not ready after 30 s"
	}
	return l.bad
}
