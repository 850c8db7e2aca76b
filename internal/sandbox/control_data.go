package sandbox

import (
	"net/url"
	"slices"
	"time"
)

// maxBulk bounds one bulk addition.
const maxBulk = 10000

func (s *Sandbox) addBulk(body []byte) (any, error) {
	o, err := command[struct {
		Handle        string `json:"handle"`
		Notifications int    `json:"notifications"`
		Conversations int    `json:"conversations"`
		Messages      int    `json:"messages"` // in each conversation; 0 is one
		Jobs          int    `json:"jobs"`
		OlderThan     span   `json:"older_than"`
	}](body)
	if err != nil {
		return nil, err
	}
	for _, n := range []int{o.Notifications, o.Conversations, o.Jobs, o.Messages * o.Conversations} {
		if n < 0 || n > maxBulk {
			return nil, invalid("at most %d of each can be added at once", maxBulk)
		}
	}
	if !s.knows(o.Handle) {
		return nil, notFound("No such agent: %s", o.Handle)
	}
	old := time.Duration(o.OlderThan)
	return struct {
		Notifications []string `json:"notifications"`
		Conversations []string `json:"conversations"`
		Jobs          []string `json:"jobs"`
	}{
		s.AddNotifications(o.Handle, o.Notifications, old),
		s.AddConversations(o.Handle, o.Conversations, max(o.Messages, 1), old),
		s.AddJobs(o.Handle, o.Jobs, old),
	}, nil
}

func (s *Sandbox) knows(handle string) bool {
	w := s.enter()
	defer s.leave()
	return w.agents[handle] != nil
}

// changeLimits sets a limit, or spends from an agent's purse as its own program
// does; or both.
func (s *Sandbox) changeLimits(body []byte) (any, error) {
	o, err := command[struct {
		Class     Class  `json:"class"`
		PerMinute *int   `json:"per_minute"`
		Agent     string `json:"agent"`
		Spend     int    `json:"spend"`
	}](body)
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]Class{ClassAuth, ClassRead, ClassWrite, ClassUpload}, o.Class) {
		return nil, invalid("class must be auth, read, write or upload")
	}
	if o.Spend < 0 || o.Spend > maxBulk || (o.PerMinute != nil && *o.PerMinute < 0) {
		return nil, invalid("per_minute and spend must be 0 to %d", maxBulk)
	}
	if o.Spend > 0 && !s.knows(o.Agent) {
		return nil, notFound("No such agent: %s", o.Agent)
	}
	if o.PerMinute != nil {
		s.SetLimit(o.Class, *o.PerMinute)
	}
	if o.Spend > 0 {
		s.Spend(o.Agent, o.Class, o.Spend)
	}
	return success{true}, nil
}

// readJournal lists requests, or with violations=1 only what should not have
// been sent.
func (s *Sandbox) readJournal(query url.Values) (any, error) {
	agent := query.Get("agent")
	if query.Get("violations") != "" {
		list := slices.DeleteFunc(s.Violations(), func(v Violation) bool { return agent != "" && v.Agent != agent })
		return struct {
			Violations []Violation `json:"violations"`
		}{append([]Violation{}, list...)}, nil
	}
	list := slices.DeleteFunc(s.Journal(), func(e Entry) bool { return agent != "" && e.Agent != agent })
	return struct {
		Requests []Entry `json:"requests"`
	}{append([]Entry{}, list...)}, nil
}

func (s *Sandbox) readLedger(query url.Values) (any, error) {
	handle := query.Get("agent")
	if handle != "" && !s.knows(handle) {
		return nil, notFound("No such agent: %s", handle)
	}
	return struct {
		Happenings []Happening `json:"happenings"`
	}{append([]Happening{}, s.Happenings(handle)...)}, nil
}
