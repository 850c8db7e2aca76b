package config

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // quiet hours need zones on machines that have none
	"unicode/utf8"
)

// minInterval is the smallest polling interval: the API allows 100 reads a
// minute.
const minInterval = Duration(2 * time.Second)

// What is watched on wish is bounded, so that an agent's reads suffice.
const (
	minExtraInterval = Duration(10 * time.Second)
	maxWatches       = 20
	maxSearch        = 100 // the API's own limit for a query
	maxTag           = 100 // letters and digits; counted, since an expression that counts them takes 2 MiB of memory
)

var (
	handleForm  = regexp.MustCompile(`^[a-z][a-z0-9_]{2,29}$`) // API reference, later endpoints: register
	tagForm     = regexp.MustCompile(`^#[\p{L}\p{N}_]+$`)
	nameForm    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	discordID   = regexp.MustCompile(`^[0-9]{1,20}$`) // a snowflake
	slackID     = regexp.MustCompile(`^[CGD][A-Z0-9]{2,}$`)
	slackClient = regexp.MustCompile(`^[0-9]+\.[0-9]+$`)
	botToken    = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)
	publicKey   = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
	timeOfDay   = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)
	accessEntry = regexp.MustCompile(`^(discord:(role|user)|slack:(user|group)):[A-Za-z0-9]+$`)
)

func (r *report) validate(c *Config, checks Checks) {
	r.origin("imagineanything.base_url", "base_url", c.ImagineAnything.BaseURL)
	r.origin("discord.api_url", "api_url", c.Discord.APIURL)
	r.origin("slack.api_url", "api_url", c.Slack.APIURL)
	r.agents(c.Agents)
	r.watched(c)
	r.poll(c.Poll)
	r.nats(c.NATS)
	r.listen("http.listen", "IMAGINEBRIDGE_LISTEN", c.HTTP.Listen)
	r.public(c.HTTP.PublicURL)
	r.discord(c.Discord)
	r.slack(c)
	r.access("access.write", c.Access.Write)
	r.access("access.admin", c.Access.Admin)
	if _, err := time.LoadLocation(c.Access.Zone); err != nil || c.Access.Zone == "" {
		r.add("access.zone", "no time zone %q; use names like Europe/Berlin.", c.Access.Zone)
	}
	if len(checks.Languages) > 0 && !slices.Contains(checks.Languages, c.Cards.Language) {
		r.add("cards.language", "no language %q; there are %s.", c.Cards.Language, strings.Join(checks.Languages, ", "))
	}
	for i := range c.Subscriptions {
		r.subscription(c, i, checks)
	}
	r.runtime(c.Runtime)
}

// origin checks that a base URL is a bare origin whose secrets do not travel in
// clear over a network (B29).
func (r *report) origin(path, key, text string) {
	u, ok := bareOrigin(text)
	switch {
	case !ok:
		r.add(path, "%s is a bare origin such as %s.", key, defaultOrigin(path))
	case u.Scheme == "http" && !loopback(u.Hostname()):
		r.add(path, "http sends your secret in clear; use https.")
	}
}

// bareOrigin reads a URL of scheme and host alone.
func bareOrigin(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	return u, err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") && strings.Trim(u.Path, "/") == "" &&
		u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

func (r *report) public(text string) {
	if _, ok := bareOrigin(text); text != "" && !ok {
		r.add("http.public_url", "public_url is a bare origin such as https://bridge.example.com.")
	}
}

func defaultOrigin(path string) string {
	d := defaults()
	switch path {
	case "discord.api_url":
		return d.Discord.APIURL
	case "slack.api_url":
		return d.Slack.APIURL
	}
	return d.ImagineAnything.BaseURL
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func (r *report) agents(agents []Agent) {
	lines := map[string]int{}
	for i, a := range agents {
		path := fmt.Sprintf("agents[%d]", i)
		switch {
		case a.Handle == "" && len(agents) > 1:
			r.add(path, "handle is missing; with several agents each needs one.")
		case a.Handle != "" && !handleForm.MatchString(a.Handle):
			r.add(path+".handle", "%q is not a handle; use the part after @: 3 to 30 of a–z, 0–9 and _, starting with a letter.", a.Handle)
		case a.Handle != "" && lines[a.Handle] > 0:
			r.add(path+".handle", "%q is already at line %d.", a.Handle, lines[a.Handle])
		}
		if a.Handle != "" && lines[a.Handle] == 0 {
			lines[a.Handle] = r.nearest(path + ".handle").line
		}
		r.credential(path+".client_id", idVariable, a.ClientID)
		r.credential(path+".client_secret", secretVariable, a.ClientSecret.Reveal())
	}
}

// credential checks that a required credential is there and is one word.
func (r *report) credential(path, variable, value string) {
	key := path[strings.LastIndex(path, ".")+1:]
	fromEnv := r.nearest(path).env != ""
	switch {
	case value == "" && fromEnv:
		r.problems = append(r.problems, Problem{Text: variable + " is not set; the other half is. Set both (see README, \"Two minutes\")."})
	case value == "":
		r.add(path[:len(path)-len(key)-1], "%s is missing; it comes with the agent's credentials.", key)
	case strings.ContainsAny(value, " \t\r\n\"'"):
		r.addVerb(path, "holds a space or a quote; copy the value alone.")
	}
}

func (r *report) poll(p Poll) {
	for _, f := range []struct {
		key   string
		value Duration
	}{{"notifications", p.Notifications}, {"messages", p.Messages}, {"generations", p.Generations}, {"ceiling", p.Ceiling}, {"posts", p.Posts}} {
		path := "poll." + f.key
		switch {
		case f.value < minInterval:
			r.add(path, "%s is below the smallest interval %s; the API allows 100 reads a minute.", f.value, minInterval)
		case (f.key == "notifications" || f.key == "messages") && f.value > p.Ceiling:
			r.ceiling(path, f.value, p.Ceiling)
		}
	}
}

// watched checks what is watched on wish.
func (r *report) watched(c *Config) {
	for _, f := range []struct {
		key   string
		value Duration
	}{{"profile", c.Poll.Profile}, {"listings", c.Poll.Listings}, {"orders", c.Poll.Orders}} {
		if f.value != 0 && f.value < minExtraInterval {
			r.add("poll."+f.key, "%s is below the smallest interval %s; 0s is never.", f.value, minExtraInterval)
		}
	}
	for i := range c.Agents {
		a, path := &c.Agents[i], fmt.Sprintf("agents[%d]", i)
		if len(a.Watch) > maxWatches {
			r.add(path+".watch", "%d watches are too many; %d is the most for one agent.", len(a.Watch), maxWatches)
		}
		r.watches(a.Watch, path+".watch")
		if u, err := url.Parse(c.HTTP.PublicURL); a.Hook && (err != nil || u.Scheme != "https") {
			r.add(path+".hook", "ImagineAnything calls an address that starts with https://; set http.public_url to the one that leads to this bridge, or remove hook.")
		}
	}
}

func (r *report) watches(watches []string, path string) {
	for i, w := range watches {
		at := fmt.Sprintf("%s[%d]", path, i)
		w = strings.TrimSpace(w)
		watches[i] = w
		same := slices.IndexFunc(watches[:i], func(o string) bool { return strings.EqualFold(o, w) })
		switch {
		case same >= 0:
			r.add(at, "%q is already in this list; remove one.", w)
		case strings.HasPrefix(w, "#") && (!tagForm.MatchString(w) || utf8.RuneCountInString(w) > 1+maxTag):
			r.add(at, "%q is not a tag; a tag is # and letters, digits and _.", w)
		case strings.HasPrefix(w, "@") && !handleForm.MatchString(w[1:]):
			r.add(at, "%q is not a handle; write @ and 3 to 30 of a–z, 0–9 and _, starting with a letter.", w)
		case w == "" || len(w) > maxSearch:
			r.add(at, "a search has 1 to %d characters; this has %d.", maxSearch, len(w))
		}
	}
}

// ceiling reports a ceiling below a floor at whichever of the two was written.
func (r *report) ceiling(path string, floor, ceiling Duration) {
	at := "poll.ceiling"
	if _, written := r.origins[at]; !written {
		at = path
	}
	r.add(at, "poll.ceiling (%s) is shorter than %s (%s); make the ceiling the longer one.", ceiling, path, floor)
}

func (r *report) nats(n NATS) {
	if n.URL != "" {
		for text := range strings.SplitSeq(n.URL, ",") {
			u, err := url.Parse(strings.TrimSpace(text))
			if err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
				r.add("nats.url", "a NATS address looks like nats://host:4222 or tls://host:4222.")
				break
			}
		}
	}
	if n.Creds != "" && n.URL == "" {
		r.add("nats.creds", "a credentials file belongs to a server elsewhere; set nats.url too, or remove it.")
	}
	r.listen("nats.listen", "IMAGINEBRIDGE_NATS_LISTEN", n.Listen)
	if n.Store < 8<<20 {
		r.add("nats.store", "%s is too little for the streams; 8MiB is the least, 1GiB the default.", n.Store)
	}
	if n.Keep < Duration(time.Minute) {
		r.add("nats.keep", "%s would drop events before they are delivered; 1m is the least, 720h the default.", n.Keep)
	}
}

func (r *report) listen(path, variable, address string) {
	if address == "off" {
		return
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "" {
		r.add(path, "%q is not an address; write host:port such as 127.0.0.1:8480, or off.", address)
		return
	}
	if path == "nats.listen" && !loopback(host) {
		r.add(path, "%s is not on this machine; the embedded NATS has no TLS. Use 127.0.0.1, or run a NATS server and set nats.url (or change %s).", host, variable)
	}
}

func (r *report) discord(d Discord) {
	if token := d.BotToken.Reveal(); token != "" && !botToken.MatchString(token) {
		r.addVerb("discord.bot_token", "does not look like a bot token (three parts with dots). Copy it from Developer Portal → Bot → Reset Token.")
	}
	if d.PublicKey != "" && !publicKey.MatchString(d.PublicKey) {
		r.addVerb("discord.public_key", "must be 64 hex digits; this has %d. It is on the application's General Information page.", len(d.PublicKey))
	}
	if d.ApplicationID != "" && !discordID.MatchString(d.ApplicationID) {
		r.addVerb("discord.application_id", "must be a number. It is on the application's General Information page.")
	}
}

// slackKinds are the prefixes that tell Slack's tokens apart.
var slackKinds = map[string]string{"xapp-": "an app-level token", "xoxb-": "a bot token", "xoxp-": "a user token", "xoxe.": "a rotated token"}

func (r *report) slack(c *Config) {
	s := c.Slack
	r.slackToken("slack.bot_token", s.BotToken.Reveal(), []string{"xoxb-", "xoxe."}, "The bot token starts with xoxb- and is under OAuth & Permissions.")
	r.slackToken("slack.app_token", s.AppToken.Reveal(), []string{"xapp-"}, "The app-level token starts with xapp- and is under Basic Information → App-Level Tokens.")
	switch {
	case s.ClientID == "" && s.ClientSecret.IsZero():
	case s.ClientID == "":
		r.add("slack.client_secret", "client_id is missing beside it. Both are under Basic Information → App Credentials.")
	case !slackClient.MatchString(s.ClientID):
		r.add("slack.client_id", "is no client ID: two numbers with a dot. It is under Basic Information → App Credentials.")
	case s.ClientSecret.IsZero():
		r.add("slack.client_id", "client_secret is missing beside it. Both are under Basic Information → App Credentials.")
	case c.HTTP.PublicURL == "":
		r.add("slack.client_id", "installing the app needs http.public_url, the address by which browsers and Slack reach the bridge.")
	case s.SigningSecret.IsZero() && s.AppToken.IsZero():
		r.add("slack.client_id", "what Slack sends needs signing_secret, which is under Basic Information → App Credentials (or app_token, for Socket Mode).")
	}
}

func (r *report) slackToken(path, token string, want []string, remedy string) {
	if token == "" || slices.ContainsFunc(want, func(p string) bool { return strings.HasPrefix(token, p) }) {
		if strings.ContainsAny(token, " \t\r\n\"'") {
			r.addVerb(path, "holds a space or a quote; copy the token alone.")
		}
		return
	}
	for prefix, kind := range slackKinds {
		if strings.HasPrefix(token, prefix) {
			r.addVerb(path, "holds %s (%s…). %s", kind, prefix, remedy)
			return
		}
	}
	r.addVerb(path, "does not look like a Slack token. %s", remedy)
}

func (r *report) access(path string, entries []string) {
	for i, e := range entries {
		if !accessEntry.MatchString(e) {
			r.add(fmt.Sprintf("%s[%d]", path, i), "%q names nobody; write discord:role:ID, discord:user:ID, slack:user:ID or slack:group:ID.", e)
		}
	}
}

// minConsoleToken is how many letters a token has that nobody guesses.
const minConsoleToken = 16

func (r *report) runtime(rt Runtime) {
	if t := rt.ConsoleToken; !t.IsZero() && len(t.Reveal()) < minConsoleToken {
		r.addVerb("console token", "is too short; it has to have %d letters at least. Make one: openssl rand -hex 16.", minConsoleToken)
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, rt.LogLevel) {
		r.addVerb("log level", "is %q; it may be debug, info, warn or error.", rt.LogLevel)
	}
	if !slices.Contains([]string{"text", "json"}, rt.LogFormat) {
		r.addVerb("log format", "is %q; it may be text or json.", rt.LogFormat)
	}
}

// signingSecret reports whether a text is a webhook signing secret (Standard
// Webhooks 1.0: whsec_ and 24 to 64 bytes in base64).
func signingSecret(text string) bool {
	body, ok := strings.CutPrefix(text, "whsec_")
	raw, err := base64.StdEncoding.DecodeString(cmp.Or(body, "!"))
	return ok && err == nil && len(raw) >= 24 && len(raw) <= 64
}
