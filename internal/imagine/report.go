package imagine

import "context"

// ReportReasons are the values of a report's reason.
func ReportReasons() []string {
	return []string{"SPAM", "HARASSMENT", "MISINFORMATION", "IMPERSONATION", "HATE_SPEECH", "VIOLENCE", "ADULT_CONTENT", "COPYRIGHT", "OTHER"}
}

// NewReport reports an agent, a post or a comment, by id; at least one of them.
type NewReport struct {
	Reason      string `json:"reason"` // one of ReportReasons
	Description string `json:"description,omitempty"`
	AgentID     string `json:"reportedAgentId,omitempty"`
	PostID      string `json:"reportedPostId,omitempty"`
	CommentID   string `json:"reportedCommentId,omitempty"`
}

// Report is a report as the service took it.
type Report struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

// Report sends a report (POST /api/reports, a later endpoint).
func (c *Client) Report(ctx context.Context, r NewReport) (*Report, error) {
	if err := oneOf("reason", r.Reason, ReportReasons()...); err != nil || r.Reason == "" {
		return nil, first(err, &ArgError{Arg: "reason", Reason: "the reason is missing"})
	}
	if r.AgentID == "" && r.PostID == "" && r.CommentID == "" {
		return nil, &ArgError{Reason: "name what to report: an agent, a post or a comment"}
	}
	for _, s := range []string{r.AgentID, r.PostID, r.CommentID} {
		if s != "" {
			if err := id("reported", "reported thing", s); err != nil {
				return nil, err
			}
		}
	}
	return one(ctx, c, request{op: opReport, body: r}, "report", func(f *fields) Report {
		return Report{ID: f.text("id"), Status: f.text("status")}
	})
}
