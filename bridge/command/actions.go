package command

import (
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// Actions are the buttons under the card of an event: what its reader may want
// to do next, the likeliest first. Each names a command of the table and binds
// its arguments, and the agent by the name "agent"; what needs a person's words
// binds Form too. A value that the command would refuse makes no button, so
// none is dead. Pages to open are the layout's, not the table's.
func Actions(in language.Speaker, e events.Event) []bridge.Action {
	card := buttons{agent: e.Agent(), in: in}
	switch d := e.Data.(type) {
	case events.NotificationFollow:
		card.add("Follow back", "agent follow", "handle", d.Actor.Handle)
		card.form("Message", "dm start", "handle", d.Actor.Handle)
	case events.NotificationComment:
		card.next("Reply", "post comment", "post", d.Post.ID, "reply_to", d.Comment.ID)
		card.add("Like post", "post like", "post", d.Post.ID)
	case events.NotificationReply:
		card.next("Reply", "post comment", "post", d.Post.ID, "reply_to", d.Comment.ID)
	case events.NotificationQuote:
		card.next("Comment", "post comment", "post", d.Post.ID)
		card.add("Like", "post like", "post", d.Post.ID)
		card.add("Repost", "post repost", "post", d.Post.ID)
	case events.NotificationMention:
		card.mention(d)
	case events.MessageReceived:
		card.next("Answer", "dm send", "conversation", d.Conversation.ID)
		card.add("Mark read", "dm mark-read", "conversation", d.Conversation.ID)
	case events.GenerationCompleted:
		card.generate("Again", d.Job, false)
		card.drop("Delete post", "post delete", "post", d.Job.PostID)
	case events.GenerationFailed:
		card.failed(d.Job)
	case events.PostPublished:
		card.form("Comment", "post comment", "post", d.Post.ID)
		card.add("Like", "post like", "post", d.Post.ID)
		card.drop("Delete post", "post delete", "post", d.Post.ID)
	case events.PostFollowed:
		card.post(d.Post)
	case events.PostMatched:
		card.post(d.Post)
	case events.ServiceListed:
		card.add("Details", "market show", "service", d.Listing.ID)
		if d.Listing.Agent != nil {
			card.form("Message", "dm start", "handle", d.Listing.Agent.Handle)
		}
	case events.ServiceOrdered:
		card.add("Details", "order show", "order", d.Order.ID)
	case events.ServiceOrderChanged:
		card.add("Details", "order show", "order", d.Order.ID)
	case events.NotificationOther:
		if d.Actor != nil {
			card.form("Message", "dm start", "handle", d.Actor.Handle)
		}
	case events.NotificationLike, events.NotificationRepost, events.MessageSent, events.GenerationStarted, events.GenerationProgressed,
		events.AgentMilestone, events.AgentProfileChanged: // nothing to answer
	}
	return card.list
}

// buttons collects the actions of one card.
type buttons struct {
	agent string
	in    language.Speaker
	list  []bridge.Action
}

// add makes a button that acts at once; bound are names and values in turn.
func (b *buttons) add(label, command string, bound ...string) {
	if args, ok := b.bind(command, bound); ok {
		b.list = append(b.list, bridge.Action{Label: b.in.Word(label), Command: command, Args: args})
	}
}

// drop makes a button that destroys something. The runner asks before it does.
func (b *buttons) drop(label, command string, bound ...string) {
	had := len(b.list)
	b.add(label, command, bound...)
	for i := range b.list[had:] {
		b.list[had+i].Danger = true
	}
}

// form makes a button that opens the command's form.
func (b *buttons) form(label, command string, bound ...string) {
	had := len(b.list)
	b.add(label, command, bound...)
	for i := range b.list[had:] {
		b.list[had+i].Args[Form] = "yes"
	}
}

// next is form for what the reader most likely does next.
func (b *buttons) next(label, command string, bound ...string) {
	had := len(b.list)
	b.form(label, command, bound...)
	for i := range b.list[had:] {
		b.list[had+i].Primary = true
	}
}

// bind checks each value as the command will. An optional one that is empty is
// left out.
func (b *buttons) bind(command string, bound []string) (map[string]string, bool) {
	group, verb, _ := strings.Cut(command, " ")
	spec, ok := Find(group, verb)
	if !ok {
		return nil, false
	}
	args := map[string]string{"agent": b.agent}
	for i := 0; i+1 < len(bound); i += 2 {
		arg, known := spec.Arg(bound[i])
		if !known {
			return nil, false
		}
		value, err := parseValue(spec, arg, bound[i+1])
		switch {
		case err != nil, value == nil && arg.Required:
			return nil, false
		case value != nil:
			args[arg.Name] = typed(value)
		}
	}
	return args, true
}

// mention answers where the name was called: under the comment, or the post.
func (b *buttons) mention(d events.NotificationMention) {
	comment := ""
	if d.Comment != nil {
		comment = d.Comment.ID
	}
	b.next("Reply", "post comment", "post", d.Post.ID, "reply_to", comment)
	b.add("Like", "post like", "post", d.Post.ID)
	b.form("Quote", "post quote", "post", d.Post.ID)
	b.add("Repost", "post repost", "post", d.Post.ID)
	if comment != "" {
		b.form("Report", "report send", "comment", comment)
	} else {
		b.form("Report", "report send", "post", d.Post.ID)
	}
}

// post is what one does with somebody's post.
func (b *buttons) post(p events.Post) {
	b.form("Comment", "post comment", "post", p.ID)
	b.add("Like", "post like", "post", p.ID)
	b.add("Repost", "post repost", "post", p.ID)
	b.form("Quote", "post quote", "post", p.ID)
}

// failed offers what is left to try.
func (b *buttons) failed(j events.Job) {
	left := imagine.MaxJobRetries - max(0, j.RetryCount)
	if left > 0 {
		b.add(b.in.Say("Retry (%d left)", left), "generate retry", "job", j.ID)
		for i := range b.list {
			b.list[i].Primary = true
		}
	}
	b.generate("Change prompt", j, left <= 0)
}

// generate opens the form of a generation, filled with what made this one. What
// the form does not take, such as a provider it does not know, is left out.
func (b *buttons) generate(label string, j events.Job, next bool) {
	verb := verbOf(j.Type)
	var bound []string
	for _, pair := range [][2]string{{"prompt", j.Prompt}, {"provider", j.Provider}, {"model", j.Model}, {"post_text", j.PostContent}} {
		if _, ok := b.bind("generate "+verb, pair[:]); ok {
			bound = append(bound, pair[:]...)
		}
	}
	if next {
		b.next(label, "generate "+verb, bound...)
	} else {
		b.form(label, "generate "+verb, bound...)
	}
}
