package command_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

func TestATemplateIsTriedWhenItIsSetAndPreviewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.happened(t, "notification.like", "notification.mention")
		const like = `{{if eq .type "like"}}{{.data.actor.handle}} likes {{cut 12 .data.post.content}}{{end}}`
		a := d.says("writer", "preview", values("events", "notification.*", "template", like))
		require.True(t, a.OK, a.Problem)
		items := a.Reply.Data.(command.Preview).Items
		require.Contains(t, items[1].Text, " likes ")
		require.Empty(t, items[0].Text, "the usual card")
		require.True(t, d.says("writer", "add", values("events", "notification.*", "template", like, "name", "own")).OK)
		require.Equal(t, like, d.house.list[0].Template)
		for _, wrong := range []string{"{{.data.actor.handel}}", "{{range .data.post.hashtags}}{{end}}", "{{printf .type}}", "{{.data.post.content}}"} {
			require.NotNil(t, d.says("writer", "edit", values("template", wrong)).Problem, wrong)
		}
		require.Equal(t, like, d.house.list[0].Template)
		require.True(t, d.says("writer", "edit", values("template", "off")).OK)
		require.Empty(t, d.house.list[0].Template)
		terminal := command.Principal{Platform: command.Terminal}
		require.NotNil(t, d.asks(terminal, "add", values("preset", "public", "to", "webhook:https://x.example/in", "template", "x"), false).Problem)
		d.sealed("template")
	})
}
