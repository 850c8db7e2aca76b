package bus

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"
)

// surveyPrefix begins the subjects on which processes ask each other what only one
// of them knows: how it polls, what is left of a budget. Nothing of it is stored.
const surveyPrefix = "ia.survey."

// Tell answers every Survey of the topic, which is one token of a subject, until
// ctx ends; it returns ctx's error. What answer gives is sent as JSON.
func (b *Bus) Tell(ctx context.Context, topic string, answer func() any) error {
	sub, err := b.nc.Subscribe(surveyPrefix+topic, func(m *nats.Msg) {
		data, err := json.Marshal(answer())
		if err == nil {
			err = m.Respond(data)
		}
		if err != nil && ctx.Err() == nil {
			b.log.Debug("a survey was not answered", "topic", topic, "err", b.explain("answer a survey", err))
		}
	})
	if err != nil {
		return b.explain("hear surveys", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // the connection may be gone
	<-ctx.Done()
	return ctx.Err()
}

// Survey asks every process about the topic, this one too, and hands over each
// answer. It ends when as many answered as there are processes, or after within.
// The error is a *StateError.
func (b *Bus) Survey(ctx context.Context, topic string, within time.Duration, fn func(data []byte)) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	inbox := b.nc.NewInbox()
	sub, err := b.nc.SubscribeSync(inbox)
	if err != nil {
		return b.explain("ask the processes", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := b.nc.PublishRequest(surveyPrefix+topic, inbox, nil); err != nil {
		return b.explain("ask the processes", err)
	}
	for range max(1, b.members.count()) {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil // whoever is silent does not run, or can't tell
		}
		if len(m.Data) > 0 {
			fn(m.Data)
		}
	}
	return nil
}
