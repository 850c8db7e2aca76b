package discord

import (
	"net"
	"net/url"
	"strings"
)

// OptionError is a setting that can't be used.
type OptionError struct {
	Option  string // as the configuration file spells it: "discord.api_url"
	Problem string // what is wrong and what to do, without the value where it is secret
}

// Error implements error.
func (e *OptionError) Error() string { return e.Option + ": " + e.Problem }

// DefaultAPIURL is Discord's own origin.
const DefaultAPIURL = "https://discord.com"

// ParseOrigin checks discord.api_url: a bare origin, with https, or with http on
// this machine only, since the bot token travels on it. Errors are *OptionError.
func ParseOrigin(raw string) (*url.URL, error) {
	problem := func(text string) (*url.URL, error) {
		return nil, &OptionError{Option: "discord.api_url", Problem: text}
	}
	u, err := url.Parse(strings.TrimRight(raw, "/"))
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return problem("this is no address; write a bare origin such as https://discord.com")
	case u.User != nil:
		return problem("an origin carries no user or password; the bot token goes into discord.bot_token")
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		return problem("write the origin alone, such as https://discord.com; /api/v10 is added by itself")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return problem("http sends the bot token in clear; use https, or an address of this machine")
	case u.Scheme != "https" && u.Scheme != "http":
		return problem("an origin starts with https://")
	}
	return u, nil
}

// parseGateway checks the address that Discord gave for its gateway: encrypted
// wherever the REST API is, since Identify carries the token.
func parseGateway(raw string, origin *url.URL) (*url.URL, error) {
	u, err := url.Parse(raw)
	secure := err == nil && u.Scheme == "wss"
	local := err == nil && u.Scheme == "ws" && origin.Scheme == "http" && loopback(u.Hostname())
	if err != nil || u.Hostname() == "" || u.User != nil || !secure && !local {
		return nil, &OptionError{Option: "discord.api_url", Problem: "its gateway address is refused: it must begin with wss:// (ws:// only on this machine)"}
	}
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
