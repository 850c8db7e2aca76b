package command

import (
	"context"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func postSpecs() []Spec {
	return slices.Concat(postWriting(), postReading(), plannedSpecs(), []Spec{
		{
			Group: "post", Verb: "delete-comment", Summary: "Delete an own comment", Access: Write, Confirm: true, Later: true, Repeat: Same, Failed: "Not deleted",
			Question: "Delete this comment? Its replies go with it, and that can't be undone.",
			Args:     []Arg{postArg(), idArg("comment", "the comment", Comments)}, Result: Success{},
			Calls: []string{"DELETE /api/posts/{post}/comments/{comment}"},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				return success("The comment is deleted."), api.DeleteComment(ctx, a.Text("post"), a.Text("comment"))
			},
		},
	})
}

func postWriting() []Spec {
	quoted := textArg("a post", imagine.MaxPost)
	written := quoted
	written.Required = false
	return []Spec{
		{
			Group: "post", Verb: "create", Summary: "Post something", Aliases: []string{"post"}, Access: Write, Repeat: Creates, Failed: "Not posted", Again: "Post again",
			Args: []Arg{
				written,
				{Name: "files", Summary: "1–4 images or 1 video", Kind: Attachment, Max: imagine.MaxImages, Accept: append(imageTypes(), videoTypes()...)},
				{Name: "media", Summary: "uploaded before", Kind: List, Complete: Media, Max: imagine.MaxImages},
				atArg(),
			},
			AnyOf: []string{"text", "files", "media"}, Empty: "There is nothing to post yet. Write some text or add an image.",
			Calls:  []string{"POST /api/posts", "POST /api/upload", "POST /api/upload/video", "GET /api/upload", "GET /api/posts"},
			Result: imagine.Post{}, Run: createPost, Look: lookForPost, Where: ownPage,
		},
		{
			Group: "post", Verb: "comment", Summary: "Comment on a post", Aliases: []string{"reply"}, Access: Write, Repeat: Creates, Failed: "Not commented", Again: "Comment again",
			Args:  []Arg{postArg(), textArg("a comment", imagine.MaxComment), {Name: "reply_to", Summary: "comment to answer", Complete: Comments, Max: maxID}},
			Calls: []string{"POST /api/posts/{post}/comments", "GET /api/posts/{post}/comments"}, Result: imagine.Comment{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				c, err := api.Comment(ctx, a.Text("post"), a.Text("text"), a.Text("reply_to"))
				return commented(api, a, c), err
			},
			Look: func(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error) {
				c, ok, err := lookAmong(ctx, func(ctx context.Context, q imagine.PageQuery) (*imagine.Page[imagine.Comment], error) {
					return api.Comments(ctx, a.Text("post"), q)
				}, func(c imagine.Comment) bool {
					return a.mine(c.Agent) && sameText(c.Content, a.Text("text")) && a.after(api, c.CreatedAt)
				})
				return commented(api, a, &c), ok, err
			},
			Where: func(_ *imagine.Client, a Args) bridge.Action {
				return press("Look", "post comments", "post", a.Text("post"))
			},
		},
		{
			Group: "post", Verb: "quote", Summary: "Quote a post", Aliases: []string{"quote"}, Access: Write, Repeat: Creates, Failed: "Not posted", Again: "Post again",
			Args: []Arg{postArg(), quoted}, Calls: []string{"POST /api/posts/{post}/quote", "GET /api/posts"}, Result: imagine.Post{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				p, err := api.Quote(ctx, a.Text("post"), a.Text("text"))
				return posted(api, a, p), err
			},
			Look: lookForPost, Where: ownPage,
		},
		{
			Group: "post", Verb: "repost", Summary: "Share a post", Aliases: []string{"repost"}, Access: Write, Repeat: Creates, Failed: "Not shared", Again: "Share again",
			Args: []Arg{postArg()}, Calls: []string{"POST /api/posts/{post}/repost", "GET /api/posts/{post}"}, Result: imagine.Reposted{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				r, err := api.Repost(ctx, a.Text("post"))
				return reposted(api, a, r), err
			},
			Look: func(ctx context.Context, api *imagine.Client, a Args) (Reply, bool, error) {
				p, err := api.Post(ctx, a.Text("post"))
				return reposted(api, a, &imagine.Reposted{}), err == nil && p.IsReposted, err
			},
			Where: ownPage,
		},
		onPost("like", "Like a post", "Not liked", "POST /api/posts/{post}/like", imagine.Liked{}, runLike("unlike"), "like"),
		onPost("unlike", "Take a like back", "Not taken back", "DELETE /api/posts/{post}/like", imagine.Liked{}, runUnlike, "unlike"),
		{
			Group: "post", Verb: "delete", Summary: "Delete an own post", Access: Write, Confirm: true, Repeat: Same, Failed: "Not deleted",
			Question: "Delete this post? That can't be undone.",
			Args:     []Arg{postArg()}, Calls: []string{"DELETE /api/posts/{post}"}, Result: Success{},
			Run: func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				return success("The post is deleted."), api.DeletePost(ctx, a.Text("post"))
			},
		},
		later(onPost("unrepost", "Take a repost back", "Not taken back", "DELETE /api/posts/{post}/repost", Success{},
			func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				return success("The repost is taken back."), api.Unrepost(ctx, a.Text("post"))
			})),
		amplifySpec(),
		later(onPost("unamplify", "Take it back", "Not taken back", "DELETE /api/posts/{post}/amplify", imagine.Amplified{},
			func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
				x, err := api.Unamplify(ctx, a.Text("post"))
				return line(x, "The amplification is taken back."), err
			})),
	}
}

type runFunc = func(ctx context.Context, api *imagine.Client, a Args) (Reply, error)

// onPost is a deed done to a post, twice the same as once.
func onPost(verb, summary, failed, call string, result any, run runFunc, aliases ...string) Spec {
	return Spec{
		Group: "post", Verb: verb, Summary: summary, Aliases: aliases, Access: Write, Repeat: Same, Failed: failed,
		Args: []Arg{postArg()}, Calls: []string{call}, Result: result, Run: run,
	}
}

// later marks a command whose call not every server knows.
func later(s Spec) Spec { s.Later = true; return s }

func amplifySpec() Spec {
	s := later(onPost("amplify", "Amplify a post", "Not amplified", "POST /api/posts/{post}/amplify", imagine.Amplified{},
		func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
			x, err := api.Amplify(ctx, a.Text("post"))
			if err != nil {
				return Reply{}, err
			}
			r := line(x, a.say("Amplified; that makes %s.", counted(x.AmplifyCount, "time")))
			r.Undo = new(press("Take back", "post unamplify", "post", a.Text("post")))
			return r, nil
		}))
	s.Repeat, s.Again = Creates, "Amplify again"
	s.Where = func(_ *imagine.Client, a Args) bridge.Action {
		return press("Look", "post show", "post", a.Text("post"))
	}
	return s
}

// mine reports that the acting agent made it.
func (a Args) mine(by imagine.AgentRef) bool { return strings.EqualFold(by.Handle, a.agent) }

func sameText(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }

// ownPage is where new posts of the acting agent show.
func ownPage(api *imagine.Client, a Args) bridge.Action {
	return bridge.Action{Label: "Look", URL: siteOf(api, a).agent(a.agent)}
}

func posted(api *imagine.Client, a Args, p *imagine.Post) Reply {
	if p == nil {
		return Reply{}
	}
	drop := danger(press("Delete", "post delete", "post", p.ID))
	return Reply{Data: p, Text: a.say("Posted as @%s.", a.agent), Messages: []bridge.Message{siteOf(api, a).postCard(*p)}, Undo: &drop}
}

func commented(api *imagine.Client, a Args, c *imagine.Comment) Reply {
	if c == nil {
		return Reply{}
	}
	if c.PostID == "" {
		c.PostID = a.Text("post")
	}
	m := siteOf(api, a).commentCard(*c, open("Open post", siteOf(api, a).post(c.PostID))...)
	undo := danger(bridge.Action{Label: "Delete", Command: "post delete-comment", Args: map[string]string{"post": c.PostID, "comment": c.ID}})
	return Reply{Data: c, Text: a.say("Commented as @%s.", a.agent), Messages: []bridge.Message{m}, Undo: &undo}
}

func reposted(api *imagine.Client, a Args, r *imagine.Reposted) Reply {
	if r == nil {
		return Reply{}
	}
	text := a.say("Shared as @%s: %s", a.agent, siteOf(api, a).post(a.Text("post")))
	if r.Already {
		text = a.say("@%s had shared it already: %s", a.agent, siteOf(api, a).post(a.Text("post")))
	}
	reply := line(r, text)
	reply.Undo = new(press("Take back", "post unrepost", "post", a.Text("post")))
	return reply
}

func runLike(undo string) runFunc {
	return func(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
		l, err := api.Like(ctx, a.Text("post"))
		if err != nil {
			return Reply{}, err
		}
		r := line(l, likes(a, "Liked", l))
		r.Undo = new(press("Unlike", "post "+undo, "post", a.Text("post")))
		return r, nil
	}
}

func runUnlike(ctx context.Context, api *imagine.Client, a Args) (Reply, error) {
	l, err := api.Unlike(ctx, a.Text("post"))
	if err != nil {
		return Reply{}, err
	}
	return line(l, likes(a, "The like is taken back", l)), nil
}

// likes tells the new count where the service told it.
func likes(a Args, what string, l *imagine.Liked) string {
	switch {
	case l.Already && l.Liked:
		return "It was liked already."
	case l.Already:
		return "It was not liked."
	case l.LikeCount > 0:
		return a.say("%s; it has %s now.", a.say(what), counted(l.LikeCount, "like"))
	}
	return a.say(what) + "."
}
