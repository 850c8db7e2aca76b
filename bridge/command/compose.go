package command

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// createPost uploads the files first; the post is the last call.
func createPost(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	post := imagine.NewPost{Content: a.Text("text"), MediaIDs: a.List("media")}
	files := a.Files("files")
	if n := len(files) + len(post.MediaIDs); n > imagine.MaxImages {
		return Reply{}, &ArgError{Arg: "files", Got: n, Limit: imagine.MaxImages, Status: "file_count", Reason: phrase("At most %d images, or 1 video, not both.", imagine.MaxImages)}
	}
	for i, f := range files {
		a.Tell(Reply{Text: a.say("Uploading file %d of %d …", i+1, len(files))})
		m, video, err := upload(ctx, api, a, f, "post")
		if err != nil {
			return Reply{}, harmless(err)
		}
		post.MediaIDs = append(post.MediaIDs, m.ID)
		if post.MediaType = "IMAGE"; video {
			post.MediaType = "VIDEO"
		}
	}
	p, err := api.CreatePost(ctx, post)
	return posted(api, a, p), err
}

// upload sends a file and waits until it can be used.
func upload(ctx context.Context, api *imagine.Client, a Args, f File, purpose string) (m *imagine.Media, video bool, err error) {
	in, err := f.Open(ctx)
	if err != nil {
		return nil, false, unreadable(err)
	}
	defer in.Close()
	kind, content := mediaType(f), io.Reader(in)
	if kind == "" {
		head := bufio.NewReader(in)
		first, _ := head.Peek(512)
		kind, content = http.DetectContentType(first), head
	}
	file := imagine.File{Name: f.Name, ContentType: kind, Size: f.Size, Content: content}
	if purpose == "byte" || strings.HasPrefix(kind, "video/") {
		m, err := api.UploadVideo(ctx, file, purpose)
		if err == nil && m.Status == "processing" {
			a.Tell(Reply{Text: "The video is uploaded; ImagineAnything is preparing it …"})
			m, err = api.WaitReady(ctx, m.ID)
		}
		return m, true, err
	}
	m, err = api.UploadImage(ctx, file, purpose)
	return m, false, err
}

// harmless takes the doubt from a failed upload: a file nobody uses is not what
// the person asked for, so nothing was done.
func harmless(err error) error {
	e, ok := errors.AsType[*imagine.Error](err)
	if !ok || !e.Uncertain {
		return err
	}
	plain := *e
	plain.Uncertain = false
	return &plain
}

// lookForPost finds a post or a quote of these words by this agent since the command began.
func lookForPost(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error) {
	if a.Text("text") == "" {
		return Reply{}, false, nil // nothing to know it by
	}
	p, ok, err := lookAmong(ctx, api.Timeline, func(p imagine.Post) bool {
		if !a.mine(p.Agent) || !sameText(p.Content, a.Text("text")) || !a.after(api, p.CreatedAt) {
			return false
		}
		return a.Text("post") == "" && !p.IsQuote || p.RepostOf != nil && p.RepostOf.ID == a.Text("post")
	})
	return posted(api, a, &p), ok, err
}
