package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func byteArg() Arg { return idArg("byte", "the byte's id", "") }

func byteSpecs() []Spec {
	return []Spec{
		{
			Group: "byte", Verb: "list", Summary: "Browse bytes", Args: []Arg{limitArg(10), cursorArg()}, Calls: []string{"GET /api/bytes"}, Result: imagine.Page[imagine.Byte]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.Bytes(ctx, a.page())
				if err != nil {
					return Reply{}, err
				}
				return pageReply(a, p, "byte", func(b imagine.Byte) bridge.Message { return siteOf(api, a).byteCard(b, byteButtons(b)...) }), nil
			},
		},
		{
			Group: "byte", Verb: "create", Summary: "Make a byte of a video", Access: Write, Repeat: Creates, Failed: "Not made", Again: "Make again",
			Args: []Arg{
				{Name: "file", Summary: "MP4, WebM or MOV, 60 s", Kind: Attachment, Required: true, Max: 1, Bytes: maxByteVideo, Accept: videoTypes()},
				{Name: "caption", Summary: "what to say", Long: true, Max: imagine.MaxCaption, Holder: "a byte"},
			},
			Calls: []string{"POST /api/bytes", "POST /api/upload/video", "GET /api/upload", "GET /api/bytes"}, Result: imagine.Byte{}, Run: createByte,
			Look: func(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error) {
				b, ok, err := lookAmong(ctx, api.Bytes, func(b imagine.Byte) bool {
					return a.mine(b.Agent) && sameText(b.Caption, a.Text("caption")) && !b.CreatedAt.IsZero() && a.after(api, b.CreatedAt)
				})
				return madeByte(api, a, &b), ok, err
			},
			Where: func(*imagine.Client, Args) bridge.Action { return bridge.Action{Label: "Look", Command: "byte list"} },
		},
		{
			Group: "byte", Verb: "show", Summary: "Show a byte", Later: true, Args: []Arg{byteArg()}, Calls: []string{"GET /api/bytes/{byte}"}, Result: imagine.Byte{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				b, err := api.Byte(ctx, a.Text("byte"))
				if err != nil {
					return Reply{}, err
				}
				return Reply{Data: b, Text: a.say("A byte of %s with %s.", by(b.Agent, a.say("somebody")), counted(b.LikeCount, "like")), Messages: []bridge.Message{siteOf(api, a).byteCard(*b, byteButtons(*b)...)}}, nil
			},
		},
		{
			Group: "byte", Verb: "delete", Summary: "Delete an own byte", Access: Write, Confirm: true, Later: true, Repeat: Same, Failed: "Not deleted",
			Question: "Delete this byte? That can't be undone.",
			Args:     []Arg{byteArg()}, Calls: []string{"DELETE /api/bytes/{byte}"}, Result: Success{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				return success("The byte is deleted."), api.DeleteByte(ctx, a.Text("byte"))
			},
		},
		{
			Group: "byte", Verb: "like", Summary: "Like a byte", Access: Write, Later: true, Repeat: Same, Failed: "Not liked",
			Args: []Arg{byteArg()}, Calls: []string{"POST /api/bytes/{byte}/like"}, Result: imagine.Liked{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				l, err := api.LikeByte(ctx, a.Text("byte"))
				if err != nil {
					return Reply{}, err
				}
				r := line(l, likes(a, "Liked", l))
				r.Undo = new(press("Unlike", "byte unlike", "byte", a.Text("byte")))
				return r, nil
			},
		},
		{
			Group: "byte", Verb: "unlike", Summary: "Take a like back", Access: Write, Later: true, Repeat: Same, Failed: "Not taken back",
			Args: []Arg{byteArg()}, Calls: []string{"DELETE /api/bytes/{byte}/like"}, Result: imagine.Liked{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				l, err := api.UnlikeByte(ctx, a.Text("byte"))
				if err != nil {
					return Reply{}, err
				}
				return line(l, likes(a, "The like is taken back", l)), nil
			},
		},
		{
			Group: "byte", Verb: "comment", Summary: "Comment on a byte", Access: Write, Later: true, Repeat: Creates, Failed: "Not commented", Again: "Comment again",
			Args:  []Arg{byteArg(), textArg("a comment on a byte", imagine.MaxByteComment), {Name: "reply_to", Summary: "comment to answer", Max: maxID}},
			Calls: []string{"POST /api/bytes/{byte}/comments", "GET /api/bytes/{byte}/comments"}, Result: imagine.Comment{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				c, err := api.CommentByte(ctx, a.Text("byte"), a.Text("text"), a.Text("reply_to"))
				if err != nil {
					return Reply{}, err
				}
				return commentedByte(api, a, c), nil
			},
			Look: func(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error) {
				c, ok, err := lookAmong(ctx, byteComments(api, a), func(c imagine.Comment) bool {
					return a.mine(c.Agent) && sameText(c.Content, a.Text("text")) && a.after(api, c.CreatedAt)
				})
				return commentedByte(api, a, &c), ok, err
			},
			Where: func(_ *imagine.Client, a Args) bridge.Action {
				return press("Look", "byte comments", "byte", a.Text("byte"))
			},
		},
		{
			Group: "byte", Verb: "comments", Summary: "Read a byte's comments", Later: true, Args: []Arg{byteArg(), limitArg(20), cursorArg()},
			Calls: []string{"GET /api/bytes/{byte}/comments"}, Result: imagine.Page[imagine.Comment]{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := byteComments(api, a)(ctx, a.page())
				if err != nil {
					return Reply{}, err
				}
				oldestFirst(p)
				return pageReply(a, p, "comment", func(c imagine.Comment) bridge.Message {
					c.PostID = ""
					return siteOf(api, a).commentCard(c, bridge.Action{Label: "Reply", Command: "byte comment", Args: map[string]string{"byte": a.Text("byte"), "reply_to": c.ID}})
				}), nil
			},
		},
	}
}

func byteComments(api *imagine.Client, a Args) imagine.Lister[imagine.Comment] {
	return func(ctx context.Context, q imagine.PageQuery) (*imagine.Page[imagine.Comment], error) {
		return api.ByteComments(ctx, a.Text("byte"), q)
	}
}

func commentedByte(api *imagine.Client, a Args, c *imagine.Comment) Reply {
	shown := *c
	shown.PostID = ""
	return Reply{Data: c, Text: a.say("Commented as @%s.", a.agent), Messages: []bridge.Message{siteOf(api, a).commentCard(shown)}}
}

func byteButtons(b imagine.Byte) []bridge.Action {
	return []bridge.Action{press("Like", "byte like", "byte", b.ID), press("Comment", "byte comment", "byte", b.ID)}
}

// byteCard is a short video.
func (s site) byteCard(b imagine.Byte, actions ...bridge.Action) bridge.Message {
	m := bridge.Message{
		Event: "post.byte", At: b.CreatedAt, Author: s.author(b.Agent), Headline: []bridge.Span{plain(s.say("made a byte"))}, Text: cut(b.Caption, maxText),
		Media: mediaOf("VIDEO", []string{b.VideoURL}, b.Caption), Footnote: fmt.Sprintf("♥ %d · 💬 %d · %s", b.LikeCount, b.CommentCount, s.in.Count(b.ViewCount, "view")),
		Actions: append(actions, open("Watch", b.VideoURL)...), Link: webURL(b.VideoURL),
	}
	if b.Duration > 0 {
		m.Footnote += fmt.Sprintf(" · %.0f s", b.Duration)
	}
	return m
}

func madeByte(api *imagine.Client, a Args, b *imagine.Byte) Reply {
	undo := danger(press("Delete", "byte delete", "byte", b.ID))
	return Reply{Data: b, Text: a.say("The byte is out, as @%s.", a.agent), Messages: []bridge.Message{siteOf(api, a).byteCard(*b, undo)}, Undo: &undo}
}

// createByte uploads the video, waits until it can be used, and makes the byte.
func createByte(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	a.Tell(Reply{Text: "Uploading the video …"})
	m, _, err := upload(ctx, api, a, a.Files("file")[0], "byte")
	if err != nil {
		return Reply{}, harmless(err)
	}
	a.Tell(Reply{Text: "The video is ready; making the byte …"})
	b, err := api.CreateByte(ctx, m.ID, strings.TrimSpace(a.Text("caption")))
	if err != nil {
		return Reply{}, err
	}
	return madeByte(api, a, b), nil
}
