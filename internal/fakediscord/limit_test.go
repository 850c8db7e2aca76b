package fakediscord_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// limited starts an emulator on a clock that the test moves.
func limited(t *testing.T, o fakediscord.Options) (*fakediscord.Server, string, *steps) {
	t.Helper()
	clock := &steps{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	o.Now = clock.Now
	fake, ch := start(t, o)
	return fake, ch, clock
}

func TestCreateMessageBucket(t *testing.T) {
	t.Parallel()
	fake, ch, clock := limited(t, fakediscord.Options{})
	other := fake.Channel(fake.Guild("Other"), "news")
	for left := 4; left >= 0; left-- {
		a := do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c"`))
		require.Equal(t, 200, a.status)
		require.Equal(t, "5", a.header.Get("X-RateLimit-Limit"))
		require.Equal(t, strconv.Itoa(left), a.header.Get("X-RateLimit-Remaining"))
		require.Equal(t, "5.000", a.header.Get("X-RateLimit-Reset-After"))
		require.NotEmpty(t, a.header.Get("X-RateLimit-Bucket"))
	}
	a := do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c"`))
	require.Equal(t, 429, a.status)
	require.Equal(t, "user", a.header.Get("X-RateLimit-Scope"))
	require.Equal(t, "5", a.header.Get("Retry-After"))
	require.Contains(t, string(a.body), `"retry_after":5.0`)
	require.Equal(t, 1, fake.Stats().Exhausted)

	require.Equal(t, 200, do(t, fake, http.MethodPost, "/channels/"+other+"/messages", quiet(`"content":"c"`)).status, "another channel, another bucket")
	require.Equal(t, 200, do(t, fake, http.MethodGet, "/channels/"+ch, "").status, "another route too")
	require.Empty(t, fake.Faults(), "finding the limit once is no fault")

	clock.Add(4 * time.Second)
	require.Equal(t, 429, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c"`)).status)
	require.Equal(t, []string{"early"}, rules(fake), "coming back before Retry-After is one")
	require.Equal(t, 1, fake.Stats().Early)

	clock.Add(time.Second)
	require.Equal(t, 200, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c"`)).status)
	require.Len(t, fake.Messages(ch), 6)
}

func TestGlobalLimitSparesInteractions(t *testing.T) {
	t.Parallel()
	fake, _, clock := limited(t, fakediscord.Options{GlobalPerSecond: 3})
	for range 3 {
		require.Equal(t, 200, do(t, fake, http.MethodGet, "/gateway", "").status)
	}
	a := do(t, fake, http.MethodGet, "/users/@me", "")
	require.Equal(t, 429, a.status)
	require.Equal(t, "true", a.header.Get("X-RateLimit-Global"))
	require.Empty(t, a.header.Get("X-RateLimit-Reset-After"), "the real one has only Retry-After")
	require.Contains(t, string(a.body), `"global":true`)

	hook := do(t, fake, http.MethodPost, "/webhooks/"+fakediscord.DefaultApplicationID+"/t", quiet(`"content":"c"`))
	require.Equal(t, 50027, hook.code(t), "not limited, only unknown")
	require.Empty(t, fake.Faults())
	do(t, fake, http.MethodGet, "/gateway", "")
	require.Equal(t, []string{"early"}, rules(fake))
	clock.Add(time.Second + time.Millisecond)
	require.Equal(t, 200, do(t, fake, http.MethodGet, "/gateway", "").status)
}

func TestInvalidRequestsEndInABan(t *testing.T) {
	t.Parallel()
	fake, ch, clock := limited(t, fakediscord.Options{BanAfter: 3})
	shared := fake.Inject(fakediscord.Rule{Times: 1, Effect: fakediscord.RateLimited("shared", 10*time.Millisecond)})
	do(t, fake, http.MethodGet, "/channels/"+ch, "")
	require.Equal(t, 1, shared.Hits())
	require.Zero(t, fake.Stats().Invalid, "shared ones don't count")

	fake.SetPermissions(ch, 0)
	for range 3 {
		require.Equal(t, 403, do(t, fake, http.MethodGet, "/channels/"+ch, "").status)
		clock.Add(time.Second)
	}
	a := do(t, fake, http.MethodGet, "/users/@me", "")
	require.Equal(t, 429, a.status)
	require.Contains(t, string(a.body), "error code: 1015")
	require.Contains(t, a.header.Get("Content-Type"), "text/html")
	clock.Add(10 * time.Minute)
	require.Equal(t, 200, do(t, fake, http.MethodGet, "/users/@me", "").status)
}
