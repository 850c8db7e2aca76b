package sandbox

import (
	"time"
)

// Action is something an agent of the emulator does, outside the API and its
// rate limits: how tests and the control routes make things happen.
type Action struct {
	As           string `json:"as"` // handle of who does it
	Do           string `json:"do"` // like unlike follow unfollow comment reply repost quote mention dm post delete read generate
	Post         string `json:"post,omitempty"`
	Comment      string `json:"comment,omitempty"`      // the parent, for reply
	Handle       string `json:"handle,omitempty"`       // follow, mention, dm; elsewhere the author whose newest post is meant
	Conversation string `json:"conversation,omitempty"` // dm and read, instead of Handle
	Content      string `json:"content,omitempty"`
	Provider     string `json:"provider,omitempty"` // generate; default OPENAI
	Type         string `json:"type,omitempty"`     // generate; default image
	Prompt       string `json:"prompt,omitempty"`   // generate

	// Late dates the happening back by so much, as a service does that commits
	// out of order: it appears below newer ones.
	Late time.Duration `json:"-"`
}

// Result names what an action made, and all it caused.
type Result struct {
	Post         string      `json:"post,omitempty"`
	Comment      string      `json:"comment,omitempty"`
	Conversation string      `json:"conversation,omitempty"`
	Message      string      `json:"message,omitempty"`
	Job          string      `json:"job,omitempty"`
	Happened     []Happening `json:"happened"`
}

// Act carries out one action. Its errors are the API's own refusals.
func (s *Sandbox) Act(a Action) (Result, error) {
	w := s.enter()
	defer s.leave()
	told := len(w.ledger)
	var r Result
	err := w.at(w.now.Add(-a.Late), func() (err error) {
		r, err = w.act(a)
		return err
	})
	if err != nil {
		return Result{}, err
	}
	r.Happened = append([]Happening{}, w.ledger[told:]...)
	return r, nil
}

// deeds are what Do can say. Those in onPost need a post.
var (
	deeds = map[string]func(*world, *agent, *post, Action) (Result, error){
		"follow": doFollow, "unfollow": doFollow, "dm": doMessage, "read": doRead,
		"post": doPost, "mention": doPost, "generate": doGenerate,
	}
	onPost = map[string]func(*world, *agent, *post, Action) (Result, error){
		"like": doLike, "unlike": doLike, "comment": doComment, "reply": doComment,
		"repost": doRepost, "quote": doQuote, "delete": doDelete,
	}
)

func (w *world) act(a Action) (Result, error) {
	me := w.agents[a.As]
	if me == nil {
		return Result{}, notFound("No such agent: %s", a.As)
	}
	if do := deeds[a.Do]; do != nil {
		return do(w, me, nil, a)
	}
	do := onPost[a.Do]
	if do == nil {
		return Result{}, invalid("do: unknown deed %q", a.Do)
	}
	p, err := w.meant(a)
	if err != nil {
		return Result{}, err
	}
	return do(w, me, p, a)
}

// meant is the post of an action: named, the comment's, or its author's newest.
func (w *world) meant(a Action) (*post, error) {
	switch author := w.agents[a.Handle]; {
	case w.posts[a.Post] != nil:
		return w.posts[a.Post], nil
	case a.Post == "" && w.comments[a.Comment] != nil:
		return w.comments[a.Comment].post, nil
	case a.Post == "" && author != nil && len(author.posts) > 0:
		return author.posts[len(author.posts)-1], nil
	}
	return nil, notFound("No such post")
}

func (a Action) text(most int) (string, error) {
	if n := length(a.Content); n < 1 || n > most {
		return "", invalid("content must be 1 to %d characters", most)
	}
	return a.Content, nil
}

func doFollow(w *world, me *agent, _ *post, a Action) (Result, error) {
	other, err := w.agentByPath(a.Handle)
	if err != nil {
		return Result{}, err
	}
	if a.Do == "unfollow" {
		w.unfollow(me, other)
		return Result{}, nil
	}
	return Result{}, w.follow(me, other)
}

func doMessage(w *world, me *agent, _ *post, a Action) (Result, error) {
	text, err := a.text(maxMessage)
	if err != nil {
		return Result{}, err
	}
	v := w.conversations[a.Conversation]
	if a.Conversation == "" {
		other, err := w.agentByPath(a.Handle)
		if err != nil {
			return Result{}, err
		}
		if other == me {
			return Result{}, invalid("handle must not be yourself")
		}
		v, _ = w.converse(me, other)
	}
	if v == nil || !v.has(me) {
		return Result{}, notFound("No such conversation")
	}
	m := w.say(v, me, text)
	return Result{Conversation: v.id, Message: m.id}, nil
}

func doRead(w *world, me *agent, _ *post, a Action) (Result, error) {
	v := w.conversations[a.Conversation]
	if other := w.agents[a.Handle]; v == nil && other != nil {
		v = w.pairs[pairOf(me, other)]
	}
	if v == nil || !v.has(me) {
		return Result{}, notFound("No such conversation")
	}
	v.markRead(me)
	return Result{Conversation: v.id}, nil
}

func doPost(w *world, me *agent, _ *post, a Action) (Result, error) {
	if a.Do == "mention" {
		a.Content = "@" + a.Handle + " " + a.Content
	}
	text, err := a.text(maxPost)
	if err != nil {
		return Result{}, err
	}
	return Result{Post: w.addPost(&post{agent: me, content: text}).id}, nil
}

func doLike(w *world, me *agent, p *post, a Action) (Result, error) {
	if a.Do == "unlike" {
		w.unlike(me, p)
	} else {
		w.like(me, p)
	}
	return Result{Post: p.id}, nil
}

func doComment(w *world, me *agent, p *post, a Action) (Result, error) {
	text, err := a.text(maxComment)
	if err != nil {
		return Result{}, err
	}
	parent := w.comments[a.Comment]
	if (a.Comment != "" && (parent == nil || parent.post != p)) || (a.Do == "reply" && parent == nil) {
		return Result{}, notFound("No such comment")
	}
	return Result{Post: p.id, Comment: w.addComment(me, p, parent, text).id}, nil
}

func doRepost(w *world, me *agent, p *post, _ Action) (Result, error) {
	r, err := w.repost(me, p)
	if err != nil {
		return Result{}, err
	}
	return Result{Post: r.id}, nil
}

func doQuote(w *world, me *agent, p *post, a Action) (Result, error) {
	text, err := a.text(maxPost)
	if err != nil {
		return Result{}, err
	}
	return Result{Post: w.addPost(&post{agent: me, content: text, original: p, quote: true}).id}, nil
}

func doDelete(w *world, me *agent, p *post, _ Action) (Result, error) {
	if p.agent != me {
		return Result{}, forbidden("You can only delete your own posts")
	}
	w.removePost(p)
	return Result{Post: p.id}, nil
}

func doGenerate(w *world, me *agent, _ *post, a Action) (Result, error) {
	o := order{provider: a.Provider, kind: a.Type, prompt: a.Prompt, content: a.Content}
	if o.provider == "" {
		o.provider = providers[0]
	}
	if o.kind == "" {
		o.kind = generationTypes[0]
	}
	j, err := w.start(me, o)
	if err != nil {
		return Result{}, err
	}
	return Result{Job: j.id}, nil
}
