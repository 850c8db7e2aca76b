package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// An app that people install themselves needs no bot token and no agent; what it
// needs besides is named.
func TestSlackAppThatPeopleInstall(t *testing.T) {
	t.Parallel()
	const public = "http: {public_url: https://bridge.example.com}\n"
	for name, tc := range map[string]struct{ file, problem string }{
		"over HTTP":           {file: public + `slack: {client_id: "1.2", client_secret: s, signing_secret: t}`},
		"over Socket Mode":    {file: public + `slack: {client_id: "1.2", client_secret: s, app_token: xapp-1-a}`},
		"with a subscription": {file: public + "slack: {client_id: \"1.2\", client_secret: s, signing_secret: t}\nsubscriptions: [{name: a, events: [\"*\"], to: \"slack:C0123456789\"}]"},
		"no client id":        {file: agentAnd(public + `slack: {client_secret: s, signing_secret: t}`), problem: "client_id is missing"},
		"no client secret":    {file: agentAnd(public + `slack: {client_id: "1.2", signing_secret: t}`), problem: "client_secret is missing"},
		"no client id's form": {file: public + `slack: {client_id: A012, client_secret: s, signing_secret: t}`, problem: "two numbers with a dot"},
		"no address":          {file: `slack: {client_id: "1.2", client_secret: s, signing_secret: t}`, problem: "needs http.public_url"},
		"nothing to hear by":  {file: public + `slack: {client_id: "1.2", client_secret: s}`, problem: "needs signing_secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := load(t, tc.file, nil)
			if tc.problem != "" {
				require.ErrorContains(t, err, tc.problem)
				return
			}
			require.NoError(t, err)
			require.True(t, cfg.Slack.Installable())
			require.Empty(t, cfg.Agents)
		})
	}
}
