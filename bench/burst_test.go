package main

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// halfDeaf is a crowd of which every other person is not acknowledged.
type halfDeaf struct {
	posts, reads atomic.Int32
	waited       bool
}

func (*halfDeaf) door() string { return "a door" }

func (h *halfDeaf) types(_ context.Context, n int, line string) (bool, error) {
	if strings.HasPrefix(line, "/ia post create text:a-door-07-") {
		h.posts.Add(1)
	} else {
		h.reads.Add(1)
	}
	return n%2 == 1, nil
}

func (h *halfDeaf) answered(context.Context) error {
	h.waited = true
	return nil
}

func TestWhoIsNotAcknowledgedIsCountedAndNoSample(t *testing.T) {
	t.Parallel()
	h := &halfDeaf{}
	took, err := together(t.Context(), 7, h)
	require.NoError(t, err)
	require.Len(t, took, people/2)
	require.True(t, h.waited)
	require.EqualValues(t, people/2, h.posts.Load())
	require.EqualValues(t, people/2, h.reads.Load())
	figures := burstFigures(h.door(), []time.Duration{time.Second}, 1, 0)
	for i := range figures {
		figures[i] = figures[i].judged()
	}
	require.True(t, figures[1].Over, "a p99 of a second")
	require.True(t, figures[3].Over, "one without an acknowledgement")
	require.False(t, figures[4].Over)
}
