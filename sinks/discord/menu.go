package discord

import "context"

// menu carries out the commands in a message's menu. They bring the whole
// message, whatever the intent.
func (v *visit) menu(ctx context.Context) {
	m := readSpoken(v.in.Target)
	self, err := v.self(ctx)
	if err != nil || m.ID == "" {
		v.say(ctx, "I can't read that message.")
		return
	}
	text := outward(m, self, v.channelName)
	if v.in.Command == shareMenu {
		if text == "" && len(m.Files) == 0 {
			v.say(ctx, "There is nothing to post in that message: it has no words and no pictures.")
			return
		}
		v.open(ctx, press{Group: "post", Verb: "create", Agent: v.usual(ctx), Args: map[string]string{"text": text}}, m.Files...)
		return
	}
	about, err := v.about(ctx, cardNote(m.ID))
	if err == nil && !about.known() && m.human() && v.in.User.ID == m.User.ID {
		about, err = v.about(ctx, threadNote(v.in.Channel))
		if err == nil && about.known() && len(m.Files) > 0 {
			_ = v.first(ctx, respondMessage, v.problem(ctx, v.in.Guild, about.Agent, wordsAlone(newTalk(v.Sink).requestOf(ctx, about, m, text), text)).private()) // logged there
			return
		}
		if err == nil && about.known() && text != "" {
			v.pass(ctx, about, m, text)
			return
		}
	}
	switch {
	case err != nil:
		v.say(ctx, "I can't look that up now. Try again in a minute.")
	case about.Conversation != "":
		v.open(ctx, press{Group: "dm", Verb: "send", Agent: about.Agent, Args: map[string]string{"conversation": about.Conversation}})
	case about.Post != "":
		p := press{Group: "post", Verb: "comment", Agent: about.Agent, Args: map[string]string{"post": about.Post}}
		if about.Comment != "" {
			p.Args["reply_to"] = about.Comment
		}
		v.open(ctx, p)
	default:
		v.say(ctx, v.reader().Say("That message belongs to nothing on ImagineAnything that I know of. %s makes a post of it.", shareMenu))
	}
}

// open shows the form of a command, with files for it.
func (v *visit) open(ctx context.Context, p press, files ...attachment) {
	spec := v.spec(p.Group, p.Verb)
	if spec == nil {
		v.say(ctx, "This bridge can't do that.")
		return
	}
	q := v.request(p)
	q.Button = true
	if len(files) > 0 {
		q.Files["files"] = v.downloads(files)
	}
	v.carry(ctx, spec, q, true, false)
}

// pass carries a person's own message from a thread out, as if it had been heard.
func (v *visit) pass(ctx context.Context, about subject, m spoken, text string) {
	m.Guild, m.User, m.Member, m.Channel = v.in.Guild, v.in.User, true, v.in.Channel
	q := newTalk(v.Sink).requestOf(ctx, about, m, text)
	q.Principal = v.principal()
	if spec := v.spec(q.Group, q.Verb); spec != nil {
		v.wrote(ctx, m, q)
		v.carry(ctx, spec, q, false, false)
		return
	}
	v.say(ctx, "This bridge can't do that.")
}
