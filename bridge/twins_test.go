package bridge_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

// world is what outlives a worker: the stream, the lane's stored record, the
// dead letters, the receipts, and what people see at the destination. It is the
// in-memory twin of the bus and of a platform.
type world struct {
	mu       sync.Mutex // guards all below
	stream   []bridge.Entry
	arrived  chan struct{} // closed and replaced when the stream grows
	record   bridge.Record
	saves    int
	dead     []bridge.DeadLetter
	receipts map[string]bridge.Receipt
	shown    []sight
	places   map[string]int             // of the first message under each key
	threads  map[string]map[string]bool // that each key was sent to
	sends    []attempt
	strayed  []string // events sent again under their key to another place
	outcomes []bridge.Outcome
	wishes   []bridge.Resend // dead letters that people want sent
	notices  []bridge.OwnerNotice
	asked    uint64 // position that the lane was last asked for

	// answer decides a Send; nil answers with success. It runs without the lock.
	answer func(ctx context.Context, n int, d bridge.Delivery) error
	// refuse makes the store refuse an operation; nil refuses none.
	refuse func(op string) error
	// crashAt is the number of the operation before or after which the process
	// dies; 0 never.
	crashAt    int
	crashAfter bool
	ops        int
	life       int // of the process that is alive
	died       context.CancelFunc
	onOp       func(n int) // sees the world before the nth operation, under the lock; nil for nobody
}

// sight is one message as people see it.
type sight struct {
	id      string
	key     string
	event   string
	title   string
	version int
	thread  string
	posted  time.Time
	last    bridge.Delivery // that it shows
}

// attempt is one Send as the platform saw it.
type attempt struct {
	at time.Time
	bridge.Delivery
}

var errDied = errors.New("the process died")

func newWorld() *world {
	return &world{arrived: make(chan struct{}), receipts: map[string]bridge.Receipt{}, places: map[string]int{}, threads: map[string]map[string]bool{}}
}

// process is one life of the bridge: after its death nothing of it has effects.
type process struct {
	*world
	life  int
	owner bridge.Record
}

// start begins a process that owns the lane. It dies with the returned cancel.
func (w *world) start(t *testing.T) (*process, context.Context) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.life++
	w.record.Epoch++
	w.died = cancel
	return &process{world: w, life: w.life, owner: w.record}, ctx
}

func (w *world) publish(es ...events.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range es {
		data, err := json.Marshal(e)
		if err != nil {
			panic(err) // the test's own event is wrong
		}
		w.append(data)
	}
}

func (w *world) publishRaw(data string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.append([]byte(data))
}

func (w *world) append(data []byte) {
	w.stream = append(w.stream, bridge.Entry{Position: uint64(len(w.stream) + 1), Data: data, Stored: time.Now()})
	close(w.arrived)
	w.arrived = make(chan struct{})
}

// op counts an operation with effects, and kills the process before or after it
// where that was asked for. The effect runs under the lock.
func (p *process) op(effect func()) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.life != p.world.life {
		return errDied
	}
	p.ops++
	if p.onOp != nil {
		p.onOp(p.ops)
	}
	now := p.ops == p.crashAt
	if now && !p.crashAfter {
		p.die()
		return errDied
	}
	effect()
	if now {
		p.die()
		return errDied
	}
	return nil
}

func (p *process) die() {
	p.world.life++
	p.died()
}

func (p *process) gone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life != p.world.life
}

func (p *process) refused(op string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse == nil {
		return nil
	}
	return p.refuse(op)
}

func (p *process) Record() bridge.Record { return p.owner }

// Newest is the end of the stream.
func (p *process) Newest() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return uint64(len(p.stream))
}

// Lag counts what stands behind the position that was asked for last.
func (p *process) Lag() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return uint64(len(p.stream) - p.behind(p.asked))
}

// behind is the index of the first entry behind a position. The caller holds the lock.
func (w *world) behind(position uint64) int {
	i, _ := slices.BinarySearchFunc(w.stream, position+1, func(e bridge.Entry, position uint64) int { return cmp.Compare(e.Position, position) })
	return i
}

func (p *process) Resend(context.Context) (r bridge.Resend, ok bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.wishes) == 0 {
		return r, false, nil
	}
	return p.wishes[0], true, nil
}

func (p *process) Resent(_ context.Context, r bridge.Resend, sent bool) error {
	return p.op(func() {
		p.wishes = slices.DeleteFunc(p.wishes, func(w bridge.Resend) bool { return w.ID == r.ID })
		if sent {
			p.dead = slices.DeleteFunc(p.dead, func(d bridge.DeadLetter) bool { return d.Position == r.Letter.Position })
		}
	})
}

// want is a person's wish that the nth dead letter be sent again.
func (w *world) want(id uint64, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wishes = append(w.wishes, bridge.Resend{ID: id, Letter: w.dead[n]})
}

func (p *process) tell(_ context.Context, n bridge.OwnerNotice) error {
	return p.op(func() { p.notices = append(p.notices, n) })
}

func (p *process) Next(ctx context.Context, after uint64) (bridge.Entry, error) {
	for {
		p.mu.Lock()
		p.asked = after
		arrived := p.arrived
		i := p.behind(after)
		var e bridge.Entry
		found := i < len(p.stream)
		if found {
			e = p.stream[i]
		}
		p.mu.Unlock()
		if found {
			return e, nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return bridge.Entry{}, ctx.Err()
		}
	}
}

func (p *process) Save(_ context.Context, r bridge.Record) error {
	if err := p.refused("save"); err != nil {
		return err
	}
	return p.store(r, func() {})
}

func (p *process) Bury(_ context.Context, r bridge.Record, d bridge.DeadLetter) error {
	if err := p.refused("bury"); err != nil {
		return err
	}
	return p.store(r, func() { p.dead = append(p.dead, d) })
}

func (p *process) store(r bridge.Record, with func()) error {
	fenced := false
	err := p.op(func() {
		if fenced = p.record.Epoch != p.owner.Epoch; fenced {
			return
		}
		r.Epoch = p.owner.Epoch
		if r.Intent != nil {
			r.Intent = new(*r.Intent)
		}
		p.record = r
		p.saves++
		with()
	})
	if fenced || err != nil {
		return bridge.ErrFenced
	}
	return nil
}

func (p *process) Receipt(_ context.Context, key string) (bridge.Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.receipts[key], nil
}

func (p *process) Keep(_ context.Context, key string, r bridge.Receipt) error {
	if err := p.refused("keep"); err != nil {
		return err
	}
	return p.op(func() { p.receipts[key] = r })
}

func (p *process) Report(_ context.Context, o bridge.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outcomes = append(p.outcomes, o)
}

// Send shows a message. A repeat under the same key is found only where the
// worker says that an earlier one may have arrived.
func (p *process) Send(ctx context.Context, d bridge.Delivery) (bridge.Receipt, error) {
	if p.gone() {
		return bridge.Receipt{}, errDied
	}
	p.mu.Lock()
	if p.threads[d.Key] == nil {
		p.threads[d.Key] = map[string]bool{}
	}
	if p.threads[d.Key][d.Thread.Message] = true; len(p.threads[d.Key]) > 1 {
		p.strayed = append(p.strayed, d.Event.ID)
	}
	p.sends = append(p.sends, attempt{time.Now(), d})
	n, answer := len(p.sends), p.answer
	p.mu.Unlock()
	if answer != nil {
		if err := answer(ctx, n, d); err != nil {
			if e, ok := errors.AsType[*bridge.SendError](err); ok && e.Verdict == bridge.InDoubt {
				_, _ = p.show(d) // it arrived, the answer did not
			}
			return bridge.Receipt{}, err
		}
	}
	return p.show(d)
}

func (p *process) show(d bridge.Delivery) (r bridge.Receipt, err error) {
	err = p.op(func() { r = p.appear(d) })
	return r, err
}

func (p *process) appear(d bridge.Delivery) bridge.Receipt {
	if d.Replaces.Message != "" {
		i := slices.IndexFunc(p.shown, func(s sight) bool { return s.id == d.Replaces.Message })
		if i >= 0 {
			p.shown[i].version, p.shown[i].title, p.shown[i].event, p.shown[i].last = d.Message.Version, d.Message.Title, d.Event.ID, d
			return d.Replaces
		}
		if !d.Message.Final {
			return bridge.Receipt{}
		}
	}
	i, there := p.places[d.Key]
	if !there || i >= len(p.shown) || d.Doubt.IsZero() {
		i = len(p.shown)
		if !there || p.places[d.Key] >= i { // people took the messages away
			p.places[d.Key] = i
		}
		p.shown = append(p.shown, sight{
			id: fmt.Sprintf("m%d", i+1), key: d.Key, event: d.Event.ID, title: d.Message.Title, version: d.Message.Version, thread: d.Thread.Message,
			posted: time.Now(), last: d,
		})
	}
	r := bridge.Receipt{Channel: "c", Message: p.shown[i].id}
	if d.Message.ThreadKey != "" {
		r.Thread, r.Root = "t-"+r.Message, ""
		if d.Thread.Message != "" {
			r.Thread, r.Root = d.Thread.Thread, d.Thread.Message
		}
	}
	return r
}

// events that people see, in order.
func (w *world) seen() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []string{}
	for _, s := range w.shown {
		out = append(out, s.event)
	}
	return out
}

func (w *world) kinds() []bridge.OutcomeKind {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []bridge.OutcomeKind{}
	for _, o := range w.outcomes {
		out = append(out, o.Kind)
	}
	return out
}

func (w *world) stored() bridge.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.record
}

// attempts returns the sends so far.
func (w *world) attempts() []attempt {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.sends)
}

// worker makes a worker on the process; change alters its options.
func (p *process) worker(change ...func(*bridge.WorkerOptions)) *bridge.Worker {
	o := bridge.WorkerOptions{
		Subscription: bridge.Subscription{Name: "team", Events: []string{"*"}, To: bridge.ParseDestination("discord:123")},
		Lane:         p, Ledger: p, Sink: p, Reporter: p, Tell: p.tell,
	}
	for _, c := range change {
		c(&o)
	}
	return bridge.NewWorker(o)
}

// running is a worker under way.
type running struct {
	*bridge.Worker
	end  context.CancelFunc
	done chan error
}

// run starts a process and its worker in the bubble.
func (w *world) run(t *testing.T, change ...func(*bridge.WorkerOptions)) *running {
	t.Helper()
	p, ctx := w.start(t)
	ctx, cancel := context.WithCancel(ctx)
	r := &running{Worker: p.worker(change...), end: cancel, done: make(chan error, 1)}
	go func() { r.done <- r.Run(ctx) }()
	return r
}

// ended waits for a worker whose process died.
func (r *running) ended() error { return <-r.done }

// strike kills the process at the nth operation from now on.
func (w *world) strike(n int, after bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.crashAt, w.crashAfter = w.ops+n, after
}

// spare lets the process live.
func (w *world) spare() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.crashAt = 0
}

// stop ends the worker as a shutdown does.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.end()
	require.NoError(t, <-r.done)
}

// like is the nth event of a test.
func like(n int) events.Event {
	id := fmt.Sprintf("ntf_%d", n)
	post := events.Post{ID: "p", Content: "Look"}
	return events.New("https://imagineanything.com", "orbit_bot", id, "p", time.Now(), events.NotificationLike{Actor: events.Agent{Handle: "nova"}, Post: post})
}

func likes(n int) []events.Event {
	var out []events.Event
	for i := range n {
		out = append(out, like(i+1))
	}
	return out
}

func names(n int) []string {
	out := []string{}
	for i := range n {
		out = append(out, fmt.Sprintf("ntf_%d", i+1))
	}
	return out
}
