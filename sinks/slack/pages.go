package slack

import (
	"net/http"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// Page is what somebody reads who installs the app. All of it is plain text but the
// link, which is one of the bridge's own.
type Page struct {
	Status   int    // of HTTP
	Language string // BCP 47
	Title    string
	Lines    []string
	Steps    []string // what to do next, in order
	Link     string   // "" for none
	Label    string   // of the link
}

// pages makes them in a reader's language.
type pages struct{ in language.Speaker }

// again is a page that says why nothing was installed, with a button to begin anew.
func (p pages) again(a *Apps, status int, title string, lines ...string) Page {
	return Page{Status: status, Language: p.in.Tag(), Title: title, Lines: lines, Link: a.opt.OAuth.address(installPath), Label: p.in.Say("Start again")}
}

func (p pages) noState(a *Apps) Page {
	return p.again(a, http.StatusBadRequest, p.in.Say("Nothing was installed"),
		p.in.Say("An installation begins here, so that nobody can slip you somebody else's. Start with the button."))
}

func (p pages) otherBrowser(a *Apps) Page {
	return p.again(a, http.StatusBadRequest, p.in.Say("Nothing was installed"),
		p.in.Say("This browser did not begin this installation, or does not keep cookies. Begin and end it in the same browser."),
		p.in.Say("If you only loaded the page again and see ImagineBridge in Slack, all is well."))
}

func (p pages) tooLate(a *Apps) Page {
	return p.again(a, http.StatusBadRequest, p.in.Say("Nothing was installed"),
		p.in.Say("This link was used already, is older than ten minutes, or belongs to another browser. If you see ImagineBridge in Slack, all is well; else start again."))
}

func (p pages) denied(a *Apps) Page {
	return p.again(a, http.StatusOK, p.in.Say("Nothing was installed"),
		p.in.Say("You cancelled at Slack, or your workspace asks its administrators first. Nothing was stored."))
}

func (p pages) refused(a *Apps, code string) Page {
	lines := []string{p.in.Say("Slack sent you back without its approval.")}
	if code != "" {
		lines = append(lines, p.in.Say("Slack's word for it: %s", cut(oneLine(code), maxName)))
	}
	return p.again(a, http.StatusBadRequest, p.in.Say("Nothing was installed"), lines...)
}

func (p pages) storeDown(a *Apps) Page {
	return p.again(a, http.StatusServiceUnavailable, p.in.Say("Not now"),
		p.in.Say("The bridge can't store anything at the moment. Nothing was installed. Try again in a minute."))
}

func (p pages) busy(a *Apps) Page {
	return p.again(a, http.StatusTooManyRequests, p.in.Say("Not now"), p.in.Say("Many installations begin at the moment. Try again in a minute."))
}

func (p pages) incomplete(a *Apps) Page {
	return p.again(a, http.StatusBadGateway, p.in.Say("Nothing was installed"),
		p.in.Say("Slack's answer can't be used. Start again; if it stays so, whoever runs this bridge finds the reason in its log."))
}

func (p pages) otherApp(a *Apps) Page {
	return p.again(a, http.StatusConflict, p.in.Say("Nothing was installed"),
		p.in.Say("This bridge serves another Slack app. Whoever runs it has to remove that app from its workspaces first, or to set its own slack.client_id."))
}

func (p pages) tooLittle(a *Apps, missing []string) Page {
	return p.again(a, http.StatusForbidden, p.in.Say("Nothing was installed"),
		p.in.Say("Slack did not grant what the bridge can't do without: %s. Start again and allow it.", strings.Join(missing, ", ")))
}

// notRedeemed says what a refusal of Slack's means, to who installs or to who runs
// the bridge.
func (p pages) notRedeemed(a *Apps, bad *fault) Page {
	title := p.in.Say("Nothing was installed")
	switch bad.code {
	case "invalid_code", "code_already_used", "code_expired":
		return p.again(a, http.StatusBadRequest, title, p.in.Say("Slack's approval was used already or is too old. Start again."))
	case "bad_client_secret", "invalid_client_id", "bad_redirect_uri", "no_client_secret":
		return p.again(a, http.StatusBadGateway, title,
			p.in.Say("The bridge and its Slack app do not fit together. Whoever runs the bridge compares slack.client_id, slack.client_secret and http.public_url with the app's settings at Slack."),
			p.in.Say("Slack's word for it: %s", bad.code))
	}
	return p.again(a, http.StatusBadGateway, title, p.in.Say("Slack did not answer as it should. Try again in a minute."))
}

// installed says where the app is now, what it may not do, and what comes next.
func (p pages) installed(r bridge.Installation) Page {
	out := Page{Status: http.StatusOK, Language: p.in.Tag(), Title: p.in.Say("ImagineBridge is installed in %s", oneLine(r.Name))}
	if r.Team == bridge.WholeOrganisation {
		out.Lines = append(out.Lines, p.in.Say("It is installed for a whole organisation. Its administrators choose the workspaces that use it, under Organization settings, Installed apps."))
	}
	out.Lines = append(out.Lines, NotGranted(p.in, r.Scopes)...)
	out.Steps = []string{
		p.in.Say("In Slack, open the app ImagineBridge and press ‹Connect an agent›, or type /ia connect agent."),
		p.in.Say("Go to the channel that is to show what happens and type /invite @ImagineBridge."),
		p.in.Say("Type /ia subscribe there, choose what to show, and send a test."),
	}
	return out
}

// NotGranted says for people what an installation may not do, for want of which
// scopes: a sentence for each thing.
func NotGranted(in language.Speaker, granted []string) []string {
	var out, seen []string
	for _, sc := range scopes() {
		if sc.gives == "" || slices.Contains(granted, sc.name) || slices.Contains(seen, sc.gives) {
			continue
		}
		seen = append(seen, sc.gives)
		out = append(out, in.Say("Not allowed: %s. With it, %s.", strings.Join(lacking(granted, sc.gives), ", "), in.Word(sc.gives)))
	}
	return out
}

// lacking are the scopes that give something and were not granted.
func lacking(granted []string, gives string) []string {
	var out []string
	for _, sc := range scopes() {
		if sc.gives == gives && !slices.Contains(granted, sc.name) {
			out = append(out, sc.name)
		}
	}
	return out
}
