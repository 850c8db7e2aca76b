package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

const callbacks = "POST /interactions/{interaction_id}/{interaction_token}/callback"

// F33: two processes hear one interaction; one does it, both end well.
func TestF33_TwoProcessesRunACommandOnce(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	o := st.sink.o
	o.Report, o.Watch = nil, nil
	other, err := New(o)
	require.NoError(t, err)
	other.times = st.sink.times
	ctx, cancel := context.WithCancel(t.Context())
	var second sync.WaitGroup
	second.Go(func() { _ = other.Run(ctx) })
	defer second.Wait()
	defer cancel()
	st.eventually("both connected", func() bool { return st.fake.Sessions() == 2 })
	for range 10 {
		require.Equal(t, "Done: post create.", st.said(st.fake.Slash("ada", st.channel, "/ia post create text:hello")))
	}
	require.Len(t, d.calls(), 10)
}

// Library pitfalls 8 to 10: its handlers run without order and bound, and its
// decoder makes nothing of a message with one component that it does not know.
func TestUnknownComponentsAreHeardByTheLibrary(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	n := 0
	for name, data := range map[string]string{
		"unknown below the message":     `{"type":3,"data":{"component_type":2,"custom_id":"ia1:post.like:my_agent:post=p1"},"message":{"id":"9","components":[{"type":99,"future":[1]}]}}`,
		"unknown beside the form":       `{"type":5,"data":{"custom_id":"ia1:post.like:my_agent:post=p1","components":[{"type":18,"component":{"type":77,"custom_id":"x"}},{"type":19,"custom_id":"y","values":[]}]}}`,
		"options of another type":       `{"type":2,"data":{"name":"ia","type":1,"options":[{"name":"post","type":2,"options":[{"name":"like","type":1,"options":[{"name":"post","type":3,"value":"p1"},{"name":"extra","type":10,"value":"x"}]}]}]}}`,
		"a form in a shape of tomorrow": `{"type":5,"data":{"custom_id":"ia1:post.like:my_agent:post=p1","components":[{"type":123,"components":{"a":1}}]}}`,
	} {
		var in map[string]any
		require.NoError(t, json.Unmarshal([]byte(data), &in))
		n++
		in["id"], in["application_id"], in["token"] = snowflakeAt(time.Now().Add(time.Duration(n)*time.Millisecond)), fakediscord.DefaultApplicationID, fmt.Sprint("token", n)
		in["guild_id"], in["channel_id"] = st.guild, st.channel
		in["member"] = map[string]any{"user": map[string]any{"id": "80", "username": "ada"}, "roles": []any{}, "permissions": "0"}
		before := count(st.fake, callbacks)
		st.fake.Dispatch("INTERACTION_CREATE", in)
		st.eventually(name+" is answered", func() bool { return count(st.fake, callbacks) > before })
	}
	st.eventually("done", func() bool { return len(d.calls()) >= 3 })
	require.Equal(t, "Done: post like.", st.said(st.fake.Slash("ada", st.channel, "/ia post like post:p2")), "and it goes on")
}

func TestInteractionsDoNotWaitBehindSlowOnes(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	hold := make(chan struct{})
	release := sync.OnceFunc(func() { close(hold) })
	defer release()
	d.answer = func(_ context.Context, q command.Request) command.Answer {
		if q.Verb == "create" {
			<-hold
		}
		return ok("Done.")
	}
	var slow []*fakediscord.Interaction
	for range 30 {
		in, err := st.fake.Slash("ada", st.channel, "/ia post create text:hello")
		require.NoError(t, err)
		slow = append(slow, in)
	}
	for _, in := range slow {
		_, err := in.Response(t.Context())
		require.NoError(t, err, "each is acknowledged within three seconds")
	}
	require.Equal(t, "Done.", st.said(st.fake.Slash("bob", st.channel, "/ia post like post:p1")))
	release()
	for _, in := range slow {
		_, err := in.Settled(t.Context())
		require.NoError(t, err)
	}
	st.faultless()
}

func TestAttachmentsAreReadWithCare(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		size   int64
		want   string
	}{
		"redirected": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:9/", http.StatusFound)
		}, 3, "Discord answered 302"},
		"expired":               {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, 3, "Discord keeps it no longer"},
		"longer than announced": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("four")) }, 3, "larger than Discord said"},
		"much too large":        {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "100000001") }, 0, "larger than any command takes"},
		"good": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(r.Header.Get("Authorization") + "cat"))
		}, 3, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := overHTTP(t, tc.answer)
			files := s.downloads([]attachment{{Name: "cat.png", URL: s.rest.base.String() + "/cdn/attachments/1/2/cat.png", Size: tc.size}})
			got, err := readAll(t, files[0])
			if tc.want != "" {
				require.ErrorContains(t, err, tc.want)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "cat", string(got), "without the bot token")
		})
	}
}

// A command that was acknowledged is finished when the process is told to end.
func TestCommandAtWorkIsFinishedOnShutdown(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false)
	begun := make(chan struct{})
	d.answer = func(ctx context.Context, _ command.Request) command.Answer {
		close(begun)
		timer := time.NewTimer(300 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
			return ok("Finished.")
		case <-ctx.Done():
			return command.Answer{Problem: &command.Problem{Code: 504, Message: "Interrupted."}}
		}
	}
	in, err := st.fake.Slash("ada", st.channel, "/ia post create text:hello")
	require.NoError(t, err)
	<-begun
	st.stop()
	require.Equal(t, "Finished.", st.said(in, nil))
}

func TestTokensOfInteractionsAreShownNowhere(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var mu sync.Mutex
	st, d := talkative(t, fakediscord.Options{}, false, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&locked{w: &log, mu: &mu}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	st.fake.Inject(fakediscord.Rule{Route: "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original", Times: 3, Effect: fakediscord.Reset()})
	st.fake.Inject(fakediscord.Rule{Route: callbacks, Skip: 1, Times: 1, Effect: fakediscord.Status(500)})
	first, err := st.fake.Slash("ada", st.channel, "/ia post create text:hello")
	st.settled(first, err)
	second, err := st.fake.Slash("ada", st.channel, "/ia post create text:hello")
	require.NoError(t, err)
	st.eventually("both carried out", func() bool { return len(d.calls()) == 2 })
	st.stop()
	for _, in := range []*fakediscord.Interaction{first, second} {
		require.NotContains(t, log.String(), in.Token())
	}
}
