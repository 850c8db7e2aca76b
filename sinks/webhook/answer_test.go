package webhook

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

// endless is an answer that has no end, and counts what was read of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) { e.read += len(p); return len(p), nil }

func (*endless) Close() error { return nil }

func (e *endless) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: e}, nil
}

var _ io.ReadCloser = (*endless)(nil)

// TestNoMoreOfAnAnswerIsReadThanItsBound: 64 KiB, whatever a receiver sends.
func TestNoMoreOfAnAnswerIsReadThanItsBound(t *testing.T) {
	t.Parallel()
	answer := &endless{}
	s, err := New(Options{Secrets: func(string) []string { return []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} }, HTTPClient: &http.Client{Transport: answer}})
	require.NoError(t, err)
	e := events.New("https://imagineanything.com", "nova", "ntf_1", "p1", time.Now(), events.NotificationFollow{})
	_, err = s.Send(t.Context(), bridge.Delivery{Key: "k", To: bridge.ParseDestination("webhook:https://h.example/in"), Event: e})
	require.NoError(t, err)
	require.LessOrEqual(t, answer.read, 2*maxAnswer) // in whole buffers
	require.GreaterOrEqual(t, answer.read, maxAnswer)
}
