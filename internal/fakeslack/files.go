package fakeslack

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// upload is one file on its way: ticket given, bytes received, completed.
type upload struct {
	id, name, title, alt string
	home                 *Workspace
	length               int
	data                 []byte
	done                 bool
}

// maxUpload bounds what the fake keeps of one file; Slack takes 1 GB.
const maxUpload = 64 << 20

func (c *call) uploadURL() answer {
	name, length := c.args.str("filename"), c.args.number("length", 0)
	switch {
	case name == "":
		return refuse("invalid_arguments", "no filename")
	case length < 1 || length > maxUpload:
		return refuse("invalid_arguments", "length %q", c.args.str("length"))
	case utf8.RuneCountInString(c.args.str("alt_txt")) > 1000:
		return refuse("alt_txt_too_large", "over 1,000 characters")
	}
	u := &upload{id: c.s.id("F"), name: name, alt: c.args.str("alt_txt"), home: c.tok.home, length: length}
	ticket := rand.Text()
	c.s.uploads[ticket] = u
	return answer{fields: map[string]any{"upload_url": c.s.URL() + "/upload/v1/" + ticket, "file_id": u.id}}
}

// serveUpload takes the bytes, raw or as one multipart file. The token has no business here.
func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxUpload+maxBody))
	if err != nil {
		writePage(w, http.StatusRequestEntityTooLarge)
		return
	}
	s.mu.Lock()
	code, detail := s.receive(r, body)
	if code != "" {
		s.fault(Fault{Method: "upload", Code: code, Detail: detail})
	}
	s.mu.Unlock()
	if code != "" {
		http.Error(w, code, http.StatusBadRequest)
		return
	}
	_, _ = fmt.Fprintf(w, "OK - %d", len(body))
}

func (s *Server) receive(r *http.Request, body []byte) (code, detail string) {
	u := s.uploads[r.PathValue("ticket")]
	if u == nil || u.done {
		return "upload_not_found", "unknown or completed"
	}
	if r.Header.Get("Authorization") != "" {
		s.fault(Fault{Method: "upload", Workspace: u.home.ID, Code: "token_sent_to_upload", Served: true})
	}
	data, err := fileBytes(r.Header.Get("Content-Type"), body)
	if err != nil {
		return "bad_upload", err.Error()
	}
	if len(data) != u.length {
		return "length_mismatch", fmt.Sprintf("announced %d bytes, got %d", u.length, len(data))
	}
	u.data = data
	s.touch()
	return "", ""
}

// fileBytes finds the file in an upload's body. A multipart body ends with its closing boundary, once.
func fileBytes(contentType string, body []byte) ([]byte, error) {
	kind, params, _ := mime.ParseMediaType(contentType)
	if kind != "multipart/form-data" {
		return body, nil
	}
	closing := []byte("--" + params["boundary"] + "--")
	if n := bytes.Count(body, closing); n != 1 {
		return nil, errors.New(strconv.Itoa(n) + " closing boundaries")
	}
	r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := r.NextPart()
		if err != nil {
			return nil, errors.New("no file in the multipart body")
		}
		if part.FileName() != "" {
			return io.ReadAll(part)
		}
	}
}

func (c *call) completeUpload() answer {
	v, ok := c.args.json("files")
	entries, isList := v.([]any)
	if !ok || !isList || len(entries) == 0 {
		return refuse("invalid_arguments", "files")
	}
	var done []*upload
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		u := c.s.uploadByID(entry["id"])
		if u == nil || u.home != c.tok.home || u.done || u.data == nil {
			return refuse("file_not_found", "%v: unknown, without bytes or completed", entry["id"])
		}
		u.title, _ = entry["title"].(string)
		done = append(done, u)
	}
	if id := c.args.str("channel_id"); id != "" {
		if no := c.share(id, done); no != nil {
			return *no
		}
	}
	var out []any
	for _, u := range done {
		u.done = true
		out = append(out, map[string]any{"id": u.id, "title": u.title, "name": u.name, "size": u.length, "alt_txt": u.alt})
	}
	return answer{fields: map[string]any{"files": out}} // without the message's ts: sharing is asynchronous
}

// share posts the message that carries the files.
func (c *call) share(channelID string, files []*upload) *answer {
	ch, no := c.postable(channelID)
	if no != nil {
		return no
	}
	m := &message{}
	m.Channel, m.User, m.BotID, m.Text = ch.id, c.tok.home.BotUser, c.tok.home.BotID, c.args.str("initial_comment")
	if no := c.setBlocks(m); no != nil {
		return no
	}
	for _, u := range files {
		m.Files = append(m.Files, strings.TrimSpace(u.title+" "+u.name))
	}
	c.thread(ch, m)
	c.s.store(ch, m)
	return nil
}

func (s *Server) uploadByID(id any) *upload {
	for _, u := range s.uploads {
		if u.id == id {
			return u
		}
	}
	return nil
}
