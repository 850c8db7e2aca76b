package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func mediaSpecs() []Spec {
	file := func(summary string, accept []string, most int64) Arg {
		return Arg{Name: "file", Summary: summary, Kind: Attachment, Required: true, Max: 1, Bytes: most, Accept: accept}
	}
	look := func(*imagine.Client, Args) bridge.Action { return bridge.Action{Label: "Look", Command: "media list"} }
	return []Spec{
		{
			Group: "media", Verb: "image", Summary: "Upload an image", Access: Write, Repeat: Creates, Failed: "Not uploaded", Again: "Upload again",
			Args:  []Arg{file("JPEG, PNG, GIF or WebP", imageTypes(), maxImage), {Name: "purpose", Summary: "what for", Choices: []string{"post", "avatar"}, Default: "post"}},
			Calls: []string{"POST /api/upload", "GET /api/upload"}, Result: imagine.Media{}, Run: uploadImage, Look: lookForUpload("IMAGE"), Where: look,
		},
		{
			Group: "media", Verb: "video", Summary: "Upload a video", Access: Write, Repeat: Creates, Failed: "Not uploaded", Again: "Upload again",
			Args: []Arg{file("MP4, WebM or MOV", videoTypes(), maxVideo)}, Calls: []string{"POST /api/upload/video", "GET /api/upload"}, Result: imagine.Media{},
			Run: uploadVideo, Look: lookForUpload("VIDEO"), Where: look,
		},
		{
			Group: "media", Verb: "list", Summary: "List uploads",
			Args: []Arg{choiceArg("type", "kind", "image", "video", "audio"), limitArg(20), cursorArg()}, Calls: []string{"GET /api/upload"}, Result: imagine.Page[imagine.Media]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.Media(ctx, imagine.MediaQuery{PageQuery: a.page(), Type: strings.ToUpper(a.Text("type"))})
				if err != nil {
					return Reply{}, err
				}
				return pageReply(a, p, "upload", func(m imagine.Media) bridge.Message { return mediaCard(a, m) }), nil
			},
		},
		{
			Group: "media", Verb: "delete", Summary: "Delete an upload", Access: Write, Confirm: true, Later: true, Repeat: Same, Failed: "Not deleted",
			Question: "Delete this upload? Posts that use it may lose it, and that can't be undone.",
			Args:     []Arg{idArg("media", "the upload", Media)}, Calls: []string{"DELETE /api/upload"}, Result: Success{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				return success("The upload is deleted."), api.DeleteMedia(ctx, a.Text("media"))
			},
		},
	}
}

// mediaCard is an uploaded file.
func mediaCard(a Args, m imagine.Media) bridge.Message {
	kind := mediaKind(m)
	out := bridge.Message{
		Event: "post.file", At: m.CreatedAt, Title: a.say(upper(kind)), Link: webURL(m.URL), Media: mediaOf(kind, []string{m.URL}, kind),
		Fields: []bridge.Field{{Name: "Id", Value: cut(m.ID, maxQuote)}}, Actions: open("Open", m.URL),
	}
	if m.Size > 0 {
		out.Footnote = size(m.Size)
	}
	switch m.Status {
	case "processing":
		out.Footnote = dots(out.Footnote, a.say("being prepared"))
		out.Tone = bridge.ToneBusy
	case "failed":
		out.Footnote = dots(out.Footnote, a.say("could not be prepared"))
		out.Tone = bridge.ToneBad
	default:
		if kind != "audio" && m.Purpose != "byte" && m.Purpose != "avatar" {
			out.Actions = append([]bridge.Action{press("Post it", "post create", "media", m.ID)}, out.Actions...)
		}
	}
	return out
}

// size writes bytes as people read them.
func size(n int) string {
	if n < 1_000_000 {
		return fmt.Sprintf("%d KB", (n+999)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

func mediaKind(m imagine.Media) string {
	for _, kind := range []string{"image", "video", "audio"} {
		if strings.EqualFold(m.Type, kind) || strings.HasPrefix(m.ContentType, kind+"/") {
			return kind
		}
	}
	return "file"
}

func uploaded(a Args, m *imagine.Media) Reply {
	text := "Uploaded."
	if m.Status == "processing" {
		text = "Uploaded; ImagineAnything is preparing it."
	}
	return Reply{Data: m, Text: text, Messages: []bridge.Message{mediaCard(a, *m)}}
}

func uploadImage(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	f := a.Files("file")[0]
	in, err := f.Open(ctx)
	if err != nil {
		return Reply{}, unreadable(err)
	}
	defer in.Close()
	m, err := api.UploadImage(ctx, imagine.File{Name: f.Name, ContentType: f.ContentType, Size: f.Size, Content: in}, a.Text("purpose"))
	if err != nil {
		return Reply{}, err
	}
	return uploaded(a, m), nil
}

// uploadVideo tells the id at once and again when the video can be used.
func uploadVideo(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	f := a.Files("file")[0]
	in, err := f.Open(ctx)
	if err != nil {
		return Reply{}, unreadable(err)
	}
	defer in.Close()
	m, err := api.UploadVideo(ctx, imagine.File{Name: f.Name, ContentType: f.ContentType, Size: f.Size, Content: in}, "post")
	if err != nil {
		return Reply{}, err
	}
	if m.Status != "processing" {
		return uploaded(a, m), nil
	}
	a.Tell(uploaded(a, m))
	ready, err := api.WaitReady(ctx, m.ID)
	if refused, ok := errors.AsType[*imagine.ArgError](err); ok {
		return Reply{}, refused
	}
	if err != nil {
		return uploaded(a, m), nil // it is uploaded; only the wait for its processing failed
	}
	return uploaded(a, ready), nil
}

// lookForUpload finds a file of the same size sent since the command began.
func lookForUpload(kind string) func(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error) {
	return func(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error) {
		files := a.Files("file")
		if len(files) == 0 || files[0].Size <= 0 {
			return Reply{}, false, nil
		}
		m, ok, err := lookAmong(ctx, func(ctx context.Context, q imagine.PageQuery) (*imagine.Page[imagine.Media], error) {
			return api.Media(ctx, imagine.MediaQuery{PageQuery: q, Type: kind})
		}, func(m imagine.Media) bool {
			return int64(m.Size) == files[0].Size && !m.CreatedAt.IsZero() && a.after(api, m.CreatedAt)
		})
		return uploaded(a, &m), ok, err
	}
}
