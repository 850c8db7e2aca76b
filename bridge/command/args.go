package command

import (
	"context"
	"io"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// File is a file on its way in. Open may be called again after a failure.
type File struct {
	Name        string // shown to nobody
	ContentType string // as the door was told; the bytes decide
	Size        int64  // 0: not known
	Open        func(ctx context.Context) (io.ReadCloser, error)
}

// Args are the values of a command, parsed and checked. Arguments left out read
// as zero values; defaults are filled in.
type Args struct {
	agent     string
	values    map[string]any // string, int, float64, bool, []string
	files     map[string][]File
	in        language.Speaker
	confirmed bool
	since     time.Time
	tell      func(Reply)
	zone      *time.Location // the person's
	desk      *desk
	keep      func(ctx context.Context, r imagine.Registration) error
}

// Agent is the handle of the agent that acts, without @.
func (a Args) Agent() string { return a.agent }

// Confirmed reports that the person was asked and said yes.
func (a Args) Confirmed() bool { return a.confirmed }

// Since is when this command began to run for the first time.
func (a Args) Since() time.Time { return a.since }

// Has reports that an argument was given or has a default.
func (a Args) Has(name string) bool {
	_, value := a.values[name]
	return value || len(a.files[name]) > 0
}

// Text is the value of a Text argument.
func (a Args) Text(name string) string { s, _ := a.values[name].(string); return s }

// Int is the value of an Integer argument.
func (a Args) Int(name string) int { n, _ := a.values[name].(int); return n }

// Number is the value of a Number argument.
func (a Args) Number(name string) float64 { n, _ := a.values[name].(float64); return n }

// On is the value of a Flag argument.
func (a Args) On(name string) bool { b, _ := a.values[name].(bool); return b }

// List is the value of a List argument.
func (a Args) List(name string) []string { l, _ := a.values[name].([]string); return l }

// Files are the attachments of a File argument.
func (a Args) Files(name string) []File { return a.files[name] }

// Tell shows how far slow work has come; doors that can't show it drop it.
func (a Args) Tell(r Reply) {
	if a.tell != nil {
		a.tell(r)
	}
}

func (a Args) ptr(name string) *string {
	if !a.Has(name) {
		return nil
	}
	return new(a.Text(name))
}
