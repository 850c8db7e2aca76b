package fakediscord

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// call is one request on its way through the server.
type call struct {
	*http.Request
	route *route
	entry *Request
	at    time.Time
	body  any // decoded JSON, numbers as json.Number; nil without a body
	raw   []byte
	files []upload
}

// upload is one files[n] of a multipart request.
type upload struct {
	n           int
	name        string
	contentType string
	data        []byte
}

// object is the body as an object; empty when it is none.
func (c *call) object() map[string]any {
	m, _ := c.body.(map[string]any)
	return m
}

// has says whether the body names the field, be it null.
func (c *call) has(name string) bool {
	_, ok := c.object()[name]
	return ok
}

// decode reads a body whose form has been checked.
func decode[T any](raw []byte) T {
	var out T
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err) // the table let through what the type can't hold
	}
	return out
}

// maxBody is above Discord's 25 MiB a request.
const maxBody = 26 << 20

// read takes the body off the wire. It returns the rule and detail of what is
// wrong with its form, or a refusal.
func (c *call) read() (refusal *reply, rule, detail string) {
	kind, params, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	data, err := io.ReadAll(io.LimitReader(c.Body, maxBody))
	switch {
	case err != nil:
		return new(refuse(codeInvalidJSON)), "body", "cut off: " + err.Error()
	case len(data) > 25<<20:
		return new(refuse(codeTooLarge)), "body", "larger than 25 MiB"
	case c.route.body == nil:
		if len(bytes.TrimSpace(data)) > 0 {
			return nil, "body", "this route takes no body"
		}
		return nil, "", ""
	case kind == "application/json":
		c.raw = data
	case kind == "multipart/form-data" && c.route.multipart:
		if detail := c.readParts(data, params["boundary"]); detail != "" {
			return new(refuse(codeInvalidForm)), "multipart", detail
		}
	default:
		r := &report{}
		r.add("", "CONTENT_TYPE_INVALID", `Expected "Content-Type" header to be one of {'application/json', 'multipart/form-data'}.`)
		return new(malformed(r)), "content-type", c.Header.Get("Content-Type")
	}
	d := json.NewDecoder(bytes.NewReader(c.raw))
	d.UseNumber()
	if err := d.Decode(&c.body); err != nil || d.More() {
		return new(refuse(codeInvalidJSON)), "json", "the body is not one JSON value"
	}
	return nil, "", ""
}

var filesForm = regexp.MustCompile(`^files\[([0-9])\]$`)

func (c *call) readParts(data []byte, boundary string) string {
	parts := multipart.NewReader(bytes.NewReader(data), boundary)
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err.Error()
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return err.Error()
		}
		name := p.FormName()
		switch m := filesForm.FindStringSubmatch(name); {
		case name == "payload_json":
			c.raw = content
		case m != nil && p.FileName() != "":
			c.files = append(c.files, upload{int(m[1][0] - '0'), p.FileName(), p.Header.Get("Content-Type"), content})
		default:
			return "unknown part " + name
		}
	}
	if c.raw == nil {
		return "no payload_json"
	}
	return ""
}

// userAgentForm is that of the docs "User Agent": DiscordBot ($url, $version).
var userAgentForm = regexp.MustCompile(`^DiscordBot \(https?://[^\s,]+, v?[^\s()]+\)`)

// manners checks the headers every request must carry. It returns the broken
// rules with details.
func (c *call) manners() map[string]string {
	out := map[string]string{}
	if ua := c.UserAgent(); !userAgentForm.MatchString(ua) {
		out["user-agent"] = ua
	}
	if auth := c.Header.Get("Authorization"); !c.route.open && !strings.HasPrefix(auth, "Bot ") {
		out["authorization"] = "no Bot token"
	}
	return out
}
