package imagine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// File is a file to upload. It is streamed: only its first bytes are ever in memory. An upload can be repeated after a 401, a 429
// or a lost connection only where Content is an io.Seeker; otherwise the error comes back at once.
type File struct {
	Name        string        // shown to nobody; a path is cut to its last part
	ContentType string        // used where the bytes do not tell
	Size        int64         // 0 or less: not known
	Duration    time.Duration // of a video, where known
	Content     io.Reader
}

// fileRules is what the API takes as one kind of upload (API reference, "Enums and limits").
type fileRules struct {
	what, types string
	kinds       []string
	size        int64
	duration    time.Duration
}

var (
	imageKinds  = []string{"image/jpeg", "image/png", "image/gif", "image/webp"}
	videoKinds  = []string{"video/mp4", "video/webm", "video/quicktime"}
	imageRules  = fileRules{what: "image", types: "JPEG, PNG, GIF or WebP", kinds: imageKinds, size: 10_000_000}
	avatarRules = fileRules{what: "avatar", types: "JPEG, PNG, GIF or WebP", kinds: imageKinds, size: 5_000_000}
	videoRules  = fileRules{what: "video", types: "MP4, WebM or QuickTime", kinds: videoKinds, size: 50_000_000, duration: 180 * time.Second}
	byteRules   = fileRules{what: "byte's video", types: "MP4, WebM or QuickTime", kinds: videoKinds, size: 100_000_000, duration: 60 * time.Second}
)

func (r fileRules) tooLarge(n int64) error {
	return &ArgError{Arg: "file", Got: int(n), Limit: int(r.size), Reason: fmt.Sprintf("the file has %d bytes, the %s may have %d", n, r.what, r.size)}
}

const sniffed = 512

// upload is a multipart body around a streamed file.
type upload struct {
	rules      fileRules
	size       int64 // of the file, -1 when not known
	head, tail []byte
	kind       string // content type of the whole body
	content    io.Reader
	peeked     []byte    // the first bytes of content, read already
	seek       io.Seeker // content, where it can be read again
	start      int64     // where it began
	last       *sending
}

func newUpload(f File, rules fileRules, purpose string) (*upload, error) {
	switch {
	case f.Content == nil:
		return nil, &ArgError{Arg: "file", Reason: "the file is missing"}
	case f.Size > rules.size:
		return nil, rules.tooLarge(f.Size)
	case rules.duration > 0 && f.Duration > rules.duration:
		return nil, &ArgError{
			Arg: "file", Got: int(f.Duration.Seconds()), Limit: int(rules.duration.Seconds()),
			Reason: fmt.Sprintf("the video runs %.0f s, the %s may run %.0f s", f.Duration.Seconds(), rules.what, rules.duration.Seconds()),
		}
	}
	u := &upload{rules: rules, size: f.Size, content: f.Content}
	if u.size <= 0 {
		u.size = -1
	}
	if s, ok := f.Content.(io.Seeker); ok {
		if at, err := s.Seek(0, io.SeekCurrent); err == nil {
			u.seek, u.start = s, at
		}
	}
	u.peeked = make([]byte, sniffed)
	n, err := io.ReadFull(f.Content, u.peeked)
	u.peeked = u.peeked[:n]
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.New("the file cannot be read")
	}
	if n == 0 {
		return nil, &ArgError{Arg: "file", Reason: "the file is empty"}
	}
	kind := sniff(u.peeked, f.ContentType)
	if !slices.Contains(rules.kinds, kind) {
		return nil, &ArgError{Arg: "file", Reason: fmt.Sprintf("the %s has to be %s", rules.what, rules.types)}
	}
	return u, u.frame(fileName(f.Name), kind, purpose)
}

// frame writes what stands before and behind the file in the body.
func (u *upload) frame(name, kind, purpose string) error {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if purpose != "" {
		if err := w.WriteField("purpose", purpose); err != nil {
			return fmt.Errorf("write the form: %w", err)
		}
	}
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", multipart.FileContentDisposition("file", name))
	h.Set("Content-Type", kind)
	if _, err := w.CreatePart(h); err != nil {
		return fmt.Errorf("write the form: %w", err)
	}
	u.head, u.kind = bytes.Clone(b.Bytes()), w.FormDataContentType()
	b.Reset()
	if err := w.Close(); err != nil {
		return fmt.Errorf("write the form: %w", err)
	}
	u.tail = b.Bytes()
	return nil
}

// fileName keeps the last part of a path and what is harmless in it.
func fileName(s string) string {
	s = path.Base(strings.ReplaceAll(s, `\`, "/"))
	s = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._- ", r) {
			return r
		}
		return -1
	}, s)
	if r := []rune(strings.Trim(s, ". ")); len(r) > 0 {
		return string(r[max(0, len(r)-100):])
	}
	return "file"
}

// sniff judges by the bytes, as the service does. What it does not know is what it is said to be, unless it is plainly text.
func sniff(head []byte, said string) string {
	if len(head) >= 12 && string(head[4:8]) == "ftyp" {
		if string(head[8:12]) == "qt  " {
			return "video/quicktime"
		}
		return "video/mp4"
	}
	kind, _, _ := strings.Cut(http.DetectContentType(head), ";")
	if kind == "application/octet-stream" {
		kind, _, _ = strings.Cut(said, ";")
	}
	return strings.TrimSpace(strings.ToLower(kind))
}

// open gives the body, its length (-1 when not known) and its content type.
func (u *upload) open() (io.ReadCloser, int64, string) {
	size := int64(-1)
	if u.size >= 0 {
		size = int64(len(u.head)) + u.size + int64(len(u.tail))
	}
	u.last = &sending{u: u, file: io.MultiReader(bytes.NewReader(u.peeked), u.content), busy: make(chan struct{}, 1), closed: make(chan struct{})}
	u.last.whole = io.MultiReader(bytes.NewReader(u.head), (*counted)(u.last), bytes.NewReader(u.tail))
	return u.last, size, u.kind
}

// sending is one attempt's body. The transport may go on reading it after the reply has come, until it closes it.
type sending struct {
	u     *upload
	whole io.Reader
	file  io.Reader

	busy   chan struct{} // held while the file is read
	closed chan struct{}
	once   sync.Once

	mu      sync.Mutex
	read    int64 // bytes of the file
	touched bool
	err     error // of the file, not of the network
}

func (s *sending) Read(p []byte) (int, error) {
	s.busy <- struct{}{}
	defer func() { <-s.busy }()
	select {
	case <-s.closed:
		return 0, io.ErrClosedPipe
	default:
		return s.whole.Read(p)
	}
}

func (s *sending) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// counted reads the file and stops where it is larger than allowed, or not as large as said.
type counted sending

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.file.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.touched = true
	c.read += int64(n)
	switch u := c.u; {
	case c.read > u.rules.size:
		c.err = u.rules.tooLarge(c.read)
	case u.size >= 0 && (c.read > u.size || errors.Is(err, io.EOF) && c.read < u.size):
		c.err = &ArgError{Arg: "file", Got: int(c.read), Limit: int(u.size), Reason: "the file is not as large as was said"}
	case err != nil && !errors.Is(err, io.EOF):
		c.err = errors.New("the file cannot be read to its end")
	default:
		return n, err
	}
	return 0, c.err
}

// state is what the last attempt did with the file.
func (u *upload) state() (read int64, touched bool, err error) {
	if u == nil || u.last == nil {
		return 0, false, nil
	}
	u.last.mu.Lock()
	defer u.last.mu.Unlock()
	return u.last.read, u.last.touched, u.last.err
}

// failed is the error of the file itself, if that ended the upload.
func (u *upload) failed() error {
	_, _, err := u.state()
	return err
}

// rewind makes the body ready to be sent again, once the transport has let go of it, and reports whether that can be.
func (u *upload) rewind(ctx context.Context) bool {
	_, touched, err := u.state()
	if !touched {
		return true
	}
	if u.seek == nil || err != nil {
		return false
	}
	select {
	case <-u.last.closed:
	case <-ctx.Done():
		return false
	}
	select {
	case u.last.busy <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	_, err = u.seek.Seek(u.start+int64(len(u.peeked)), io.SeekStart)
	return err == nil
}

// time is how long the upload may take: the usual, and a second for each 50 kB.
func (u *upload) time() time.Duration {
	n := u.size
	if n < 0 {
		n = u.rules.size
	}
	return callTime + time.Duration(n/50_000)*time.Second
}

// explain puts the file's size into a 413, and gives the file's own error where that was the cause.
func (u *upload) explain(err error) error {
	read, _, failed := u.state()
	if failed != nil {
		return failed
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusRequestEntityTooLarge {
		e.Message = fmt.Sprintf("the server does not take a file of %d bytes", max(u.size, read))
	}
	return err
}
