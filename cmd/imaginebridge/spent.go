package main

import (
	"context"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// spentTime is for counting: it is done before a platform hears that a command
// was taken.
const spentTime = 500 * time.Millisecond

// spent is how many generations a person has started today (UTC) as an agent.
// Programs are left alone: whoever may publish commands has been given that right.
// Where the count can't be had, nobody is held up.
func (w *wiring) spent(ctx context.Context, agent string, p command.Principal) int {
	if p.Platform == command.NATS || p.Platform == command.Terminal {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, spentTime)
	defer cancel()
	n, err := w.bus.Spent(ctx, agent, p, time.Now().UTC().Truncate(24*time.Hour))
	if err != nil {
		w.log.WarnContext(ctx, "generations of today not counted", "agent", agent, "err", err)
		return 0
	}
	return n
}
