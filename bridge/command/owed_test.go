package command_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// F36: what was done is told, also where the process ends between the two, or the
// platform can't be reached for a while; once, and to who asked.
func TestF36_WhatWasDoneIsTold(t *testing.T) {
	t.Parallel()
	post := func(w *world) command.Request {
		q := w.request("post create", map[string]any{"text": "told"})
		q.ID, q.Door, q.Back = "i1", command.Slack, json.RawMessage(`{"user":"U1"}`)
		return q
	}
	for name, tc := range map[string]struct {
		live  func(t *testing.T, w *world, a command.Answer) // between the answer and the next look
		other bool                                           // looks: another process
		want  int                                            // times that it is brought
	}{
		"told":                             {live: func(t *testing.T, _ *world, a command.Answer) { t.Helper(); a.Told(t.Context()) }},
		"told twice":                       {live: func(t *testing.T, _ *world, a command.Answer) { t.Helper(); a.Told(t.Context()); a.Told(t.Context()) }},
		"told, another looks":              {live: func(t *testing.T, _ *world, a command.Answer) { t.Helper(); a.Told(t.Context()) }, other: true},
		"the door is still at it":          {live: func(*testing.T, *world, command.Answer) { time.Sleep(50 * time.Second) }},
		"the door could not":               {live: func(*testing.T, *world, command.Answer) { time.Sleep(2 * time.Minute) }, want: 1},
		"the process ended":                {live: func(*testing.T, *world, command.Answer) {}, other: true, want: 1},
		"nobody could be told for a day":   {live: func(*testing.T, *world, command.Answer) { time.Sleep(25 * time.Hour) }},
		"told, and the store does not say": {live: toldUnheard},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				a := w.runner.Do(t.Context(), post(w))
				require.True(t, a.OK, "%+v", a)
				require.True(t, w.records.get("i1").Owed)
				tc.live(t, w, a)
				runner := w.runner
				if tc.other {
					runner = w.another("next")
				}
				brought := 0
				for range 3 {
					require.NoError(t, runner.Recover(t.Context(), func(q command.Request, a command.Answer) {
						brought++
						require.JSONEq(t, `{"user":"U1"}`, string(q.Back))
						require.True(t, a.OK)
						a.Told(t.Context())
					}))
				}
				require.Equal(t, tc.want, brought)
				if name != "the door is still at it" {
					got := w.records.get("i1")
					require.False(t, got.Owed)
					require.Nil(t, got.Request.Back)
					require.Equal(t, command.Done, got.State)
				}
				require.Len(t, w.writes("POST /api/posts"), 1)
			})
		})
	}
}

// toldUnheard lets the store be away when the door says that the person has it.
func toldUnheard(t *testing.T, w *world, a command.Answer) {
	t.Helper()
	w.records.fail(errors.New("nats: timeout"))
	a.Told(t.Context())
	w.records.mend()
}

// An answer that can't be brought is tried again, without end in one look.
func TestF36_AnAnswerIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		q := w.request("post create", map[string]any{"text": "told"})
		q.ID, q.Door, q.Back = "i1", command.Discord, json.RawMessage(`{"user":"1"}`)
		require.True(t, w.runner.Do(t.Context(), q).OK)
		ctx, cancel := context.WithCancel(t.Context())
		tried, done := 0, make(chan struct{})
		go func() {
			defer close(done)
			_ = w.runner.Run(ctx, func(_ command.Request, a command.Answer) {
				if tried++; tried == 3 {
					a.Told(ctx)
				}
			})
		}()
		time.Sleep(time.Hour)
		cancel()
		<-done
		require.Equal(t, 3, tried)
		require.False(t, w.records.get("i1").Owed)
	})
}
