package slack

import (
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// Limits of forms (Slack docs: "Modals", "Input block").
const (
	maxFormTitle = 24
	maxLabel     = 2000
	maxInput     = 3000
	maxOptions   = 100
	maxOptionTxt = 75
	maxRadio     = 5
	maxFiles     = 10
	longText     = 150 // more than that gets several lines
)

// formOf is what a form of a command is made of.
type formOf struct {
	spec   *command.Spec
	agent  string
	agents []string          // to choose from; one is not asked about
	values map[string]string // shown for change
	fixed  map[string]string // bound by a button, not shown
	files  bool              // the app may read what people upload
	meta   string
	in     language.Speaker // of who fills it in
}

// view makes the form. An argument's name is its block's id.
func (f formOf) view() slackgo.ModalViewRequest {
	v := modal(f.in, f.spec.Summary)
	v.Submit = plainText(submitWord(f.in, f.spec), maxFormTitle)
	v.CallbackID, v.PrivateMetadata = idPrefix+f.spec.Group+"."+f.spec.Verb, f.meta
	var blocks []slackgo.Block
	if len(f.agents) > 1 {
		blocks = append(blocks, f.agentBlock())
	}
	noFiles := false
	for _, a := range f.spec.Args {
		_, fixed := f.fixed[a.Name]
		switch {
		case a.Hidden || fixed:
			continue
		case a.Kind == command.Attachment && !f.files:
			noFiles = true
			continue
		}
		b := slackgo.NewInputBlock(a.Name, plainText(label(f.in, a), maxLabel), hint(f.in, a), f.element(a))
		b.Optional = !a.Required
		blocks = append(blocks, b)
	}
	if noFiles {
		blocks = append(blocks, slackgo.NewContextBlock("", plainText(f.in.Say("To add files here, the app needs the permission files:read."), maxSection)))
	}
	if len(blocks) == 0 {
		blocks = append(blocks, slackgo.NewSectionBlock(plainText(f.in.Word(f.spec.Summary)+"?", maxSection), nil, nil))
	}
	v.Blocks.BlockSet = blocks
	return v
}

// modal is a form without anything in it.
func modal(in language.Speaker, title string) slackgo.ModalViewRequest {
	return slackgo.ModalViewRequest{Type: slackgo.VTModal, Title: plainText(in.Word(title), maxFormTitle), Close: plainText(in.Say("Close"), maxFormTitle)}
}

func plainText(text string, most int) *slackgo.TextBlockObject {
	text = cut(clean(text), most)
	if blank(text) {
		text = "–"
	}
	return slackgo.NewTextBlockObject(slackgo.PlainTextType, text, false, false)
}

// submitWord is the verb that an English summary begins with; other languages put
// it elsewhere.
func submitWord(in language.Speaker, spec *command.Spec) string {
	if in.Tag() != "en" {
		return in.Say("Send")
	}
	word, _, _ := strings.Cut(spec.Summary, " ")
	return word
}

func label(in language.Speaker, a command.Arg) string {
	summary := in.Word(a.Summary)
	first, size := utf8.DecodeRuneInString(summary)
	if first == utf8.RuneError {
		return a.Name
	}
	return strings.ToUpper(string(first)) + summary[size:]
}

func hint(in language.Speaker, a command.Arg) *slackgo.TextBlockObject {
	var said string
	switch {
	case a.Secret:
		said = in.Say("Only this form sees it: it is in no channel and is not kept.")
	case a.Kind == command.Text && a.Max > 0 && a.Complete == "" && len(a.Choices) == 0:
		said = in.Say("Up to %d characters.", int(a.Max))
	case a.Kind == command.List && a.Complete == "":
		said = in.Say("Separate several with commas.")
	case a.Kind == command.Attachment && a.Max > 1:
		said = in.Say("Up to %d files.", int(a.Max))
	default:
		return nil
	}
	return plainText(said, maxLabel)
}

func (f formOf) agentBlock() slackgo.Block {
	e := slackgo.NewOptionsSelectBlockElement(slackgo.OptTypeExternal, nil, idPick+agentArg)
	e.MinQueryLength = new(0)
	if fits(f.agent) {
		e.InitialOption = choice("@"+f.agent, f.agent)
	}
	return slackgo.NewInputBlock(agentArg, plainText(f.in.Say("As"), maxLabel), nil, e)
}

// fits reports a value that an option can hold whole: one cut short would be
// another.
func fits(value string) bool { return value != "" && utf8.RuneCountInString(value) <= maxOptionValue }

func choice(text, value string) *slackgo.OptionBlockObject {
	return slackgo.NewOptionBlockObject(value, plainText(oneLine(text), maxOptionTxt), nil)
}

// element is the input for an argument, by its kind.
func (f formOf) element(a command.Arg) slackgo.BlockElement {
	id, value := idPrefix+a.Name, f.values[a.Name]
	if value == "" {
		value = a.Default
	}
	switch {
	case a.Kind == command.Attachment:
		e := slackgo.NewFileInputBlockElement(id)
		e.FileTypes, e.MaxFiles = endings(a.Accept), min(maxFiles, max(1, int(a.Max)))
		return e
	case a.Kind == command.Integer, a.Kind == command.Number:
		return numberInput(id, a, value)
	case a.Kind == command.Flag:
		return oneOf(id, []string{"on", "off"}, value)
	case len(a.Choices) > 0 && a.Kind == command.Text:
		return oneOf(id, a.Choices, value)
	case a.Kind == command.List && a.Complete != "":
		return several(a, value)
	case a.Complete != "":
		e := slackgo.NewOptionsSelectBlockElement(slackgo.OptTypeExternal, nil, idPick+a.Name)
		e.MinQueryLength = new(0)
		if fits(value) {
			e.InitialOption = choice(value, value)
		}
		return e
	}
	return textInput(id, a, value)
}

func textInput(id string, a command.Arg, value string) slackgo.BlockElement {
	e := slackgo.NewPlainTextInputBlockElement(nil, id)
	e.Multiline = !a.Secret && a.Kind == command.Text && (a.Long || a.Max > longText)
	e.InitialValue = firstRunes(clean(value), maxInput)
	if a.Kind == command.Text && a.Max > 0 {
		// A text that is too long is given back whole, to be shortened.
		e.MaxLength = min(maxInput, max(int(a.Max), utf8.RuneCountInString(e.InitialValue)))
	}
	return e
}

// firstRunes cuts without a mark, for text that goes back to its writer.
func firstRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

func numberInput(id string, a command.Arg, value string) slackgo.BlockElement {
	e := slackgo.NewNumberInputBlockElement(nil, id, a.Kind == command.Number)
	if _, err := strconv.ParseFloat(value, 64); err == nil {
		e.InitialValue = value
	}
	if a.Max != 0 {
		e.MinValue, e.MaxValue = strconv.FormatFloat(a.Min, 'f', -1, 64), strconv.FormatFloat(a.Max, 'f', -1, 64)
	}
	return e
}

// oneOf shows few choices at once and many in a menu.
func oneOf(id string, choices []string, value string) slackgo.BlockElement {
	var options []*slackgo.OptionBlockObject
	var initial *slackgo.OptionBlockObject
	for _, c := range choices[:min(len(choices), maxOptions)] {
		o := choice(c, c)
		if strings.EqualFold(c, value) {
			initial = o
		}
		options = append(options, o)
	}
	if len(options) <= maxRadio {
		e := slackgo.NewRadioButtonsBlockElement(id, options...)
		e.InitialOption = initial
		return e
	}
	e := slackgo.NewOptionsSelectBlockElement(slackgo.OptTypeStatic, nil, id, options...)
	e.InitialOption = initial
	return e
}

func several(a command.Arg, value string) slackgo.BlockElement {
	e := slackgo.NewOptionsMultiSelectBlockElement(slackgo.MultiOptTypeExternal, nil, idPick+a.Name)
	e.MinQueryLength = new(0)
	if a.Max > 0 {
		e.MaxSelectedItems = new(int(a.Max))
	}
	for v := range strings.SplitSeq(value, ",") {
		if v = strings.TrimSpace(v); fits(v) {
			e.InitialOptions = append(e.InitialOptions, choice(v, v))
		}
	}
	return e
}

// endings are media types as Slack wants them: file name endings.
func endings(accept []string) []string {
	var out []string
	for _, t := range accept {
		switch t {
		case "image/jpeg":
			out = append(out, "jpg", "jpeg")
		case "video/quicktime":
			out = append(out, "mov")
		default:
			out = append(out, path.Base(t))
		}
	}
	return out
}

// workingView stands in a form's place while its command runs.
func workingView(in language.Speaker, text string) slackgo.ModalViewRequest {
	if blank(text) {
		text = in.Say("Working …")
	}
	return messageView(in, "Working", text)
}

func messageView(in language.Speaker, title, text string) slackgo.ModalViewRequest {
	v := modal(in, title)
	v.Blocks.BlockSet = []slackgo.Block{slackgo.NewSectionBlock(plainText(in.Word(text), maxSection), nil, nil)}
	return v
}

// updated is a submission's acknowledgement that puts another view in its place.
func updated(v slackgo.ModalViewRequest) any {
	return struct {
		Action string                   `json:"response_action"`
		View   slackgo.ModalViewRequest `json:"view"`
	}{"update", v}
}
