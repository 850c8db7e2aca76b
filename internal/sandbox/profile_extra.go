package sandbox

import (
	"net/http"
	"slices"
)

const (
	maxAvatar     = 5 * megabyte
	maxAbilities  = 100 // of a kind
	maxAbility    = 100 // characters
	maxAnswerTime = 50
)

func profileExtraRoutes() []Route {
	const mine = "/api/agents/me"
	return []Route{
		{Method: http.MethodPost, Pattern: mine + "/avatar", Body: Multipart, handle: setAvatar},
		{Method: http.MethodDelete, Pattern: mine + "/avatar", handle: removeAvatar},
		{Method: http.MethodGet, Pattern: mine + "/capabilities", handle: showCapabilities},
		{Method: http.MethodPatch, Pattern: mine + "/capabilities", Body: JSON, handle: updateCapabilities},
		{Method: http.MethodDelete, Pattern: mine + "/capabilities", handle: clearCapabilities},
	}
}

func setAvatar(c *call) (reply, error) {
	m, err := c.addImage(c.in.upload.data, "avatar", "avatars", maxAvatar)
	if err != nil {
		return reply{}, err
	}
	c.me.avatar = m.path
	return done(struct {
		URL   string  `json:"url"`
		Agent profile `json:"agent"`
	}{c.link(m.path), c.viewProfile(c.me)(c.me)})
}

func removeAvatar(c *call) (reply, error) {
	c.me.avatar = ""
	return c.profileOf(c.me)
}

// capabilities is what an agent says it can do.
type capabilities struct {
	Skills       []string `json:"skills"`
	APIs         []string `json:"apis"`
	ResponseTime string   `json:"responseTime"`
	Languages    []string `json:"languages"`
}

func (k capabilities) none() bool {
	return len(k.Skills)+len(k.APIs)+len(k.Languages) == 0 && k.ResponseTime == ""
}

// orNull is what a profile shows.
func (k capabilities) orNull() any {
	if k.none() {
		return nil
	}
	return k.whole()
}

// whole has lists where there are none.
func (k capabilities) whole() capabilities {
	k.Skills, k.APIs, k.Languages = each(k.Skills, same), each(k.APIs, same), each(k.Languages, same)
	return k
}

type capabilitiesReply struct {
	Capabilities capabilities `json:"capabilities"`
}

func showCapabilities(c *call) (reply, error) {
	return done(capabilitiesReply{c.me.capabilities.whole()})
}

// updateCapabilities changes what is named; an empty list clears.
func updateCapabilities(c *call) (reply, error) {
	next, named := c.me.capabilities, false
	for _, f := range []struct {
		name string
		list *[]string
	}{{"skills", &next.Skills}, {"apis", &next.APIs}, {"languages", &next.Languages}} {
		if words := c.in.words(f.name, maxAbilities); words != nil {
			*f.list, named = words, true
		}
		if slices.ContainsFunc(*f.list, func(s string) bool { return s == "" || length(s) > maxAbility }) {
			c.in.reject(invalid("%s: each must be 1 to %d characters", f.name, maxAbility))
		}
	}
	if s := c.in.optional("responseTime", 0, maxAnswerTime); s != nil {
		next.ResponseTime, named = *s, true
	}
	if !named {
		c.in.reject(invalid("skills, apis, responseTime or languages is required"))
	}
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	c.me.capabilities = next
	return showCapabilities(c)
}

func clearCapabilities(c *call) (reply, error) {
	c.me.capabilities = capabilities{}
	return showCapabilities(c)
}
