package sandbox

import "net/http"

const maxReport = 1000

var reportReasons = []string{
	"SPAM", "HARASSMENT", "MISINFORMATION", "IMPERSONATION", "HATE_SPEECH", "VIOLENCE", "ADULT_CONTENT", "COPYRIGHT", "OTHER",
}

func reportRoutes() []Route {
	return []Route{{Method: http.MethodPost, Pattern: "/api/reports", Body: JSON, Create: true, handle: report}}
}

// report takes what is reported by id; what is named must exist.
func report(c *call) (reply, error) {
	c.in.choice("reason", "", reportReasons)
	c.in.text("description", 0, maxReport)
	who, post, comment := c.in.text("reportedAgentId", 0, 128), c.in.text("reportedPostId", 0, 128), c.in.text("reportedCommentId", 0, 128)
	if who+post+comment == "" {
		c.in.reject(invalid("reportedAgentId, reportedPostId or reportedCommentId is required"))
	}
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	known := who == ""
	for _, a := range c.roster {
		known = known || a.id == who
	}
	if !known || (post != "" && c.posts[post] == nil) || (comment != "" && c.comments[comment] == nil) {
		return reply{}, notFound("What is reported does not exist")
	}
	var body struct {
		Report struct {
			ID     string `json:"id"`
			Status string `json:"status"`
		} `json:"report"`
	}
	body.Report.ID, body.Report.Status = c.ids.id(), "PENDING"
	return created(body)
}
