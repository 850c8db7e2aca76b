package console_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/golden"
	"github.com/imaginebridge/imaginebridge/internal/sinktest"
	"github.com/imaginebridge/imaginebridge/sinks/console"
)

var at = time.Date(2026, 2, 6, 13, 36, 48, 120e6, time.UTC)

func everyKind(t *testing.T, colour bool) string {
	t.Helper()
	var out bytes.Buffer
	s := console.New(console.Options{Out: &out, Zone: time.UTC, Color: colour})
	for k := range events.Kinds() {
		e := events.New("https://imagineanything.com", "orbit_bot", "x_1", "", at, k.Example)
		_, err := s.Send(t.Context(), bridge.Delivery{Message: bridge.Layout(e)})
		require.NoError(t, err)
	}
	return out.String()
}

func TestGoldenEveryKind(t *testing.T) {
	golden.Equal(t, "testdata/kinds.txt", []byte(everyKind(t, false)))
}

func TestColourIsOnlyAddedToTheSameText(t *testing.T) {
	coloured := everyKind(t, true)
	require.Contains(t, coloured, "\x1b[")
	for strings.Contains(coloured, "\x1b[") {
		before, after, _ := strings.Cut(coloured, "\x1b[")
		_, after, _ = strings.Cut(after, "m")
		coloured = before + after
	}
	require.Equal(t, everyKind(t, false), coloured)
}

func TestTheConsoleSinkKeepsTheHouseRules(t *testing.T) {
	sinktest.Run(t, sinktest.Subject{
		Open: func(_ *testing.T, _ sinktest.Ground) bridge.Sink { return console.New(console.Options{Out: &screen}) },
		Platform: func(*testing.T) sinktest.Platform {
			screen.Reset()
			return sinktest.Platform{To: bridge.Destination{Scheme: "console"}, Visible: func() []sinktest.Shown {
				if screen.Len() == 0 {
					return nil
				}
				return []sinktest.Shown{{Text: screen.String()}}
			}}
		},
	})
}

var screen bytes.Buffer

func TestF48_NothingATerminalObeysGetsThrough(t *testing.T) {
	for name, hostile := range map[string]string{
		"escape":     "\x1b]0;owned\x07\x1b[2J\x1b[31mred",
		"c1":         "\u009b31mred",
		"bell":       "\a\b\r overwrite",
		"direction":  "\u202egnp.exe",
		"nul":        "a\x00b",
		"bad utf-8":  "a\xff\xfeb",
		"back space": "safe\b\b\b\bevil",
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			s := console.New(console.Options{Out: &out, Zone: time.UTC})
			m := bridge.Message{
				Event: "notification.comment", At: at, Author: &bridge.Author{Name: hostile, Handle: hostile}, Headline: []bridge.Span{{Text: hostile}},
				Text: hostile, Quotes: []bridge.Quote{{Label: "x", Text: hostile}}, Fields: []bridge.Field{{Name: hostile, Value: hostile}}, Footnote: hostile, Link: hostile,
			}
			_, err := s.Send(t.Context(), bridge.Delivery{Message: m})
			require.NoError(t, err)
			for _, r := range out.String() {
				require.False(t, r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e, "%U", r)
			}
		})
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestAClosedTerminalIsTriedAgain(t *testing.T) {
	_, err := console.New(console.Options{Out: broken{}}).Send(t.Context(), bridge.Delivery{})
	send, ok := errors.AsType[*bridge.SendError](err)
	require.True(t, ok)
	require.Equal(t, bridge.Retry, send.Verdict)
}
