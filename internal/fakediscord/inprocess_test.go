package fakediscord_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// Ten messages take the five seconds that the bucket wants, on a fake clock.
func TestWithoutASocketTimeIsFree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake, err := fakediscord.NewUnbound(fakediscord.Options{})
		require.NoError(t, err)
		defer fake.Close()
		ch := fake.Channel(fake.Guild("Lab"), "agents")
		client := &http.Client{Transport: fake.Transport()}
		post := func() (*http.Response, error) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://discord.com/api/v10/channels/"+ch+"/messages", strings.NewReader(quiet(`"content":"c"`)))
			require.NoError(t, err)
			r.Header.Set("Authorization", "Bot "+fakediscord.DefaultToken)
			r.Header.Set("User-Agent", agent)
			r.Header.Set("Content-Type", "application/json")
			return client.Do(r)
		}
		began := time.Now()
		for len(fake.Messages(ch)) < 10 {
			resp, err := post()
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			if wait := resp.Header.Get("Retry-After"); wait != "" {
				d, err := time.ParseDuration(wait + "s")
				require.NoError(t, err)
				time.Sleep(d)
			}
		}
		require.Equal(t, 5*time.Second, time.Since(began))
		require.Empty(t, fake.Faults())

		fake.Inject(fakediscord.Rule{Times: 1, Effect: fakediscord.LoseReply()})
		fake.Inject(fakediscord.Rule{Times: 1, Effect: fakediscord.Delay(time.Minute)})
		time.Sleep(5 * time.Second)
		_, err = post()
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Len(t, fake.Messages(ch), 11)
		began = time.Now()
		resp, err := post()
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, time.Minute, time.Since(began))
	})
}
