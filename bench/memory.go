package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// thousand is how many events go through before memory is looked at again.
const thousand = 1000

// memory measures what the program holds when it is ready and after a thousand
// events.
func memory(ctx context.Context, p plan) (out []figure, err error) {
	w, err := newWorld(ctx, filepath.Join(p.dir, "memory"), true)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if err := w.configure(everywhere); err != nil {
		return nil, err
	}
	c, err := w.start(p)
	if err != nil {
		return nil, err
	}
	defer c.end(&err)
	if _, err := c.untilReady(ctx); err != nil {
		return nil, err
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		return nil, err
	}
	ready, err := c.usage()
	if err != nil {
		return nil, err
	}
	for n := range thousand {
		text := fmt.Sprintf("@%s %s", w.agent.Handle, markOf(n))
		if _, err := w.sandbox.Act(sandbox.Action{As: actor, Do: "post", Content: text}); err != nil {
			return nil, err
		}
	}
	// Slack takes one message a second, so its lane works on; the others are done.
	err = until(ctx, 3*time.Minute, 100*time.Millisecond, "through", func() bool {
		at, err := w.atDiscord()
		return err == nil && len(at.first) >= thousand && w.hook.distinct() >= thousand
	})
	if err != nil {
		return nil, err
	}
	after, err := c.usage()
	if err != nil {
		return nil, err
	}
	return []figure{
		{Section: "memory", What: "resident when ready", Value: ready.resident, Unit: "MiB", Most: 60},
		{Section: "memory", What: "  of it heap and stacks", Value: ready.anonymous, Unit: "MiB"},
		{Section: "memory", What: "resident after 1,000 events", Value: after.resident, Unit: "MiB", Most: 60},
		{Section: "memory", What: "  of it heap and stacks", Value: after.anonymous, Unit: "MiB"},
		{Section: "memory", What: "  peak on the way", Value: after.peak, Unit: "MiB"},
		{Section: "memory", What: "violations", Value: float64(w.violations()), None: true},
	}, nil
}
