package fakediscord_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// Each effect: what the caller sees, and whether the message was made.
func TestEffects(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		effect fakediscord.Effect
		status int // 0: the connection is cut
		made   int
		look   func(*testing.T, answer)
	}{
		"502 before":    {effect: fakediscord.Status(502), status: 502},
		"500 after":     {effect: fakediscord.StatusAfter(500), status: 500, made: 1},
		"reply lost":    {effect: fakediscord.LoseReply(), made: 1},
		"reset":         {effect: fakediscord.Reset()},
		"late reply":    {effect: fakediscord.Delay(20 * time.Millisecond), status: 200, made: 1},
		"late effect":   {effect: fakediscord.Hold(20 * time.Millisecond), status: 200, made: 1},
		"unauthorized":  {effect: fakediscord.Unauthorized(), status: 401},
		"no access":     {effect: fakediscord.Refuse(50001), status: 403, look: hasCode(50001)},
		"no permission": {effect: fakediscord.Refuse(50013), status: 403, look: hasCode(50013)},
		"no channel":    {effect: fakediscord.Refuse(10003), status: 404, look: hasCode(10003)},
		"automod":       {effect: fakediscord.Refuse(200000), status: 400, look: hasCode(200000)},
		"write limit":   {effect: fakediscord.Refuse(20028), status: 429, look: hasCode(20028)},
		"bad form": {effect: fakediscord.BadForm("embeds.0.title", "X", "no"), status: 400, look: func(t *testing.T, a answer) {
			t.Helper()
			require.JSONEq(t, `{"message":"Invalid Form Body","code":50035,"errors":{"embeds":{"0":{"title":{"_errors":[{"code":"X","message":"no"}]}}}}}`, string(a.body))
		}},
		"truncated": {effect: fakediscord.Truncate(), status: 200, made: 1, look: func(t *testing.T, a answer) {
			t.Helper()
			require.False(t, json.Valid(a.body))
		}},
		"garbled": {effect: fakediscord.Garble(), status: 200, made: 1, look: func(t *testing.T, a answer) {
			t.Helper()
			require.Error(t, json.Unmarshal(a.body, &fakediscord.Message{}))
		}},
		"429 user": {effect: fakediscord.RateLimited("user", 1500*time.Millisecond), status: 429, look: func(t *testing.T, a answer) {
			t.Helper()
			require.Equal(t, "2", a.header.Get("Retry-After"))
			require.Equal(t, "1.500", a.header.Get("X-RateLimit-Reset-After"))
		}},
		"429 global": {effect: fakediscord.RateLimited("global", 65*time.Second), status: 429, look: func(t *testing.T, a answer) {
			t.Helper()
			require.Equal(t, "65", a.header.Get("Retry-After"))
			require.Equal(t, "true", a.header.Get("X-RateLimit-Global"))
			require.Empty(t, a.header.Get("X-RateLimit-Reset-After"))
		}},
		"429 without headers": {effect: fakediscord.RateLimitedBare("user", 300*time.Millisecond), status: 429, look: func(t *testing.T, a answer) {
			t.Helper()
			require.Empty(t, a.header.Get("Retry-After"))
			require.Contains(t, string(a.body), `"retry_after":0.3`)
		}},
		"edge block": {effect: fakediscord.EdgeBlocked(), status: 403},
		"edge ban": {effect: fakediscord.EdgeBan(10 * time.Minute), status: 429, look: func(t *testing.T, a answer) {
			t.Helper()
			require.Equal(t, "600", a.header.Get("Retry-After"))
			require.False(t, json.Valid(a.body))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, ch := start(t, quick())
			injected := fake.Inject(fakediscord.Rule{Route: createMessage, Effect: tc.effect})
			a, err := try(newRequest(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c"`)))
			if tc.status == 0 {
				require.Error(t, err)
			} else {
				require.NoError(t, err)
				require.Equal(t, tc.status, a.status, "%s", a.body)
			}
			if tc.look != nil {
				tc.look(t, a)
			}
			require.Len(t, fake.Messages(ch), tc.made)
			require.Equal(t, 1, injected.Hits())
			require.NotEmpty(t, fake.Requests()[0].Effect)
			require.Empty(t, fake.Faults())
		})
	}
}

func hasCode(want int) func(*testing.T, answer) {
	return func(t *testing.T, a answer) {
		t.Helper()
		require.Equal(t, want, a.code(t))
	}
}

func TestRuleCounts(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	other := fake.Channel(fake.Guild("Other"), "news")
	injected := fake.Inject(fakediscord.Rule{Route: createMessage, Channel: ch, Skip: 1, Every: 2, Times: 2, Effect: fakediscord.Status(503)})
	got := []int{}
	for range 8 {
		got = append(got, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c"`)).status)
		require.Equal(t, 200, do(t, fake, http.MethodPost, "/channels/"+other+"/messages", quiet(`"content":"c"`)).status)
	}
	require.Equal(t, []int{200, 200, 503, 200, 503, 200, 200, 200}, got)
	require.Equal(t, 2, injected.Hits())

	stopped := fake.Inject(fakediscord.Rule{Effect: fakediscord.Status(500)})
	stopped.Stop()
	require.Equal(t, 200, do(t, fake, http.MethodGet, "/gateway", "").status)
}

// What an injected 429 closed stays closed for its time.
func TestEarlyAfterInjected429(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		effect fakediscord.Effect
		others int // status of another channel's request meanwhile
	}{
		"bucket": {fakediscord.RateLimited("user", time.Minute), 200},
		"global": {fakediscord.RateLimited("global", time.Minute), 429},
		"edge":   {fakediscord.EdgeBan(time.Minute), 429},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, ch, clock := limited(t, quick())
			other := fake.Channel(fake.Guild("Other"), "news")
			fake.Inject(fakediscord.Rule{Channel: ch, Times: 1, Effect: tc.effect})
			require.Equal(t, 429, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c"`)).status)
			require.Equal(t, tc.others, do(t, fake, http.MethodPost, "/channels/"+other+"/messages", quiet(`"content":"c"`)).status)
			require.Equal(t, 429, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c"`)).status)
			require.Equal(t, []string{"early"}, rules(fake))
			clock.Add(time.Minute - 40*time.Millisecond)
			require.Equal(t, 200, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c"`)).status, "within the tolerance")
		})
	}
}

func TestCloseEndsWaits(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	fake.Inject(fakediscord.Rule{Effect: fakediscord.Delay(time.Hour)})
	done := make(chan struct{})
	r := newRequest(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c"`))
	go func() {
		defer close(done)
		_, _ = try(r)
	}()
	require.Eventually(t, func() bool { return len(fake.Messages(ch)) == 1 }, waiting, step)
	fake.Close()
	<-done
}

func TestMisspeltRoutesAreTold(t *testing.T) {
	t.Parallel()
	fake, _ := start(t, quick())
	fake.Inject(fakediscord.Rule{Route: "POST /channel/{id}", Effect: fakediscord.Status(500)})
	require.Equal(t, []string{"inject"}, rules(fake))
	require.Contains(t, fake.Faults()[0].String(), "no route POST /channel/{id}")
	_, err := fakediscord.New(fakediscord.Options{Limits: map[string]fakediscord.Limit{"GET /": {}}})
	require.Error(t, err)
}
