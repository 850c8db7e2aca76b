package imagine_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

const pngHead = "\x89PNG\r\n\x1a\n"

var mp4Head = "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"

// endless gives a head and then as many zeros as asked for. It is no io.Seeker.
func endless(head string, size int64) io.Reader {
	return io.LimitReader(io.MultiReader(strings.NewReader(head), zeros{}), size)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// parts reads a multipart request as a server does.
func parts(t *testing.T, r *http.Request) (fields map[string]string, name, kind string, size int64) {
	t.Helper()
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	require.NoError(t, err)
	m := multipart.NewReader(r.Body, params["boundary"])
	fields = map[string]string{}
	for {
		p, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			return fields, name, kind, size
		}
		require.NoError(t, err)
		if p.FileName() != "" {
			name, kind = p.FileName(), p.Header.Get("Content-Type")
			size, err = io.Copy(io.Discard, p)
		} else {
			var b []byte
			b, err = io.ReadAll(p)
			fields[p.FormName()] = string(b)
		}
		require.NoError(t, err)
	}
}

// wire is a client that speaks to a handler over a socket; tokens are handed out.
func wire(t *testing.T, handle http.HandlerFunc) *imagine.Client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/auth/token" {
			_, _ = io.WriteString(w, tokenReply(1, 3600))
			return
		}
		handle(w, r)
	}))
	t.Cleanup(srv.Close)
	site := imagine.NewSite()
	t.Cleanup(site.CloseIdle)
	c, err := imagine.New(imagine.Options{BaseURL: srv.URL, ClientID: "id", ClientSecret: func() string { return secret }, Site: site})
	require.NoError(t, err)
	return c
}

func TestUploadStreamsInConstantMemory(t *testing.T) {
	const size = 50_000_000
	var length, got int64
	var fields map[string]string
	var name, kind string
	c := wire(t, func(w http.ResponseWriter, r *http.Request) {
		length = r.ContentLength
		fields, name, kind, got = parts(t, r)
		answer(201, `{"id":"u1","type":"video","status":"processing"}`)(w, r)
	})
	require.NoError(t, c.Login(t.Context()))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m, err := c.UploadVideo(t.Context(), imagine.File{Name: "../../clip.mp4", Size: size, Content: endless(mp4Head, size)}, "post")
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Equal(t, "u1", m.ID)
	require.Equal(t, "processing", m.Status)
	require.Greater(t, length, int64(size), "the length is said when the size is known")
	require.Equal(t, map[string]string{"purpose": "post"}, fields)
	require.Equal(t, "clip.mp4", name)
	require.Equal(t, "video/mp4", kind)
	require.Equal(t, int64(size), got)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20), "allocated for 50 MB")
}

func TestUploadOfUnknownSizeStopsAtTheLimit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		size int64
		want string
	}{
		"at the limit":   {10_000_000, ""},
		"one byte above": {10_000_001, "the file has 10000001 bytes, the image may have 10000000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := wire(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				answer(201, `{"media":{"media_id":"u1"}}`)(w, r)
			})
			_, err := c.UploadImage(t.Context(), imagine.File{Content: endless(pngHead, tc.size)}, "post")
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			e, ok := errors.AsType[*imagine.ArgError](err)
			require.True(t, ok, "%v", err)
			require.Contains(t, e.Error(), "bytes, the image may have 10000000")
			require.Greater(t, e.Got, 10_000_000)
		})
	}
}

func TestUploadIsRefusedBeforeSending(t *testing.T) {
	t.Parallel()
	s, c := serve(t, answer(201, `{"id":"u1"}`))
	ctx := t.Context()
	file := func(head string, size int64) imagine.File {
		return imagine.File{Size: size, Content: strings.NewReader(head)}
	}
	for want, err := range map[string]error{
		"the file has 10000001 bytes, the image may have 10000000":          second(c.UploadImage(ctx, file(pngHead, 10_000_001), "post")),
		"the file has 50000001 bytes, the video may have 50000000":          second(c.UploadVideo(ctx, file(mp4Head, 50_000_001), "post")),
		"the file has 100000001 bytes, the byte's video may have 100000000": second(c.UploadVideo(ctx, file(mp4Head, 100_000_001), "byte")),
		"the file has 5000001 bytes, the avatar may have 5000000":           second(c.SetAvatar(ctx, file(pngHead, 5_000_001))),
		"the video runs 181 s, the video may run 180 s":                     second(c.UploadVideo(ctx, imagine.File{Duration: 181 * time.Second, Content: strings.NewReader(mp4Head)}, "post")),
		"the image has to be JPEG, PNG, GIF or WebP":                        second(c.UploadImage(ctx, imagine.File{Name: "a.png", ContentType: "image/png", Content: strings.NewReader("<svg onload=x>")}, "post")),
		"the video has to be MP4, WebM or QuickTime":                        second(c.UploadVideo(ctx, file(pngHead+"123456", 14), "post")),
		"the file is empty":              second(c.UploadImage(ctx, file("", 0), "post")),
		"the file is missing":            second(c.UploadImage(ctx, imagine.File{}, "post")),
		"purpose is one of post, avatar": second(c.UploadImage(ctx, file(pngHead, 8), "byte")),
	} {
		require.EqualError(t, err, want)
	}
	require.Empty(t, s.all())
}

func TestKindIsJudgedByTheBytes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ head, said, want string }{
		"png said jpeg":  {pngHead + "1234", "image/jpeg", "image/png"},
		"jpeg":           {"\xff\xd8\xff\xe0 1234", "", "image/jpeg"},
		"gif":            {"GIF89a123456", "", "image/gif"},
		"webp":           {"RIFF\x00\x00\x00\x00WEBPVP8 ", "", "image/webp"},
		"mp4":            {mp4Head, "", "video/mp4"},
		"mp4 by another": {"\x00\x00\x00\x18ftypisom1234", "", "video/mp4"},
		"quicktime":      {"\x00\x00\x00\x14ftypqt  1234", "", "video/quicktime"},
		"webm":           {"\x1a\x45\xdf\xa3 1234567", "", "video/webm"},
		"unknown, said":  {"\x00\x01\x02\x03 bytes", "Video/QuickTime; codecs=x", "video/quicktime"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var kind string
			s, c := serve(t, nil)
			s.handle = func(w http.ResponseWriter, r *http.Request) {
				_, _, kind, _ = parts(t, r)
				answer(201, `{"id":"u1"}`)(w, r)
			}
			var err error
			f := imagine.File{ContentType: tc.said, Content: strings.NewReader(tc.head)}
			if strings.HasPrefix(tc.want, "image") {
				_, err = c.UploadImage(t.Context(), f, "post")
			} else {
				_, err = c.UploadVideo(t.Context(), f, "byte")
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, kind)
		})
	}
}

func TestUploadIsRepeatedOnlyFromTheStart(t *testing.T) {
	t.Parallel()
	content := pngHead + strings.Repeat("x", 3000)
	for name, tc := range map[string]struct {
		content io.Reader
		calls   int32
		ok      bool
	}{
		"a file that can be read again": {bytes.NewReader([]byte(content)), 2, true},
		"a stream":                      {io.MultiReader(strings.NewReader(content)), 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			var size int64
			c := wire(t, func(w http.ResponseWriter, r *http.Request) {
				_, _, _, size = parts(t, r)
				if n.Add(1) == 1 {
					answer(401, `{"error":"unauthorized"}`)(w, r)
					return
				}
				answer(201, `{"id":"u1"}`)(w, r)
			})
			_, err := c.UploadImage(t.Context(), imagine.File{Content: tc.content}, "post")
			require.Equal(t, tc.ok, err == nil, "%v", err)
			require.Equal(t, tc.calls, n.Load())
			require.Equal(t, int64(len(content)), size, "the whole file")
		})
	}
}

func TestTooLargeForTheServerNamesTheSize(t *testing.T) {
	t.Parallel()
	_, c := serve(t, answer(413, "Request Entity Too Large", "Content-Type", "text/plain"))
	_, err := c.UploadImage(t.Context(), imagine.File{Size: 6, Content: strings.NewReader("GIF89a")}, "post")
	require.EqualError(t, err, "upload an image: 413 from 127.0.0.1:1: the server does not take a file of 6 bytes")
}

func TestFileThatBreaksOffIsNoUpload(t *testing.T) {
	t.Parallel()
	c := wire(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		answer(201, `{"id":"u1"}`)(w, r)
	})
	broken := io.MultiReader(strings.NewReader(pngHead+strings.Repeat("x", 600)), brokenReader{})
	_, err := c.UploadImage(t.Context(), imagine.File{Size: 5000, Content: broken}, "post")
	require.EqualError(t, err, "the file cannot be read to its end")
	_, err = c.UploadImage(t.Context(), imagine.File{Size: 5000, Content: endless(pngHead, 4000)}, "post")
	require.EqualError(t, err, "the file is not as large as was said")
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) {
	return 0, fmt.Errorf("read https://cdn.example/?token=abc: %w", io.ErrUnexpectedEOF)
}

func TestFileNamesAreMadeHarmless(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "file", "..": "file", "/etc/passwd": "passwd", `C:\x\y.png`: "y.png", "a\"b\r\nc.png": "abc.png", "grüße.png": "grüße.png",
	} {
		var name string
		s, c := serve(t, nil)
		s.handle = func(w http.ResponseWriter, r *http.Request) {
			_, name, _, _ = parts(t, r)
			answer(201, `{"id":"u1"}`)(w, r)
		}
		_, err := c.UploadImage(t.Context(), imagine.File{Name: in, Content: strings.NewReader("GIF89a")}, "post")
		require.NoError(t, err)
		require.Equal(t, want, name)
	}
}

func TestWaitReadyLooksUntilTheVideoIsUsable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		item := func(status string) string {
			return `{"media":[{"id":"other","status":"ready"},{"id":"u1","status":"` + status + `"}]}`
		}
		s, c := serve(t, answers(answer(200, item("processing")), answer(200, item("processing")), answer(200, item("ready"))))
		start := time.Now()
		m, err := c.WaitReady(t.Context(), "u1")
		require.NoError(t, err)
		require.Equal(t, "u1", m.ID)
		require.Equal(t, 20*time.Second, time.Since(start))
		s.handle = answer(200, item("failed"))
		_, err = c.WaitReady(t.Context(), "u1")
		require.EqualError(t, err, "the video could not be processed")
	})
}
