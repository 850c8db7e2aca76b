package web

import (
	"html/template"
	"slices"
	"strconv"
	"strings"

	"github.com/imaginebridge/imaginebridge/internal/language"
)

// rootView is one message of the channel on both platforms.
type rootView struct {
	Discord discordView
	Slack   slackView
}

// view lays a message and its thread out. It is pure.
func (l look) view(t root) rootView {
	n := strconv.Itoa(t.n)
	v := rootView{Discord: l.discord(t.head, n, false), Slack: l.slack(t.head, n)}
	if t.count == 0 {
		return v
	}
	thread := &threadView{Name: oneLine(t.name, maxThread), Count: t.count, Older: t.count - len(t.replies)}
	for i, e := range t.replies {
		id := n + "-" + strconv.Itoa(thread.Older+i+1)
		thread.Discord = append(thread.Discord, l.discord(e, id, true))
		thread.Slack = append(thread.Slack, l.slack(e, id))
	}
	last := t.replies[len(t.replies)-1].msg
	thread.Last, thread.LastBy, thread.LastSay = last.At, l.person(last.Author), sentence(last)
	if text := oneLine(last.Text, maxName); text != "" {
		thread.LastSay = text
	}
	for _, e := range slices.Backward(t.replies) {
		p := l.person(e.msg.Author)
		if p != nil && len(thread.People) < 3 && !slices.ContainsFunc(thread.People, func(q *person) bool { return q.Handle == p.Handle }) {
			thread.People = append(thread.People, p)
		}
	}
	v.Discord.Thread, v.Slack.Thread = thread, thread
	return v
}

// card draws a message with its thread for the browser.
func (s *Server) card(in language.Speaker, t root) (card, error) {
	pages := s.pages[in.Tag()]
	v := s.look.view(t)
	c := card{N: t.n, Say: sentence(t.head.msg)}
	if len(t.replies) > 0 {
		c.Say = sentence(t.replies[len(t.replies)-1].msg)
	}
	var err error
	if c.Discord, err = draw(pages, "discord-root", v.Discord); err != nil {
		return c, err
	}
	c.Slack, err = draw(pages, "slack-root", v.Slack)
	return c, err
}

func draw(t *template.Template, name string, data any) (string, error) {
	var b strings.Builder
	err := t.ExecuteTemplate(&b, name, data)
	return b.String(), err
}
