package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
)

const (
	manyLanes = 500
	oneInSo   = 500 // of the events is for the lanes
)

// fanOut measures how long five hundred webhook subscriptions take for what waits
// in the stream for them, one event of five hundred (L4).
func fanOut(ctx context.Context, p plan) (out []figure, err error) {
	w, err := newWorld(ctx, filepath.Join(p.dir, "fanout"), true)
	if err != nil {
		return nil, err
	}
	defer w.close()
	w.spread = manyLanes
	if err := w.configure(manyHooks); err != nil {
		return nil, err
	}
	stored, err := w.fill(ctx, p.backlog, func(baseURL, handle string, n int) events.Event {
		if n%oneInSo == 0 {
			return directMessage(baseURL, handle, n)
		}
		return mention(baseURL, handle, n)
	})
	if err != nil {
		return nil, err
	}
	c, err := w.start(p)
	if err != nil {
		return nil, err
	}
	defer c.end(&err)
	ready, err := c.untilReady(ctx)
	if err != nil {
		return nil, err
	}
	wanted := manyLanes * (p.backlog / oneInSo)
	err = until(ctx, 5*time.Minute, 50*time.Millisecond, "all got theirs", func() bool {
		count, _, _ := w.hook.progress()
		return count >= wanted
	})
	if err != nil {
		return nil, err
	}
	used, err := c.usage()
	if err != nil {
		return nil, err
	}
	count, first, last := w.hook.progress()
	return []figure{
		{Section: "fanout", What: "L4, stored", Value: float64(p.backlog) / stored.Seconds(), Unit: "events/s", Samples: p.backlog},
		{Section: "fanout", What: "L4, start to ready with 500 subscriptions", Value: ready.Seconds(), Unit: "s"},
		{Section: "fanout", What: "L4, start to last webhook", Value: last.Sub(c.began).Seconds(), Unit: "s", Samples: count},
		{Section: "fanout", What: "L4, delivered", Value: float64(count) / last.Sub(first).Seconds(), Unit: "events/s"},
		{Section: "fanout", What: "L4, sent more than once", Value: float64(count - wanted), None: true},
		{Section: "fanout", What: "L4, peak resident", Value: used.peak, Unit: "MiB"},
	}, nil
}
