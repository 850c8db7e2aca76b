package slack

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// outside runs functions on a goroutine that belongs to no synctest bubble, so
// that the fake with its sockets can stand outside while time runs inside.
type outside struct {
	mu   sync.Mutex
	jobs chan func()
	done chan struct{}
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{jobs: make(chan func()), done: make(chan struct{})}
	go func() {
		for job := range o.jobs {
			job()
			o.done <- struct{}{}
		}
	}()
	t.Cleanup(func() { close(o.jobs) })
	return o
}

func (o *outside) do(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.jobs <- f
	<-o.done
}

// world is the fake with one workspace and a sink that talks to it.
type world struct {
	*testing.T
	fake    *fakeslack.Server
	team    *fakeslack.Workspace
	channel string
	sink    *Sink
	log     *lines
	counts  *tally
	ferry   *outside
	now     atomic.Int64
	off     time.Duration // how far Slack's clock is ahead
}

type settings struct {
	fake    fakeslack.Options
	scopes  []string
	app     bool
	timeout time.Duration
	ping    time.Duration // of sockets, testLinks' when 0
	changed func(Change)
	link    func(error)
}

var allScopes = []string{"chat:write", "commands", "im:history", "channels:history", "groups:history", "channels:read", "groups:read", "metadata.message:read"}

// inBubble runs a test in virtual time with the fake outside.
func inBubble(t *testing.T, set settings, test func(*world)) {
	t.Helper()
	o := newOutside(t)
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, ferry: o}
		set.fake.Now = func() time.Time { return time.UnixMicro(w.now.Load()) }
		w.now.Store(time.Now().UnixMicro())
		o.do(func() { w.open(set) })
		t.Cleanup(func() { o.do(w.fake.Close) })
		w.start(set, &http.Client{Transport: w})
		test(w)
	})
}

// onSockets runs a test in real time.
func onSockets(t *testing.T, set settings) *world {
	t.Helper()
	w := &world{T: t}
	w.open(set)
	t.Cleanup(w.fake.Close)
	// Its own connections: an idle one to an earlier fake on the same port would be
	// taken for a lost answer.
	own := &http.Transport{}
	t.Cleanup(own.CloseIdleConnections)
	w.start(set, &http.Client{Transport: own})
	return w
}

func (w *world) open(set settings) {
	fake, err := fakeslack.New(set.fake)
	if err != nil {
		panic(err)
	}
	w.fake = fake
	if set.scopes == nil {
		set.scopes = allScopes
	}
	w.team = fake.AddWorkspace("acme", set.scopes...)
	w.channel = w.team.AddChannel("alerts")
}

func (w *world) start(set settings, client *http.Client) {
	w.log, w.counts = &lines{}, &tally{of: map[string]int{}}
	app := ""
	if set.app {
		app = w.fake.AppToken()
	}
	sink, err := New(Options{
		BotToken: w.team.BotToken, AppToken: func() string { return app }, APIURL: w.fake.URL(), HTTPClient: client, Version: "test",
		Log:     testLog(w.log),
		Timeout: set.timeout, Changed: set.changed, Link: set.link, Count: w.counts.add,
	})
	require.NoError(w, err)
	w.sink = sink
	token, appToken := w.team.BotToken(), w.fake.AppToken()
	w.Cleanup(func() {
		require.NotContains(w, w.log.String(), token)
		require.NotContains(w, w.log.String(), appToken)
	})
}

// RoundTrip takes a request out of the bubble and its answer back.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	now := time.Now().Add(w.off).UnixMicro()
	url, method, header := r.URL.String(), r.Method, r.Header.Clone()
	var out *http.Response
	var failed error
	var wrote atomic.Bool // told by a goroutine of the transport, perhaps after the answer
	w.ferry.do(func() {
		w.now.Store(now)
		ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { wrote.Store(true) }})
		req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
		if err != nil {
			failed = err
			return
		}
		req.Header = header
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			failed = err
			return
		}
		raw, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		resp.Header.Set("Date", time.UnixMicro(now).UTC().Format(http.TimeFormat))
		resp.Body, out, failed = io.NopCloser(bytes.NewReader(raw)), resp, err
	})
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && (wrote.Load() || out != nil) {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	return out, failed
}

// do changes the fake from outside the bubble: what it makes of channels belongs
// there.
func (w *world) do(f func()) {
	if w.ferry == nil {
		f()
		return
	}
	w.ferry.do(f)
}

// note is the nth comment on its way to the world's channel.
func (w *world) note(n int) bridge.Delivery {
	actor := events.Agent{ID: "a1", Handle: "nova_ai", Name: "Nova"}
	post := events.Post{ID: "p1", Content: "Docking ring done", URL: "https://imagineanything.com/post/p1"}
	e := events.New("https://imagineanything.com", "orbit_bot", fmt.Sprintf("ntf_%d", n), post.ID, time.Now(),
		events.NotificationComment{Actor: actor, Post: post, Comment: events.Comment{ID: "c1", Content: fmt.Sprintf("words %d", n), PostID: post.ID}})
	d := bridge.Delivery{
		Key: fmt.Sprintf("key-%d", n), Subscription: "team", To: bridge.Destination{Scheme: "slack", Place: w.channel},
		Event: e, Message: bridge.Layout(e), Attempt: 1,
	}
	d.Message.ThreadKey = ""
	return d
}

// state is a state of a generation on its way to the world's channel.
func (w *world) state(version int, final bool) bridge.Delivery {
	d := w.note(version)
	d.Key = fmt.Sprintf("job-%d", version)
	d.Message = bridge.Message{
		Event: "generation.progressed", Agent: "orbit_bot", At: time.Now(), Title: fmt.Sprintf("state %d", version),
		UpdateKey: "job:j1", Version: version, Final: final, Tone: bridge.ToneBusy,
	}
	return d
}

// send sends once.
func (w *world) send(d bridge.Delivery) (bridge.Receipt, *bridge.SendError) {
	w.Helper()
	r, err := w.sink.Send(w.Context(), d)
	if err == nil {
		return r, nil
	}
	e, ok := err.(*bridge.SendError) //nolint:errorlint // Send promises this very type
	require.True(w, ok, "%T", err)
	require.NotContains(w, e.Error()+e.Advice, w.team.BotToken())
	return r, e
}

// lane sends as the delivery worker does: waits, looks when in doubt, and gives up
// only on a dead letter.
func (w *world) lane(d bridge.Delivery) (bridge.Receipt, *bridge.SendError) {
	w.Helper()
	backoff := []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second}
	for try := 0; ; try++ {
		begin := time.Now()
		r, err := w.send(d)
		switch {
		case err == nil:
			return r, nil
		case err.Verdict == bridge.InDoubt && d.Doubt.IsZero():
			d.Doubt = begin
		case err.Verdict != bridge.Retry && err.Verdict != bridge.InDoubt:
			return r, err
		}
		if !err.Paced {
			d.Attempt++
		}
		require.Less(w, try, 200, "the lane never ends: %v", err)
		sleep(w.Context(), max(err.After, backoff[min(d.Attempt-2, 4)*min(1, max(0, d.Attempt-2))]))
	}
}

func (w *world) must(d bridge.Delivery) bridge.Receipt {
	w.Helper()
	r, err := w.lane(d)
	if err != nil {
		w.Fatalf("not sent: %v", err)
	}
	return r
}

// shown is what stands in the channel.
func (w *world) shown() []fakeslack.Message { return w.fake.Messages(w.channel) }

// keys are the deliveries that the channel shows, in order.
func (w *world) keys() []string {
	var out []string
	for _, m := range w.shown() {
		out = append(out, m.Metadata.Payload["d"].(string))
	}
	return out
}

// clean expects that the fake found nothing wrong but what is named.
func (w *world) clean(except ...string) {
	w.Helper()
	require.Empty(w, w.fake.Faults(except...))
}

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type tally struct {
	mu sync.Mutex
	of map[string]int
}

func (c *tally) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[name]++
}

func (c *tally) get(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[name]
}

func testLog(l *lines) *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
