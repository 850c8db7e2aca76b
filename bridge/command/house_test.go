package command_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
)

// house is the bridge's own store in memory: subscriptions, what happened, and
// where lanes stand.
type house struct {
	mu       sync.Mutex
	list     []bridge.SubscriptionRecord
	rev      uint64
	events   []events.Event
	stored   []time.Time
	outcomes []bridge.Outcome
	dead     []bridge.DeadLetter
	lanes    map[string]bridge.Record
	sent     []bridge.Message
	refuses  error
	broke    error
	moves    int                               // Puts that find that somebody was faster
	begins   func(r bridge.SubscriptionRecord) // a lane, since its subscription was stored
}

func (h *house) parts() *command.House {
	return &command.House{Subscriptions: h, History: h, Channels: h, Send: func(_ context.Context, _ bridge.SubscriptionRecord, _ string, m bridge.Message) error {
		h.sent = append(h.sent, m)
		return h.refuses
	}}
}

func (h *house) List(context.Context) ([]bridge.SubscriptionRecord, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list), h.broke
}

func (h *house) at(id string) int {
	return slices.IndexFunc(h.list, func(r bridge.SubscriptionRecord) bool { return r.ID == id })
}

func (h *house) Put(_ context.Context, r bridge.SubscriptionRecord) (bridge.SubscriptionRecord, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.at(r.ID)
	if h.moves > 0 || i < 0 && r.Rev != 0 || i >= 0 && h.list[i].Rev != r.Rev {
		h.moves--
		return r, command.ErrMoved
	}
	h.rev++
	r.Rev = h.rev
	if i < 0 {
		h.list = append(h.list, r)
	} else {
		h.list[i] = r
	}
	if h.begins != nil {
		h.begins(r)
	}
	return r, nil
}

func (h *house) Remove(_ context.Context, r bridge.SubscriptionRecord) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.at(r.ID)
	if i < 0 || h.list[i].Rev != r.Rev {
		return command.ErrMoved
	}
	h.list = slices.Delete(h.list, i, i+1)
	return nil
}

func (h *house) entry(i int) bridge.Entry {
	return bridge.Entry{Position: uint64(i + 1), Stored: h.stored[i]}
}

func (h *house) Events(_ context.Context, agents []string, since time.Time, fn func(e events.Event, at bridge.Entry) bool) error {
	for i, e := range h.events {
		if (slices.Contains(agents, "*") || slices.Contains(agents, e.Agent())) && !h.stored[i].Before(since) && !fn(e, h.entry(i)) {
			return nil
		}
	}
	return nil
}

func (h *house) Find(_ context.Context, agents []string, id string) (events.Event, bridge.Entry, bool, error) {
	for i, e := range h.events {
		if e.ID == id && (slices.Contains(agents, "*") || slices.Contains(agents, e.Agent())) {
			return e, h.entry(i), true, nil
		}
	}
	return events.Event{}, bridge.Entry{}, false, nil
}

func (h *house) Outcomes(context.Context, string, time.Time) ([]bridge.Outcome, error) {
	return h.outcomes, nil
}

func (h *house) DeadLetters(context.Context, string) ([]bridge.DeadLetter, error) { return h.dead, nil }

func (h *house) Standing(_ context.Context, r bridge.SubscriptionRecord) (command.Standing, bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l, ok := h.lanes[r.ID]
	return command.Standing{Record: l, Waiting: max(0, len(h.events)-int(l.Position))}, ok, nil
}

// Workspace gives the channels C1, C2 … to G1 and the channels D1, D2 … to G2.
func (h *house) Workspace(_ context.Context, to bridge.Destination) string {
	switch {
	case strings.HasPrefix(to.Place, "C"):
		return "G1"
	case strings.HasPrefix(to.Place, "D"):
		return "G2"
	}
	return ""
}

// CheckAudience knows no role 99999.
func (h *house) CheckAudience(_ context.Context, _ string, _ bridge.Destination, who []bridge.Mention) *command.Problem {
	if slices.ContainsFunc(who, func(m bridge.Mention) bool { return m.ID == "99999" }) {
		return &command.Problem{Code: 400, Status: "unfit_audience", Message: "The bridge can't mention them: there is no role 99999 in this server."}
	}
	return nil
}

// Readers knows C1 whole, and the name of C2.
func (h *house) Readers(_ context.Context, _ string, to bridge.Destination) (string, int) {
	switch to.Place {
	case "C1":
		return "#general", 214
	case "C2":
		return "#desk", 0
	}
	return "", 0
}

// Sees goes by the channel.
func (h *house) Sees(ctx context.Context, workspace string, to bridge.Destination) bool {
	return h.Workspace(ctx, to) == workspace
}

func (h *house) Check(_ context.Context, _ string, to bridge.Destination) *command.Problem {
	if to.Place == "C9" {
		return &command.Problem{Code: 400, Status: "unfit_destination", Message: "The bridge can't send there: I may not send messages in #closed.", Hint: "Give me Send Messages there."}
	}
	return nil
}
