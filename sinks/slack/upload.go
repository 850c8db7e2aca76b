package slack

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

// errNoFile is a file that Slack does not hand out.
var errNoFile = errors.New("slack does not hand out the file")

// uploads are the files of a form or message as a command takes them. They are
// read when the command sends them on.
func (s *Sink) uploads(given []upload) []command.File {
	var out []command.File
	for _, u := range given {
		out = append(out, command.File{
			Name: u.Name, ContentType: u.Type, Size: u.Size,
			Open: func(ctx context.Context) (io.ReadCloser, error) { return s.web.download(ctx, u.URL) },
		})
	}
	return out
}

// download reads a file of a message or form (Slack docs: "Working with files").
// The token goes to Slack's own hosts alone.
func (w *web) download(ctx context.Context, address string) (io.ReadCloser, error) {
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return nil, errNoFile
	}
	slacks := u.Scheme == "https" && (u.Host == "slack.com" || strings.HasSuffix(u.Host, ".slack.com"))
	if !slacks && (u.Scheme != w.origin.Scheme || u.Host != w.origin.Host) {
		return nil, errNoFile
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, errNoFile
	}
	req.Header.Set("Authorization", "Bearer "+w.token())
	resp, err := w.files.Do(req)
	if err != nil {
		return nil, errNoFile // not err itself, which shows the address
	}
	// Without the right to read files Slack shows its page for signing in.
	if resp.StatusCode != http.StatusOK || strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("%w: HTTP status %d", errNoFile, resp.StatusCode)
	}
	return resp.Body, nil
}
