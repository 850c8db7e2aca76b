package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	wire "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// spans takes traces as a collector does.
type spans struct {
	url string
	mu  sync.Mutex
	all []*wire.Span
}

func newSpans(t *testing.T) *spans {
	t.Helper()
	s := &spans{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var batch collector.ExportTraceServiceRequest
		if err != nil || proto.Unmarshal(body, &batch) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, resource := range batch.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				s.all = append(s.all, scope.Spans...)
			}
		}
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// find gives the first span with the name and, where one is given, the attribute.
func (s *spans) find(name, key, value string) *wire.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(one *wire.Span) bool {
		return one.Name == name && (key == "" || slices.ContainsFunc(attributesOf(one), func(a string) bool { return a == key+"="+value }))
	})
	if i < 0 {
		return nil
	}
	return s.all[i]
}

// path is the names of a span and of those above it, as far as they were made
// here.
func (s *spans) path(one *wire.Span) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := one.Name
	for i := 0; i >= 0 && len(one.ParentSpanId) > 0; {
		i = slices.IndexFunc(s.all, func(o *wire.Span) bool {
			return string(o.SpanId) == string(one.ParentSpanId) && string(o.TraceId) == string(one.TraceId)
		})
		if i >= 0 {
			one = s.all[i]
			out = one.Name + " > " + out
		}
	}
	return out
}

// has reports whether a span stands on this path.
func (s *spans) has(path string) bool {
	s.mu.Lock()
	all := slices.Clone(s.all)
	s.mu.Unlock()
	return slices.ContainsFunc(all, func(one *wire.Span) bool { return s.path(one) == path })
}

func attributesOf(s *wire.Span) []string {
	var out []string
	for _, a := range s.Attributes {
		if text := a.Value.GetStringValue(); text != "" {
			out = append(out, a.Key+"="+text)
		}
	}
	return out
}

// stages are the messages of the log lines that name an id, in their order.
func stages(logs, key, id string) []string {
	var out []string
	for line := range strings.Lines(logs) {
		var l map[string]any
		if json.Unmarshal([]byte(line), &l) == nil && l[key] == id {
			out = append(out, fmt.Sprint(l["msg"]))
		}
	}
	return out
}

// inOrder reports whether the wanted messages are among those that came, one after
// the other.
func inOrder(came []string, wanted ...string) bool {
	for _, w := range wanted {
		i := slices.Index(came, w)
		if i < 0 {
			return false
		}
		came = came[i+1:]
	}
	return true
}

// One id follows an event from the poll to the message and a command from the click
// to the answer, through the log and through the spans of a trace.
func TestOneIdFollowsEventsAndCommands(t *testing.T) {
	t.Parallel()
	w, traces := newWorld(t), newSpans(t)
	w.extra = []string{"IMAGINEBRIDGE_LOG_FORMAT=json", "OTEL_EXPORTER_OTLP_ENDPOINT=" + traces.url, "OTEL_BSP_SCHEDULE_DELAY=200"}
	ann := w.discord.User("ann")
	const text = "words-of-a-person"
	w.configure("access: {write: [\"discord:user:" + ann + "\"]}\n" + w.everywhere())
	run := w.start()
	w.ready()
	w.eventually("a command from Discord", 40*time.Second, func() bool {
		i, err := w.discord.Slash("ann", w.channel, "/ia post create text:"+text)
		if err != nil {
			return false
		}
		_, err = i.Settled(t.Context())
		return err == nil && w.posted(text)
	})
	w.act(sandbox.Action{As: "nova_ai", Do: "follow", Handle: w.agent.Handle})
	w.eventually("the card", 40*time.Second, func() bool { return strings.Contains(w.discord.Screen(w.channel), "Follow back") })
	w.eventually("the figures", 40*time.Second, func() bool {
		page := string(w.page("/metrics"))
		return !slices.ContainsFunc([]string{
			`imaginebridge_deliveries_total{outcome="delivered",sink="discord"} 1`, `imaginebridge_delivery_freshness_seconds_count{sink="discord"} 1`,
			`imaginebridge_events_total{family="notification",type="follow"} 1`, `imaginebridge_nats_connected 1`, `imaginebridge_leases{kind="agent"} 1`,
			`imaginebridge_leases{kind="lane"} 3`, `imaginebridge_ack_duration_seconds_count{door="discord"}`,
			`imaginebridge_commands_total{door="discord",group="post",outcome="done"}`, `imaginebridge_requests_total{platform="discord",status="2xx"}`,
			`imaginebridge_requests_total{platform="imagineanything",status="2xx"}`, `imaginebridge_nats_stream_entries{stream="IA_EVENTS"}`,
			`imaginebridge_poll_age_seconds{source="notifications"}`,
		}, func(line string) bool { return !strings.Contains(page, line) })
	})
	run.stop()
	logs := run.logs.String()

	var command string
	for line := range strings.Lines(logs) {
		var l struct {
			Msg string
			ID  string `json:"command_id"`
		}
		if json.Unmarshal([]byte(line), &l) == nil && l.Msg == "command runs" {
			command = l.ID
		}
	}
	require.Regexp(t, `^discord:\d+$`, command)
	done := stages(logs, "command_id", command)
	require.True(t, inOrder(done, "command heard", "command recorded", "command acknowledged", "command runs", "api called", "command audited", "command answered"), "%v", done)
	event := traces.find("event", "event", "notification.follow")
	require.NotNil(t, event)
	var id string
	for _, a := range attributesOf(event) {
		if rest, ok := strings.CutPrefix(a, "event_id="); ok {
			id = rest
		}
	}
	came := stages(logs, "event_id", id)
	require.True(t, inOrder(came, "event stored", "delivered"), "%v", came)

	require.Empty(t, event.ParentSpanId)
	require.NotEmpty(t, event.Links, "the look that found it")
	for _, path := range []string{
		"poll notifications > store", "poll notifications > read notifications",
		"event > filter", "event > deliver > layout", "event > deliver > send > HTTP POST",
		"door > command > create a post",
	} {
		require.True(t, traces.has(path), path)
	}
	for _, s := range traces.all {
		for _, a := range append(attributesOf(s), s.Name, s.Status.GetMessage()) {
			for _, secret := range []string{text, fakediscord.DefaultToken, w.team.BotToken(), w.agent.ClientSecret, "http://", w.channel} {
				require.NotContains(t, a, secret, s.Name)
			}
		}
	}
}
