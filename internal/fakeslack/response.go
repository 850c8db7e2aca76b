package fakeslack

import (
	"crypto/rand"
	"io"
	"net/http"
	"strings"
	"time"
)

// responseURL lets the app answer a person: five times within thirty minutes, once a second.
type responseURL struct {
	home     *Workspace
	channel  string
	user     string
	original string // ts of the message acted on, empty for commands
	expires  time.Time
	uses     int
	last     time.Time
}

const (
	responseUses = 5
	responseLife = 30 * time.Minute
)

// newResponseURL makes one. The caller holds mu.
func (s *Server) newResponseURL(home *Workspace, channelID, userID, original string) string {
	ticket := rand.Text()
	s.responses[ticket] = &responseURL{home: home, channel: channelID, user: userID, original: original, expires: s.opt.Now().Add(responseLife)}
	return s.URL() + "/commands/" + home.ID + "/" + ticket
}

func (s *Server) serveResponseURL(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		writePage(w, http.StatusRequestEntityTooLarge)
		return
	}
	s.mu.Lock()
	c := &call{s: s, method: "response_url", now: s.opt.Now()}
	c.find(r)
	var own answer
	t := s.troubleFor(c.method, c.team(), "")
	if t == nil || t.Effect || t.honest() {
		own = s.respond(c, r, body)
	}
	if own.err != nil {
		s.fault(Fault{Method: c.method, Workspace: c.team(), Code: own.err.code, Detail: own.err.detail})
	}
	s.log(c, own, t)
	s.mu.Unlock()

	if t != nil {
		s.play(w, r, t, own)
		return
	}
	own.write(w)
}

// find looks the address up; it stands for the token of its workspace.
func (c *call) find(r *http.Request) *responseURL {
	u := c.s.responses[r.PathValue("ticket")]
	if u == nil || u.home.ID != r.PathValue("team") {
		return nil
	}
	c.tok = &token{kind: kindBot, home: u.home}
	return u
}

// respond checks and does one use. The caller holds mu.
func (s *Server) respond(c *call, r *http.Request, body []byte) answer {
	u := c.find(r)
	if u == nil {
		return httpRefusal(http.StatusNotFound, "invalid_url", "unknown response_url")
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return httpRefusal(http.StatusBadRequest, "invalid_payload", "no JSON content type")
	}
	a, _, err := decodeArgs(r.Header.Get("Content-Type"), body)
	if err != nil {
		return httpRefusal(http.StatusBadRequest, "invalid_payload", err.Error())
	}
	c.args = a
	switch {
	case c.now.After(u.expires):
		return httpRefusal(http.StatusNotFound, "expired_url", "after thirty minutes")
	case u.uses >= responseUses:
		return httpRefusal(http.StatusNotFound, "used_url", "a sixth use")
	case !s.opt.Limits.Off && c.now.Sub(u.last) < time.Second-s.limiter.opt.Tolerance:
		tooFast := tooMany(time.Second - c.now.Sub(u.last))
		return tooFast
	}
	own := s.answerPerson(c, u)
	if own.err == nil {
		u.uses++
		u.last = c.now
	} else {
		own.status = http.StatusBadRequest
	}
	return own
}

func httpRefusal(status int, code, detail string) answer {
	a := refuse(code, "%s", detail)
	a.status = status
	return a
}

// answerPerson posts, replaces or deletes by a response_url. It works where the app is no member.
func (s *Server) answerPerson(c *call, u *responseURL) answer {
	ch := s.channels[u.channel]
	if ch == nil {
		return refuse("channel_not_found", "%s", u.channel)
	}
	if c.args.flag("delete_original") {
		if u.original == "" {
			return refuse("message_not_found", "no original")
		}
		ch.drop(u.original)
		return answer{}
	}
	if meta, ok := c.args.json("metadata"); ok {
		if obj, isObject := meta.(map[string]any); isObject && obj["event_type"] == "" {
			delete(c.args, "metadata") // what slack-go sends for none
		}
	}
	m, no := c.compose(ch)
	if no != nil {
		return *no
	}
	if c.args.flag("replace_original") {
		for _, old := range ch.messages {
			if old.TS == u.original {
				old.Text, old.blocks = m.Text, m.blocks
				old.Edits++
				return answer{}
			}
		}
		return refuse("message_not_found", "no original to replace")
	}
	if c.args.str("response_type") != "in_channel" {
		m.Ephemeral = u.user
	}
	c.thread(ch, m)
	s.store(ch, m)
	return answer{}
}
