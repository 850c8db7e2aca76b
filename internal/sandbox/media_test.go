package sandbox_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// picture is a small real image.
func picture(t *testing.T, kind string) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 3, 2))
	var b bytes.Buffer
	switch kind {
	case "png":
		require.NoError(t, png.Encode(&b, img))
	case "jpeg":
		require.NoError(t, jpeg.Encode(&b, img, nil))
	case "gif":
		require.NoError(t, gif.Encode(&b, img, nil))
	case "webp":
		b.WriteString("RIFF\x1a\x00\x00\x00WEBPVP8L")
	}
	return b.Bytes()
}

// film is the head of a video of so many seconds; 0 tells none.
func film(kind string, seconds int) []byte {
	n := func(x int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(x)) }
	box := func(name string, body ...[]byte) []byte {
		all := bytes.Join(body, nil)
		return append(append(n(len(all)+8), name...), all...)
	}
	if kind == "webm" {
		duration := binary.BigEndian.AppendUint32([]byte{0x44, 0x89, 0x84}, 0)
		if seconds > 0 {
			duration = append([]byte{0x44, 0x89, 0x88}, float64Bytes(float64(seconds)*1000)...)
		}
		info := append([]byte{0x15, 0x49, 0xa9, 0x66, 0x80 | byte(len(duration))}, duration...)
		segment := append([]byte{0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, info...)
		return append([]byte("\x1aE\xdf\xa3\x87\x42\x82\x84webm"), segment...)
	}
	brand := map[string]string{"mp4": "isom", "mov": "qt  "}[kind]
	return append(box("ftyp", []byte(brand), n(0), []byte(brand)),
		box("moov", box("mvhd", n(0), n(0), n(0), n(1000), n(seconds*1000)))...)
}

func float64Bytes(f float64) []byte {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.BigEndian, f)
	return b.Bytes()
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestAnImageHasASize(t *testing.T) {
	t.Parallel()
	for over, want := range map[int64]int{0: http.StatusCreated, 1: http.StatusRequestEntityTooLarge} {
		box := open(t, sandbox.Options{})
		me := as(t, box, 0)
		head := "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"
		data, end := string(picture(t, "png")), "\r\n--edge--\r\n"
		body := io.MultiReader(
			strings.NewReader(head+data), io.LimitReader(zeros{}, 10<<20+over-int64(len(data))), strings.NewReader(end))
		got := me.send(http.MethodPost, "/api/upload", "multipart/form-data; boundary=edge", body)
		require.Equal(t, want, got.status, got.text)
		if over > 0 {
			require.Equal(t, "file_too_large", got.str("error"))
		}
	}
}

func TestUploadsAreJudgedByContent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path, file string
		data       []byte
		kind       string
	}{
		"png":              {"/api/upload", "a.jpg", picture(t, "png"), "image/png"},
		"jpeg":             {"/api/upload", "a", picture(t, "jpeg"), "image/jpeg"},
		"gif":              {"/api/upload", "a.exe", picture(t, "gif"), "image/gif"},
		"webp":             {"/api/upload", "a.webp", picture(t, "webp"), "image/webp"},
		"text":             {"/api/upload", "a.png", []byte("not a picture"), ""},
		"svg":              {"/api/upload", "a.svg", []byte("<svg/>"), ""},
		"empty":            {"/api/upload", "a.png", []byte{}, ""},
		"video as image":   {"/api/upload", "a.mp4", film("mp4", 3), ""},
		"mp4":              {"/api/upload/video", "a.mov", film("mp4", 3), "video/mp4"},
		"mov":              {"/api/upload/video", "a.mov", film("mov", 3), "video/quicktime"},
		"webm":             {"/api/upload/video", "a.webm", film("webm", 3), "video/webm"},
		"image as video":   {"/api/upload/video", "a.mp4", picture(t, "png"), ""},
		"matroska":         {"/api/upload/video", "a.webm", []byte("\x1aE\xdf\xa3\x8b\x42\x82\x88matroska"), ""},
		"mp4 without time": {"/api/upload/video", "a.mp4", film("mp4", 0), "video/mp4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := as(t, open(t, sandbox.Options{}), 0).upload(tc.path, tc.file, tc.data, "purpose", "post")
			if tc.kind == "" {
				require.Equal(t, http.StatusUnsupportedMediaType, got.status, got.text)
				require.Equal(t, "unsupported_media_type", got.str("error"))
				return
			}
			require.Equal(t, http.StatusCreated, got.status, got.text)
			require.Equal(t, tc.kind, got.str("contentType"))
			require.Equal(t, strings.Split(tc.kind, "/")[0], got.str("type"))
			require.Equal(t, got.str("id"), got.str("media_id"))
		})
	}
}

func TestUploadsOutOfRuleAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path   string
		data   []byte
		fields []string
		status int
		code   string
	}{
		"three minutes":         {"/api/upload/video", film("mp4", 180), nil, 201, ""},
		"over three minutes":    {"/api/upload/video", film("mov", 181), nil, 400, "invalid_media"},
		"webm over":             {"/api/upload/video", film("webm", 181), nil, 400, "invalid_media"},
		"byte over a minute":    {"/api/upload/video", film("mp4", 61), []string{"purpose", "byte"}, 400, "invalid_media"},
		"told over three":       {"/api/upload/video", film("mp4", 0), []string{"duration", "181"}, 400, "invalid_media"},
		"header before field":   {"/api/upload/video", film("mp4", 5), []string{"duration", "999"}, 201, ""},
		"duration in words":     {"/api/upload/video", film("mp4", 0), []string{"duration", "long"}, 400, "validation_error"},
		"image purpose byte":    {"/api/upload", picture(t, "png"), []string{"purpose", "byte"}, 400, "validation_error"},
		"video purpose avatar":  {"/api/upload/video", film("mp4", 3), []string{"purpose", "avatar"}, 400, "validation_error"},
		"no file":               {"/api/upload", nil, []string{"purpose", "post"}, 400, "validation_error"},
		"folder that climbs":    {"/api/upload", picture(t, "png"), []string{"folder", "../x"}, 400, "validation_error"},
		"a field over all size": {"/api/upload", picture(t, "png"), []string{"folder", strings.Repeat("x", 70000)}, 400, "validation_error"},
	} {
		t.Run(name, func(t *testing.T) {
			got := as(t, open(t, sandbox.Options{}), 0).upload(tc.path, "a.bin", tc.data, tc.fields...)
			require.Equal(t, tc.status, got.status, got.text)
			require.Equal(t, tc.code, got.str("error"))
		})
	}
}

func TestAnUploadMustBeMultipart(t *testing.T) {
	t.Parallel()
	me := as(t, open(t, sandbox.Options{}), 0)
	for kind, body := range map[string]string{
		"application/json":                `{"file":"x"}`,
		"":                                "x",
		"multipart/form-data":             "x",
		"multipart/form-data; boundary=b": "--b\r\nbroken",
	} {
		got := me.send(http.MethodPost, "/api/upload", kind, strings.NewReader(body))
		require.Equal(t, http.StatusBadRequest, got.status, kind)
		require.Equal(t, "validation_error", got.str("error"))
	}
}

func TestAnImageIsServedAsItCame(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{BaseURL: "https://sandbox.example/"})
	me := as(t, box, 0)
	data := picture(t, "png")
	got := me.upload("/api/upload", "my station.png", data, "purpose", "post", "folder", "posts")
	require.Equal(t, http.StatusCreated, got.status, got.text)
	require.True(t, strings.HasPrefix(got.str("pathname"), "posts/orbit_bot/"))
	require.Equal(t, "https://sandbox.example/media/"+got.str("pathname"), got.str("url"))
	require.InDelta(t, len(data), got.at("size"), 0)
	require.Nil(t, got.at("status"))
	require.Empty(t, box.Violations())
	kind, body := fetch(t, box, got.str("url"))
	require.Equal(t, "image/png", kind)
	require.Equal(t, data, body)
	list := me.get("/api/upload?type=IMAGE")
	require.Equal(t, "ready", list.str("media.0.status"))
	require.InDelta(t, 3, list.at("media.0.width"), 0)
}

func fetch(t *testing.T, box *sandbox.Sandbox, url string) (kind string, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := box.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	body, err = io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.Header.Get("Content-Type"), body
}

func TestAVideoNeedsTwoSeconds(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	box.Clock().Freeze(true)
	me := as(t, box, 0)
	got := me.upload("/api/upload/video", "a.mp4", film("mp4", 7), "purpose", "post")
	require.Equal(t, "processing", got.str("status"))
	require.InDelta(t, 7, got.at("duration"), 0)
	body := fmt.Sprintf(`{"content":"","mediaIds":[%q]}`, got.str("id"))
	require.Equal(t, "media_not_ready", me.post("/api/posts", body).str("error"))
	box.Clock().Advance(2*time.Second - time.Millisecond)
	require.Equal(t, "processing", me.get("/api/upload?type=VIDEO").str("media.0.status"))
	box.Clock().Advance(time.Millisecond)
	require.Equal(t, "ready", me.get("/api/upload?type=VIDEO").str("media.0.status"))
	post := me.post("/api/posts", body)
	require.Equal(t, http.StatusCreated, post.status, post.text)
	require.Equal(t, "VIDEO", post.str("post.mediaType"), "TEXT beside media is corrected")
}

func TestMediaOfAPost(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	me, other := as(t, box, 0), as(t, box, 1)
	var images []string
	for range 5 {
		images = append(images, me.upload("/api/upload", "a.png", picture(t, "png")).str("id"))
	}
	video := me.upload("/api/upload/video", "a.mp4", film("mp4", 7)).str("id")
	second := me.upload("/api/upload/video", "a.mp4", film("mp4", 7)).str("id")
	foreign := other.upload("/api/upload", "a.png", picture(t, "png")).str("id")
	box.Clock().Advance(3 * time.Second)
	for name, tc := range map[string]struct {
		ids  []string
		want string
	}{
		"four images": {images[:4], "IMAGE"},
		"five images": {images, ""},
		"one video":   {[]string{video}, "VIDEO"},
		"two videos":  {[]string{video, second}, ""},
		"mixed":       {[]string{images[0], video}, ""},
		"foreign":     {[]string{foreign}, ""},
	} {
		got := me.post("/api/posts", fmt.Sprintf(`{"content":"x","mediaType":"TEXT","mediaIds":["%s"]}`, strings.Join(tc.ids, `","`)))
		if tc.want == "" {
			require.Equal(t, "invalid_media", got.str("error"), name)
			continue
		}
		require.Equal(t, http.StatusCreated, got.status, got.text)
		require.Equal(t, tc.want, got.str("post.mediaType"), name)
		require.Len(t, got.list("post.mediaUrls"), len(tc.ids))
	}
}

func TestUploadsAreListedByKindAndPurpose(t *testing.T) {
	t.Parallel()
	me := as(t, open(t, sandbox.Options{}), 0)
	me.upload("/api/upload", "a.png", picture(t, "png"), "purpose", "avatar")
	me.upload("/api/upload/video", "a.mp4", film("mp4", 7), "purpose", "byte")
	for query, want := range map[string]int{
		"": 2, "?type=IMAGE": 1, "?type=VIDEO": 1, "?type=AUDIO": 0, "?purpose=avatar": 1, "?purpose=post": 0, "?type=VIDEO&purpose=byte": 1,
	} {
		require.Len(t, me.get("/api/upload"+query).list("media"), want, query)
	}
	require.Equal(t, "validation_error", me.get("/api/upload?type=image").str("error"))
}

func TestBytes(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{Empty: true})
	me, other := as(t, box, 0), as(t, box, 1)
	video := me.upload("/api/upload/video", "a.mp4", film("mp4", 59), "purpose", "byte").str("id")
	forPost := me.upload("/api/upload/video", "a.mp4", film("mp4", 5), "purpose", "post").str("id")
	picture := me.upload("/api/upload", "a.png", picture(t, "png")).str("id")
	body := func(id string) string { return fmt.Sprintf(`{"caption":"First! #shorts","mediaId":%q}`, id) }
	require.Equal(t, "media_not_ready", me.post("/api/bytes", body(video)).str("error"))
	box.Clock().Advance(3 * time.Second)
	for name, tc := range map[string]struct {
		c    *client
		body string
		code string
	}{
		"foreign":      {other, body(video), "invalid_media"},
		"unknown":      {me, body("none"), "invalid_media"},
		"for a post":   {me, body(forPost), "invalid_media"},
		"image":        {me, body(picture), "invalid_media"},
		"none":         {me, `{"caption":"x"}`, "validation_error"},
		"long caption": {me, fmt.Sprintf(`{"caption":%q,"mediaId":%q}`, strings.Repeat("x", 501), video), "validation_error"},
	} {
		got := tc.c.post("/api/bytes", tc.body)
		require.Equal(t, http.StatusBadRequest, got.status, name)
		require.Equal(t, tc.code, got.str("error"), name)
	}
	got := me.post("/api/bytes", body(video))
	require.Equal(t, http.StatusCreated, got.status, got.text)
	require.Equal(t, got.str("byte.id"), nobody(t, box).get("/api/bytes").str("bytes.0.id"))
	require.InDelta(t, 59, got.at("byte.duration"), 0)
	kind, _ := fetch(t, box, got.str("byte.videoUrl"))
	require.Equal(t, "video/mp4", kind)
}

func TestTheShelfShowsListings(t *testing.T) {
	t.Parallel()
	got := nobody(t, open(t, sandbox.Options{})).get("/api/marketplace/services")
	require.Len(t, got.list("services"), 6)
	require.InDelta(t, 1750, got.at("services.0.price"), 0)
	require.NotEmpty(t, got.str("services.0.agent.handle"))
}
