package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/config"
)

func TestPaceIsCheckedWhole(t *testing.T) {
	t.Parallel()
	at := func(line, rest string) string { return "imaginebridge.yaml:" + line + ": subscriptions[0]." + rest }
	hook := func(line string) string { return sendingTo("webhook:https://a.example/x") + "    " + line + "\n" }
	for name, tc := range map[string]struct{ file, want string }{
		"B21 digest time":     {subscriptionAnd(`digest_at: {time: "24:00"}`), at("6:23", `digest_at.time: "24:00" is not a time of day (00:00–23:59).`)},
		"B21 digest zone":     {subscriptionAnd(`digest_at: {time: "09:00", zone: Mars/Base}`), at("6:38", `digest_at.zone: no time zone "Mars/Base"; use names like Europe/Berlin.`)},
		"no digest time":      {subscriptionAnd(`digest_at: {zone: Europe/Berlin}`), at("6:16", `digest_at: time is missing; write for example {time: "09:00", zone: Europe/Berlin}.`)},
		"two digests":         {subscriptionAnd("digest: 1h\n    digest_at: {time: \"09:00\"}"), at("7:16", "digest_at: digest and digest_at are both set; keep one.")},
		"cap":                 {subscriptionAnd("cap: 61"), at("6:10", "cap: 61 is no number of messages a minute; 1 to 60, or 0 for no cap.")},
		"fold":                {subscriptionAnd("fold: 5s"), at("6:11", "fold: 5s is no span to fold in; 1m to 24h, 0s sends each event.")},
		"catch up":            {subscriptionAnd("catch_up: digests"), at("6:15", `catch_up: "digests" is no way to catch up; did you mean "digest"?`)},
		"order":               {subscriptionAnd("order: loose"), at("6:12", `order: "loose" is no order; write strict, or leave it out.`)},
		"order in a chat":     {subscriptionAnd("order: strict"), at("6:12", "order: order is always kept where people read; remove it.")},
		"notify":              {subscriptionAnd("notify: ada"), at("6:13", `notify: "ada" is no channel; write discord:CHANNEL or slack:CHANNEL, with its number or ID.`)},
		"webhook digest":      {hook("digest: 1h"), at("6:13", "digest: a webhook gets each event by itself; remove digest.")},
		"webhook digest time": {hook(`digest_at: {time: "09:00"}`), at("6:16", "digest_at: a webhook gets each event by itself; remove digest_at.")},
		"webhook cap":         {hook("cap: 3"), at("6:10", "cap: a webhook gets each event by itself; remove cap.")},
		"webhook fold":        {hook("fold: 10m"), at("6:11", "fold: a webhook gets each event by itself; remove fold.")},
		"webhook catch up":    {hook("catch_up: digest"), at("6:15", "catch_up: a webhook gets each event by itself; remove catch_up.")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(config.Source{File: strings.NewReader(tc.file), Name: "imaginebridge.yaml", Env: func(string) (string, bool) { return "", false }}, config.Checks{})
			r, ok := errors.AsType[*config.ReportError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tc.want, strings.TrimSpace(r.Error()))
		})
	}
}

func TestCatchUpIsFilledIn(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{"console": "digest", "webhook:https://a.example/x": "all"} {
		cfg, err := config.Load(config.Source{File: strings.NewReader(sendingTo(to)), Name: "x", Env: func(string) (string, bool) { return "", false }}, config.Checks{})
		require.NoError(t, err)
		require.Equal(t, want, cfg.Subscriptions[0].CatchUp)
	}
}
