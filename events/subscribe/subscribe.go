// Package subscribe lets another Go service receive ImagineBridge's events from
// NATS JetStream through a durable consumer that the bridge made for it. [Run]
// is the way in; nothing of the bridge itself imports this package.
package subscribe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/events"
)

// Options say where the events are. ReadFile fills them from the file that the
// bridge wrote for a subscriber.
type Options struct {
	URL      string `json:"url"`  // nats://127.0.0.1:4222
	User     string `json:"user"` // with Password; or Creds
	Password string `json:"password"`
	Creds    string `json:"creds"`   // path of a NATS credentials file
	Inbox    string `json:"inbox"`   // prefix for replies that this user may listen on
	Stream   string `json:"stream"`  // IA_EVENTS
	Durable  string `json:"durable"` // the consumer made for this subscriber

	RetryAfter time.Duration                             `json:"-"` // before a refused event comes again; 0 means five seconds
	Log        *slog.Logger                              `json:"-"` // nil is silent
	OnBad      func(subject string, b []byte, err error) `json:"-"` // told of messages that are no event; they are not delivered again
}

// ReadFile reads the credentials that the bridge wrote for a subscriber, for
// example data/nats/subscriber.creds.json.
func ReadFile(path string) (Options, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Options{}, fmt.Errorf("read subscriber credentials: %w", err)
	}
	var o Options
	if err := json.Unmarshal(b, &o); err != nil {
		return Options{}, fmt.Errorf("read subscriber credentials %s: %w", path, err)
	}
	return o, nil
}

// defaultRetry is how long a refused event waits before it comes again.
const defaultRetry = 5 * time.Second

// Handler receives one event. A nil error acknowledges it; after an error it
// comes again after Options.RetryAfter. An event may come more than once, so handling is
// made idempotent by its ID.
type Handler func(ctx context.Context, e events.Event) error

// Run delivers events to handle, one after the other in the order of the
// stream, until ctx ends; it then returns nil. Lost connections are made again;
// an error is returned only when the consumer can't be reached at all.
func Run(ctx context.Context, o Options, handle Handler) error {
	nc, err := o.connect()
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	consumer, err := js.Consumer(ctx, o.Stream, o.Durable)
	if err != nil {
		return fmt.Errorf("find consumer %s of stream %s: %w", o.Durable, o.Stream, err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(64))
	if err != nil {
		return fmt.Errorf("read from consumer %s: %w", o.Durable, err)
	}
	defer messages.Stop()
	for {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("read from consumer %s: %w", o.Durable, err)
		}
		o.deliver(ctx, msg, handle)
	}
}

func (o Options) connect() (*nats.Conn, error) {
	options := []nats.Option{nats.Name("imaginebridge subscriber " + o.Durable), nats.MaxReconnects(-1)}
	if o.User != "" {
		options = append(options, nats.UserInfo(o.User, o.Password))
	}
	if o.Creds != "" {
		options = append(options, nats.UserCredentials(o.Creds))
	}
	if o.Inbox != "" {
		options = append(options, nats.CustomInboxPrefix(o.Inbox))
	}
	nc, err := nats.Connect(o.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return nc, nil
}

// deliver hands one message on and answers for it. A lost answer only brings
// the event again.
func (o Options) deliver(ctx context.Context, msg jetstream.Msg, handle Handler) {
	var e events.Event
	if err := json.Unmarshal(msg.Data(), &e); err != nil {
		if o.OnBad != nil {
			o.OnBad(msg.Subject(), msg.Data(), err)
		}
		o.note(ctx, e, errors.Join(err, msg.Term()))
		return
	}
	if err := handle(ctx, e); err != nil {
		o.note(ctx, e, errors.Join(err, msg.NakWithDelay(cmp.Or(o.RetryAfter, defaultRetry))))
		return
	}
	if err := msg.Ack(); err != nil {
		o.note(ctx, e, err)
	}
}

func (o Options) note(ctx context.Context, e events.Event, err error) {
	if o.Log != nil {
		o.Log.WarnContext(ctx, "event not handled", "event_id", e.ID, "err", err)
	}
}
