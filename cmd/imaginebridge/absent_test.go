package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// F57: what goes into a workspace that the app was removed from rests, wherever the
// subscription comes from; nothing else does.
func TestF57_WhatRestsWhenTheAppIsRemoved(t *testing.T) {
	t.Parallel()
	r := &reached{
		workspaces: map[string]string{"discord:11": "1", "discord:22": "2"},
		records: map[tenant]bridge.WorkspaceRecord{
			{"discord", "1"}: {Left: time.Now()}, {"discord", "2"}: {Joined: time.Now()}, {"slack", "1"}: {Joined: time.Now()},
		},
	}
	for name, tc := range map[string]struct {
		s      bridge.SubscriptionRecord
		absent bool
	}{
		"made there":                {bridge.SubscriptionRecord{To: "discord:99", Workspace: "1"}, true},
		"of the file":               {bridge.SubscriptionRecord{To: "discord:11"}, true},
		"elsewhere":                 {bridge.SubscriptionRecord{To: "discord:22"}, false},
		"nobody knows where":        {bridge.SubscriptionRecord{To: "discord:33"}, false},
		"another platform's name 1": {bridge.SubscriptionRecord{To: "slack:C1", Workspace: "1"}, false},
		"a webhook":                 {bridge.SubscriptionRecord{To: "webhook:https://example.com"}, false},
	} {
		require.Equal(t, tc.absent, r.absent(tc.s), name)
	}
}
