package discord

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// Limits of a message, Discord docs "Embed Limits" and "Create Message". The
// footer is ours alone and held shorter than the 2,048 it may have, so that the
// fixed parts never use up the sum.
const (
	maxContent     = 2000
	maxTitle       = 256
	maxAuthor      = 256
	maxFooter      = 512
	maxDescription = 4096
	maxFields      = 25
	maxFieldName   = 256
	maxFieldValue  = 1024
	maxEmbeds      = 6000 // sum over all texts of all embeds
	maxLabel       = 80
	maxRows        = 5
	maxInRow       = 5
	maxThreadName  = 100
)

// home carries the mark of a message that has no other address. It is not seen
// unless the message has a title and no author.
const home = "https://imagineanything.com/"

// card is a message as Discord shows it, before it is posted or put in the
// place of another.
type card struct {
	embeds []embed
	rows   []row
	flags  int
	text   string // instead of embeds and rows, when these were refused
}

// create is the body that posts the card.
func (c card) create(nonce string) createBody {
	return createBody{
		Content: c.text, Embeds: c.embeds, Components: c.rows, AllowedMentions: nobody(), Flags: c.flags,
		Nonce: nonce, EnforceNonce: true,
	}
}

// edit is the body that puts the card in the place of another. Empty lists are
// written out: they take away what was there.
func (c card) edit() editBody {
	return editBody{
		Content: c.text, Embeds: append([]embed{}, c.embeds...), Components: append([]row{}, c.rows...),
		AllowedMentions: nobody(),
	}
}

// render draws a message. Inside a thread it leaves out what the thread itself
// says. ids are the custom_ids of the message's actions; those without one, and
// without an address, are left out.
func render(m bridge.Message, inThread bool, mark string, ids ...string) card {
	e := embed{
		Title: inline(m.Title, maxTitle), Color: color(m), Author: author(m.Author),
		Footer: footer(m),
	}
	if !m.At.IsZero() {
		e.Timestamp = m.At.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	room := maxEmbeds - e.size()
	e.Description = description(m, inThread, min(room, maxDescription))
	room = maxEmbeds - e.size()
	e.Fields = fields(m, inThread, room)
	if e.Author == nil && e.Title == "" && e.Description == "" {
		e.Title = inline(cmp.Or(m.Event, "event"), maxTitle)
	}
	films := playable(m.Media, m.Actions)
	buttons := append(films, m.Actions...)
	mend(&e, m, mark, buttons)

	c := card{embeds: []embed{e}, rows: rows(buttons, append(make([]string, len(films)), ids...))}
	for i, address := range images(m.Media) {
		if i == 0 {
			c.embeds[0].Image = &embedImage{URL: address}
			continue
		}
		c.embeds = append(c.embeds, embed{Image: &embedImage{URL: address}})
	}
	if m.Quiet {
		c.flags |= flagNoPush
	}
	return c
}

// mend gives the embed its link and the mark, on the author's address where
// there is one.
func mend(e *embed, m bridge.Message, mark string, buttons []bridge.Action) {
	link := safeURL(m.Link, maxURL-len(mark)-1)
	for _, b := range buttons {
		if b.URL == m.Link {
			link = "" // a button leads there already
		}
	}
	if e.Author != nil {
		e.Author.URL = marked(cmp.Or(safeURL(m.Author.URL, maxURL-len(mark)-1), safeURL(m.Link, maxURL-len(mark)-1), home), mark)
		e.URL = link
		return
	}
	e.URL = marked(cmp.Or(link, safeURL(m.Link, maxURL-len(mark)-1), home), mark)
}

func author(a *bridge.Author) *embedAuthor {
	if a == nil {
		return nil
	}
	name, handle := plain(a.Name, maxAuthor/2), plain(a.Handle, maxAuthor/3)
	if a.Verified {
		name = strings.TrimSpace(name + " ✓")
	}
	switch {
	case handle != "" && name == "":
		name = "@" + handle
	case handle != "" && a.Name != a.Handle:
		name += " (@" + handle + ")"
	}
	if name == "" {
		return nil
	}
	return &embedAuthor{Name: name, IconURL: safeURL(a.AvatarURL, maxURL)}
}

// footer is the small print, with the agent concerned in front where no other
// part of the card is sure to name it: one channel may hear of several.
func footer(m bridge.Message) *embedFooter {
	text := m.Footnote
	own := m.Author != nil && m.Author.Handle == m.Agent
	switch {
	case own || m.Agent == "" || text == m.Agent:
	case text == "":
		text = m.Agent
	default:
		text = m.Agent + " · " + text
	}
	if text = plain(text, maxFooter); text == "" {
		return nil
	}
	return &embedFooter{Text: text}
}

// description is the body: what was done, where neither title nor thread says it
// already; the words themselves; quotes without a heading.
func description(m bridge.Message, inThread bool, limit int) string {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
			limit -= units(text) + 1
		}
	}
	untold := m.Title == "" && (!inThread || m.Text == "")
	if untold || m.Text == "" && len(m.Quotes) == 0 {
		add(headline(m.Headline, min(limit, maxFieldValue)))
	}
	add(block(m.Text, limit))
	for _, q := range m.Quotes[:min(len(m.Quotes), maxFields)] {
		if q.Label == "" {
			add(quoted(q.Text, min(limit, maxFieldValue)))
		}
	}
	return strings.Join(parts, "\n")
}

// headline writes our own words with their styles. Labels of links are ours and
// stripped of what could end them: Discord knows no escapes there.
func headline(spans []bridge.Span, limit int) string {
	var b strings.Builder
	for _, s := range spans {
		if !strings.HasPrefix(s.Text, " ") && openLink.MatchString(b.String()) {
			b.WriteByte(' ')
		}
		text := inlineSpan(s, limit-units(b.String()))
		if units(b.String())+units(text) > limit {
			break
		}
		b.WriteString(text)
	}
	return strings.TrimSpace(b.String())
}

var (
	labelText = strings.NewReplacer("[", "", "]", "", "`", "", "\\", "", "*", "", "_", " ", "~", "", "|", "", "<", "", ">", "", "@", "", "://", " ")
	linkText  = strings.NewReplacer("(", "%28", ")", "%29")
)

func inlineSpan(s bridge.Span, limit int) string {
	lead, tail := edges(s.Text)
	if address := safeURL(s.URL, maxURL); address != "" {
		if label := plain(labelText.Replace(s.Text), maxTitle); label != "" {
			return lead + "[" + label + "](" + linkText.Replace(address) + ")" + tail
		}
	}
	switch {
	case s.Mono:
		if text := plain(strings.ReplaceAll(s.Text, "`", "'"), limit-2); text != "" {
			return lead + "`" + text + "`" + tail
		}
		return lead
	case s.Strong:
		if text := inline(s.Text, limit-len("** **")); text != "" {
			return lead + bold(text) + tail
		}
		return lead
	default:
		text := inline(s.Text, limit)
		if text == "" {
			return lead
		}
		return lead + text + tail
	}
}

// edges returns the spaces that join a span with its neighbours and that
// cleaning takes away.
func edges(text string) (lead, tail string) {
	if strings.HasPrefix(text, " ") {
		lead = " "
	}
	if strings.HasSuffix(text, " ") {
		tail = " "
	}
	return lead, tail
}

// fields are the facts in columns: how far it is, what was said before, the
// rest. What does not fit any more is counted.
func fields(m bridge.Message, inThread bool, room int) []embedField {
	var out []embedField
	left, slots := 0, maxFields
	if len(m.Quotes)+len(m.Fields)+min(2, len(m.Steps)) > maxFields {
		slots-- // for the count
	}
	room -= len(surplus) + 10
	add := func(name, value string, inline bool) {
		size := units(name) + units(value)
		switch {
		case name == "" || value == "":
		case left > 0 || size+len(strongLine) > room:
			left++
		case value == blank && !inline && join(out, name):
			room -= units(name) + len(strongLine)
		case len(out) == slots:
			left++
		default:
			out = append(out, embedField{Name: name, Value: value, Inline: inline})
			room -= size
		}
	}
	if status := progress(m.Steps, maxFieldValue); status != "" {
		add("Status", status, true)
		if m.Tone == bridge.ToneBusy && !m.At.IsZero() {
			add("Since", fmt.Sprintf("<t:%d:R>", m.At.Unix()), true)
		}
	}
	if !inThread || !strings.HasPrefix(m.ThreadKey, "post:") { // a post's thread is about the post
		quotes(m.Quotes, room, add)
	}
	for _, f := range m.Fields {
		value := ""
		if left == 0 {
			value = block(f.Value, maxFieldValue)
		}
		add(inline(f.Name, maxFieldName), cmp.Or(value, blank), units(value) <= maxColumn)
	}
	if left > 0 {
		out = append(out, embedField{Name: more, Value: fmt.Sprintf(surplus, left)})
	}
	return out
}

const (
	surplus = "and %d more"
	blank   = "\u200b" // stands where Discord wants a text and there is none
)

const strongLine = "\n** **" // what a name needs to be a line of its own

// join puts a name that nothing follows below the last field, where a field of
// its own would leave an empty line. It reports whether there was a place.
func join(list []embedField, name string) bool {
	if len(list) == 0 {
		return false
	}
	last := &list[len(list)-1]
	value := strings.TrimPrefix(last.Value+"\n", blank+"\n") + bold(name)
	if last.Inline || units(value) > maxFieldValue {
		return false
	}
	last.Value = value
	return true
}

// quotes shares the room evenly, so that each of a digest's many is shown.
func quotes(list []bridge.Quote, room int, add func(name, value string, inline bool)) {
	share := max(minQuote, room/max(1, min(len(list), maxFields)))
	for _, q := range list {
		if q.Label == "" {
			continue
		}
		name := inline(q.Label, min(maxFieldName, share/2))
		add(name, cmp.Or(block(q.Text, min(maxFieldValue, share-units(name))), blank), false)
	}
}

const (
	maxColumn = 40 // the longest value that reads well in a column
	maxSteps  = 20
	minQuote  = 60
)

// progress draws the stages as a bar and names the one that counts. The first
// stage is the waiting line: being in it is no progress yet.
func progress(steps []bridge.Step, limit int) string {
	var (
		bar  strings.Builder
		name string
	)
	for i, s := range steps[:min(len(steps), maxSteps)] {
		sign := "▱"
		switch s.State {
		case bridge.StepDone:
			sign = "▰"
		case bridge.StepNow:
			name = s.Name
			if i > 0 {
				sign = "▰"
			}
		case bridge.StepFailed:
			sign, name = "✕", s.Name
		case bridge.StepAhead:
		}
		bar.WriteString(sign)
	}
	return strings.TrimSpace(bar.String() + " " + inline(name, limit-units(bar.String())-1))
}

// rows lays buttons out, five in a row: links by their address, commands by the
// custom_id at the same place of ids.
func rows(actions []bridge.Action, ids []string) []row {
	var out []row
	n := 0
	used := map[string]bool{}
	for i, a := range actions {
		if n == maxRows*maxInRow {
			break
		}
		b := button{Type: kindButton, Style: styleLink, Label: plain(a.Label, maxLabel), URL: safeURL(a.URL, maxButtonURL)}
		if b.URL == "" && i < len(ids) {
			b.Style, b.CustomID = styleOf(a), ids[i]
		}
		if b.Label == "" || b.URL == "" && b.CustomID == "" || used[b.CustomID] {
			continue
		}
		used[b.CustomID] = b.CustomID != ""
		if n%maxInRow == 0 {
			out = append(out, row{Type: kindRow})
		}
		last := &out[len(out)-1]
		last.Components = append(last.Components, b)
		n++
	}
	return out
}

func styleOf(a bridge.Action) int {
	switch {
	case a.Danger:
		return styleDanger
	case a.Primary:
		return styleNext
	}
	return styleCalm
}

// size counts what the limit of 6,000 is about.
func (e embed) size() int {
	n := units(e.Title) + units(e.Description)
	if e.Author != nil {
		n += units(e.Author.Name)
	}
	if e.Footer != nil {
		n += units(e.Footer.Text)
	}
	for _, f := range e.Fields {
		n += units(f.Name) + units(f.Value)
	}
	return n
}

// color follows the event where it has a colour of its own, else the mood.
func color(m bridge.Message) int {
	family, _, _ := strings.Cut(m.Event, ".")
	switch {
	case m.Event == "notification.follow":
		return 0x58B9FF
	case family == "message":
		return 0x5865F2
	}
	switch m.Tone {
	case bridge.ToneWarm, bridge.ToneBad:
		return 0xED4245
	case bridge.ToneTalk, bridge.ToneGood:
		return 0x57F287
	case bridge.ToneShare:
		return 0x9B59B6
	case bridge.ToneCall:
		return 0xFEE75C
	case bridge.ToneBusy:
		return 0xE67E22
	case bridge.ToneNeutral:
	}
	return 0x95A5A6
}
