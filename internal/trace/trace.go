// Package trace makes the spans of OpenTelemetry where the standard variables ask
// for them, and sends them by OTLP over HTTP.
//
// Its main type is [Tracer], which implements trail.Tracer. The trace of an event
// follows from the event's id: whoever handles the event, in any process and at any
// time, adds to the same trace, and nothing has to travel with it. The package is
// the only one that knows the tracing library.
package trace

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otel "go.opentelemetry.io/otel/trace"

	"github.com/imaginebridge/imaginebridge/internal/trail"
)

// scope is the name that spans are made under.
const scope = "github.com/imaginebridge/imaginebridge"

// Tracer makes spans and sends them in the background.
type Tracer struct {
	provider *sdk.TracerProvider
	spans    otel.Tracer
	sampler  sdk.Sampler
}

var _ trail.Tracer = (*Tracer)(nil)

// Open makes a tracer as the environment asks, or gives nil where it asks for none:
// then nothing runs and nothing is sent. What it asks for and can't be had is told
// in the log and is no reason not to run. env is os.LookupEnv or its like.
func Open(env func(string) (string, bool), version string, log *slog.Logger) *Tracer {
	s, err := read(env)
	if err != nil {
		log.Warn("traces are off", "reason", err.Error())
		return nil
	}
	if s.off {
		return nil
	}
	client, err := s.client()
	if err != nil {
		log.Warn("traces are off", "reason", err.Error())
		return nil
	}
	attrs := []attribute.KeyValue{attribute.String("service.version", version)}
	for _, name := range slices.Sorted(maps.Keys(s.resource)) {
		attrs = append(attrs, attribute.String(name, s.resource[name]))
	}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(&exporter{settings: s, client: client, log: log}),
		sdk.WithSampler(s.sampler), sdk.WithIDGenerator(ids{}),
		sdk.WithResource(resource.NewSchemaless(attrs...)),
	)
	log.Info("traces are sent", "protocol", protocol, "service", s.resource[serviceName])
	return &Tracer{provider: provider, spans: provider.Tracer(scope, otel.WithInstrumentationVersion(version)), sampler: s.sampler}
}

// Close sends what waits, as long as ctx lasts.
func (t *Tracer) Close(ctx context.Context) error {
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("send the last spans: %w", err)
	}
	return nil
}

// Begin implements trail.Tracer.
func (t *Tracer) Begin(ctx context.Context, s trail.Span) (context.Context, trail.End) {
	around := otel.SpanContextFromContext(ctx)
	options := []otel.SpanStartOption{otel.WithSpanKind(kinds[s.Kind]), otel.WithAttributes(attributes(s.Attrs)...)}
	if s.Event != "" {
		options = append(options, otel.WithAttributes(attribute.String(trail.EventID, s.Event)))
	}
	if id := trail.Command(ctx); id != "" {
		options = append(options, otel.WithAttributes(attribute.String(trail.CommandID, id)))
	}
	if !s.Begun.IsZero() {
		options = append(options, otel.WithTimestamp(s.Begun))
	}
	for _, id := range s.Also {
		options = append(options, otel.WithLinks(otel.Link{SpanContext: t.origin(ctx, id)}))
	}
	switch {
	case s.Origin:
		options = append(options, otel.WithNewRoot())
		if around.IsValid() {
			options = append(options, otel.WithLinks(otel.Link{SpanContext: around}))
		}
		ctx = context.WithValue(ctx, originKey{}, s.Event)
	case around.IsValid():
	case s.Event != "":
		ctx = otel.ContextWithRemoteSpanContext(ctx, t.origin(ctx, s.Event))
	case s.Remote != "":
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": s.Remote})
	}
	ctx, span := t.spans.Start(ctx, s.Name, options...)
	return ctx, func(err error, attrs ...slog.Attr) {
		span.SetAttributes(attributes(attrs)...)
		if err != nil { // its text may quote what people wrote
			span.SetStatus(codes.Error, "")
			span.SetAttributes(attribute.String("error.type", fmt.Sprintf("%T", err)))
		}
		span.End()
	}
}

// Parent implements trail.Tracer.
func (t *Tracer) Parent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// origin is the first span of an event, wherever that was made. Whether it is
// recorded follows from the id as well.
func (t *Tracer) origin(ctx context.Context, event string) otel.SpanContext {
	trace, span := idsOf(event)
	root := otel.ContextWithSpanContext(ctx, otel.SpanContext{})
	flags := otel.TraceFlags(0)
	if t.sampler.ShouldSample(sdk.SamplingParameters{ParentContext: root, TraceID: trace}).Decision == sdk.RecordAndSample {
		flags = otel.FlagsSampled
	}
	return otel.NewSpanContext(otel.SpanContextConfig{TraceID: trace, SpanID: span, TraceFlags: flags, Remote: true})
}

type originKey struct{}

// ids gives the first span of an event the ids that follow from the event's, and
// all others random ones.
type ids struct{}

// NewIDs implements sdk.IDGenerator.
func (ids) NewIDs(ctx context.Context) (otel.TraceID, otel.SpanID) {
	if event, ok := ctx.Value(originKey{}).(string); ok {
		return idsOf(event)
	}
	var trace otel.TraceID
	_, _ = rand.Read(trace[:]) // never fails
	return trace, randomSpan()
}

// NewSpanID implements sdk.IDGenerator.
func (ids) NewSpanID(context.Context, otel.TraceID) otel.SpanID { return randomSpan() }

func randomSpan() (span otel.SpanID) {
	_, _ = rand.Read(span[:]) // never fails
	return span
}

func idsOf(event string) (trace otel.TraceID, span otel.SpanID) {
	sum := sha256.Sum256([]byte("imaginebridge event\n" + event))
	copy(trace[:], sum[:16])
	copy(span[:], sum[16:24])
	return trace, span
}

var kinds = map[trail.Kind]otel.SpanKind{
	trail.Internal: otel.SpanKindInternal, trail.Client: otel.SpanKindClient, trail.Server: otel.SpanKindServer,
	trail.Producer: otel.SpanKindProducer, trail.Consumer: otel.SpanKindConsumer,
}

// conventional are the names that OpenTelemetry has for attributes of ours
// (Semantic Conventions, "HTTP client").
var conventional = map[string]string{"method": "http.request.method", "status": "http.response.status_code", "platform": "peer.service"}

func attributes(attrs []slog.Attr) []attribute.KeyValue {
	out := make([]attribute.KeyValue, 0, len(attrs))
	for _, a := range attrs {
		a.Key = cmp.Or(conventional[a.Key], a.Key)
		switch v := a.Value.Resolve(); v.Kind() {
		case slog.KindInt64:
			out = append(out, attribute.Int64(a.Key, v.Int64()))
		case slog.KindUint64:
			out = append(out, attribute.Int64(a.Key, int64(v.Uint64())))
		case slog.KindBool:
			out = append(out, attribute.Bool(a.Key, v.Bool()))
		case slog.KindFloat64:
			out = append(out, attribute.Float64(a.Key, v.Float64()))
		case slog.KindDuration:
			out = append(out, attribute.Float64(a.Key, v.Duration().Seconds()))
		case slog.KindTime:
			out = append(out, attribute.String(a.Key, v.Time().UTC().Format(time.RFC3339Nano)))
		case slog.KindAny, slog.KindString, slog.KindGroup, slog.KindLogValuer:
			if text := v.String(); text != "" {
				out = append(out, attribute.String(a.Key, text))
			}
		}
	}
	return out
}
