package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// stored is one event as the stream has it.
type stored struct {
	id, kind string
	agent    string
	at       time.Time
	seq      uint64
}

// outcome is what the bridge itself noted of a delivery.
type outcome struct {
	Subscription string    `json:"subscription"`
	Outcome      string    `json:"outcome"`
	EventID      string    `json:"event_id"`
	Attempt      int       `json:"attempt"`
	Verdict      string    `json:"verdict"`
	Reason       string    `json:"reason"`
	At           time.Time `json:"at"`
}

// books are what NATS holds in the end.
type books struct {
	events   []stored
	outcomes []outcome
	dead     map[string]map[string]string // by subscription and event: why
}

// read reads the books.
func (w *world) read(ctx context.Context) (b books, err error) {
	nc, err := nats.Connect("nats://"+w.lines[lineNATS].address(), nats.Timeout(10*time.Second))
	if err != nil {
		return b, fmt.Errorf("connect to NATS: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(time.Minute))
	if err != nil {
		return b, fmt.Errorf("open JetStream: %w", err)
	}
	b.dead = map[string]map[string]string{}
	err = each(ctx, js, "IA_EVENTS", "ia.event.>", func(m jetstream.Msg, about *jetstream.MsgMetadata) error {
		var e struct{ ID, Type, Source string }
		err := json.Unmarshal(m.Data(), &e)
		s := stored{id: e.ID, kind: e.Type, agent: e.Source[strings.LastIndex(e.Source, "/")+1:], at: about.Timestamp, seq: about.Sequence.Stream}
		b.events = append(b.events, s)
		return err
	})
	if err != nil {
		return b, err
	}
	err = each(ctx, js, "IA_AUDIT", "ia.delivery.>", func(m jetstream.Msg, _ *jetstream.MsgMetadata) error {
		var o outcome
		err := json.Unmarshal(m.Data(), &o)
		b.outcomes = append(b.outcomes, o)
		return err
	})
	if err != nil {
		return b, err
	}
	return b, each(ctx, js, "IA_DELIVERY", "ia.dead.>", func(m jetstream.Msg, _ *jetstream.MsgMetadata) error {
		var d struct {
			Subscription string
			EventID      string `json:"event_id"`
			Reason       string
		}
		err := json.Unmarshal(m.Data(), &d)
		if b.dead[d.Subscription] == nil {
			b.dead[d.Subscription] = map[string]string{}
		}
		b.dead[d.Subscription][d.EventID] = "dead letter: " + d.Reason
		return err
	})
}

// each hands over everything that a stream holds on a subject.
func each(ctx context.Context, js jetstream.JetStream, stream, subject string, fn func(jetstream.Msg, *jetstream.MsgMetadata) error) error {
	c, err := js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
	if err != nil {
		return fmt.Errorf("read %s: %w", stream, err)
	}
	for waiting := c.CachedInfo().NumPending; waiting > 0; {
		m, err := c.Next(jetstream.FetchMaxWait(20 * time.Second))
		if err != nil {
			return fmt.Errorf("read %s: %w", stream, err)
		}
		about, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("read %s: %w", stream, err)
		}
		if err := fn(m, about); err != nil {
			return fmt.Errorf("read %s: %w", stream, err)
		}
		waiting = about.NumPending
	}
	return nil
}
