package main

import (
	"fmt"
	"strings"
)

// installable says whether people can install the Slack app themselves, and what is
// still missing at Slack.
func (c *checkup) installable() {
	s, public := c.cfg.Slack, c.cfg.HTTP.PublicURL
	if !s.Installable() || public == "" { // the file is checked for halves
		return
	}
	const subject = "slack install"
	c.say(finding{
		Grade: good, Subject: subject, Text: fmt.Sprintf("people add the app at %s/slack/install.", public),
		Remedy: fmt.Sprintf("At api.slack.com/apps the app needs the manifest of \"imaginebridge manifest\", its redirect URL %s/slack/oauth/callback, and Manage Distribution switched on for workspaces other than its own.", public),
	})
	if c.cfg.HTTP.Listen == "off" {
		c.say(finding{Grade: bad, Subject: subject, Text: "http.listen is off, so nobody reaches that page.", Remedy: "Set http.listen, such as 127.0.0.1:8480, behind the proxy that serves http.public_url."})
	}
	if strings.HasPrefix(public, "http://") {
		c.say(finding{Grade: warning, Subject: subject, Text: "http.public_url is http: Slack takes redirect URLs with https alone.", Remedy: "Put a proxy with a certificate in front, and write https://…"})
	}
	if s.BotToken.IsZero() && len(c.places("slack")) > 0 {
		c.say(finding{Grade: warning, Subject: subject, Text: "the file's Slack channels are not looked at: which workspace shows them is known when the bridge runs.", Remedy: "In each of them type /invite @ImagineBridge."})
	}
}
