package main

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/poller"
	"github.com/imaginebridge/imaginebridge/sinks/discord"
	"github.com/imaginebridge/imaginebridge/sinks/slack"
	"github.com/imaginebridge/imaginebridge/sinks/web"
)

// health gathers what every room says of itself.
type health struct {
	mu          sync.Mutex
	ending      bool // nothing that is told now matters
	conditions  map[string]web.Condition
	held        map[string]web.Condition // troubles of components that are still coming up
	lanes       map[string]*web.Lane
	memberCount int
	others      func(kind, name string) bool // reports what another process holds; nil for nothing
	tell        func(web.Condition)          // told of every change; nil for nobody
}

func newHealth() *health {
	return &health{conditions: map[string]web.Condition{}, held: map[string]web.Condition{}, lanes: map[string]*web.Lane{}}
}

// set notes a condition and tells of it where it changed.
func (h *health) set(c web.Condition) {
	h.mu.Lock()
	if h.ending {
		h.mu.Unlock()
		return
	}
	key := c.Component + "/" + c.Agent
	before, known := h.conditions[key]
	changed := before.State != c.State || before.Reason != c.Reason
	if c.Since.IsZero() {
		c.Since = time.Now()
	}
	if !changed {
		c.Since = before.Since
	}
	h.conditions[key] = c
	tell := h.tell
	h.mu.Unlock()
	if changed && (known || c.State != web.StateStarting) && tell != nil {
		tell(c)
	}
}

// patience is how long a component may take to come up before its troubles are
// told.
const patience = 10 * time.Second

// trouble notes a condition, but holds one back that a component has in its
// first moments: connecting is no news.
func (h *health) trouble(c web.Condition) {
	h.mu.Lock()
	key := c.Component + "/" + c.Agent
	before := h.conditions[key]
	if c.State == web.StateDegraded && before.State == web.StateStarting && time.Since(before.Since) < patience {
		h.held[key] = c
		h.mu.Unlock()
		return
	}
	delete(h.held, key)
	h.mu.Unlock()
	h.set(c)
}

// overdue tells the troubles that lasted longer than a component may take to
// come up.
func (h *health) overdue() {
	h.mu.Lock()
	var late []web.Condition
	for key, c := range h.held {
		if time.Since(h.conditions[key].Since) >= patience {
			late = append(late, c)
			delete(h.held, key)
		}
	}
	h.mu.Unlock()
	for _, c := range late {
		h.set(c)
	}
}

// end makes what components say while they are stopped no news.
func (h *health) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ending = true
}

// discord notes how Discord's gateway goes.
func (h *health) discord(s discord.Status) {
	h.trouble(web.Condition{Component: "discord", State: string(s.State), Reason: s.Reason, Next: s.Next, Since: s.Since})
}

// slack notes whether Slack can be heard.
func (h *health) slack(err error) {
	c := web.Condition{Component: "slack", State: web.StateOK}
	if err != nil {
		c.State, c.Reason, c.Next = web.StateDegraded, err.Error(), "It is tried on with growing pauses; messages are sent all the same."
	}
	h.trouble(c)
}

// slackToken notes whether Slack takes the token, where there are no sockets.
func (h *health) slackToken(err error) {
	c := web.Condition{Component: "slack", State: web.StateOK}
	if err != nil {
		c.State, c.Reason, c.Next = web.StateDegraded, err.Error(), "It is tried on; messages wait meanwhile."
	}
	if e, ok := errors.AsType[*slack.TokenError](err); ok && e.Refused {
		c.State, c.Next = web.StateDown, "Messages wait; after that, restart the bridge."
	}
	h.trouble(c)
}

// store notes whether NATS answers.
func (h *health) store(err error) {
	c := web.Condition{Component: "nats", State: web.StateOK}
	if e, ok := errors.AsType[*bus.StateError](err); ok {
		c.State, c.Reason, c.Next = web.StateDown, e.Text, "Pollers hold their places meanwhile; nothing is lost."
	} else if err != nil {
		c.State, c.Reason, c.Next = web.StateDegraded, "NATS does not answer.", "It is tried on; pollers hold their places meanwhile."
	}
	h.set(c)
}

// poller notes how an agent's polling goes.
func (h *health) poller(s poller.Status) {
	h.set(web.Condition{Component: "poller", Agent: s.Agent, State: string(s.Health), Reason: s.Reason, Next: s.Next, Since: s.Since})
}

// expect notes a component that has to come up before the process is ready.
func (h *health) expect(component, agent string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conditions[component+"/"+agent] = web.Condition{Component: component, Agent: agent, State: web.StateStarting, Since: time.Now()}
}

// forget takes a component's condition off the list.
func (h *health) forget(component, agent string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conditions, component+"/"+agent)
	delete(h.held, component+"/"+agent)
}

// outcome notes what became of a delivery.
func (h *health) outcome(o bridge.Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.lanes[o.Subscription]
	if l == nil {
		l = &web.Lane{Subscription: o.Subscription, To: o.To, State: string(bridge.Live)}
		h.lanes[o.Subscription] = l
	}
	switch o.Kind {
	case bridge.Delivered, bridge.Superseded:
		l.Delivered++
		l.Last, l.State, l.Reason = time.Now(), string(bridge.Live), ""
	case bridge.Dead:
		l.Dead++
		l.Reason = o.Reason
	case bridge.Stopped:
		l.State, l.Reason = string(bridge.Suspended), o.Reason
	case bridge.Resumed:
		l.State, l.Reason = string(bridge.Live), ""
	case bridge.Retried, bridge.Gap, bridge.Skipped:
		l.Reason = o.Reason
	}
}

// subscriptions makes known which there are, before anything was delivered, and
// which of them people paused.
func (h *health) subscriptions(list []bridge.SubscriptionRecord) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := map[string]bool{}
	for _, r := range list {
		known[r.ID] = true
		l := h.lanes[r.ID]
		if l == nil {
			l = &web.Lane{Subscription: r.ID, State: string(bridge.Live)}
			h.lanes[r.ID] = l
		}
		l.To = r.Label()
		sends, _ := r.Sends(time.Now())
		switch {
		case !sends:
			l.State = string(bridge.Paused)
		case l.State == string(bridge.Paused):
			l.State = string(bridge.Live)
		}
	}
	maps.DeleteFunc(h.lanes, func(id string, _ *web.Lane) bool { return !known[id] })
}

// all returns every condition, in the order of component and agent.
func (h *health) all() []web.Condition {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []web.Condition
	for _, key := range slices.Sorted(maps.Keys(h.conditions)) {
		c := h.conditions[key]
		if c.State == web.StateStarting && (h.heldLocked(c) || h.memberCount > 1 && time.Since(c.Since) > elsewhere) {
			c.State, c.Reason = web.StateOK, "Another process does it."
		}
		out = append(out, c)
	}
	return out
}

// allLanes returns how every subscription goes, in the order of names.
func (h *health) allLanes() []web.Lane {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []web.Lane
	for _, name := range slices.Sorted(maps.Keys(h.lanes)) {
		out = append(out, *h.lanes[name])
	}
	return out
}

// heldLocked reports that another process is known to do what is starting here.
func (h *health) heldLocked(c web.Condition) bool {
	switch {
	case h.others == nil:
		return false
	case c.Component == "poller":
		return c.Agent != "" && h.others("agent", c.Agent)
	}
	return c.Agent == "" && h.others("gateway", c.Component)
}

// ready reports whether everything that was expected came up, or is named as
// failing: only what is still starting holds readiness back.
func (h *health) ready() bool {
	return !slices.ContainsFunc(h.all(), func(c web.Condition) bool { return c.State == web.StateStarting })
}

// elsewhere is how long something may be starting here before another process
// counts as doing it, where there is one but nobody knows which.
const elsewhere = 15 * time.Second

// setMembers notes how many processes share the work.
func (h *health) setMembers(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.memberCount = n
}

func (h *health) members() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.memberCount
}

// rename gives a component's condition to the agent it turned out to be.
func (h *health) rename(component, from, to string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c, ok := h.conditions[component+"/"+from]
	if !ok {
		return
	}
	delete(h.conditions, component+"/"+from)
	c.Agent, c.State, c.Reason, c.Next = to, web.StateStarting, "", ""
	h.conditions[component+"/"+to] = c
}
