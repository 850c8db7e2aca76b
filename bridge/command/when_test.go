package command_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

func TestWhenReadsWhatPeopleType(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	now := time.Date(2026, 11, 25, 16, 0, 0, 0, berlin) // a Wednesday
	for typed, want := range map[string]string{
		"18:30":                     "2026-11-25T18:30:00+01:00",
		"6pm":                       "2026-11-25T18:00:00+01:00",
		"6:30 PM":                   "2026-11-25T18:30:00+01:00",
		"today 18:30":               "2026-11-25T18:30:00+01:00",
		"tomorrow 9:00":             "2026-11-26T09:00:00+01:00",
		"tomorrow at 9am":           "2026-11-26T09:00:00+01:00",
		"morgen um 9:00 Uhr":        "2026-11-26T09:00:00+01:00",
		"friday 12am":               "2026-11-27T00:00:00+01:00",
		"wed 9:00":                  "2026-12-02T09:00:00+01:00",
		"2026-12-01 09:00":          "2026-12-01T09:00:00+01:00",
		" 2026-12-01   09:00 ":      "2026-12-01T09:00:00+01:00",
		"2026-12-01T09:00":          "2026-12-01T09:00:00+01:00",
		"2026-12-01T09:00:05Z":      "2026-12-01T10:00:05+01:00",
		"2026-12-01t09:00:05+09:00": "2026-12-01T01:00:05+01:00",
		"18:30 UTC":                 "2026-11-25T18:30:00Z",
		"18:30 America/New_York":    "2026-11-25T18:30:00-05:00",
		"2027-07-01 09:00":          "2027-07-01T09:00:00+02:00",
		"in 2h":                     "2026-11-25T18:00:00+01:00",
		"in 1 h 30 min":             "2026-11-25T17:30:00+01:00",
		"in 90 minutes":             "2026-11-25T17:30:00+01:00",
		"In 2 Tagen":                "2026-11-27T16:00:00+01:00",
	} {
		got, err := command.When(typed, now, berlin)
		require.NoError(t, err, "%q", typed)
		require.Equal(t, want, got.Format(time.RFC3339), "%q", typed)
	}
}

func TestWhenRefusesInOneSentence(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	now := time.Date(2026, 3, 25, 16, 0, 0, 0, berlin)
	nonsense := " Write 18:30, tomorrow 9:00, 2026-12-01 09:00 or in 2h."
	for typed, want := range map[string]string{
		"soon":             `"soon" is not a time.` + nonsense,
		"":                 `"" is not a time.` + nonsense,
		"7":                `"7" is not a time.` + nonsense,
		"25:00":            `"25:00" is not a time.` + nonsense,
		"13pm":             `"13pm" is not a time.` + nonsense,
		"2026-02-30 09:00": `"2026-02-30 09:00" is not a time.` + nonsense,
		"in 2 parsecs":     `"in 2 parsecs" is not a time.` + nonsense,
		"in 0 h":           `"in 0 h" is not a time.` + nonsense,
		"tomorrow":         `"tomorrow" is not a time.` + nonsense,
		"9:00":             "2026-03-25 09:00 CET has passed; it is 2026-03-25 16:00 CET now. Did you mean tomorrow 9:00?",
		"2026-01-01 09:00": "2026-01-01 09:00 CET has passed; it is 2026-03-25 16:00 CET now.",
		"2027-12-01 09:00": "2027-12-01 09:00 CET is more than a year ahead. Choose a nearer time.",
		"2026-03-29 02:30": "There is no 02:30 on that day in Europe/Berlin: the clocks go forward then. Choose another time.",
	} {
		_, err := command.When(typed, now, berlin)
		e, ok := errors.AsType[*command.ArgError](err)
		require.True(t, ok, "%q: %v", typed, err)
		got := e.Reason.String()
		if !e.Hint.IsZero() {
			got += " " + e.Hint.String()
		}
		require.Equal(t, want, got, "%q", typed)
	}
	for _, typed := range []string{"in 999999 weeks", "in 999999d 999999d 999999w"} {
		_, err := command.When(typed, now, berlin)
		e, ok := errors.AsType[*command.ArgError](err)
		require.True(t, ok, "%q: %v", typed, err)
		require.Equal(t, "too_far", e.Status, "%q", typed)
	}
}

func FuzzWhen(f *testing.F) {
	for _, seed := range []string{"18:30", "tomorrow 9:00", "in 2h", "2026-12-01 09:00", "friday 6pm Europe/Berlin", "in 1 h 30 min", "2026-12-01T09:00:05+09:00"} {
		f.Add(seed)
	}
	now := time.Date(2026, 11, 25, 16, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, typed string) {
		at, err := command.When(typed, now, time.UTC)
		if err != nil {
			_, ok := errors.AsType[*command.ArgError](err)
			require.True(t, ok)
			return
		}
		require.False(t, at.Before(now.Add(-time.Minute)) || at.After(now.AddDate(1, 0, 2)), "%q is %s", typed, at)
	})
}
