// Package console is the sink that writes messages as lines for a person at a
// terminal. Its main type is [Sink]. Text from outside is freed of everything a
// terminal would obey.
package console

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/fatih/color"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// Options configures a Sink. Out is required.
type Options struct {
	Out   io.Writer
	Color bool           // colours; the caller knows the terminal and NO_COLOR
	Zone  *time.Location // of the times shown; nil is the local one
}

// Sink writes each message as a few lines. It is safe for concurrent use.
type Sink struct {
	o  Options
	mu sync.Mutex
}

// New makes the sink.
func New(o Options) *Sink {
	if o.Zone == nil {
		o.Zone = time.Local
	}
	return &Sink{o: o}
}

// Send implements bridge.Sink. A terminal keeps no receipts and edits nothing:
// each state of a generation is a line of its own.
func (s *Sink) Send(_ context.Context, d bridge.Delivery) (bridge.Receipt, error) {
	text := s.render(d.Message)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := io.WriteString(s.o.Out, text); err != nil {
		return bridge.Receipt{}, &bridge.SendError{Verdict: bridge.Retry, Err: fmt.Errorf("write to the console: %w", err)}
	}
	return bridge.Receipt{At: time.Now().UTC()}, nil
}

// icons begin the line of a kind of event; a family's stand in for its types.
var icons = map[string]string{
	"notification.follow": "+", "notification.like": "♥", "notification.comment": "»", "notification.reply": "»",
	"notification.repost": "↻", "notification.quote": "❝", "notification.mention": "@", "notification": "•",
	"message": "✉", "generation": "◔", "generation.completed": "✔", "generation.failed": "✘", "post": "¶", "agent": "★", "service": "¤",
}

// tones are the colours of icons.
var tones = map[bridge.Tone]color.Attribute{
	bridge.ToneWarm: color.FgMagenta, bridge.ToneTalk: color.FgCyan, bridge.ToneShare: color.FgBlue, bridge.ToneCall: color.FgYellow,
	bridge.ToneBusy: color.FgYellow, bridge.ToneGood: color.FgGreen, bridge.ToneBad: color.FgRed, bridge.ToneNeutral: color.FgWhite,
}

// render is the message as lines: who did what, their words, and where to look.
func (s *Sink) render(m bridge.Message) string {
	var b strings.Builder
	family, _, _ := strings.Cut(m.Event, ".")
	icon, ok := icons[m.Event]
	if !ok {
		icon = icons[family]
	}
	fmt.Fprintf(&b, "%s %s ", s.paint(m.At.In(s.o.Zone).Format("15:04:05"), color.Faint), s.paint(icon, tones[m.Tone], color.Bold))
	b.WriteString(s.headline(m))
	b.WriteByte('\n')
	for _, line := range s.below(m) {
		b.WriteString("           " + line + "\n")
	}
	return b.String()
}

// headline is the first line: author and what they did, else the title.
func (s *Sink) headline(m bridge.Message) string {
	if len(m.Headline) == 0 {
		return s.paint(plain(m.Title), color.Bold)
	}
	var b strings.Builder
	if m.Author != nil {
		b.WriteString(s.paint(name(*m.Author), color.Bold) + " ")
	}
	for _, span := range m.Headline {
		text := plain(span.Text)
		if span.Strong {
			text = s.paint(text, color.Bold)
		}
		b.WriteString(text)
	}
	return b.String()
}

// name is an author as people know them.
func name(a bridge.Author) string {
	handle := "@" + plain(a.Handle)
	if a.Name == "" || a.Name == a.Handle {
		return handle
	}
	mark := ""
	if a.Verified {
		mark = " ✓"
	}
	return plain(a.Name) + mark + " (" + handle + ")"
}

// below are the lines under the first.
func (s *Sink) below(m bridge.Message) []string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimSpace(plain(m.Text)), "\n") {
		if line != "" {
			out = append(out, "│ "+line)
		}
	}
	for _, q := range m.Quotes {
		label := ""
		if q.Label != "" {
			label = q.Label + ": "
		}
		out = append(out, s.paint("│ "+label+oneLine(q.Text), color.Faint))
	}
	for _, f := range m.Fields {
		out = append(out, plain(f.Name)+": "+oneLine(f.Value))
	}
	if len(m.Steps) > 0 {
		out = append(out, s.steps(m.Steps))
	}
	if foot := joined(plain(m.Footnote), link(m)); foot != "" {
		out = append(out, s.paint(foot, color.Faint))
	}
	return out
}

// steps is a line such as "▰ queued ▰ generating ▱ uploading ▱ done".
func (s *Sink) steps(steps []bridge.Step) string {
	var parts []string
	for _, st := range steps {
		switch st.State {
		case bridge.StepDone:
			parts = append(parts, s.paint("▰ "+st.Name, color.FgGreen))
		case bridge.StepNow:
			parts = append(parts, s.paint("▰ "+st.Name, color.FgYellow, color.Bold))
		case bridge.StepFailed:
			parts = append(parts, s.paint("✘ "+st.Name, color.FgRed))
		case bridge.StepAhead:
			parts = append(parts, s.paint("▱ "+st.Name, color.Faint))
		}
	}
	return strings.Join(parts, "  ")
}

// link is the one address worth showing.
func link(m bridge.Message) string {
	if m.Link != "" {
		return plain(m.Link)
	}
	for _, media := range m.Media {
		return plain(media.URL)
	}
	return ""
}

func joined(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, " · ")
}

// paint colours a text where colours are wanted.
func (s *Sink) paint(text string, attributes ...color.Attribute) string {
	c := color.New(attributes...)
	if s.o.Color {
		c.EnableColor()
	} else {
		c.DisableColor()
	}
	return c.Sprint(text)
}

// plain takes out what a terminal would obey: control characters, escape
// sequences' first byte, direction overrides. Line ends stay.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200E, r == 0x200F, r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}

// oneLine is a text without line ends.
func oneLine(text string) string { return strings.Join(strings.Fields(plain(text)), " ") }
