package fakediscord

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"image"
	_ "image/gif"  // sizes of pictures
	_ "image/jpeg" // sizes of pictures
	_ "image/png"  // sizes of pictures
	"net/http"
	"slices"
	"strconv"
	"time"
)

// file is the content of an attachment.
type file struct {
	name, contentType string
	data              []byte
}

// fileLife is how long a signed attachment URL works.
const fileLife = 24 * time.Hour

// store keeps the uploads of a request and gives their attachment objects
// after those kept.
func (s *Server) store(c *call, ch *channel, refs []fileRef, kept []Attachment) []Attachment {
	out := slices.Clone(kept)
	if out == nil {
		out = []Attachment{}
	}
	for _, u := range c.files {
		kind := u.contentType
		if kind == "" || kind == "application/octet-stream" {
			kind = http.DetectContentType(u.data)
		}
		a := Attachment{ID: s.world.newID(s.now()), Filename: u.name, ContentType: kind, Size: len(u.data)}
		for _, ref := range refs {
			if string(ref.ID) == strconv.Itoa(u.n) {
				a.Description = ref.Description
				if ref.Filename != "" {
					a.Filename = ref.Filename
				}
			}
		}
		if size, _, err := image.DecodeConfig(bytes.NewReader(u.data)); err == nil {
			a.Width, a.Height = size.Width, size.Height
		}
		a.URL = "/cdn/attachments/" + ch.ID + "/" + a.ID + "/" + a.Filename
		s.world.files[a.ID] = file{a.Filename, kind, u.data}
		out = append(out, a)
	}
	return out
}

// keep gives the attachments an edit names, with what it says about them.
func keep(old []Attachment, refs []fileRef) []Attachment {
	out := []Attachment{}
	for _, a := range old {
		for _, ref := range refs {
			if string(ref.ID) == a.ID {
				if ref.Description != "" {
					a.Description = ref.Description
				}
				out = append(out, a)
			}
		}
	}
	return out
}

// signed gives attachments URLs that expire, as Discord does with every answer.
func (s *Server) signed(list []Attachment) []Attachment {
	out := make([]Attachment, len(list))
	expires := strconv.FormatInt(s.now().Add(fileLife).Unix(), 16)
	issued := strconv.FormatInt(s.now().Unix(), 16)
	for i, a := range list {
		a.URL = s.url + a.URL + "?ex=" + expires + "&is=" + issued + "&hm=" + s.fileMAC(a.URL, expires)
		a.ProxyURL = a.URL
		out[i] = a
	}
	return out
}

func (s *Server) fileMAC(path, expires string) string {
	h := hmac.New(sha256.New, []byte(s.opts.ApplicationID))
	h.Write([]byte(path + " " + expires))
	return hex.EncodeToString(h.Sum(nil))
}

// download serves an attachment while its signature lasts.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	f, found := s.world.files[r.PathValue("file_id")]
	q := r.URL.Query()
	expires, err := strconv.ParseInt(q.Get("ex"), 16, 64)
	valid := err == nil && s.now().Unix() < expires &&
		hmac.Equal([]byte(q.Get("hm")), []byte(s.fileMAC(r.URL.Path, q.Get("ex"))))
	s.mu.Unlock()
	if !found || !valid || f.name != r.PathValue("name") {
		http.Error(w, "This content is no longer available.", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", f.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(f.data)))
	_, _ = w.Write(f.data) // the caller may be gone
}
