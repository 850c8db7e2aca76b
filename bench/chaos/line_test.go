package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bench/check"
)

// A line carries, loses an answer to what was done, refuses while it is shut, and is
// whole again when it heals.
func TestALineCanBeCut(t *testing.T) {
	t.Parallel()
	var done atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		done.Add(1)
		_, _ = io.WriteString(w, "yes")
	}))
	defer server.Close()
	l, err := newLine(t.Context(), "test", server.Listener.Addr().String())
	require.NoError(t, err)
	defer l.close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func() error {
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+l.address(), http.NoBody)
		require.NoError(t, err)
		answer, err := client.Do(q)
		if err == nil {
			_ = answer.Body.Close()
		}
		return err
	}
	require.NoError(t, ask())
	l.loseAnswers(1)
	require.Error(t, ask())
	require.EqualValues(t, 2, done.Load(), "it was done, and nobody heard of it")
	l.shut()
	require.Error(t, ask())
	require.EqualValues(t, 2, done.Load())
	l.heal()
	require.NoError(t, ask())
	require.Positive(t, l.hits())
}

func TestAnAnswerIsReadForWhatItMeans(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]check.Told{
		"":                                      check.ToldNothing,
		"Posted as @orbit_bot.":                 check.ToldDone,
		"I can't tell whether this was posted.": check.ToldUnknown,
		"Not posted: ImagineAnything had a problem (500).":      check.ToldNotDone,
		"Not done: the bridge could not note this. Send again.": check.ToldNotDone,
	} {
		require.Equal(t, want, toldBy(words), words)
	}
}
