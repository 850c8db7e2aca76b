package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/imaginebridge/imaginebridge/internal/trail"
)

const (
	// callTimeout bounds one request to the store. A request that the user lacks
	// the permission for gets no answer at all.
	callTimeout = 2 * time.Second

	// embeddedTimeout bounds the connection to the embedded server, which is there:
	// only a machine that is busy beyond measure keeps it from answering.
	embeddedTimeout = 15 * time.Second
	// patience is how long a write is tried, and an answer waited for at the start: a
	// cluster that lost its leader takes 4 to 9 s to find another.
	patience = 15 * time.Second
	// minServer is the first release with atomic batches.
	minServer = "2.12"
	// minAPILevel is the JetStream API level of that release.
	minAPILevel = 2
)

func (o Options) filled() (Options, error) {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Trace = trail.Or(o.Trace)
	o.Store = cmp.Or(o.Store, 1<<30)
	o.Keep = cmp.Or(o.Keep, 30*24*time.Hour)
	o.Buffer = cmp.Or(o.Buffer, 32<<20)
	o.Listen = cmp.Or(o.Listen, "127.0.0.1:4222")
	o.Sync = cmp.Or(o.Sync, "1s")
	o.Name = cmp.Or(o.Name, "imaginebridge")
	if o.URL == "" && o.DataDir == "" {
		return o, stateOf(Invalid, nil, "neither a NATS URL nor a data folder is given.")
	}
	if o.Store < 1<<20 {
		return o, stateOf(Invalid, nil, "nats.store: %d bytes are too few; 1 MiB is the least.", o.Store)
	}
	if o.Keep < time.Second || o.Replicas < 0 || o.Replicas > 5 {
		return o, stateOf(Invalid, nil, "nats.keep must be at least 1s, and replicas 1 to 5.")
	}
	return o, nil
}

func (b *Bus) connect(ctx context.Context) error {
	if b.opts.URL != "" {
		b.me = nuid.Next()
		return b.dial(ctx)
	}
	h, err := startHost(ctx, b.opts)
	if err != nil {
		return err
	}
	b.host, b.me = h, hostMember
	ctx, cancel := context.WithTimeout(ctx, embeddedTimeout)
	defer cancel()
	if b.nc, err = b.dialOn(ctx, append(b.dialOptions(), append(h.dialOptions(), nats.Timeout(embeddedTimeout))...)); err != nil {
		return stateOf(Unreachable, nil, "the embedded NATS server takes no connection: %s.", plain(err))
	}
	return b.useJetStream()
}

// dial connects to an external server, for at most ten seconds: a container that
// starts beside its server is a little too early.
func (b *Bus) dial(ctx context.Context) error {
	opts, err := b.outside()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	b.nc, err = b.dialOn(ctx, append(b.dialOptions(), opts...))
	switch {
	case err == nil:
		return b.useJetStream()
	case refused(err):
		return b.refusal()
	case !temporary(err):
		return stateOf(Unreachable, nil, "%s: %s.", b.where(), plain(err))
	}
	return stateOf(Unreachable, nil, "%s does not answer: %s. Is it running, and is NATS_URL right?", b.where(), plain(err))
}

// outside are the options towards an external server.
func (b *Bus) outside() ([]nats.Option, error) {
	creds, err := b.dialCredentials()
	return append(creds, nats.Timeout(callTimeout), nats.CustomReconnectDelay(reconnectDelay)), err
}

// dialOn connects. As long as that fails in a way that may pass it tries again, until
// ctx ends.
func (b *Bus) dialOn(ctx context.Context, opts []nats.Option) (*nats.Conn, error) {
	for {
		nc, err := nats.Connect(b.opts.URL, opts...)
		if err == nil {
			return nc, nil
		}
		if !temporary(err) || !wait(ctx, 250*time.Millisecond) {
			return nil, err
		}
	}
}

// another opens a further connection, as soon as the server takes it. Its owner closes
// it.
func (b *Bus) another(ctx context.Context, name string) (*nats.Conn, error) {
	opts := []nats.Option{
		nats.Name(b.opts.Name + " " + name), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(), nats.ErrorHandler(b.onError),
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2),
	}
	if b.host != nil {
		opts = append(opts, b.host.dialOptions()...)
	} else {
		outside, err := b.outside()
		if err != nil {
			return nil, err
		}
		opts = append(opts, outside...)
	}
	nc, err := b.dialOn(ctx, opts)
	if err != nil {
		return nil, stateOf(Unreachable, nil, "%s takes no further connection: %s.", b.where(), plain(err))
	}
	return nc, nil
}

// refused reports whether the server knows us not, or not any more.
func refused(err error) bool {
	return errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrAuthRevoked)
}

func (b *Bus) refusal() error {
	return stateOf(Forbidden, nil, "%s refuses these credentials. Look at nats.creds or NATS_CREDS.", b.where())
}

// temporary reports whether to dial once more may help. The last kind has no error of
// its own: a server that waited long for a greeting asks whether anybody is there, and
// the library takes the question for a wrong answer.
func temporary(err error) bool {
	var network net.Error
	return errors.Is(err, nats.ErrNoServers) || errors.Is(err, nats.ErrTimeout) || errors.As(err, &network) ||
		strings.Contains(err.Error(), "got 'PING'")
}

// plain is an error's text without addresses and credentials that it may quote.
func plain(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Op + ": " + e.Err.Error()
	}
	text := err.Error()
	if strings.Contains(text, "://") {
		return "the address can't be used"
	}
	return strings.TrimPrefix(text, "nats: ")
}

func (b *Bus) dialCredentials() ([]nats.Option, error) {
	switch file := b.opts.Creds; {
	case file == "":
		return nil, nil
	case strings.HasSuffix(file, ".json"):
		c, err := ReadCredentials(file)
		if err != nil {
			return nil, err
		}
		opts := []nats.Option{nats.UserInfo(c.User, c.Password)}
		if c.Inbox != "" {
			opts = append(opts, nats.CustomInboxPrefix(c.Inbox))
		}
		return opts, nil
	default:
		if _, err := os.Stat(file); err != nil {
			return nil, stateOf(Forbidden, err, "the NATS credentials file %s can't be read. Look at nats.creds or NATS_CREDS.", file)
		}
		return []nats.Option{nats.UserCredentials(file)}, nil
	}
}

// reconnectDelay keeps a process without its server to about fifteen dials a
// minute, and back within five seconds of the server's return.
func reconnectDelay(attempts int) time.Duration {
	d := min(4*time.Second, 250*time.Millisecond<<min(attempts, 4))
	return d*4/5 + rand.N(d/5) //nolint:gosec // jitter, not a secret
}

func (b *Bus) dialOptions() []nats.Option {
	closed := sync.OnceFunc(func() { close(b.closed) })
	return []nats.Option{
		// Without the second the library gives up for good when it is refused twice,
		// and an account may come back.
		nats.Name(b.opts.Name), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(),
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2),
		nats.ErrorHandler(b.onError),
		nats.ClosedHandler(func(*nats.Conn) { closed() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.log.Warn("nats connection lost", "err", plain(err))
			}
			b.cut()
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			b.log.Info("nats connection is back")
			b.cut()
		}),
	}
}

func (b *Bus) onError(_ *nats.Conn, sub *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrPermissionViolation) {
		b.denied.Store(&denial{at: time.Now(), text: plain(err)})
		if stop := b.onDenied.Load(); stop != nil {
			(*stop)()
		}
	}
	subject := ""
	if sub != nil {
		subject = sub.Subject
	}
	b.log.Warn("nats reports an error", "subject", subject, "err", plain(err))
}

func (b *Bus) useJetStream() (err error) {
	b.js, err = jetstream.New(b.nc, jetstream.WithDefaultTimeout(callTimeout))
	if err != nil {
		return fmt.Errorf("open jetstream: %w", err)
	}
	return nil
}

// checkServer refuses a server that can't keep the promises, with a sentence.
func (b *Bus) checkServer(ctx context.Context) error {
	if v := b.nc.ConnectedServerVersion(); older(v, minServer) {
		return stateOf(TooOld, nil, "%s is too old: %s found, %s needed.", b.where(), v, minServer)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	account, err := b.js.AccountInfo(ctx)
	if err != nil {
		return b.explain("ask for the account", err)
	}
	if account.API.Level < minAPILevel {
		return stateOf(TooOld, nil, "%s is too old: JetStream API level %d found, %d needed (NATS %s).",
			b.where(), account.API.Level, minAPILevel, minServer)
	}
	return nil
}

// older compares the first two numbers of versions; what can't be read is taken
// for new.
func older(version, least string) bool {
	v, w := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3), strings.Split(least, ".")
	for i := range w {
		if i >= len(v) {
			return false
		}
		a, err := strconv.Atoi(v[i])
		if err != nil {
			return false
		}
		if b, _ := strconv.Atoi(w[i]); a != b {
			return a < b
		}
	}
	return false
}

// where names the server for people, without credentials.
func (b *Bus) where() string {
	if b.host != nil {
		return "the embedded NATS server"
	}
	return "NATS at " + redact(b.opts.URL)
}

// redact leaves scheme, host and port of each address.
func redact(addresses string) string {
	var out []string
	for a := range strings.SplitSeq(addresses, ",") {
		a = strings.TrimSpace(a)
		if !strings.Contains(a, "://") {
			a = "nats://" + a
		}
		u, err := url.Parse(a)
		if err != nil || u.User == nil && strings.Contains(a, "@") { // a secret may stand where the host should
			out = append(out, "an unreadable address")
			continue
		}
		out = append(out, u.Scheme+"://"+u.Host)
	}
	return strings.Join(out, ",")
}
