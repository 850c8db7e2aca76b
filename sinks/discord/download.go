package discord

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

const (
	cdnHost   = "cdn.discordapp.com"
	mediaHost = "media.discordapp.net"
	maxFile   = 100_000_000 // bytes, the most that any command takes
)

// downloads are files that people attached, fetched when the command reads them.
func (s *Sink) downloads(list []attachment) []command.File {
	var out []command.File
	for _, a := range list {
		out = append(out, command.File{
			Name: a.Name, ContentType: a.Type, Size: a.Size,
			Open: func(ctx context.Context) (io.ReadCloser, error) { return s.download(ctx, a) },
		})
	}
	return out
}

// download fetches an attachment, from Discord's own file hosts only and without
// following anybody elsewhere. Errors are *command.Problem.
func (s *Sink) download(ctx context.Context, a attachment) (io.ReadCloser, error) {
	address, err := s.fileURL(a.URL)
	if err != nil {
		return nil, fileProblem("it is not one of Discord's own files")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fileProblem("its address can't be read")
	}
	r.Header.Set("User-Agent", s.rest.library.UserAgent)
	resp, err := (&http.Client{Transport: s.rest.next, CheckRedirect: noRedirect}).Do(r)
	if err != nil {
		return nil, fileProblem("Discord did not give it out")
	}
	if resp.StatusCode != http.StatusOK || resp.ContentLength > maxFile {
		_ = resp.Body.Close() // nothing in it is wanted
		switch resp.StatusCode {
		case http.StatusOK:
			return nil, fileProblem("it is larger than any command takes")
		case http.StatusForbidden, http.StatusNotFound:
			return nil, fileProblem("Discord keeps it no longer")
		}
		return nil, fileProblem(fmt.Sprintf("Discord answered %d", resp.StatusCode))
	}
	most := int64(maxFile)
	if a.Size > 0 {
		most = min(most, a.Size)
	}
	return &measured{body: resp.Body, left: most}, nil
}

func fileProblem(why string) *command.Problem {
	return &command.Problem{Code: 400, Status: "file", Message: "The file could not be read: " + why + ".", Hint: "Attach it again."}
}

// fileURL lets Discord's file hosts pass, and this bridge's configured origin.
func (s *Sink) fileURL(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil {
		return "", errElsewhere
	}
	ours := u.Scheme == s.rest.base.Scheme && u.Host == s.rest.base.Host
	theirs := u.Scheme == "https" && (strings.EqualFold(u.Host, cdnHost) || strings.EqualFold(u.Host, mediaHost))
	if !ours && !theirs || ours && strings.HasPrefix(u.Path, "/api/") {
		return "", errElsewhere
	}
	return u.String(), nil
}

var errElsewhere = errors.New("not an address of Discord's files")

// measured ends with an error where a file is longer than was told.
type measured struct {
	body io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (m *measured) Read(p []byte) (int, error) {
	n, err := m.body.Read(p)
	if m.left -= int64(n); m.left < 0 {
		return 0, fileProblem("it is larger than Discord said")
	}
	return n, err
}

// Close implements io.Closer.
func (m *measured) Close() error { return m.body.Close() }
