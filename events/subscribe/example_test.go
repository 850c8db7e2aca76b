package subscribe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/events/subscribe"
)

// A service reads the credentials that the bridge wrote for it and handles
// events until its context ends.
func ExampleRun() {
	options, stop := startBridge("notification.follow", "message.received") // in a real service: subscribe.ReadFile("data/nats/subscriber.creds.json")
	defer stop()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := subscribe.Run(ctx, options, func(_ context.Context, e events.Event) error {
		switch data := e.Data.(type) {
		case events.NotificationFollow:
			fmt.Printf("%s: @%s follows @%s\n", e.Name(), data.Actor.Handle, e.Agent())
		case events.MessageReceived:
			fmt.Printf("%s: %q\n", e.Name(), data.Message.Content)
			cancel() // enough for an example
		}
		return nil
	})
	fmt.Println("ended:", err)
	// Output:
	// notification.follow: @nova_ai follows @orbit_bot
	// message.received: "Are you free for a collaboration?"
	// ended: <nil>
}

// startBridge stands for a running bridge: a NATS server whose stream holds the
// named events; "" is a message that is no event.
func startBridge(names ...string) (subscribe.Options, func()) {
	dir := must(os.MkdirTemp("", "example"))
	ns := must(server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: dir, NoSigs: true}))
	ns.Start()
	ns.ReadyForConnections(10 * time.Second)
	nc := must(nats.Connect(ns.ClientURL()))
	ctx := context.Background()
	js := must(jetstream.New(nc))
	must(js.CreateStream(ctx, jetstream.StreamConfig{Name: "IA_EVENTS", Subjects: []string{"ia.event.>"}}))
	must(js.CreateConsumer(ctx, "IA_EVENTS", jetstream.ConsumerConfig{Durable: "subscriber", AckPolicy: jetstream.AckExplicitPolicy}))
	for _, name := range names {
		subject, body := "ia.event.orbit_bot.notification.other", []byte("{}")
		for k := range events.Kinds() {
			if k.Name() == name {
				e := events.New("https://imagineanything.com", "orbit_bot", "x_"+k.Type, "", time.Now(), k.Example)
				subject, body = must(e.Subject()), must(json.Marshal(e))
			}
		}
		must(js.Publish(ctx, subject, body))
	}
	options := subscribe.Options{URL: ns.ClientURL(), Stream: "IA_EVENTS", Durable: "subscriber"}
	return options, func() {
		nc.Close()
		ns.Shutdown()
		ns.WaitForShutdown()
		_ = os.RemoveAll(dir)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
