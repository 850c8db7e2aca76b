package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxCap is as much as Discord and Slack take in one channel anyway.
const maxCap = 60

// catchUps are the ways to catch up after an outage.
var catchUps = []string{"digest", "all", "skip"}

// pace checks how a subscription's messages follow each other, and fills in how it
// catches up.
func (r *report) pace(s *Subscription, path string) {
	webhook := strings.HasPrefix(s.To, "webhook:")
	if s.DigestAt != (DigestAt{}) {
		r.digestAt(s, path)
	}
	if s.Cap > maxCap {
		r.add(path+".cap", "%d is no number of messages a minute; 1 to %d, or 0 for no cap.", s.Cap, maxCap)
	}
	if s.Fold != 0 && (s.Fold < Duration(time.Minute) || s.Fold > Duration(24*time.Hour)) {
		r.add(path+".fold", "%s is no span to fold in; 1m to 24h, 0s sends each event.", s.Fold)
	}
	if s.CatchUp != "" && !slices.Contains(catchUps, s.CatchUp) {
		r.add(path+".catch_up", "%q is no way to catch up%s", s.CatchUp, orStop(meant(s.CatchUp, catchUps)))
	}
	if s.Order != "" && s.Order != "strict" {
		r.add(path+".order", "%q is no order; write strict, or leave it out.", s.Order)
	}
	for _, f := range []struct {
		key string
		set bool
	}{
		{"digest", s.Digest != 0}, {"digest_at", s.DigestAt != (DigestAt{})}, {"cap", s.Cap != 0}, {"fold", s.Fold != 0}, {"catch_up", s.CatchUp == "digest"}, {"template", s.Template != ""},
	} {
		if webhook && f.set && !r.reported(path+"."+f.key) {
			r.add(path+"."+f.key, "a webhook gets each event by itself; remove %s.", f.key)
		}
	}
	if s.Order == "strict" && !webhook {
		r.add(path+".order", "order is always kept where people read; remove it.")
	}
	if s.CatchUp == "" {
		s.CatchUp = "digest"
		if webhook {
			s.CatchUp = "all"
		}
	}
}

func (r *report) digestAt(s *Subscription, path string) {
	at := path + ".digest_at"
	switch {
	case s.DigestAt.Time == "":
		r.add(at, "time is missing; write for example {time: \"09:00\", zone: Europe/Berlin}.")
	case !timeOfDay.MatchString(s.DigestAt.Time):
		r.add(at+".time", "%q is not a time of day (00:00–23:59).", s.DigestAt.Time)
	}
	if s.Digest != 0 {
		r.add(at, "digest and digest_at are both set; keep one.")
	}
	r.zone(s.DigestAt.Zone, at+".zone")
}

func (r *report) zone(name, path string) {
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		r.add(path, "no time zone %q; use names like Europe/Berlin.", name)
	}
}

// notify checks where a subscription's owner is told of troubles.
func (r *report) notify(c *Config, s *Subscription, path string) {
	scheme, place, _ := strings.Cut(s.Notify, ":")
	switch {
	case s.Notify == "":
	case s.Notify == s.To:
		r.add(path, "when %s refuses everything, it can't be told there; name another channel.", s.To)
	case scheme == "discord" && discordID.MatchString(place):
		r.needs(path, c.Discord.BotToken, "discord.bot_token", "DISCORD_BOT_TOKEN")
	case scheme == "slack" && slackID.MatchString(place):
		if !c.Slack.Installable() {
			r.needs(path, c.Slack.BotToken, "slack.bot_token", "SLACK_BOT_TOKEN")
		}
	default:
		r.add(path, "%s", fmt.Sprintf("%q is no channel; write discord:CHANNEL or slack:CHANNEL, with its number or ID.", s.Notify))
	}
}
