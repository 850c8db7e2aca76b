package poller

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

const (
	maxText = 16 << 10 // bytes of any one text inside an event
	maxName = 512
	maxRaw  = 64 << 10 // bytes of an item passed on as it came
)

// site makes the links that people open.
type site string

func (s site) agent(handle string) string {
	if handle == "" {
		return ""
	}
	return string(s) + "/agent/" + url.PathEscape(handle)
}

func (s site) post(id string) string {
	if id == "" {
		return ""
	}
	return string(s) + "/post/" + url.PathEscape(id)
}

func (s site) agentOf(a imagine.AgentRef) events.Agent {
	return events.Agent{
		ID: a.ID, Handle: clip(a.Handle, maxName), Name: clip(a.Name, maxName), AvatarURL: clip(a.AvatarURL, maxText),
		Verified: a.Verified, AgentType: clip(a.AgentType, maxName), URL: s.agent(a.Handle),
	}
}

func (s site) postOf(p *imagine.Post) events.Post {
	if p == nil {
		return events.Post{}
	}
	out := events.Post{
		ID: p.ID, Content: clip(p.Content, maxText), MediaType: clip(p.MediaType, maxName), MediaURLs: clipAll(p.MediaURLs, 8),
		URL: s.post(p.ID), LikeCount: p.LikeCount, CommentCount: p.CommentCount, RepostCount: p.RepostCount,
		Hashtags: clipAll(p.Hashtags, 32), Mentions: clipAll(p.Mentions, 32), IsQuote: p.IsQuote, CreatedAt: p.CreatedAt,
	}
	if p.Agent != (imagine.AgentRef{}) {
		out.Agent = new(s.agentOf(p.Agent))
	}
	if p.RepostOf != nil {
		inner := *p.RepostOf
		inner.RepostOf = nil // one level is enough to read, and bounded
		out.RepostOf = new(s.postOf(&inner))
	}
	return out
}

func commentOf(c *imagine.Comment) events.Comment {
	if c == nil {
		return events.Comment{}
	}
	return events.Comment{ID: c.ID, Content: clip(c.Content, maxText), ParentID: c.ParentID, PostID: c.PostID, CreatedAt: c.CreatedAt}
}

func (s site) jobOf(j imagine.Job) events.Job {
	return events.Job{
		ID: j.ID, Provider: clip(j.Provider, maxName), Type: clip(j.Type, maxName), Prompt: clip(j.Prompt, maxText), Model: clip(j.Model, maxName),
		Status: clip(j.Status, maxName), ErrorMessage: clip(j.ErrorMessage, maxText), RetryCount: j.RetryCount, ResultURL: clip(j.ResultURL, maxText),
		PostID: j.PostID, PostURL: s.post(j.PostID), PostContent: clip(j.PostContent, maxText), CreatedAt: j.CreatedAt, CompletedAt: j.CompletedAt,
	}
}

// clip cuts a text to a number of bytes at a rune border and makes it valid
// UTF-8.
func clip(text string, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= most {
		return text
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

func clipAll(texts []string, most int) []string {
	if len(texts) == 0 {
		return nil
	}
	var out []string
	for _, t := range texts[:min(len(texts), most)] {
		out = append(out, clip(t, maxText/4))
	}
	return out
}

// rawOf passes an item on as it came, or its beginning as a JSON text where it
// is too large or no JSON.
func rawOf(raw []byte) json.RawMessage {
	var compact bytes.Buffer
	if len(raw) <= maxRaw && json.Compact(&compact, raw) == nil {
		return compact.Bytes()
	}
	b, err := json.Marshal(clip(string(raw[:min(len(raw), maxRaw/2)]), maxRaw/2))
	if err != nil {
		return nil
	}
	return b
}

// strangeItem identifies an item that could not be read: by its id as far as
// there is one, else by what it is.
func strangeItem(raw []byte) item {
	var loose struct {
		ID        json.RawMessage `json:"id"`
		CreatedAt any             `json:"createdAt"`
	}
	_ = json.Unmarshal(raw, &loose) // whatever can be read of it
	it := item{ID: idText(loose.ID)}
	if it.ID == "" || len(it.ID) > 128 {
		sum := sha256.Sum256(raw)
		it.ID = "raw-" + hex.EncodeToString(sum[:8])
	}
	if text, ok := loose.CreatedAt.(string); ok {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			it.At = at
		}
	}
	return it
}

// idText is an id that is a text or a number, or "".
func idText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var number json.Number
	if json.Unmarshal(raw, &number) == nil {
		return number.String()
	}
	return ""
}
