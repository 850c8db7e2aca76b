package slack

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// Limits of Block Kit and of messages, in code points (Slack docs: "Block Kit
// reference", "chat.postMessage").
const (
	maxSection  = 3000
	maxField    = 2000
	maxFields   = 10
	maxElements = 10 // of a context block
	maxButton   = 75
	maxURL      = 3000
	maxAlt      = 2000
	maxFallback = 4000
	// maxTotal is our budget for the words of all blocks: Slack refuses with
	// msg_blocks_too_long from about 13,200 on, earlier with more blocks.
	maxTotal = 10_000
)

// Limits of ours, so that one message fits a screen and the budget.
const (
	maxHeadline = 1000
	maxText     = 6000
	maxExcerpt  = 300 // a quote, a footnote, words in the notification
	maxValue    = 200
	maxName     = 80
	maxQuotes   = 3
	maxLines    = 25 // of a list
	maxLine     = 120
	maxSteps    = 10
	maxMedia    = 4
	maxButtons  = 5
)

// eventType marks our messages; their metadata says which delivery they show.
const eventType = "imagine_bridge"

// form is how much of a message is sent. Smaller ones follow when Slack refuses.
type form int

const (
	full form = iota
	noImages
	textOnly
)

// body is a message in Slack's terms.
type body struct {
	text     string
	blocks   []slackgo.Block
	metadata slackgo.SlackMetadata
	spent    int               // characters in the blocks
	kept     map[string][]byte // to be stored before it is sent: what the buttons are bound to
}

// render makes a body of a delivery. repeated says that the same message may be
// there already.
func (bind binder) render(d bridge.Delivery, f form, repeated bool) body {
	out := body{text: fallback(d.Message), metadata: metadata(d), kept: bind.kept}
	if f == textOnly {
		calls := callsOf(d.Mentions)
		out.text = strings.TrimSpace(calls + "\n" + allText(d.Message, repeated, len(calls)))
		return out
	}
	p := page{msg: d.Message, form: f, bind: bind}
	p.calling(d.Mentions)
	p.headline()
	at := len(p.blocks)
	p.quotes()
	p.fields()
	p.steps()
	p.media()
	p.actions()
	p.footer(repeated)
	rest := p.blocks[at:]
	p.blocks = p.blocks[:at:at]
	p.text(min(maxText, maxTotal-p.spent)) // last, as it takes the room that is left
	out.blocks, out.spent = append(p.blocks, rest...), p.spent
	return out
}

// metadata says which delivery a message shows. It rides along unseen and is what
// look-back and echo know our messages by.
func metadata(d bridge.Delivery) slackgo.SlackMetadata {
	payload := map[string]any{
		"v": 1, "d": d.Key, "s": d.Message.Version, "a": cut(d.Message.Agent, maxName), "k": d.Message.Event, "id": cut(d.Event.About, maxValue),
	}
	if update := updateMark(d); update != "" {
		payload["u"] = update
	}
	if told := d.Told.String(); told != "" {
		payload["e"] = told
	}
	return slackgo.SlackMetadata{EventType: eventType, EventPayload: payload}
}

// updateMark names the message that a delivery shows, whatever state it shows of it.
func updateMark(d bridge.Delivery) string {
	if d.Message.UpdateKey == "" {
		return ""
	}
	return bridge.Key(d.Subscription, d.Message.UpdateKey, d.To, 0, d.Generation)
}

// page collects the blocks of one message and counts their words.
type page struct {
	msg    bridge.Message
	form   form
	bind   binder
	blocks []slackgo.Block
	spent  int
	led    bool // a button stands out
}

func (p *page) add(b slackgo.Block) { p.blocks = append(p.blocks, b) }

// mrkdwn is a text object of our own words, already escaped and cut.
func (p *page) mrkdwn(s string) *slackgo.TextBlockObject {
	p.spent += utf8.RuneCountInString(s)
	return slackgo.NewTextBlockObject(slackgo.MarkdownType, s, false, true)
}

// plain is a text object in which Slack reads nothing.
func (p *page) plain(s string) *slackgo.TextBlockObject {
	p.spent += utf8.RuneCountInString(s)
	return slackgo.NewTextBlockObject(slackgo.PlainTextType, s, false, false)
}

func (p *page) headline() {
	var b strings.Builder
	b.WriteString(icon(p.msg))
	if a := p.msg.Author; a != nil {
		b.WriteString(" " + author(*a))
	}
	for _, part := range headline(p.msg) {
		next := span(part)
		if utf8.RuneCountInString(b.String())+utf8.RuneCountInString(next) > maxHeadline {
			b.WriteString(ellipsis)
			break
		}
		b.WriteString(next)
	}
	line := b.String()
	if utf8.RuneCountInString(line) > maxSection {
		line = icon(p.msg) + " " + words(cut(oneLine(p.msg.Title), maxName))
	}
	p.add(slackgo.NewSectionBlock(p.mrkdwn(line), nil, p.avatar()))
}

// headline is what was done: the message's own headline or else its title, with
// the space before it.
func headline(m bridge.Message) []bridge.Span {
	spans := m.Headline
	if len(spans) == 0 && m.Title != "" {
		spans = []bridge.Span{{Text: m.Title, Strong: m.Author == nil}}
	}
	if len(spans) == 0 {
		return nil
	}
	return append([]bridge.Span{{Text: " "}}, spans...)
}

// author is somebody's handle, a link to their profile where there is one. Names
// that people choose stand elsewhere, in plain text.
func author(a bridge.Author) string {
	if a.Handle == "" {
		return "*Somebody*"
	}
	name := handle(a.Handle)
	if strings.HasPrefix(name, "@") {
		name = "*" + linkTo(a.URL, name) + "*"
	}
	if a.Verified {
		name += " :ballot_box_with_check:"
	}
	return name
}

func span(s bridge.Span) string {
	text := cutEscaped(strings.ReplaceAll(s.Text, "\n", " "), maxValue)
	said := words(text)
	switch coded := strings.Contains(said, "`"); {
	case strings.TrimSpace(text) == "":
		return text
	case s.URL != "" && !coded:
		said = linkTo(s.URL, said)
	case s.Mono && !coded:
		return mono(text)
	case coded:
		return said
	}
	if s.Strong {
		inner := strings.TrimSpace(said)
		before, after, _ := strings.Cut(said, inner)
		return before + "*" + inner + "*" + after
	}
	return said
}

// avatar shows who did it, on messages that show nothing else.
func (p *page) avatar() *slackgo.Accessory {
	a := p.msg.Author
	if a == nil || p.form != full || p.msg.Text != "" || len(p.msg.Quotes)+len(p.msg.Media)+len(p.msg.Fields) > 0 {
		return nil
	}
	link, ok := webURL(a.AvatarURL)
	if !ok {
		return nil
	}
	return slackgo.NewAccessory(slackgo.NewImageBlockElement(link, "Avatar of "+cut(oneLine(a.Handle), maxName)))
}

// text shows the main words, in rich text elements, in which Slack reads no
// formatting.
func (p *page) text(room int) {
	said := cut(clean(p.msg.Text), max(1, room))
	if blank(said) {
		return
	}
	p.spent += utf8.RuneCountInString(said)
	var parts []slackgo.RichTextSectionElement
	for _, r := range runs(said) {
		if r.url != "" && room > len(r.url) {
			room -= len(r.url)
			parts = append(parts, slackgo.NewRichTextSectionLinkElement(r.url, "", nil))
			continue
		}
		parts = append(parts, slackgo.NewRichTextSectionTextElement(r.text, nil))
	}
	p.add(slackgo.NewRichTextBlock("", paragraph(p.msg, parts)))
}

// paragraph is a quote where somebody speaks, and open text where the words are
// the thing itself.
func paragraph(m bridge.Message, parts []slackgo.RichTextSectionElement) slackgo.RichTextElement {
	if strings.HasPrefix(m.Event, "post.") || strings.HasPrefix(m.Event, "service.") {
		return slackgo.NewRichTextSection(parts...)
	}
	return &slackgo.RichTextQuote{Type: slackgo.RTEQuote, Elements: parts}
}

// isList reports whether the message is a list of what happened: nobody's words
// but many lines.
func isList(m bridge.Message) bool {
	return m.Author == nil && m.Text == "" && len(m.Quotes) > 0
}

// quoteLine is a quote's label and text, each on one line and cut.
func quoteLine(q bridge.Quote, most int) (label, said string) {
	if label = cut(oneLine(q.Label), min(most, maxLine)); blank(label) {
		label = ""
	}
	if said = cut(oneLine(q.Text), most); blank(said) {
		said = ""
	}
	return label, said
}

// list shows each quote as a point, its label strong.
func (p *page) list() {
	var points []slackgo.RichTextElement
	for _, q := range p.msg.Quotes[:min(len(p.msg.Quotes), maxLines)] {
		var parts []slackgo.RichTextSectionElement
		label, said := quoteLine(q, maxLine)
		if label != "" {
			parts = append(parts, slackgo.NewRichTextSectionTextElement(label, &slackgo.RichTextSectionTextStyle{Bold: true}))
		}
		if said != "" {
			parts = append(parts, slackgo.NewRichTextSectionTextElement(strings.Repeat(" ", len(parts))+said, nil))
		}
		if len(parts) > 0 {
			p.spent += utf8.RuneCountInString(label) + utf8.RuneCountInString(said) + 1
			points = append(points, slackgo.NewRichTextSection(parts...))
		}
	}
	if left := len(p.msg.Quotes) - maxLines; left > 0 {
		points = append(points, slackgo.NewRichTextSection(slackgo.NewRichTextSectionTextElement(fmt.Sprintf("and %d more", left), nil)))
	}
	if len(points) > 0 {
		p.add(slackgo.NewRichTextBlock("", slackgo.NewRichTextList(slackgo.RTEListBullet, 0, points...)))
	}
}

func (p *page) quotes() {
	if isList(p.msg) {
		p.list()
		return
	}
	var parts []slackgo.MixedElement
	for _, q := range p.msg.Quotes[:min(len(p.msg.Quotes), maxQuotes)] {
		label, said := quoteLine(q, maxExcerpt)
		if label != "" && said != "" {
			label += ": "
		}
		if label+said != "" {
			parts = append(parts, p.plain(label+said))
		}
	}
	if len(parts) > 0 {
		p.add(slackgo.NewContextBlock("", parts...))
	}
}

func (p *page) fields() {
	var parts []*slackgo.TextBlockObject
	for _, f := range p.msg.Fields[:min(len(p.msg.Fields), maxFields)] {
		name, value := cutEscaped(oneLine(f.Name), maxName), cutEscaped(oneLine(f.Value), maxValue)
		if blank(name) && blank(value) {
			continue
		}
		parts = append(parts, p.mrkdwn(span(bridge.Span{Text: name, Strong: true})+"\n"+words(value)))
	}
	if len(parts) > 0 {
		p.add(slackgo.NewSectionBlock(nil, parts, nil))
	}
}

func (p *page) steps() {
	var parts []string
	for _, s := range p.msg.Steps[:min(len(p.msg.Steps), maxSteps)] {
		plain := cutEscaped(oneLine(s.Name), maxName)
		name := words(plain)
		switch s.State {
		case bridge.StepDone:
			name = ":white_check_mark: " + name
		case bridge.StepNow:
			name = ":arrow_right: " + span(bridge.Span{Text: plain, Strong: true})
		case bridge.StepFailed:
			name = ":x: " + name
		case bridge.StepAhead:
			name = ":white_circle: " + name
		}
		parts = append(parts, name)
	}
	if len(parts) > 0 {
		p.add(slackgo.NewContextBlock("", p.mrkdwn(strings.Join(parts, "  "))))
	}
}

// media shows pictures, and links what Slack cannot show in a message. Slack
// fetches pictures while posting and refuses the whole message where it cannot:
// in the smaller form they are links too.
func (p *page) media() {
	var links []slackgo.MixedElement
	for _, m := range p.msg.Media[:min(len(p.msg.Media), maxMedia)] {
		address, ok := webURL(m.URL)
		if !ok {
			continue
		}
		if m.Kind == bridge.MediaImage && p.form == full {
			alt := cut(oneLine(m.Alt), min(maxAlt, maxValue))
			if blank(alt) {
				alt = "Picture"
			}
			p.add(slackgo.NewImageBlock(address, alt, "", nil))
			continue
		}
		label := map[bridge.MediaKind]string{
			bridge.MediaImage: ":frame_with_picture: Open the picture",
			bridge.MediaVideo: ":clapper: Watch the video",
			bridge.MediaAudio: ":musical_note: Listen",
		}[m.Kind]
		if p.spent+len(address) > maxTotal/2 {
			continue
		}
		sign, said, _ := strings.Cut(label, " ")
		links = append(links, p.mrkdwn(sign+" "+linkTo(address, said+" ("+hostOf(address)+")")))
	}
	if len(links) > 0 {
		p.add(slackgo.NewContextBlock("", links...))
	}
}

// hostOf is where an address from outside leads: our words on it don't hide that.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// footer names who and what it is about, in small print.
func (p *page) footer(repeated bool) {
	var parts []slackgo.MixedElement
	if a := p.msg.Author; a != nil {
		if name := cut(oneLine(a.Name), maxName); !blank(name) && name != a.Handle {
			parts = append(parts, p.plain(name))
		}
	}
	var facts []string
	if p.msg.Agent != "" {
		facts = append(facts, words(cutEscaped(oneLine(p.msg.Agent), maxName)))
	}
	kind, note := kindOf(p.msg), cut(oneLine(p.msg.Footnote), maxExcerpt)
	if strings.HasPrefix(p.msg.Event, "message.") && !blank(note) { // says the same, in the reader's language
		kind, note = note, ""
	}
	if kind != "" {
		facts = append(facts, words(cutEscaped(kind, maxName)))
	}
	if at := p.msg.At; !at.IsZero() && p.msg.Tone != bridge.ToneBusy {
		facts = append(facts, fmt.Sprintf("<!date^%d^{ago}|%s>", at.Unix(), at.UTC().Format("2 Jan 2006, 15:04 UTC")))
	}
	if repeated {
		facts = append(facts, repeatNote)
	}
	if len(facts) > 0 {
		parts = append(parts, p.mrkdwn(strings.Join(facts, " · ")))
	}
	if !blank(note) && note != kind {
		parts = append(parts, p.plain(note))
	}
	if len(parts) > 0 {
		p.add(slackgo.NewContextBlock("", parts[:min(len(parts), maxElements)]...))
	}
}

// repeatNote marks a message that had to be sent again without a way to look
// whether the first one arrived.
const repeatNote = "may be a repeat"
