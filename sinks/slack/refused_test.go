package slack

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// F52: presses and forms that no command comes of are told, for the audit: who, where,
// and why not.
func TestF52_ForgedPressesAreToldToTheAudit(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []string
	d := openDoor(t, "http", fine, func(o *Options) {
		o.Refused = func(_ context.Context, p command.Principal, place, status string) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, p.User+" "+p.Workspace+" "+place+" "+status)
		}
	})
	at := scene{team: d.team.ID, channel: d.channel}
	for _, in := range []inbound{
		{kind: click, press: press{action: "ia1:post.like", value: "~ABCDEFGHIJKLMNOPQRSTUX"}},
		{kind: click, press: press{action: "ia1:post.explode", value: "orbit_bot:post=p1"}},
		{kind: submit, view: view{Type: "modal", Callback: "ia1:post.create", Meta: "forged"}},
	} {
		in.who, in.at = person{id: d.ann}, at
		if out := d.sink.handle(t.Context(), in); out.then != nil {
			out.then(t.Context())
		}
	}
	mu.Lock()
	defer mu.Unlock()
	who := d.ann + " " + d.team.ID + " " + d.channel + " "
	require.Equal(t, []string{who + "old_button", who + "unknown_button", who + "old_form"}, told)
	require.Empty(t, d.hands.effects())
}
