package bridge_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

func TestQuietHours(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ from, to, zone, now, until string }{
		"before":                     {"22:00", "07:00", "Europe/Berlin", "2026-01-10T20:59:59Z", ""},
		"at its beginning":           {"22:00", "07:00", "Europe/Berlin", "2026-01-10T21:00:00Z", "2026-01-11T06:00:00Z"},
		"after midnight":             {"22:00", "07:00", "Europe/Berlin", "2026-01-11T02:00:00Z", "2026-01-11T06:00:00Z"},
		"at its end":                 {"22:00", "07:00", "Europe/Berlin", "2026-01-11T06:00:00Z", ""},
		"within a day":               {"12:00", "13:30", "", "2026-01-10T12:30:00Z", "2026-01-10T13:30:00Z"},
		"west of Greenwich":          {"22:00", "07:00", "America/New_York", "2026-01-11T04:00:00Z", "2026-01-11T12:00:00Z"},
		"night that loses an hour":   {"22:00", "07:00", "Europe/Berlin", "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"},
		"night that gains an hour":   {"22:00", "07:00", "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T06:00:00Z"},
		"ends in the doubled hour":   {"22:00", "02:30", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T01:30:00Z"},
		"and only once":              {"22:00", "02:30", "Europe/Berlin", "2026-10-25T00:45:00Z", "2026-10-25T01:30:00Z"},
		"after the doubled hour":     {"22:00", "02:30", "Europe/Berlin", "2026-10-25T01:30:00Z", ""},
		"ends in the hour left out":  {"22:00", "02:30", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z"},
		"after the hour left out":    {"22:00", "02:30", "Europe/Berlin", "2026-03-29T01:30:00Z", ""},
		"an hour on the night of it": {"02:00", "03:00", "Europe/Berlin", "2026-03-29T01:00:00Z", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, err := bridge.ParseQuiet(tc.from, tc.to, tc.zone)
			require.NoError(t, err)
			now, err := time.Parse(time.RFC3339, tc.now)
			require.NoError(t, err)
			until := q.Until(now)
			if tc.until == "" {
				require.Zero(t, until)
				return
			}
			require.Equal(t, tc.until, until.UTC().Format(time.RFC3339))
		})
	}
}

func TestQuietHoursAreCheckedWhenSet(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ from, to, zone, want string }{
		"B21 time":       {"25:00", "07:00", "", `"25:00" is not a time of day (00:00–23:59)`},
		"B21 zone":       {"22:00", "07:00", "Mars/Base", `no time zone "Mars/Base"; use names like Europe/Berlin`},
		"machine's zone": {"22:00", "07:00", "Local", `no time zone "Local"; use names like Europe/Berlin`},
		"both":           {"x", "07:60", "", "\"x\" is not a time of day (00:00–23:59)\n\"07:60\" is not a time of day (00:00–23:59)"},
		"all day":        {"07:00", "07:00", "", "from and to are both 07:00, which leaves no time to send"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := bridge.ParseQuiet(tc.from, tc.to, tc.zone)
			require.EqualError(t, err, tc.want)
		})
	}
}

// The bubble's clock begins at midnight UTC of 1 January 2000.
func TestQuietHoursHoldTheLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		quiet, err := bridge.ParseQuiet("22:00", "07:00", "Europe/Berlin")
		require.NoError(t, err)
		set := func(o *bridge.WorkerOptions) { o.Subscription.Quiet = quiet }
		w := newWorld()
		w.publish(likes(3)...)
		r := w.run(t, set)
		wait(time.Hour)
		require.Empty(t, w.attempts())
		require.Equal(t, bridge.Held, w.stored().State)
		require.Equal(t, "quiet hours", w.stored().Reason)
		require.Equal(t, "2000-01-01T06:00:00Z", w.stored().Until.Format(time.RFC3339))
		r.stop(t)

		r = w.run(t, set)
		wait(5*time.Hour + time.Second)
		require.Equal(t, names(3), w.seen())
		require.Equal(t, bridge.Live, w.stored().State)
		require.Equal(t, 6, w.attempts()[0].at.Hour())
		r.stop(t)
	})
}
