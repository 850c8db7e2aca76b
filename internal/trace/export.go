package trace

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otel "go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	res "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	wire "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// exporter sends spans by OTLP over HTTP. The library's own would bring gRPC with
// it, which nothing here speaks.
type exporter struct {
	settings settings
	client   *http.Client
	log      *slog.Logger
	lost     atomic.Bool // told that spans are lost
}

const (
	attempts   = 3
	firstPause = time.Second
	mostPause  = 10 * time.Second
)

// ExportSpans implements sdk.SpanExporter. What can't be sent is lost, which the
// log tells once; an error would go to the library's own log.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	body, err := e.encode(spans)
	for n := 1; err == nil; n++ {
		var again time.Duration
		if again, err = e.post(ctx, body); err == nil {
			if e.lost.Swap(false) {
				e.log.Info("traces are taken again")
			}
			return nil
		}
		if again <= 0 || n == attempts || !pause(ctx, max(firstPause<<(n-1), min(again, mostPause))) {
			break
		}
		err = nil
	}
	if !e.lost.Swap(true) {
		e.log.Warn("traces are lost, since nobody takes them", "count", len(spans), "err", err)
	}
	return nil
}

// Shutdown implements sdk.SpanExporter.
func (e *exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// post sends one request. Where it may be tried again, it says after how long.
func (e *exporter) post(ctx context.Context, body []byte) (again time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.settings.endpoint, bytes.NewReader(body))
	if err != nil {
		return 0, errNoRequest
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	if e.settings.zip {
		r.Header.Set("Content-Encoding", "gzip")
	}
	for name, value := range e.settings.headers {
		r.Header.Set(name, value)
	}
	answer, err := e.client.Do(r)
	if err != nil {
		return firstPause, errNoAnswer // not err itself, which shows the address
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	switch answer.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return 0, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		again = max(firstPause, time.Duration(min(seconds, 60))*time.Second)
	}
	return again, fmt.Errorf("the receiver of traces answers %d", answer.StatusCode)
}

var (
	errNoRequest = textError("the receiver of traces can't be asked")
	errNoAnswer  = textError("the receiver of traces does not answer")
)

type textError string

// Error implements error.
func (e textError) Error() string { return string(e) }

func (e *exporter) encode(spans []sdk.ReadOnlySpan) ([]byte, error) {
	body, err := proto.Marshal(request(spans))
	if err != nil {
		return nil, fmt.Errorf("encode spans: %w", err)
	}
	if !e.settings.zip {
		return body, nil
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(body) // into memory
	_ = z.Close()
	return out.Bytes(), nil
}

// request puts spans into their form on the wire. All are made by one provider
// under one scope.
func request(spans []sdk.ReadOnlySpan) *collector.ExportTraceServiceRequest {
	if len(spans) == 0 {
		return &collector.ExportTraceServiceRequest{}
	}
	list := make([]*wire.Span, 0, len(spans))
	for _, s := range spans {
		list = append(list, encode(s))
	}
	by := spans[0].InstrumentationScope()
	return &collector.ExportTraceServiceRequest{ResourceSpans: []*wire.ResourceSpans{{
		Resource:   &res.Resource{Attributes: pairsOf(spans[0].Resource().Attributes())},
		ScopeSpans: []*wire.ScopeSpans{{Scope: &common.InstrumentationScope{Name: by.Name, Version: by.Version}, Spans: list}},
	}}}
}

func encode(s sdk.ReadOnlySpan) *wire.Span {
	at, parent := s.SpanContext(), s.Parent()
	trace, span := at.TraceID(), at.SpanID()
	out := &wire.Span{
		TraceId: trace[:], SpanId: span[:], TraceState: at.TraceState().String(), Name: s.Name(), Flags: flags(at.TraceFlags(), parent),
		Kind:              wire.Span_SpanKind(s.SpanKind()),
		StartTimeUnixNano: uint64(max(0, s.StartTime().UnixNano())),
		EndTimeUnixNano:   uint64(max(0, s.EndTime().UnixNano())),
		Attributes:        pairsOf(s.Attributes()), Status: &wire.Status{},
	}
	if s.Status().Code == codes.Error {
		out.Status.Code = wire.Status_STATUS_CODE_ERROR
	}
	if id := parent.SpanID(); id.IsValid() {
		out.ParentSpanId = id[:]
	}
	for _, l := range s.Links() {
		trace, span := l.SpanContext.TraceID(), l.SpanContext.SpanID()
		out.Links = append(out.Links, &wire.Span_Link{TraceId: trace[:], SpanId: span[:], Flags: flags(l.SpanContext.TraceFlags(), l.SpanContext)})
	}
	return out
}

// flags are the W3C flags and whether the parent was made elsewhere.
func flags(own otel.TraceFlags, parent otel.SpanContext) uint32 {
	out := uint32(own) | uint32(wire.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
	if parent.IsRemote() {
		out |= uint32(wire.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
	}
	return out
}

func pairsOf(attrs []attribute.KeyValue) []*common.KeyValue {
	out := make([]*common.KeyValue, 0, len(attrs))
	for _, a := range attrs {
		v := &common.AnyValue{}
		switch a.Value.Type() {
		case attribute.BOOL:
			v.Value = &common.AnyValue_BoolValue{BoolValue: a.Value.AsBool()}
		case attribute.INT64:
			v.Value = &common.AnyValue_IntValue{IntValue: a.Value.AsInt64()}
		case attribute.FLOAT64:
			v.Value = &common.AnyValue_DoubleValue{DoubleValue: a.Value.AsFloat64()}
		default:
			v.Value = &common.AnyValue_StringValue{StringValue: a.Value.AsString()}
		}
		out = append(out, &common.KeyValue{Key: string(a.Key), Value: v})
	}
	return out
}
