package slack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

const (
	methodFileInfo = "files.info"
	fileHost       = "files.slack.com"
	maxDownload    = 100_000_000      // bytes: the largest that any command takes
	idleTime       = 30 * time.Second // without a byte, after which a download counts as dead
)

var (
	// errNoFile is a file that Slack does not hand out.
	errNoFile = errors.New("slack does not hand out the file")
	// errFileSize is a file of more bytes than Slack said, or than any command takes.
	errFileSize = errors.New("the file is larger than it may be")
)

// uploads are the files of a form as a command takes them. They are read when the
// command sends them on, and never held whole.
func (s *Sink) uploads(given []upload) []command.File {
	var out []command.File
	for _, u := range given {
		out = append(out, command.File{
			Name: u.Name, ContentType: u.Type, Size: u.Size,
			Open: func(ctx context.Context) (io.ReadCloser, error) {
				u, err := s.told(ctx, u)
				if err != nil {
					return nil, err
				}
				return s.web.download(ctx, u)
			},
		})
	}
	return out
}

// told is a file with what Slack leaves out where it belongs to another workspace
// (Slack docs: "File object", file_access).
func (s *Sink) told(ctx context.Context, u upload) (upload, error) {
	if u.URL != "" {
		return u, nil
	}
	bad := s.patiently(ctx, call{method: methodFileInfo}, func(ctx context.Context, api *slackgo.Client) error {
		f, _, _, err := api.GetFileInfoContext(ctx, u.ID, 1, 1)
		if err != nil {
			return err
		}
		u = upload{ID: f.ID, Name: f.Name, Type: f.Mimetype, Size: int64(f.Size), URL: f.URLPrivateDownload}
		return nil
	})
	if bad != nil {
		return u, bad
	}
	return u, nil
}

// fileAddress reads the address of a file, where it is one that may be asked with
// the token: Slack's own host of files over TLS, or the configured origin.
func (w *web) fileAddress(address string) (*url.URL, bool) {
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return nil, false
	}
	return u, u.Scheme == "https" && u.Host == fileHost || u.Scheme == w.origin.Scheme && u.Host == w.origin.Host
}

// download opens a file of a form (Slack docs: "Working with files"). Errors:
// errNoFile; reading gives errFileSize.
func (w *web) download(ctx context.Context, u upload) (io.ReadCloser, error) {
	at, ok := w.fileAddress(u.URL)
	if !ok {
		return nil, errNoFile
	}
	ctx, stop := context.WithCancel(ctx)
	idle := time.AfterFunc(idleTime, stop)
	end := func() { idle.Stop(); stop() }
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		end()
		return nil, errNoFile
	}
	req.Header.Set("Authorization", "Bearer "+w.token())
	resp, err := w.files.Do(req) //nolint:bodyclose // incoming closes it
	if err != nil {
		end()
		return nil, errNoFile // not err itself, which shows the address
	}
	in := &incoming{body: resp.Body, idle: idle, end: end, left: maxDownload}
	if u.Size > 0 {
		in.left = min(u.Size, maxDownload)
	}
	switch {
	// Who may not have the file is sent to the page for signing in.
	case resp.StatusCode != http.StatusOK || strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html"):
		err = fmt.Errorf("%w: HTTP status %d", errNoFile, resp.StatusCode)
	case resp.ContentLength > in.left:
		err = errFileSize
	default:
		return in, nil
	}
	_ = in.Close()
	return nil, err
}

// incoming is a file while it is read.
type incoming struct {
	body io.ReadCloser
	idle *time.Timer
	end  func()
	left int64 // bytes that may still come
}

func (i *incoming) Read(p []byte) (int, error) {
	i.idle.Reset(idleTime)
	n, err := i.body.Read(p)
	if i.left -= int64(n); i.left < 0 {
		return 0, errFileSize
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, errNoFile
	}
	return n, err
}

func (i *incoming) Close() error {
	defer i.end()
	return i.body.Close()
}
