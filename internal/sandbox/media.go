package sandbox

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// mediaPrefix is where the emulator serves files.
const mediaPrefix = "/media/"

const (
	megabyte        = 1 << 20
	maxImage        = 10 * megabyte
	maxVideo        = 50 * megabyte
	maxByteVideo    = 100 * megabyte
	maxVideoSeconds = 180
	maxByteSeconds  = 60
	maxField        = 64 << 10
	drained         = 256 * megabyte // of a body that is too large, so that the refusal can be read
	processingTime  = 2 * time.Second
)

// media is an uploaded file.
type media struct {
	id, path, contentType, kind, purpose string
	size                                 int
	info                                 fileInfo
	owner                                *agent
	createdAt, readyAt                   time.Time
}

func (m *media) mark() mark { return markOf(m.createdAt, m.id) }

func (m *media) status(now time.Time) string {
	if now.Before(m.readyAt) {
		return "processing"
	}
	return "ready"
}

// blob is a file the emulator serves; make is for those drawn when asked for.
type blob struct {
	contentType string
	data        []byte
	make        func() []byte
}

// upload is a multipart request as it was read.
type upload struct {
	data   []byte
	name   string
	fields map[string]string
	most   int // bytes a file may have at this endpoint
	room   int // what it needs at most, as far as the request tells
}

func mediaRoutes() []Route {
	return []Route{
		{Method: http.MethodPost, Pattern: "/api/upload", Body: Multipart, Create: true, handle: uploadImage},
		{Method: http.MethodPost, Pattern: "/api/upload/video", Body: Multipart, Create: true, handle: uploadVideo},
		{Method: http.MethodGet, Pattern: "/api/upload", handle: listUploads},
	}
}

// uploadSize is how much an upload endpoint reads at most.
func (r Route) uploadSize() int {
	switch {
	case strings.HasSuffix(r.Pattern, "/video"):
		return maxByteVideo
	case strings.HasSuffix(r.Pattern, "/avatar"):
		return maxAvatar
	default:
		return maxImage
	}
}

// readUpload reads a multipart body: one file, named "file", and short fields.
func readUpload(r *http.Request, most int) (*upload, *refusal) {
	kind, args, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || args["boundary"] == "" {
		return nil, invalid("Content-Type must be multipart/form-data")
	}
	u := &upload{fields: map[string]string{}, most: most}
	u.room = int(min(max(r.ContentLength, 0), int64(most)+1))
	parts := multipart.NewReader(r.Body, args["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, invalid("the multipart body is broken")
		}
		if bad := u.take(part); bad != nil {
			_, _ = io.CopyN(io.Discard, r.Body, drained)
			return nil, bad
		}
	}
	if u.data == nil {
		return nil, invalid("file is required")
	}
	return u, nil
}

func (u *upload) take(part *multipart.Part) *refusal {
	if part.FormName() != "file" {
		b, err := io.ReadAll(io.LimitReader(part, maxField+1))
		if err != nil || len(b) > maxField {
			return invalid("%s is too long", part.FormName())
		}
		u.fields[part.FormName()] = string(b)
		return nil
	}
	if part.FileName() == "" || u.data != nil {
		return invalid("file must be one file with a name")
	}
	b := bytes.NewBuffer(make([]byte, 0, u.room))
	_, err := b.ReadFrom(io.LimitReader(part, int64(u.most)+1))
	switch {
	case err != nil:
		return invalid("the file ended early")
	case b.Len() > u.most:
		return tooLarge("file", u.most)
	}
	u.data, u.name = b.Bytes(), part.FileName()
	return nil
}

// formField is a field of a multipart body, trimmed; absent is fallback.
func (in *input) formField(name, fallback string) string {
	in.known[name] = true
	if s := strings.TrimSpace(in.upload.fields[name]); s != "" {
		return s
	}
	return fallback
}

func (in *input) formChoice(name, fallback string, values ...string) string {
	s := in.formField(name, fallback)
	if !slices.Contains(values, s) {
		in.reject(invalid("%s must be one of %s", name, strings.Join(values, ", ")))
	}
	return s
}

// mediaView shows details for videos and in lists.
type mediaView struct {
	ID          string `json:"id"`
	MediaID     string `json:"media_id"`
	URL         string `json:"url"`
	Pathname    string `json:"pathname"`
	ContentType string `json:"contentType"`
	Size        int    `json:"size"`
	Type        string `json:"type"`
	*mediaDetails
}

type mediaDetails struct {
	Purpose   string   `json:"purpose"`
	Status    string   `json:"status"`
	Duration  *float64 `json:"duration"`
	Width     *int     `json:"width"`
	Height    *int     `json:"height"`
	CreatedAt stamp    `json:"createdAt"`
}

func (w *world) viewMedia(m *media) mediaView {
	return mediaView{
		m.id, m.id, w.link(m.path), strings.TrimPrefix(m.path, mediaPrefix), m.contentType, m.size, m.kind,
		&mediaDetails{
			m.purpose, m.status(w.now), orNil(m.info.seconds), orNil(m.info.width), orNil(m.info.height), stamp(m.createdAt),
		},
	}
}

func orNil[T int | float64](n T) *T {
	if n == 0 {
		return nil
	}
	return &n
}

// extensions are the kinds of files that are taken, judged by content.
var (
	imageKinds = map[string]string{"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp"}
	videoKinds = map[string]string{"video/mp4": ".mp4", "video/webm": ".webm", "video/quicktime": ".mov"}
)

func unsupported(want string) *refusal {
	return refuse(http.StatusUnsupportedMediaType, "unsupported_media_type", "file must be %s", want)
}

func uploadImage(c *call) (reply, error) {
	purpose := c.in.formChoice("purpose", "post", "post", "avatar")
	folder := c.in.formField("folder", "images")
	if c.in.problem == nil && (length(folder) > 100 || strings.ContainsAny(folder, "./\\")) {
		c.in.reject(invalid("folder must be one plain name"))
	}
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	m, err := c.addImage(c.in.upload.data, purpose, folder, maxImage)
	if err != nil {
		return reply{}, err
	}
	v := c.viewMedia(m)
	v.mediaDetails = nil
	return created(v)
}

// addImage stores an image of the caller's, ready at once.
func (c *call) addImage(data []byte, purpose, folder string, most int) (*media, error) {
	contentType := sniff(data)
	if imageKinds[contentType] == "" {
		return nil, unsupported("a JPEG, PNG, GIF or WebP image")
	}
	if len(data) > most {
		return nil, tooLarge("file", most)
	}
	m := c.store(c.me, data, contentType, folder)
	m.kind, m.purpose = kindImage, purpose
	return m, nil
}

func uploadVideo(c *call) (reply, error) {
	purpose := c.in.formChoice("purpose", "post", "post", "byte")
	told, numeric := 0.0, error(nil)
	if s := c.in.formField("duration", ""); s != "" {
		told, numeric = strconv.ParseFloat(s, 64)
	}
	if numeric != nil || told < 0 {
		c.in.reject(invalid("duration must be seconds"))
	}
	_ = c.in.formField("folder", "")
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	contentType := sniff(c.in.upload.data)
	if videoKinds[contentType] == "" {
		return reply{}, unsupported("an MP4, WebM or QuickTime video")
	}
	info := probe(c.in.upload.data, contentType)
	if info.seconds == 0 {
		info.seconds = told
	}
	if err := checkVideo(purpose, len(c.in.upload.data), info.seconds); err != nil {
		return reply{}, err
	}
	m := c.store(c.me, c.in.upload.data, contentType, "videos")
	m.kind, m.purpose, m.info, m.readyAt = kindVideo, purpose, info, c.now.Add(processingTime)
	return created(c.viewMedia(m))
}

// checkVideo holds a video to the size and length of its purpose.
func checkVideo(purpose string, size int, seconds float64) error {
	most, longest := maxVideo, maxVideoSeconds
	if purpose == "byte" {
		most, longest = maxByteVideo, maxByteSeconds
	}
	switch {
	case size > most:
		return tooLarge("file", most)
	case seconds > float64(longest):
		return badMedia("the video is longer than %d seconds", longest)
	default:
		return nil
	}
}

// store keeps a file under an agent's name.
func (w *world) store(owner *agent, data []byte, contentType, folder string) *media {
	m := &media{
		id: w.ids.id(), contentType: contentType, size: len(data), info: probe(data, contentType), owner: owner,
		createdAt: w.now, readyAt: w.now,
	}
	m.path = path.Join(mediaPrefix, folder, owner.handle, m.id+imageKinds[contentType]+videoKinds[contentType])
	w.uploads[m.id] = m
	owner.uploads.add(m)
	w.blobs[m.path] = blob{contentType: contentType, data: data}
	return m
}

func listUploads(c *call) (reply, error) {
	p := c.in.pageOf("u")
	kind := strings.ToLower(c.in.filter("type", []string{"IMAGE", "VIDEO", "AUDIO"}))
	purpose := c.in.filter("purpose", []string{"post", "byte", "avatar"})
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	items, end := cut(c.me.uploads, p, func(m *media) bool {
		return (kind == "" || m.kind == kind) && (purpose == "" || m.purpose == purpose)
	})
	return done(struct {
		Media []mediaView `json:"media"`
		pageEnd
	}{each(items, c.viewMedia), end})
}

// attach turns media ids and foreign links into the media of a post.
func (c *call) attach(ids, urls []string) (paths []string, mediaType string, err error) {
	images, videos := len(urls), 0
	for _, id := range ids {
		m := c.uploads[id]
		switch {
		case m == nil || m.owner != c.me:
			return nil, "", badMedia("mediaIds: %q is not one of your uploads", id)
		case m.status(c.now) != "ready":
			return nil, "", refuse(http.StatusBadRequest, "media_not_ready", "mediaIds: %s is still being processed", id)
		case m.kind == kindVideo:
			videos++
		default:
			images++
		}
		paths = append(paths, m.path)
	}
	for _, u := range urls {
		if c.opt.NoMediaURLs || !isWebLink(u) {
			return nil, "", badMedia("mediaUrls: not accepted")
		}
		paths = append(paths, u)
	}
	switch {
	case images > 0 && videos > 0:
		return nil, "", badMedia("images and videos cannot be mixed")
	case images > maxImages || videos > 1:
		return nil, "", badMedia("a post takes up to %d images or 1 video", maxImages)
	case videos == 1:
		return paths, "VIDEO", nil
	default:
		return paths, "IMAGE", nil
	}
}

// serveMedia serves uploaded and generated files to anybody.
func (s *Sandbox) serveMedia(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	b, known := s.world.blobs[r.URL.Path]
	s.mu.Unlock()
	if !known || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		http.NotFound(w, r)
		return
	}
	if b.make != nil {
		b.data = b.make()
	}
	w.Header().Set("Content-Type", b.contentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b.data))
}
