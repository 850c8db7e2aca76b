package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// completing lists for each source of completions the first command that has an
// argument of it, as a person types it at Discord.
func completing() map[command.Source][]string {
	out := map[command.Source][]string{}
	for _, s := range command.Table() {
		for _, a := range s.Args {
			if a.Complete == "" || a.Hidden || a.Secret || out[a.Complete] != nil {
				continue
			}
			var before []string
			for _, b := range s.Args {
				if b.Required && b.Complete == "" && !b.Long && !b.Secret && b.Name != a.Name && b.Kind != command.Attachment {
					before = append(before, b.Name+":1")
				}
			}
			rest := strings.Join(append(append([]string{s.Verb}, before...), a.Name+":"), " ")
			for _, head := range []string{"/ia " + s.Group, "/ia-" + s.Group, "/ia-admin " + s.Group} {
				out[a.Complete] = append(out[a.Complete], head+" "+rest)
			}
		}
	}
	return out
}

// types completes the first of the lines that is a command there.
func (m *matrix) types(lines []string) (fakediscord.Response, error) {
	var in *fakediscord.Interaction
	var err error
	for _, line := range lines {
		in, err = m.discord.Complete("ann", m.channel, line)
		if err == nil || !strings.Contains(err.Error(), "no command") && !strings.Contains(err.Error(), "no such verb") {
			break
		}
	}
	if err != nil {
		return fakediscord.Response{}, err
	}
	ctx, cancel := context.WithTimeout(m.t.Context(), answerWait)
	defer cancel()
	return in.Settled(ctx)
}

// Completion reads memory alone: with the API gone every source answers at both
// of Discord's doors, with what was learned before.
func TestCompletionWithADeadAPI(t *testing.T) {
	t.Parallel()
	for name, signed := range map[string]bool{"gateway": false, "signed HTTP": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newChat(t, sandbox.Options{Seed: 1, Empty: true}, actor)
			m.watched, m.signed = m.sandbox.Agents(), signed
			m.configure("2s", actor, actor)
			m.open()
			post := m.act(sandbox.Action{As: friend, Do: "post", Content: "@" + actor + " look at dock 3"}).Post
			m.act(sandbox.Action{As: friend, Do: "dm", Handle: actor, Content: "hello"})
			lines := completing()
			learned := []command.Source{command.Handles, command.Posts, command.Conversations, command.Notifications}
			m.eventually("what happened is known", 30*time.Second, func() bool {
				return !slices.ContainsFunc(learned, func(s command.Source) bool {
					r, err := m.types(lines[s])
					return err != nil || len(r.Choices) == 0
				})
			})
			m.api.CloseClientConnections()
			m.api.Close()
			for source, typed := range lines {
				r, err := m.types(typed)
				require.NoError(t, err, source)
				require.Equal(t, 8, r.Type, source)
				require.LessOrEqual(t, len(r.Choices), 25, source)
				if slices.Contains(append(learned, command.Providers), source) {
					require.NotEmpty(t, r.Choices, source)
				}
			}
			r, err := m.types(lines[command.Posts])
			require.NoError(t, err)
			require.Equal(t, post, r.Choices[0].Value)
			require.Empty(t, m.discord.Faults())
		})
	}
}
