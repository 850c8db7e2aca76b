package command

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// Plans are the posts that wait for their time, in the order in which they will be posted.
type Plans struct {
	Scheduled []Planned `json:"scheduled"`
}

// plannedSpecs are about the bridge's own memory: they call nothing.
func plannedSpecs() []Spec {
	return []Spec{
		{
			Group: "post", Verb: "scheduled", Summary: "Posts that wait for their time", Access: Write, Private: true, Result: Plans{},
			Run: func(ctx context.Context, _ *imagine.Client, a Args) (Reply, error) {
				list, err := a.desk.list(ctx, a.agent)
				if err != nil {
					return Reply{}, err
				}
				out := Plans{Scheduled: []Planned{}}
				r := Reply{Text: "No post is scheduled."}
				for _, rec := range list {
					p := plan(rec)
					out.Scheduled = append(out.Scheduled, p)
					r.Messages = append(r.Messages, p.card(a.in, a.zone, p.cancel()))
				}
				if len(list) > 0 {
					r.Text = a.say("%s to come; the next at %s.", counted(len(list), "scheduled post"), Moment(list[0].Due, a.zone))
				}
				r.Data = out
				return r, nil
			},
		},
		{
			Group: "post", Verb: "unschedule", Summary: "Cancel a scheduled post", Access: Write, Private: true, Repeat: Same, Failed: "Not cancelled",
			Args: []Arg{idArg("scheduled", "which one", "")}, Result: Planned{}, Run: unschedule,
		},
	}
}

func unschedule(ctx context.Context, _ *imagine.Client, a Args) (Reply, error) {
	rec, found, err := a.desk.cancel(ctx, a.agent, a.Text("scheduled"))
	switch {
	case errors.Is(err, ErrMoved):
		return Reply{}, &Problem{Code: 409, Status: "too_late", Message: "Not cancelled: its time has come, and it is being posted.", Hint: "You can delete the post."}
	case err != nil:
		return Reply{}, err
	case !found:
		return Reply{}, &Problem{
			Code: 404, Status: "not_found", Field: "scheduled", Message: "Not cancelled: no such post is scheduled. It was posted or cancelled already.",
			Buttons: []bridge.Action{{Label: "Show", Command: "post scheduled"}},
		}
	}
	p := plan(rec)
	again := map[string]string{atName: p.At.Format(time.RFC3339)}
	if p.Text != "" {
		again["text"] = p.Text
	}
	if len(p.Media) > 0 {
		again["media"] = strings.Join(p.Media, ",")
	}
	return Reply{
		Data: p, Text: a.say("Cancelled: it will not be posted at %s.", Moment(p.At, a.zone)),
		Undo: &bridge.Action{Label: "Schedule again", Command: "post create", Args: again},
	}, nil
}
