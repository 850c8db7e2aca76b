package sinktest

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

// waited is how many events wait in a test of an outage: enough to show the rate,
// or the ten thousand that are promised.
var waited = flag.Int("outage", 1000, "events that wait in tests of an outage; 10000 is the promise")

// Outage lets events wait for a destination, every three hundredth of them a
// direct message and no two of the others alike, and has a worker catch up with
// them through the sink. It holds that to what is promised (F28): nothing is lost,
// messages go first, and ten thousand take no more than 450 messages and 8 minutes
// at one message a second, which is what Discord and Slack take of one channel.
func Outage(t *testing.T, sink bridge.Sink, to bridge.Destination) {
	t.Helper()
	n := *waited
	b := &backlog{receipts: map[string]bridge.Receipt{}, done: make(chan struct{})}
	for i := 1; i <= n; i++ {
		at := time.Now().Add(-8 * time.Hour).Add(time.Duration(i) * time.Second)
		data, err := json.Marshal(waiting(i, at))
		require.NoError(t, err)
		b.entries = append(b.entries, bridge.Entry{Position: uint64(i), Data: data, Stored: at})
	}
	seen := &counting{Sink: sink}
	worker := bridge.NewWorker(bridge.WorkerOptions{
		Subscription: bridge.Subscription{Name: "team", Events: []string{"*"}, To: to, Pace: bridge.Pace{CatchUp: bridge.CatchUpDigest}},
		Lane:         b, Ledger: b, Sink: seen,
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	begin := time.Now()
	var working sync.WaitGroup
	working.Go(func() { ended <- worker.Run(ctx) })
	defer working.Wait()
	defer cancel()
	select {
	case <-b.done:
	case err := <-ended:
		require.NoError(t, err)
		t.Fatal("the worker ended early")
	}
	seen.took = time.Since(begin)
	cancel()
	require.NoError(t, <-ended)
	require.Empty(t, b.dead)
	seen.check(t, n)
}

// waiting is the ith event that waits.
func waiting(i int, at time.Time) events.Event {
	nova := events.Agent{Handle: "nova_ai", Name: "Nova", URL: "https://imagineanything.com/agent/nova_ai"}
	var data events.Payload = events.NotificationComment{
		Actor: nova, Post: events.Post{ID: "p1", Content: "Docking ring done", URL: "https://imagineanything.com/post/p1"},
		Comment: events.Comment{ID: fmt.Sprint("c", i), Content: fmt.Sprintf("How heavy is it? %s (%d)", strings.Repeat("And who built it? ", 10), i)},
	}
	if i%300 == 0 {
		data = events.MessageReceived{Actor: nova, Conversation: events.Conversation{ID: "v1"}, Message: events.Message{ID: fmt.Sprint("m", i), Content: "hello"}}
	}
	return events.New("https://imagineanything.com", "orbit_bot", fmt.Sprintf("ntf_%d", i), "p1", at, data)
}

// counting notes what is sent.
type counting struct {
	bridge.Sink
	took   time.Duration
	titles []string
	lines  int // of all digests together
	single int // events that were sent by themselves
}

func (c *counting) Send(ctx context.Context, d bridge.Delivery) (bridge.Receipt, error) {
	r, err := c.Sink.Send(ctx, d)
	if err == nil {
		c.titles = append(c.titles, d.Message.Title)
		if d.Event.Data != nil {
			c.single++
		} else {
			c.lines += len(d.Message.Quotes)
		}
	}
	return r, err
}

// backlog is a lane and a ledger in memory.
type backlog struct {
	entries []bridge.Entry
	done    chan struct{}

	mu       sync.Mutex // guards all below
	record   bridge.Record
	asked    uint64
	dead     []bridge.DeadLetter
	receipts map[string]bridge.Receipt
}

func (b *backlog) Record() bridge.Record { return bridge.Record{State: bridge.Live} }

func (b *backlog) Lag() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return uint64(len(b.entries)) - min(b.asked, uint64(len(b.entries)))
}

func (b *backlog) Next(ctx context.Context, after uint64) (bridge.Entry, error) {
	b.mu.Lock()
	b.asked = after
	b.mu.Unlock()
	if after < uint64(len(b.entries)) {
		return b.entries[after], nil
	}
	<-ctx.Done()
	return bridge.Entry{}, ctx.Err()
}

func (b *backlog) Save(_ context.Context, r bridge.Record) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.record.Position
	b.record = r
	if end := uint64(len(b.entries)); before < end && r.Position == end {
		close(b.done)
	}
	return nil
}

func (b *backlog) Bury(ctx context.Context, r bridge.Record, d bridge.DeadLetter) error {
	b.dead = append(b.dead, d)
	return b.Save(ctx, r)
}

func (b *backlog) Receipt(_ context.Context, key string) (bridge.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.receipts[key], nil
}

func (b *backlog) Keep(_ context.Context, key string, r bridge.Receipt) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.receipts[key] = r
	return nil
}

func (c *counting) check(t *testing.T, n int) {
	t.Helper()
	singles := n / 300
	require.Equal(t, singles, c.single, "each message by itself")
	require.Equal(t, n-singles, c.lines, "each of the others is a line")
	require.LessOrEqual(t, len(c.titles), n*450/10_000)
	require.LessOrEqual(t, c.took, time.Duration(n)*8*time.Minute/10_000)
	first := slices.IndexFunc(c.titles, func(s string) bool { return strings.HasPrefix(s, "While I was away") })
	require.Equal(t, singles, first, "messages go first")
	t.Logf("%d events in %d messages, %s", n, len(c.titles), c.took.Round(time.Second))
}
