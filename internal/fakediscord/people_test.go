package fakediscord_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAwaitSeesMessagesComing(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	var senders sync.WaitGroup
	for range 3 {
		senders.Go(func() { fake.Say("ada", ch, "x", "", false) })
	}
	ctx, cancel := context.WithTimeout(t.Context(), waiting)
	defer cancel()
	require.Len(t, fake.Await(ctx, ch, 3), 3)
	senders.Wait()
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.Len(t, fake.Await(ctx, ch, 4), 3)
}

// What a test itself gets wrong is told, not a crash.
func TestWrongIdsAreTold(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	fake.Install("1", 0)
	fake.Remove("1")
	fake.Outage("1", true)
	fake.DeleteChannel("1")
	fake.SetPermissions("1", 0)
	fake.Archive(ch, true)
	fake.Lock("1", true)
	fake.Role("1", "x")
	fake.Member("1", "x", 0)
	require.Empty(t, fake.Channel("1", "x"))
	require.Empty(t, fake.Say("x", "1", "x", "", false))
	require.Empty(t, fake.Webhook("x", "1", "x"))
	_, err := fake.Slash("x", "1", "/x")
	require.Error(t, err)
	_, err = fake.Click("x", "1", "1", "x")
	require.Error(t, err)
	_, err = fake.MessageCommand("x", "1", "1", "x")
	require.Error(t, err)
	require.Equal(t, []string{"driver"}, rules(fake))
	require.Len(t, fake.Faults(), 15)
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for range 5 {
				_, _ = try(newRequest(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c","nonce":"one","enforce_nonce":true`)))
				fake.Requests()
				fake.Screen(ch)
			}
		})
	}
	senders.Wait()
	require.Len(t, fake.Messages(ch), 1)
	require.Len(t, fake.Requests(), 40)
	require.Equal(t, 39, fake.Stats().Deduplicated)
}
