// Package bus keeps everything ImagineBridge remembers in NATS JetStream: events
// and the pollers' cursors, lanes and dead letters, receipts, status, and the
// leases by which several processes share the work.
//
// The main type is [Bus]. It connects to a server or embeds one, and hands out
// the halves its users declare for themselves: a journal for the poller
// ([Bus.Load], [Bus.Commit]), lanes and a ledger for the delivery worker
// ([Bus.Lane], [Bus.Receipt], [Bus.Keep]), ownership for both ([Bus.Hold]).
//
// Two rules carry it. Whatever must agree after a crash is stored in one atomic
// batch; and every record that decides something is written by compare-and-set,
// so that a process that lost its lease can move nothing.
//
// The package must not know ImagineAnything or any chat platform.
package bus

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/internal/seal"
	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// Options say where the store is and how much it may hold. The zero value of
// each field but DataDir or URL is a working default.
type Options struct {
	// URL of an external NATS server, or several separated by commas. Empty means
	// an embedded server.
	URL string
	// Creds is a file with the credentials for URL: a NATS .creds file, or JSON
	// as the embedded server writes it (admin.creds.json).
	Creds string

	// DataDir is the data folder; the embedded server keeps its files in nats/
	// below it. Needed without URL.
	DataDir string
	// Listen is the loopback address at which the embedded server takes other
	// programs, "127.0.0.1:4222" by default; port 0 takes a free one, "off" opens
	// none.
	Listen string
	// Store bounds the embedded store in bytes, 1 GiB by default. With URL it is
	// the share that the bridge may take of the server's.
	Store int64
	// Sync is how often the embedded store is flushed to the disk: a duration, or
	// "always". 1 s by default.
	Sync string

	// Keep is how long events stay, 30 days by default.
	Keep time.Duration
	// Replicas of each stream. 0 keeps what is there and makes new ones with
	// three on a cluster of at least three servers, else with one.
	Replicas int

	// Guest leaves streams and buckets as they are, for programs that look at a
	// running bridge: their settings may differ from the bridge's own.
	Guest bool

	// Seal keeps what may hold a secret; nil stores none of it. Its keys have to be
	// those of the store.
	Seal *seal.Ring
	// KeySource names the file that the keys of Seal are read from, again when one
	// is missing, so that processes can tell whether they read the same; "" for none.
	KeySource string
	// Version of the program, for what the store says of itself.
	Version string

	// Name tells this process apart for people who look at connections.
	Name string
	// Buffer bounds the bytes of events that wait in memory for all lanes
	// together, 32 MiB by default.
	Buffer int64
	// Trace traces commands; nil traces nothing. Events need no help: their trace
	// follows from their ids.
	Trace trail.Tracer
	// Log takes what the bus and the embedded server have to say.
	Log *slog.Logger
}

// Bus is a connection to the store. Its methods may be used at the same time.
type Bus struct {
	opts Options
	log  *slog.Logger
	host *host // the embedded server, nil with an external one
	nc   *nats.Conn
	js   jetstream.JetStream
	me   string // this process among the members

	commits  chan struct{} // bounds the atomic batches in flight
	denied   atomic.Pointer[denial]
	onDenied atomic.Pointer[context.CancelFunc] // while Open asks for things that may be refused
	closed   chan struct{}                      // closed when the connection is
	tail     *tail
	audits   *auditor
	members  *members
	cursors  cursors
	oldKey   atomic.Pointer[formerKey]
	running  atomic.Bool
	closeAll sync.Once

	cutMu sync.Mutex
	onCut map[*byte]context.CancelFunc // what waits for an answer or reads
}

// denial is the last permission that the server told us we lack: the request
// itself just stays without an answer.
type denial struct {
	at   time.Time
	text string
}

// maxCommits bounds the atomic batches of one process in flight; the server
// refuses the fifty-first of a stream (nats-server, max_batch_inflight_per_stream).
const maxCommits = 8

// Open connects to the store or starts the embedded server, and brings streams
// and buckets to the form this version needs, never dropping anything. What
// stands in the way and can be told in a sentence is a *StateError.
func Open(ctx context.Context, o Options) (*Bus, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	b := newBus(o)
	if err := b.connect(ctx); err != nil {
		return nil, errors.Join(err, b.abandon(ctx))
	}
	if err := b.prepare(ctx); err != nil {
		return nil, errors.Join(err, b.abandon(ctx))
	}
	return b, nil
}

func newBus(o Options) *Bus {
	return &Bus{
		opts: o, log: o.Log, commits: make(chan struct{}, maxCommits), closed: make(chan struct{}),
		cursors: cursors{known: map[string]cursorState{}}, tail: newTail(o.Buffer), audits: newAuditor(),
		onCut: map[*byte]context.CancelFunc{},
	}
}

// prepare brings the store to its form and reads where the tail begins. It waits
// longer for answers than what comes later: a cluster may have to elect its leaders
// first, and many processes may start at once.
func (b *Bus) prepare(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b.onDenied.Store(&cancel) // what is not permitted gets no answer: don't wait for one
	defer b.onDenied.Store(nil)
	if err := b.checkServer(ctx); err != nil {
		return err
	}
	b.members = newMembers(b.me)
	if err := b.examine(ctx); err != nil {
		return err
	}
	if !b.opts.Guest {
		if err := b.converge(ctx); err != nil {
			return err
		}
		if err := b.sign(ctx); err != nil {
			return err
		}
	}
	at, err := b.boundsWithin(ctx, patience, streamEvents)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return stateOf(Mismatch, err, "%s holds no stream %s: no bridge has run on it yet.", b.where(), streamEvents)
	}
	if err != nil {
		return err
	}
	b.tail.seen.Store(&place{seq: at.last, at: at.lastAt})
	return b.recount(ctx)
}

// Run keeps the process alive among its fellows, feeds the lanes, stores the audit
// and looks after the store, until ctx ends. It then waits for what is held to be given back,
// beating on meanwhile, and returns nil.
func (b *Bus) Run(ctx context.Context) error {
	if !b.running.CompareAndSwap(false, true) {
		return errors.New("the bus is running already")
	}
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, inner := errgroup.WithContext(inner)
	g.Go(func() error { return b.feed(inner) })
	g.Go(func() error { return b.beat(inner) })
	g.Go(func() error { return b.watchMembers(inner) })
	g.Go(func() error { return b.watchShards(inner) })
	g.Go(func() error { return b.care(inner) })
	g.Go(func() error { return b.watchStore(inner) })
	g.Go(func() error { return b.writeAudits(inner) })
	g.Go(func() error { return b.hearWishes(inner) })
	g.Go(func() error {
		select {
		case <-ctx.Done():
			b.members.settle(inner)
			b.leave(inner)
		case <-inner.Done():
		}
		stop()
		return nil
	})
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// Close drains the connection and stops the embedded server, all within ctx.
func (b *Bus) Close(ctx context.Context) error { return b.shut(ctx) }

// abandonTime bounds the end of what was begun in vain.
const abandonTime = 3 * time.Second

// abandon is shut for a bus that did not come up, also because ctx ended.
func (b *Bus) abandon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTime)
	defer cancel()
	return b.shut(ctx)
}

func (b *Bus) shut(ctx context.Context) (err error) {
	b.closeAll.Do(func() {
		if b.nc != nil {
			if drain := b.nc.Drain(); drain == nil {
				select {
				case <-b.closed:
				case <-ctx.Done():
				}
			}
			b.nc.Close()
		}
		if b.host != nil {
			err = b.host.stop(ctx)
		}
	})
	return err
}

// lingering is a context that ends d after its parent.
func lingering(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		wait(ctx, d)
		cancel()
	})
	return ctx, func() {
		stop()
		cancel()
	}
}

// wait pauses for d, or returns false when ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
