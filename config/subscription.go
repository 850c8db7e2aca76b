package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// subscription checks one subscription and fills in its defaults.
func (r *report) subscription(c *Config, i int, checks Checks) {
	s := &c.Subscriptions[i]
	path := fmt.Sprintf("subscriptions[%d]", i)
	r.subscriptionName(c, i, path)
	if len(s.Agents) == 0 {
		s.Agents = []string{"*"}
	}
	r.subscriptionAgents(c, s, path)
	r.subscriptionEvents(s, path, checks)
	if s.Filter != "" && checks.Filter != nil {
		if err := checks.Filter(s.Filter, s.Events); err != nil {
			r.add(path+".filter", "%s", sentence(err.Error()))
		}
	}
	if s.Template != "" && checks.Template != nil {
		if err := checks.Template(s.Template, s.Events); err != nil {
			r.add(path+".template", "%s", sentence(err.Error()))
		}
	}
	r.destination(c, s, path)
	if len(s.Audience) > 0 && checks.Audience != nil {
		if err := checks.Audience(s.To, s.Audience); err != nil {
			r.add(path+".audience", "%s", sentence(err.Error()))
		}
	}
	if s.Start == "" {
		s.Start = "new"
	}
	var back Duration
	if s.Start != "new" && s.Start != "all" && back.parse(s.Start) != nil {
		r.add(path+".start", "%q is none of new, all, or a duration back from now such as 24h.", s.Start)
	}
	if s.Digest != 0 && s.Digest < Duration(time.Minute) {
		r.add(path+".digest", "%s is too short for a digest; 1m is the least, 0s sends each event at once.", s.Digest)
	}
	r.pace(s, path)
	r.notify(c, s, path+".notify")
	r.quiet(s.Quiet, path+".quiet")
}

func (r *report) subscriptionName(c *Config, i int, path string) {
	name := c.Subscriptions[i].Name
	switch {
	case name == "":
		r.add(path, "name is missing; letters, digits, - and _.")
	case !nameForm.MatchString(name):
		r.add(path+".name", "a name is letters, digits, - and _; %q would do.", tidyName(name))
	default:
		first := slices.IndexFunc(c.Subscriptions[:i], func(s Subscription) bool { return s.Name == name })
		if first >= 0 {
			r.add(path+".name", "name %q is taken (line %d).", name, r.nearest(fmt.Sprintf("subscriptions[%d].name", first)).line)
		}
	}
}

var untidy = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

func tidyName(name string) string {
	tidy := strings.Trim(untidy.ReplaceAllString(name, "-"), "-")
	if tidy == "" {
		return "team"
	}
	return tidy[:min(len(tidy), 64)]
}

func (r *report) subscriptionAgents(c *Config, s *Subscription, path string) {
	var known []string
	for _, a := range c.Agents {
		if a.Handle == "" {
			return // the one agent's handle is learned at start
		}
		known = append(known, a.Handle)
	}
	for i, handle := range s.Agents {
		if handle != "*" && !slices.Contains(known, handle) {
			r.add(fmt.Sprintf("%s.agents[%d]", path, i), "no agent %q is configured%s", handle, orStop(meant(handle, known)))
		}
	}
}

func orStop(text string) string {
	if text == "" {
		return "."
	}
	return text
}

func (r *report) subscriptionEvents(s *Subscription, path string, checks Checks) {
	if len(s.Events) == 0 {
		if r.reported(path + ".events") {
			return
		}
		r.add(path, `events are missing; write for example events: ["notification.*", "message.received"].`)
		return
	}
	if checks.Patterns == nil {
		return
	}
	for i, pattern := range s.Events {
		if !slices.Contains(checks.Patterns, pattern) {
			r.add(fmt.Sprintf("%s.events[%d]", path, i), "no event is called %q%s \"imaginebridge schema --list\" shows all.", pattern, orStop(meant(pattern, checks.Patterns)))
		}
	}
}

func (r *report) destination(c *Config, s *Subscription, path string) {
	to := path + ".to"
	scheme, place, _ := strings.Cut(s.To, ":")
	switch scheme {
	case "discord":
		if !discordID.MatchString(place) {
			r.add(to, "Discord needs the channel's number, not its name. In Discord: Settings → Advanced → Developer Mode, then right-click the channel → Copy Channel ID.")
		}
		r.needs(to, c.Discord.BotToken, "discord.bot_token", "DISCORD_BOT_TOKEN")
	case "slack":
		if !slackID.MatchString(place) {
			r.add(to, "use the channel's ID (starts with C or G): open the channel's details, it is at the bottom.")
		}
		if !c.Slack.Installable() {
			r.needs(to, c.Slack.BotToken, "slack.bot_token", "SLACK_BOT_TOKEN")
		}
	case "webhook":
		r.webhook(to, place, c.Webhooks.AllowPrivate)
	case "console":
		if place != "" {
			r.add(to, "console takes no address; write just console.")
		}
	case "":
		r.add(path, "to is missing; write discord:CHANNEL, slack:CHANNEL, webhook:URL or console.")
	default:
		r.add(to, "%q is no destination%s", s.To, orStop(meant(scheme, []string{"discord", "slack", "webhook", "console"})))
	}
	r.secret(s, path, scheme)
}

func (r *report) needs(path string, secret Secret, key, variable string) {
	if secret.IsZero() {
		r.add(path, "%s is missing; set %s or %s.", key, variable, key)
	}
}

func (r *report) webhook(path, address string, allowPrivate bool) {
	if wrong := CheckWebhook(address, allowPrivate); wrong != "" {
		r.add(path, "%s", wrong)
	}
}

// CheckWebhook says in a sentence what keeps an address from being a webhook's, ""
// for nothing. Names are judged when they are dialled.
func CheckWebhook(address string, allowPrivate bool) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !allowPrivate && !privateHost(u.Hostname())):
		return `a webhook address starts with https://, has a host, and carries no password; put secrets in "secret".`
	case !allowPrivate && privateHost(u.Hostname()):
		return u.Hostname() + " is a private address, refused to protect this network. If you mean it, set webhooks.allow_private: true."
	}
	return ""
}

// privateHost reports whether a literal host lies inside a private network.
// Names are judged when they are dialled.
func privateHost(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	addr = addr.Unmap()
	return addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsUnspecified() || addr.IsMulticast()
}

func (r *report) secret(s *Subscription, path, scheme string) {
	if s.Secret.IsZero() {
		return
	}
	if scheme != "webhook" {
		r.add(path+".secret", "only webhooks are signed; remove it.")
		return
	}
	keys := strings.Fields(s.Secret.Reveal())
	if len(keys) > 2 || slices.ContainsFunc(keys, func(k string) bool { return !signingSecret(k) }) {
		r.add(path+".secret", "a signing secret is whsec_ followed by 24 to 64 bytes in base64; leave it empty to have one made.")
	}
}

func (r *report) quiet(q Quiet, path string) {
	if q == (Quiet{}) {
		return
	}
	for _, f := range []struct{ key, value string }{{"from", q.From}, {"to", q.To}} {
		switch {
		case f.value == "":
			r.add(path, "%s is missing; quiet hours need from and to.", f.key)
		case !timeOfDay.MatchString(f.value):
			r.add(path+"."+f.key, "%q is not a time of day (00:00–23:59).", f.value)
		}
	}
	if q.From != "" && q.From == q.To {
		r.add(path, "from and to are the same; leave quiet out to send all day.")
	}
	r.zone(q.Zone, path+".zone")
}
