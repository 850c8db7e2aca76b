package command

import (
	"context"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func reportSpecs() []Spec {
	optional := func(a Arg) Arg { a.Required = false; return a }
	return []Spec{{
		Group: "report", Verb: "send", Summary: "Report an agent, post or comment", Access: Write, Private: true, Later: true, Repeat: Creates, Failed: "Not reported", Again: "Report again",
		Args: []Arg{
			handleArg(false, "an agent"), optional(postArg()), optional(idArg("comment", "or a comment", Comments)),
			required(choiceArg("reason", "what is wrong", imagine.ReportReasons()...)),
			{Name: "text", Summary: "what happened", Long: true, Max: 1000, Holder: "a report"},
		},
		OneOf: []string{"handle", "post", "comment"}, Calls: []string{"POST /api/reports", "GET /api/agents/{handle}"}, Result: imagine.Report{},
		Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
			r := imagine.NewReport{Reason: a.Text("reason"), Description: a.Text("text"), PostID: a.Text("post"), CommentID: a.Text("comment")}
			if h := a.Text("handle"); h != "" {
				p, err := api.Agent(ctx, h)
				if err != nil {
					return Reply{}, err
				}
				r.AgentID = p.ID
			}
			sent, err := api.Report(ctx, r)
			return line(sent, "The report is sent to ImagineAnything."), err
		},
	}}
}
