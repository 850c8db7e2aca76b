// Package fetch reads what lies at web addresses that somebody else names, and
// guards the own network from them.
//
// [Guarded] is the transport for every such address; a [Fetcher] reads files
// through it. The package must not know what the files are for.
package fetch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	answerTime = 15 * time.Second
	fileTime   = 2 * time.Minute // for a whole file
	maxHops    = 3               // redirects
	headSize   = 512             // bytes that tell what a file is
)

// Fetcher reads files. Its methods may be used at the same time.
type Fetcher struct {
	client  *http.Client
	private bool
}

// New makes a Fetcher. Where private addresses are allowed, so is plain http.
func New(allowPrivate bool) *Fetcher {
	f := &Fetcher{private: allowPrivate}
	f.client = &http.Client{Transport: Guarded(allowPrivate, answerTime), CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > maxHops {
			return &Error{Reason: fmt.Sprintf("it was sent on more than %d times", maxHops)}
		}
		r.Header.Del("Referer")
		return f.takes(r.URL)
	}}
	return f
}

// Error says why a file was not read, in the second half of a sentence for people.
type Error struct{ Reason string }

// Error is the sentence.
func (e *Error) Error() string { return "fetch a file: " + e.Reason }

// Wanted is what a file may be.
type Wanted struct {
	Types []string // media types
	Bytes int64    // the most
}

// Check says what is wrong with an address before anything is sent. The error is
// an *Error.
func (f *Fetcher) Check(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return &Error{Reason: "the address can't be read"}
	}
	return f.takes(u)
}

func (f *Fetcher) takes(u *url.URL) error {
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || !f.private):
		return &Error{Reason: "the address has to begin with https://"}
	case u.Host == "":
		return &Error{Reason: "the address has no host"}
	case u.User != nil:
		return &Error{Reason: "the address must not carry a password"}
	}
	return nil
}

// Open begins to read a file. It has to be one of the wanted types, by its own
// bytes; what they don't tell is believed to be what the server says. Reading
// ends with an *Error where the file is longer than wanted. All of it, redirects
// too, has to come within two minutes. Errors are *Error.
func (f *Fetcher) Open(ctx context.Context, address string, want Wanted) (io.ReadCloser, error) {
	if err := f.Check(address); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, fileTime)
	body, err := f.open(ctx, address, want)
	if err != nil {
		cancel()
		return nil, err
	}
	body.cancel = cancel
	return body, nil
}

func (f *Fetcher) open(ctx context.Context, address string, want Wanted) (*file, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &Error{Reason: "the address can't be read"}
	}
	r.Header.Set("Accept", strings.Join(want.Types, ", "))
	r.Header.Set("User-Agent", "ImagineBridge")
	resp, err := f.client.Do(r)
	if err != nil {
		return nil, told(r.URL.Hostname(), err)
	}
	head := bufio.NewReaderSize(resp.Body, headSize)
	first, _ := head.Peek(headSize) // what is wrong with the body shows when it is read
	kind := sniff(first, resp.Header.Get("Content-Type"))
	var wrong string
	switch {
	case resp.StatusCode != http.StatusOK:
		wrong = fmt.Sprintf("%s answered %d", r.URL.Hostname(), resp.StatusCode)
	case resp.ContentLength > want.Bytes:
		wrong = tooLong(want.Bytes)
	case !slices.Contains(want.Types, kind):
		wrong = fmt.Sprintf("it is %s, and %s is wanted", kind, strings.Join(want.Types, " or "))
	default:
		return &file{head: head, body: resp.Body, left: want.Bytes, most: want.Bytes}, nil
	}
	_ = resp.Body.Close() // nothing in it is wanted
	return nil, &Error{Reason: wrong}
}

// told is a failed request without what may quote the address.
func told(host string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	switch {
	case Refused(err):
		return &Error{Reason: host + " leads to a private address or a port other than 80, 443 and 8443, refused to protect this network"}
	case errors.Is(err, context.Canceled):
		return &Error{Reason: "it was interrupted"}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Reason: host + " did not answer in time"}
	}
	return &Error{Reason: host + " can't be reached"}
}

func tooLong(most int64) string { return fmt.Sprintf("it is larger than %d MB", most/1_000_000) }

// sniff tells a file's type by its first bytes, or as it is said to be.
func sniff(first []byte, said string) string {
	if len(first) >= 12 && string(first[4:8]) == "ftyp" {
		if string(first[8:12]) == "qt  " {
			return "video/quicktime"
		}
		return "video/mp4"
	}
	kind, _, _ := strings.Cut(http.DetectContentType(first), ";")
	if kind == "application/octet-stream" {
		kind, _, _ = strings.Cut(said, ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
	}
	if strings.ContainsFunc(kind, func(r rune) bool { return r < '!' || r > '~' }) || len(kind) > 60 || kind == "" {
		return "application/octet-stream"
	}
	return kind
}

// file is a body with an end.
type file struct {
	head       *bufio.Reader
	body       io.Closer
	left, most int64
	cancel     context.CancelFunc
}

// Read implements io.Reader.
func (f *file) Read(p []byte) (int, error) {
	n, err := f.head.Read(p)
	if f.left -= int64(n); f.left < 0 {
		return 0, &Error{Reason: tooLong(f.most)}
	}
	return n, err
}

// Close implements io.Closer.
func (f *file) Close() error {
	f.cancel()
	return f.body.Close()
}
