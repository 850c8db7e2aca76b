package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/events"
)

// catchUp measures how fast one webhook gets what waits in the stream when the
// program starts.
func catchUp(ctx context.Context, p plan) (out []figure, err error) {
	w, err := newWorld(ctx, filepath.Join(p.dir, "catchup"), true)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if err := w.configure(hookOnly); err != nil {
		return nil, err
	}
	stored, err := w.fill(ctx, p.backlog, mention)
	if err != nil {
		return nil, err
	}
	c, err := w.start(p)
	if err != nil {
		return nil, err
	}
	defer c.end(&err)
	err = until(ctx, 5*time.Minute, 20*time.Millisecond, "caught up", func() bool {
		return w.hook.distinct() >= p.backlog
	})
	if err != nil {
		return nil, err
	}
	used, err := c.usage()
	if err != nil {
		return nil, err
	}
	count, first, last := w.hook.progress()
	n := float64(p.backlog)
	return []figure{
		{Section: "catchup", What: "stored, 400 events a commit", Value: n / stored.Seconds(), Unit: "events/s", Samples: p.backlog},
		{Section: "catchup", What: "start to first webhook", Value: float64(first.Sub(c.began)) / float64(time.Millisecond), Unit: "ms"},
		{Section: "catchup", What: "first to last webhook", Value: last.Sub(first).Seconds(), Unit: "s", Samples: p.backlog},
		{Section: "catchup", What: "delivered", Value: n / last.Sub(first).Seconds(), Unit: "events/s"},
		{Section: "catchup", What: "sent twice", Value: float64(count - p.backlog), None: true},
		{Section: "catchup", What: "peak resident", Value: used.peak, Unit: "MiB"},
	}, nil
}

// fill stores events in the world's data folder, as a bridge would that stopped
// right after.
func (w *world) fill(ctx context.Context, n int, happening func(baseURL, handle string, n int) events.Event) (took time.Duration, err error) {
	b, err := bus.Open(ctx, bus.Options{DataDir: w.data(), Listen: "off", Name: "bench"})
	if err != nil {
		return 0, fmt.Errorf("open store: %w", err)
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, b.Close(ending))
	}()
	all := make([]events.Event, n)
	for i := range all {
		all[i] = happening(w.api.URL, w.agent.Handle, i)
	}
	began, revision := time.Now(), uint64(0)
	for batch := range slices.Chunk(all, 400) {
		if revision, err = b.Commit(ctx, w.agent.Handle, "bench", batch, []byte("{}"), revision); err != nil {
			return 0, fmt.Errorf("store events: %w", err)
		}
	}
	return time.Since(began), nil
}

// mention is an event as the poller makes it of a post that names an agent.
func mention(baseURL, handle string, n int) events.Event {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second)
	about := fmt.Sprintf("post_%06d", n)
	return events.New(baseURL, handle, fmt.Sprintf("ntf_%06d", n), about, at, events.NotificationMention{
		Actor: events.Agent{ID: "agent_1", Handle: "nova_ai", Name: "Nova", URL: baseURL + "/nova_ai", Verified: true},
		Post: events.Post{
			ID: about, URL: baseURL + "/posts/" + about, CreatedAt: at,
			Content: "@" + handle + " what a calm evening over the ring station, come and see it before the light goes " + markOf(n),
		},
	})
}
