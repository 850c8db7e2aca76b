package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
)

const (
	// auditBuffer is how many audit entries wait for the store.
	auditBuffer = 1024
	// auditEnd is for storing what still waits at the end.
	auditEnd = 3 * time.Second
)

// auditor stores audit entries behind the backs of those who wait for answers.
type auditor struct {
	waiting chan command.Entry
	lost    atomic.Int64 // entries that could not be kept, not told yet
}

func newAuditor() *auditor { return &auditor{waiting: make(chan command.Entry, auditBuffer)} }

// Audit stores what somebody did, or was refused, on
// ia.audit.<agent>.<group>.<verb>. It does not wait; it needs Run. An entry for
// which there is no room is lost, and how many were is told on ia.status.audit.
func (b *Bus) Audit(_ context.Context, e command.Entry) {
	select {
	case b.audits.waiting <- e:
	default:
		b.audits.lost.Add(1)
	}
}

// WriteAudit is Audit for a program that soon ends: it waits until the entry is
// stored, 3 s at most. Errors: *StateError.
func (b *Bus) WriteAudit(ctx context.Context, e command.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, auditEnd)
	defer cancel()
	return b.putAudit(ctx, e)
}

// writeAudits stores entries until ctx ends, and then those that still wait.
func (b *Bus) writeAudits(ctx context.Context) error {
	writing, cancel := lingering(ctx, auditEnd)
	defer cancel()
	for {
		select {
		case e := <-b.audits.waiting:
			b.writeAudit(writing, e)
			continue
		case <-ctx.Done():
		}
		for range len(b.audits.waiting) {
			b.writeAudit(writing, <-b.audits.waiting)
		}
		if n := b.audits.lost.Load(); n > 0 {
			b.log.Error("audit entries were lost", "count", n)
		}
		return ctx.Err()
	}
}

func (b *Bus) writeAudit(ctx context.Context, e command.Entry) {
	if err := b.putAudit(ctx, e); err != nil {
		b.audits.lost.Add(1)
		b.log.Warn("an audit entry was not stored", "command", e.Group+" "+e.Verb, "agent", e.Agent, "err", err)
		return
	}
	n := b.audits.lost.Swap(0)
	if n == 0 {
		return
	}
	b.log.Error("audit entries were lost", "count", n)
	if err := b.Status(ctx, Status{
		Component: "audit", State: Degraded, Reason: fmt.Sprintf("%d audit entries were lost: the store did not take them in time.", n),
		Next: "What was done in that time is known to ImagineAnything and in the log only.",
	}); err != nil {
		b.audits.lost.Add(n) // told later
	}
}

func (b *Bus) putAudit(ctx context.Context, e command.Entry) error {
	e.Agent, e.Group, e.Verb = harmless(e.Agent), harmless(e.Group), harmless(e.Verb)
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode audit entry: %w", err)
	}
	m := jsonMsg("ia.audit."+auditToken(e.Agent)+"."+auditToken(e.Group)+"."+auditToken(e.Verb), data)
	m.Header.Set("Nats-Msg-Id", nuid.Next()) // a repeated write is stored once
	return b.put(ctx, m)
}

// harmless drops a key that somebody typed where a name belongs: refusals quote
// what was typed.
func harmless(typed string) string {
	if command.LooksLikeKey(typed) {
		return ""
	}
	return typed
}

// auditToken is a name in a subject, nobody for none.
func auditToken(name string) string {
	token, err := events.Token(name)
	if err != nil {
		return nobody
	}
	return token
}

// Spent counts the generations that a person has started as an agent since a
// moment, by the audit. A person is who asks from one workspace of one platform.
// Errors: *StateError.
func (b *Bus) Spent(ctx context.Context, agent string, p command.Principal, since time.Time) (int, error) {
	n := 0
	err := b.replay(ctx, streamAudit, jetstream.ConsumerConfig{
		FilterSubject: "ia.audit." + auditToken(agent) + ".generate.>", DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since,
	}, func(m jetstream.Msg, _ *jetstream.MsgMetadata) {
		var e command.Entry
		if json.Unmarshal(m.Data(), &e) != nil || e.Access != command.Write.String() || e.Outcome != "done" && e.Outcome != "unknown" {
			return // what only reads costs nothing
		}
		if who := e.Principal; who.Platform == p.Platform && who.Workspace == p.Workspace && who.User == p.User {
			n++
		}
	})
	return n, err
}
