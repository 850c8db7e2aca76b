package command

import (
	"fmt"
	"mime"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// Media types the API takes (API reference, "Enums and limits").
func imageTypes() []string { return []string{"image/jpeg", "image/png", "image/gif", "image/webp"} }
func videoTypes() []string { return []string{"video/mp4", "video/webm", "video/quicktime"} }

const (
	maxImage     = 10_000_000
	maxVideo     = 50_000_000
	maxByteVideo = 100_000_000
	maxAvatar    = 5_000_000
)

// parseFiles checks count, type and size as far as the door knows them. The
// client looks at the bytes themselves while it sends them.
func parseFiles(spec *Spec, arg Arg, files []File) error {
	wrong := func(status, format string, args ...any) error {
		return &ArgError{Spec: spec, Arg: arg.Name, Status: status, Reason: phrase(format, args...)}
	}
	images, videos := 0, 0
	for _, f := range files {
		kind := mediaType(f)
		if kind != "" && !slices.Contains(arg.Accept, kind) {
			return wrong("file_type", "%s, please.", acceptWords(arg.Accept))
		}
		most, what := arg.Bytes, phrase("A file")
		switch {
		case strings.HasPrefix(kind, "image/"):
			images++
			what = phrase("An image")
			if most == 0 {
				most = maxImage
			}
		case strings.HasPrefix(kind, "video/"):
			videos++
			what = phrase("A video")
			if most == 0 {
				most = maxVideo
			}
		}
		if most > 0 && f.Size > most {
			return wrong("file_size", "%s may have %s MB; this has %s.", what, megabytes(most), megabytes(f.Size))
		}
	}
	switch {
	case images > 0 && videos > 0, videos > 1 && len(files) > 1, arg.Max == imagine.MaxImages && len(files) > imagine.MaxImages:
		return wrong("file_count", "At most %d images, or 1 video, not both.", imagine.MaxImages)
	case arg.Max > 0 && len(files) > int(arg.Max):
		return wrong("file_count", "%s takes %s.", spec.Name(), counted(int(arg.Max), "file"))
	}
	return nil
}

// mediaType is what a file claims to be, by its type or else its name; "" when
// it claims nothing.
func mediaType(f File) string {
	if t, _, err := mime.ParseMediaType(f.ContentType); err == nil && t != "application/octet-stream" {
		return t
	}
	switch ext := strings.ToLower(path.Ext(f.Name)); ext {
	case "":
		return ""
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".png", ".gif", ".webp":
		return "image/" + ext[1:]
	case ".mp4", ".m4v":
		return "video/mp4"
	case ".webm":
		return "video/webm"
	case ".mov", ".qt":
		return "video/quicktime"
	}
	return "application/octet-stream"
}

// acceptWords names media types as people do.
func acceptWords(types []string) language.Phrase {
	names := map[string]string{
		"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WebP",
		"video/mp4": "MP4", "video/webm": "WebM", "video/quicktime": "MOV",
	}
	var out []string
	for _, t := range types {
		out = append(out, names[t])
	}
	return anyOf(out)
}

// megabytes rounds up, so that a file over its limit never reads as the limit.
func megabytes(n int64) string {
	const mb = 1_000_000
	if n%mb == 0 {
		return strconv.FormatInt(n/mb, 10)
	}
	tenths := (n*10 + mb - 1) / mb
	if tenths%10 == 0 {
		return strconv.FormatInt(tenths/10, 10)
	}
	return fmt.Sprintf("%d.%d", tenths/10, tenths%10)
}
