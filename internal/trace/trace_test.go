package trace

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	wire "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// receiver takes spans as a collector does.
type receiver struct {
	url    string
	mu     sync.Mutex
	spans  map[string]*wire.Span // by name
	header http.Header
	about  map[string]string // of the resource
	refuse int               // requests to answer with 503
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{spans: map[string]*wire.Span{}, about: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.refuse--; r.refuse >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var in io.Reader = q.Body
		if q.Header.Get("Content-Encoding") == "gzip" {
			in, _ = gzip.NewReader(q.Body)
		}
		body, _ := io.ReadAll(in)
		var batch collector.ExportTraceServiceRequest
		if q.URL.Path != "/v1/traces" || proto.Unmarshal(body, &batch) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.header = q.Header.Clone()
		for _, one := range batch.ResourceSpans {
			for _, a := range one.Resource.Attributes {
				r.about[a.Key] = a.Value.GetStringValue()
			}
			for _, s := range one.ScopeSpans {
				for _, span := range s.Spans {
					r.spans[span.Name] = span
				}
			}
		}
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) open(t *testing.T, more ...string) *Tracer {
	t.Helper()
	env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": r.url}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	tracer := Open(lookup(env), "1.2.3", slog.New(slog.NewTextHandler(t.Output(), nil)))
	require.NotNil(t, tracer)
	return tracer
}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
}

func attrs(s *wire.Span) map[string]any {
	out := map[string]any{}
	for _, a := range s.Attributes {
		switch v := a.Value.Value.(type) {
		default:
			out[a.Key] = a.Value.GetStringValue()
		case nil:
			out[a.Key] = v
		}
		if n := a.Value.GetIntValue(); n != 0 {
			out[a.Key] = n
		}
		if f := a.Value.GetDoubleValue(); f != 0 {
			out[a.Key] = f
		}
		if a.Value.GetBoolValue() {
			out[a.Key] = true
		}
	}
	return out
}

// Two processes that never met add to one trace: its ids follow from the event's.
func TestWhateverBecomesOfAnEventStandsInItsTrace(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	poller := r.open(t, "OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b", "OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test", "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
	round, endRound := poller.Begin(t.Context(), trail.Span{Name: "poll", Attrs: []slog.Attr{slog.Int("count", 1)}})
	happened := time.Now().Add(-time.Minute)
	_, end := poller.Begin(round, trail.Span{Name: "event", Kind: trail.Producer, Event: "ntf_1", Origin: true, Begun: happened})
	end(nil)
	endRound(nil)
	require.NoError(t, poller.Close(t.Context()))

	worker := r.open(t, "OTEL_SERVICE_NAME", "elsewhere")
	ctx, endDeliver := worker.Begin(t.Context(), trail.Span{Name: "deliver", Kind: trail.Consumer, Event: "ntf_1", Also: []string{"ntf_2"}})
	_, endSend := worker.Begin(ctx, trail.Span{Name: "send", Kind: trail.Client})
	endSend(errors.New("what somebody wrote"), slog.Duration("took", 1500*time.Millisecond), slog.Bool("last", true))
	endDeliver(nil)
	require.NoError(t, worker.Close(t.Context()))

	r.mu.Lock()
	defer r.mu.Unlock()
	require.Len(t, r.spans, 4)
	event, deliver, send := r.spans["event"], r.spans["deliver"], r.spans["send"]
	require.Empty(t, event.ParentSpanId)
	require.Equal(t, event.TraceId, deliver.TraceId)
	require.Equal(t, event.SpanId, deliver.ParentSpanId)
	require.Equal(t, deliver.SpanId, send.ParentSpanId)
	require.NotEqual(t, event.TraceId, r.spans["poll"].TraceId)
	require.Equal(t, r.spans["poll"].SpanId, event.Links[0].SpanId)
	other, _ := idsOf("ntf_2")
	require.Equal(t, other[:], deliver.Links[0].TraceId)
	require.Equal(t, uint64(happened.UnixNano()), event.StartTimeUnixNano)
	require.Equal(t, []wire.Span_SpanKind{wire.Span_SPAN_KIND_PRODUCER, wire.Span_SPAN_KIND_CONSUMER, wire.Span_SPAN_KIND_CLIENT, wire.Span_SPAN_KIND_INTERNAL},
		[]wire.Span_SpanKind{event.Kind, deliver.Kind, send.Kind, r.spans["poll"].Kind})
	require.Equal(t, map[string]any{"took": 1.5, "last": true, "error.type": "*errors.errorString"}, attrs(send), "an error's text may quote what people wrote")
	require.Equal(t, wire.Status_STATUS_CODE_ERROR, send.Status.Code)
	require.Empty(t, send.Status.Message)
	require.Equal(t, map[string]any{"event_id": "ntf_1"}, attrs(event))
	require.Equal(t, "elsewhere", r.about["service.name"])
	require.Equal(t, "test", r.about["deployment.environment.name"])
	require.Equal(t, "1.2.3", r.about["service.version"])
}

func TestACommandIsTakenOnFromAnotherProcess(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.refuse = 1 // what is refused for the moment is sent again
	tracer := r.open(t, "OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc")
	ctx := trail.WithCommand(t.Context(), "discord:7")
	ctx, endDoor := tracer.Begin(ctx, trail.Span{Name: "door", Kind: trail.Server, Remote: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
	parent := tracer.Parent(ctx)
	_, endRunner := tracer.Begin(t.Context(), trail.Span{Name: "command", Kind: trail.Server, Remote: parent})
	endRunner(nil)
	endDoor(nil)
	require.NoError(t, tracer.Close(t.Context()))
	r.mu.Lock()
	defer r.mu.Unlock()
	door, command := r.spans["door"], r.spans["command"]
	require.NotNil(t, door, "the second try brought it")
	require.Equal(t, "b7ad6b7169203331", hexOf(door.ParentSpanId))
	require.Equal(t, door.SpanId, command.ParentSpanId)
	require.Equal(t, "discord:7", attrs(door)["command_id"])
	require.Equal(t, "Bearer abc", r.header.Get("Authorization"))
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var out strings.Builder
	for _, c := range b {
		out.WriteByte(digits[c>>4])
		out.WriteByte(digits[c&15])
	}
	return out.String()
}

// All processes agree which events are recorded, whatever the share.
func TestASampledEventIsSampledEverywhere(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	one, two := r.open(t, "OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0.5"),
		r.open(t, "OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0.5")
	recorded := 0
	for i := range 200 {
		id := "ntf_" + strings.Repeat("x", i)
		_, endOrigin := one.Begin(t.Context(), trail.Span{Name: "event", Event: id, Origin: true})
		ctx, endDeliver := two.Begin(t.Context(), trail.Span{Name: "deliver", Event: id})
		first, _ := one.Begin(t.Context(), trail.Span{Name: "event", Event: id, Origin: true})
		require.Equal(t, strings.HasSuffix(one.Parent(first), "-01"), strings.HasSuffix(two.Parent(ctx), "-01"))
		if strings.HasSuffix(two.Parent(ctx), "-01") {
			recorded++
		}
		endOrigin(nil)
		endDeliver(nil)
	}
	require.Greater(t, recorded, 50)
	require.Less(t, recorded, 150)
	require.NoError(t, errors.Join(one.Close(t.Context()), two.Close(t.Context())))
}

func TestTheEnvironmentSaysWhetherAndHow(t *testing.T) {
	t.Parallel()
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, tc := range map[string]struct {
		env  map[string]string
		off  bool
		goes string // where traces go
		says string // what can't be had
	}{
		"nothing":              {nil, true, "", ""},
		"an endpoint":          {map[string]string{endpoint: "http://c:4318/"}, false, "http://c:4318/v1/traces", ""},
		"one with a path":      {map[string]string{endpoint: "https://c/otlp"}, false, "https://c/otlp/v1/traces", ""},
		"one for traces":       {map[string]string{endpoint: "http://c:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://d/x"}, false, "http://d/x", ""},
		"an exporter":          {map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, false, "http://localhost:4318/v1/traces", ""},
		"no exporter":          {map[string]string{"OTEL_TRACES_EXPORTER": "none", endpoint: "http://c"}, true, "", ""},
		"disabled":             {map[string]string{"OTEL_SDK_DISABLED": "true", endpoint: "http://c"}, true, "", ""},
		"an exporter unknown":  {map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, false, "", `OTEL_TRACES_EXPORTER is "zipkin"`},
		"gRPC":                 {map[string]string{endpoint: "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, "", "speaks http/protobuf"},
		"no address":           {map[string]string{endpoint: "c:4318"}, false, "", "OTEL_EXPORTER_OTLP_ENDPOINT is no address"},
		"headers that are bad": {map[string]string{endpoint: "http://c", "OTEL_EXPORTER_OTLP_HEADERS": "hidden"}, false, "", "OTEL_EXPORTER_OTLP_HEADERS is no list"},
		"a ratio that is bad":  {map[string]string{endpoint: "http://c", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"}, false, "", "from 0 to 1"},
		"a sampler unknown":    {map[string]string{endpoint: "http://c", "OTEL_TRACES_SAMPLER": "jaeger_remote"}, false, "", "does not know"},
		"a timeout that isn't": {map[string]string{endpoint: "http://c", "OTEL_EXPORTER_OTLP_TIMEOUT": "10s"}, false, "", "milliseconds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := read(lookup(tc.env))
			if tc.says != "" {
				require.ErrorContains(t, err, tc.says)
				require.NotContains(t, err.Error(), "hidden")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.off, s.off)
			require.Equal(t, tc.goes, s.endpoint)
		})
	}
}

func TestWithoutTheVariablesNothingRuns(t *testing.T) {
	t.Parallel()
	require.Nil(t, Open(lookup(nil), "1", slog.New(slog.DiscardHandler)))
	require.Nil(t, Open(lookup(map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}), "1", slog.New(slog.DiscardHandler)), "and it is no reason not to run")
}

func TestAReceiverThatIsGoneIsToldOnce(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // no second try
	e := &exporter{settings: settings{endpoint: "http://127.0.0.1:1"}, client: &http.Client{}, log: log}
	require.NoError(t, e.ExportSpans(ctx, nil))
	require.NoError(t, e.ExportSpans(ctx, nil))
	require.Equal(t, 1, strings.Count(out.String(), "traces are lost"))
	require.NotContains(t, out.String(), "127.0.0.1", "an address may hold a key")
}
