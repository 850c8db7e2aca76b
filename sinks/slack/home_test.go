package slack

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

// agentLife answers what a home asks.
func agentLife(q command.Request) command.Answer {
	nova := &bridge.Author{Name: "Nova", Handle: "nova_ai"}
	switch q.Group + " " + q.Verb {
	case "profile show":
		return command.Answer{OK: true, Reply: command.Reply{Messages: []bridge.Message{{
			Author: &bridge.Author{Name: "Orbit <!here>", Handle: "orbit_bot"}, Text: "builds *docks*", Footnote: "creative",
			Fields: []bridge.Field{{Name: "Followers", Value: "1,200"}},
		}}}}
	case "notify count":
		return command.Answer{OK: true, Reply: command.Reply{Text: "3 unread notifications."}}
	case "generate pending":
		return command.Answer{OK: true, Reply: command.Reply{Text: "2 jobs."}}
	case "notify list":
		var all []bridge.Message
		for range 7 {
			all = append(all, bridge.Message{Event: "notification.follow", Author: nova, Headline: []bridge.Span{{Text: "now follows you"}}})
		}
		return command.Answer{OK: true, Reply: command.Reply{Messages: all}}
	case "post show":
		return command.Answer{OK: true, Reply: command.Reply{Messages: []bridge.Message{{
			Event: "post.published", Author: nova, Headline: []bridge.Span{{Text: "posted"}}, Text: "Docking <!channel> *ring*", Agent: "orbit_bot",
			Actions: []bridge.Action{{Label: "Like", Command: "post like", Args: map[string]string{"post": "p1"}}},
		}}}}
	}
	return command.Answer{Private: true, Problem: &command.Problem{Code: 404, Message: "I can't find that."}}
}

func TestHomeShowsTheAgent(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		d := openDoor(t, door, agentLife, nil)
		_, err := d.fake.OpenHome(d.ann)
		require.NoError(t, err)
		d.until(func() bool { return d.fake.Home(d.ann) != "" })
		golden.Equal(t, "testdata/home.golden", []byte(d.fake.Home(d.ann)))
		_, err = d.fake.Press(d.ann, "New post")
		require.NoError(t, err)
		d.until(func() bool { return d.fake.Form(d.ann) != "" })
		d.clean()
	})
}

func TestHomeSaysWhomToAsk(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", func(command.Request) command.Answer {
		return command.Answer{Problem: &command.Problem{Code: 403, Message: "You can't look at orbit_bot here.", Hint: "Ask an admin."}}
	}, nil)
	_, err := d.fake.OpenHome(d.ann)
	require.NoError(t, err)
	d.until(func() bool {
		return strings.Contains(d.fake.Home(d.ann), "You can't look at orbit_bot here. Ask an admin.")
	})
	require.NotContains(t, d.fake.Home(d.ann), "New post")
	d.clean()
}

// S33, L9: links unfold where the app is no member and while they are written,
// under exactly the address that was shared.
func TestS33_LinksUnfold(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		d := openDoor(t, door, agentLife, nil)
		abroad := d.team.AddForeignChannel("abroad")
		link := "https://imagineanything.com/post/p1?a=1&b=%7E"
		for _, composing := range []bool{true, false} {
			d.fake.Share(d.ann, abroad, composing, link, "https://imagineanything.com/agent/nobody", "https://imagineanything.com/about")
		}
		d.until(func() bool { return len(d.fake.Requests(methodUnfurl)) == 2 })
		require.NoError(t, d.sink.Drain(t.Context()))
		shared := d.fake.Messages(abroad)[0]
		require.Len(t, shared.Unfurls, 1)
		require.Contains(t, shared.Unfurls, link)
		require.Empty(t, shared.Mentions())
		d.clean()
	})
}

// A workspace is set up from its home: an agent is connected by its secret or a code,
// and a channel chosen.
func TestHomeSetsUpAWorkspace(t *testing.T) {
	t.Parallel()
	bothDoors(t, func(t *testing.T, door string) {
		d := openDoor(t, door, fine, func(o *Options) { o.Agents = func(string) []string { return nil } })
		_, err := d.fake.OpenHome(d.ann)
		require.NoError(t, err)
		d.until(func() bool { return strings.Contains(d.fake.Home(d.ann), "No agent is connected here yet.") })
		golden.Equal(t, "testdata/home_new.golden", []byte(d.fake.Home(d.ann)))
		for i, step := range []struct {
			label, asks string
			fields      map[string][]string
		}{
			{"Connect an agent", "and its secret", map[string][]string{"client_id": {"id-1"}, "client_secret": {"ia_secret_1"}}},
			{"Redeem a code", "what its owner gave", map[string][]string{"code": {"ABCD-EFGH"}}},
			{"Show events in a channel", "To", map[string][]string{"to": {d.channel}}},
		} {
			_, err = d.fake.Press(d.ann, step.label)
			require.NoError(t, err)
			d.until(func() bool { return d.fake.Form(d.ann) != "" })
			require.Contains(t, strings.ToLower(d.fake.Form(d.ann)), strings.ToLower(step.asks))
			got, err := d.fake.SubmitForm(d.ann, step.fields)
			require.NoError(t, err)
			require.True(t, got.Acked)
			d.until(func() bool { return len(d.hands.effects()) == i+1 })
			q := d.hands.effects()[i]
			for name, values := range step.fields {
				require.Equal(t, values[0], q.Values[name])
			}
			require.Equal(t, d.team.ID, q.Principal.Workspace)
			d.until(func() bool { return strings.Contains(d.fake.Form(d.ann), "Did ") })
			_, err = d.fake.CloseForm(d.ann, true)
			require.NoError(t, err)
		}
		d.clean()
	})
}
