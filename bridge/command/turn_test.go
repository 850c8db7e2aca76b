package command_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// TestCommandsUnderWayAreBounded: 256 in a process, 5 of one person with 20 that
// wait; one more is refused, and there is room again when they are done.
func TestCommandsUnderWayAreBounded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		who     command.Principal
		running int
		most    int
	}{
		"of a process":  {command.Principal{Platform: command.Terminal}, 256, 256},
		"of one person": {someone("writer"), 5, 25},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &house{list: []bridge.SubscriptionRecord{{ID: "team", Name: "team", To: "discord:C1", Agents: []string{"nova"}, Events: []string{"*"}, Workspace: "G1", Rev: 1}}}
				parts, release := h.parts(), make(chan struct{})
				var under atomic.Int32
				parts.Send = func(context.Context, bridge.SubscriptionRecord, string, bridge.Message) error {
					under.Add(1)
					defer under.Add(-1)
					<-release
					return nil
				}
				runner := command.NewRunner(command.RunnerOptions{
					Agents: func() map[string]*imagine.Client { return map[string]*imagine.Client{"nova": {}} }, House: parts, Records: &ledger{}, Owner: "one",
					Access: func(command.Principal, string) command.Lists {
						return command.Lists{Write: []string{"discord:user:writer"}}
					},
				})
				ask := func(n int) command.Answer {
					return runner.Do(t.Context(), command.Request{
						ID: fmt.Sprint("q", n), Principal: tc.who, Group: "subscribe", Verb: "test", Values: values("subscription", "team"), Door: tc.who.Platform, Place: "C1",
					})
				}
				done := make(chan command.Answer, tc.most)
				for n := range tc.most {
					go func() { done <- ask(n) }()
					synctest.Wait()
				}
				require.EqualValues(t, tc.running, under.Load())
				refused := ask(1000)
				require.NotNil(t, refused.Problem)
				require.Equal(t, "busy", refused.Problem.Status)
				close(release)
				for range tc.most {
					a := <-done
					require.True(t, a.OK, a.Problem)
				}
				require.True(t, ask(1001).OK)
			})
		})
	}
}

func TestALineAtItsLimit(t *testing.T) {
	t.Parallel()
	line := func(n int) string { return "post " + strings.Repeat("y", n-len("post ")) }
	_, p := command.ParseLine(english, line(4000), nil)
	require.Nil(t, p)
	_, p = command.ParseLine(english, line(4001), nil)
	require.Equal(t, "That is 4,001 characters; a command holds 4,000.", sentence(p))
}
