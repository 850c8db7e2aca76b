package sinktest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// longest is how long a Send may take by itself when its platform never answers.
const longest = 60 * time.Second

// Run puts a sink through everything that all sinks must do. Failures name the
// promise that was broken.
func Run(t *testing.T, s Subject) {
	t.Helper()
	s.run(t, "one send shows one message", true, shows)
	s.run(t, "text stays text", s.Markup, staysText)
	s.run(t, "too much is cut, not refused", true, cuts)
	s.run(t, "one key shows one message", s.Once, once)
	s.run(t, "a lost answer shows one message", s.Once, onceAfterLoss)
	s.run(t, "a repeat minutes later shows one message", s.Once && s.Later, onceMuchLater)
	s.run(t, "an edit changes the message", s.Edits, edits)
	s.run(t, "an edit pings nobody", s.Edits && s.Markup, editsQuietly)
	s.run(t, "a progress for a removed message is dropped", s.Edits, dropsProgress)
	s.run(t, "a final state for a removed message is shown anew", s.Edits, showsFinalAnew)
	s.run(t, "a thread holds its messages", s.Threads, threads)
	s.run(t, "an ended context ends the send", true, ends)
	s.run(t, "many lanes at once keep their order", true, keepsOrder)
	s.network(t)
}

// network runs what needs a platform behind HTTP.
func (s Subject) network(t *testing.T) {
	t.Helper()
	s.run(t, "a silent platform is in doubt within the deadline", true, silent)
	s.run(t, "a refused connection is retried", true, refused)
	for _, a := range s.Answers {
		s.run(t, "answer/"+a.Name, true, func(st *stage) { answers(st, a) })
		if a.Paced {
			s.run(t, "pause/"+a.Name, true, func(st *stage) { pauses(st, a) })
		}
	}
	s.run(t, "the table of answers is complete", true, func(st *stage) {
		for _, status := range Statuses {
			require.True(st, st.Handler == nil || slices.ContainsFunc(s.Answers, func(a Answer) bool { return a.Status == status }),
				"no answer with status %d", status)
		}
	})
}

// stage is one test's sink, platform and the front between them.
type stage struct {
	*testing.T
	Platform
	sink    bridge.Sink
	front   *front
	secrets []string
	log     *lockedBuffer
}

// run gives a test a bubble, a fresh stage, and the checks that every test ends
// with. A test whose ability is missing is left out without a trace.
func (s Subject) run(t *testing.T, name string, able bool, test func(*stage)) {
	t.Helper()
	if !able {
		return
	}
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := s.Platform(t)
			f := &front{platform: p.Handler, creates: s.Creates}
			if f.platform == nil {
				f.platform = http.NotFoundHandler()
			}
			log := &lockedBuffer{}
			sink := s.Open(t, Ground{
				URL: origin, Client: &http.Client{Transport: f},
				Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			})
			st := &stage{T: t, Platform: p, sink: sink, front: f, secrets: s.Secrets, log: log}
			test(st)
			st.hidden(log.String())
			require.Empty(t, f.strays, "hosts asked besides the platform")
			if p.Objections != nil {
				require.Empty(t, p.Objections(), "the platform objects")
			}
		})
	})
}

// send sends and checks what every error owes: a type, and no secret.
func (st *stage) send(ctx context.Context, d bridge.Delivery) (bridge.Receipt, *bridge.SendError) {
	st.Helper()
	begin := time.Now()
	r, err := st.sink.Send(ctx, d)
	require.LessOrEqual(st, time.Since(begin), longest, "Send has no deadline of its own")
	if err == nil {
		return r, nil
	}
	st.hidden(err.Error())
	e, ok := errors.AsType[*bridge.SendError](err)
	require.True(st, ok, "an error of Send is a *bridge.SendError, not %T: %v", err, err)
	st.hidden(e.Advice)
	return r, e
}

// sent sends and expects success.
func (st *stage) sent(d bridge.Delivery) bridge.Receipt {
	st.Helper()
	r, err := st.send(st.Context(), d)
	if err != nil {
		st.Fatalf("not sent: %v", err)
	}
	return r
}

func (st *stage) hidden(text string) {
	st.Helper()
	for i, secret := range st.secrets {
		require.NotContains(st, text, secret, "secret number %d is shown", i)
	}
}

// only expects one visible message and returns it.
func (st *stage) only() Shown {
	st.Helper()
	seen := st.Visible()
	require.Len(st, seen, 1, "messages that people see")
	return seen[0]
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Clone(l.b.String())
}
