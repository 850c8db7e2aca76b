package bridge

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pagesOf reads three pages, and counts how often it was asked.
func pagesOf(p *Reading, asked *int, broken error) func() (string, error) {
	return func() (string, error) {
		*asked++
		switch {
		case p.Cursor == "":
			return "second", nil
		case p.Cursor == "second" && broken != nil:
			return "", broken
		case p.Cursor == "second":
			return "third", nil
		}
		return "", nil
	}
}

func TestAPlaceIsReadOnceForASpan(t *testing.T) {
	t.Parallel()
	now := time.Now()
	span := Former{From: now.Add(-time.Hour), Until: now.Add(-time.Minute)}
	var r Readings[int]
	read := func(place int, span Former, broken error) (asked int) {
		t.Helper()
		p, err := r.Take(t.Context(), place, span)
		require.NoError(t, err)
		defer p.Leave()
		require.ErrorIs(t, p.Read(pagesOf(p, &asked, broken)), broken)
		return asked
	}
	require.Equal(t, 2, read(0, span, errors.New("away")))
	require.Equal(t, 2, read(0, span, nil), "it goes on where it was")
	require.Zero(t, read(0, span, nil))
	require.Zero(t, read(0, Former{From: span.From, Until: span.Until.Add(-time.Minute)}, nil), "of one that ends earlier all is known")
	require.Equal(t, 3, read(1, span, nil), "another place")
	require.Equal(t, 3, read(0, Former{From: span.From, Until: now.Add(time.Hour)}, nil), "more was sent since it was read")
	require.Equal(t, 3, read(0, Former{From: now.Add(-2 * time.Hour), Until: span.Until}, nil), "it began earlier")
	for place := range maxReadings {
		read(place, span, nil)
	}
	require.Zero(t, read(1, span, nil))
	require.Equal(t, 3, read(maxReadings, span, nil), "one place too many: all are forgotten")
	require.Equal(t, 3, read(1, span, nil))
}

func TestAPlaceHasOneReader(t *testing.T) {
	t.Parallel()
	var r Readings[string]
	span := Former{From: time.Now()}
	p, err := r.Take(t.Context(), "room", span)
	require.NoError(t, err)
	gone, end := context.WithCancel(t.Context())
	end()
	_, err = r.Take(gone, "room", span)
	require.ErrorIs(t, err, context.Canceled)
	p.Leave()
}
