package slack

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// readFile does a command by reading its file.
func readFile(ctx context.Context, read chan<- string) func(command.Request) command.Answer {
	return func(q command.Request) command.Answer {
		f := q.Files["file"][0]
		in, err := f.Open(ctx)
		if err != nil {
			read <- err.Error()
			return command.Answer{Private: true, Problem: &command.Problem{Code: 400, Message: "The file could not be read."}}
		}
		defer func() { _ = in.Close() }()
		raw, err := io.ReadAll(in)
		if err != nil {
			raw = []byte(err.Error())
		}
		read <- f.Name + " " + f.ContentType + " " + string(raw)
		return fine(q)
	}
}

// A file that is put into a form reaches the command whole, through both doors,
// also where Slack tells of it only when it is asked.
func TestFilesReachTheCommand(t *testing.T) {
	t.Parallel()
	for name, hidden := range map[string]bool{"told": false, "told when asked": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothDoors(t, func(t *testing.T, door string) {
				read := make(chan string, 1)
				d := openDoor(t, door, readFile(t.Context(), read), nil)
				_ = d.sink.web.meet(t.Context()) // tells that files may be read
				d.fake.HideFiles(hidden)
				picture := d.team.AddFile(d.ann, "ring.png", "image/png", []byte("\x89PNG ring"))
				d.slash("/ia media image")
				d.until(func() bool { return d.fake.Form(d.ann) != "" })
				r, err := d.fake.SubmitForm(d.ann, map[string][]string{"file": {picture}})
				require.NoError(t, err)
				require.True(t, r.Acked)
				require.Empty(t, r.Errors)
				want := "ring.png image/png \x89PNG ring"
				if hidden {
					want = "  \x89PNG ring" // the command judges by the bytes
				}
				require.Equal(t, want, <-read)
				d.until(func() bool { return strings.Contains(d.fake.Form(d.ann), "== Done ==") })
				require.Equal(t, hidden, len(d.fake.Requests(methodFileInfo)) > 0)
				d.clean()
			})
		})
	}
}

// Where the app lost the right to read files, that is the end of the command and
// not a page of Slack's in the agent's gallery.
func TestFilesWithoutTheRightAreNotRead(t *testing.T) {
	t.Parallel()
	read := make(chan string, 1)
	d := openDoor(t, "http", readFile(t.Context(), read), nil)
	_ = d.sink.web.meet(t.Context())
	picture := d.team.AddFile(d.ann, "ring.png", "image/png", []byte("ring"))
	d.slash("/ia media image")
	d.until(func() bool { return d.fake.Form(d.ann) != "" })
	d.team.SetScopes(allScopes...)
	_, err := d.fake.SubmitForm(d.ann, map[string][]string{"file": {picture}})
	require.NoError(t, err)
	require.Contains(t, <-read, errNoFile.Error())
	d.until(func() bool { return strings.Contains(d.fake.Form(d.ann), "could not be read") })
	d.clean("missing_scope", "file_input_without_scope")
}

// Forms that would need the right say so.
func TestFormsSayThatFilesNeedARight(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	d.team.SetScopes(allScopes...)
	_ = d.sink.web.meet(t.Context())
	d.slash("/ia media image")
	d.until(func() bool { return d.fake.Form(d.ann) != "" })
	require.Contains(t, d.fake.Form(d.ann), "files:read")
	d.clean()
}

// The token goes to Slack's host of files, or to the configured origin, alone.
func TestTheTokenGoesToSlacksFilesAlone(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	for address, want := range map[string]bool{
		"https://files.slack.com/files-pri/T1-F1/ring.png": true, d.fake.URL() + "/files-pri/T1-F1/ring.png": true,
		"http://files.slack.com/files-pri/T1-F1/ring.png": false, "https://files.slack.com.evil.example/x": false, "https://evil.slack.com/x": false,
		"https://files.slack.com:8443/x": false, "https://x@files.slack.com/x": false, "https://evil.example/files.slack.com": false,
		"http://169.254.169.254/latest": false, "file:///etc/passwd": false, "": false, "%": false,
	} {
		_, ok := d.sink.web.fileAddress(address)
		require.Equal(t, want, ok, address)
	}
	_, err := d.sink.uploads([]upload{{ID: "F1", URL: "https://evil.example/x", Size: 1}})[0].Open(t.Context())
	require.ErrorIs(t, err, errNoFile)
}

// carrier is a transport that gives one answer.
type carrier func(*http.Request) (*http.Response, error)

func (f carrier) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A file may lie about its size, stop half-way, or never begin: reading it ends.
func TestADownloadEnds(t *testing.T) {
	t.Parallel()
	ok := func(length int64, body io.Reader) carrier {
		return func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, ContentLength: length, Header: http.Header{}, Body: io.NopCloser(body)}, nil
		}
	}
	for name, tc := range map[string]struct {
		answer carrier
		size   int64
		opens  error
		reads  error
		after  time.Duration
	}{
		"whole":                {answer: ok(5, strings.NewReader("bytes")), size: 5},
		"of unknown size":      {answer: ok(-1, strings.NewReader("bytes"))},
		"larger than told":     {answer: ok(5, strings.NewReader("bytes")), size: 4, opens: errFileSize},
		"larger, and hides it": {answer: ok(-1, strings.NewReader("bytes")), size: 4, reads: errFileSize},
		"larger than anything": {answer: ok(maxDownload+1, strings.NewReader("bytes")), opens: errFileSize},
		"another page":         {answer: func(*http.Request) (*http.Response, error) { return signInPage(200), nil }, opens: errNoFile},
		"sent elsewhere":       {answer: func(*http.Request) (*http.Response, error) { return signInPage(302), nil }, opens: errNoFile},
		"never answered":       {answer: func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }, opens: errNoFile, after: idleTime},
		"stops half-way":       {answer: func(r *http.Request) (*http.Response, error) { return ok(9, stalled(r.Context()))(r) }, size: 9, reads: errNoFile, after: idleTime},
		"breaks off":           {answer: ok(9, io.MultiReader(strings.NewReader("byt"), broken{})), size: 9, reads: errNoFile},
		"nobody there": {answer: func(*http.Request) (*http.Response, error) {
			return nil, errors.New("https://files.slack.com/secret refused")
		}, opens: errNoFile},
		"slow, but never stopped": {answer: ok(-1, &drip{left: 10}), size: 10, after: 10 * 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, err := New(Options{BotToken: func() string { return canaryBot }, HTTPClient: &http.Client{Transport: tc.answer}})
				require.NoError(t, err)
				begin := time.Now()
				in, err := s.web.download(t.Context(), upload{URL: "https://files.slack.com/files-pri/T1-F1/a.png", Size: tc.size})
				if err == nil {
					_, err = io.ReadAll(in)
					require.NoError(t, in.Close())
					require.ErrorIs(t, err, tc.reads)
				} else {
					require.ErrorIs(t, err, tc.opens)
					require.NotContains(t, err.Error(), "secret")
				}
				require.Equal(t, tc.opens == nil, in != nil)
				require.Equal(t, tc.after, time.Since(begin))
			})
		})
	}
}

func signInPage(status int) *http.Response {
	return &http.Response{
		StatusCode: status, ContentLength: -1, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Location": {"https://slack.com/signin"}},
		Body: io.NopCloser(strings.NewReader("<title>Sign in</title>")),
	}
}

// stalled gives three bytes and then nothing until ctx ends, as a body does.
func stalled(ctx context.Context) io.Reader {
	return io.MultiReader(strings.NewReader("byt"), readerFunc(func([]byte) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	}))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// drip gives a byte every twenty seconds.
type drip struct{ left int }

func (d *drip) Read(p []byte) (int, error) {
	if d.left == 0 {
		return 0, io.EOF
	}
	d.left--
	time.Sleep(20 * time.Second) // in a bubble
	p[0] = 'x'
	return 1, nil
}

// B42: what hangs on an answer in a thread goes nowhere, as the API takes words
// alone; that is said, and the words go on.
func TestB42_FilesInAThreadStayAndThatIsSaid(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text      string
		effects   int
		mark, say string
	}{
		"file alone":     {"", 0, "x", "Not sent: a comment at ImagineAnything can hold words only. The file stays here."},
		"words and file": {"look at this", 1, "white_check_mark", "Your words were sent, without what hung on them: a comment at ImagineAnything can hold words only."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bothDoors(t, func(t *testing.T, door string) {
				d := openDoor(t, door, fine, nil)
				card := d.relay()
				ts := d.fake.SayWith(d.ann, d.channel, card.Message, tc.text, d.team.AddFile(d.ann, "ring.png", "image/png", []byte("ring")))
				d.until(func() bool { return strings.Contains(d.fake.Screen(d.channel), tc.say) })
				require.Equal(t, []string{tc.mark}, d.reactions(ts))
				require.Len(t, d.hands.effects(), tc.effects)
				all := d.fake.Messages(d.channel)
				last := all[len(all)-1]
				require.Equal(t, d.ann, last.Ephemeral)
				_, err := d.fake.Click(d.ann, d.channel, last.TS, "Post with files")
				require.NoError(t, err)
				d.until(func() bool { return strings.Contains(d.fake.Form(d.ann), "Post something") })
				d.clean()
			})
		})
	}
}
