package subscribe_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/events/subscribe"
)

func TestARefusedEventComesAgain(t *testing.T) {
	o, stop := startBridge("notification.follow")
	defer stop()
	o.RetryAfter = time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var seen []string
	err := subscribe.Run(ctx, o, func(_ context.Context, e events.Event) error {
		seen = append(seen, e.ID)
		if len(seen) == 1 {
			return errors.New("not now")
		}
		cancel()
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []string{"x_follow", "x_follow"}, seen)
}

func TestAMessageThatIsNoEventIsToldOnceAndPassed(t *testing.T) {
	o, stop := startBridge("", "notification.follow")
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var bad []string
	o.OnBad = func(subject string, _ []byte, _ error) { bad = append(bad, subject) }
	require.NoError(t, subscribe.Run(ctx, o, func(context.Context, events.Event) error {
		cancel()
		return nil
	}))
	require.Equal(t, []string{"ia.event.orbit_bot.notification.other"}, bad)
}

func TestAMissingConsumerIsNamed(t *testing.T) {
	o, stop := startBridge()
	defer stop()
	o.Durable = "acme"
	require.ErrorContains(t, subscribe.Run(t.Context(), o, nil), "find consumer acme of stream IA_EVENTS")
}

func TestCredentialsAreReadFromTheBridgesFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "subscriber.creds.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"url":"nats://127.0.0.1:4222","user":"subscriber","password":"p","inbox":"_INBOX_subscriber","stream":"IA_EVENTS","durable":"subscriber"}`), 0o600))
	o, err := subscribe.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, subscribe.Options{
		URL: "nats://127.0.0.1:4222", User: "subscriber", Password: "p", Inbox: "_INBOX_subscriber", Stream: "IA_EVENTS", Durable: "subscriber",
	}, o)
	_, err = subscribe.ReadFile(path + ".gone")
	require.ErrorContains(t, err, "read subscriber credentials")
}
