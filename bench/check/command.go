package check

import (
	"fmt"
	"time"
)

// Verdicts on commands.
const (
	Answered       Verdict = "done and told so"
	Refused        Verdict = "not done and told so"
	NotTaken       Verdict = "not done, not taken"       // the platform told that nobody answered
	Doubtful       Verdict = "told that it is not known" // which is allowed where it can't be known
	FalselyDone    Verdict = "told done, not done"       // one of the two worst
	DoneTwice      Verdict = "done twice"                // the other
	FalselyRefused Verdict = "told not done, done"
	Silent         Verdict = "taken, and no word since"
)

// Told is what a person was told in the end.
type Told string

// What a person may have been told.
const (
	ToldNothing Told = ""         // no answer
	ToldDone    Told = "done"     // it was done
	ToldNotDone Told = "not done" // it was not, and will not be
	ToldUnknown Told = "unknown"  // the bridge can't tell
)

// Command is one command from the person to the API and back.
type Command struct {
	ID      string
	Door    string // where it was asked
	Asked   time.Time
	Taken   bool // the platform had its acknowledgement in time; otherwise it told the person so
	Told    Told
	Effects int // how often it was done at the API
}

// JudgeCommands gives each command one verdict. A command that was not taken and
// done all the same is told falsely: the platform said that nobody answered.
func JudgeCommands(list []Command) []Finding {
	var out []Finding
	for _, c := range list {
		f := Finding{Place: c.Door, Fact: c.ID, Verdict: c.verdict()}
		if f.Verdict.Bad() {
			f.Detail = fmt.Sprintf("asked at %s, taken: %t, told: %q, effects: %d", clock(c.Asked), c.Taken, c.Told, c.Effects)
		}
		out = append(out, f)
	}
	return out
}

func (c Command) verdict() Verdict {
	switch done := c.Effects > 0; {
	case c.Effects > 1:
		return DoneTwice
	case c.Told == ToldUnknown:
		return Doubtful
	case c.Told == ToldDone && !done:
		return FalselyDone
	case c.Told == ToldDone:
		return Answered
	case c.Told == ToldNotDone && done:
		return FalselyRefused
	case c.Told == ToldNotDone:
		return Refused
	case c.Taken:
		return Silent
	case done:
		return FalselyRefused
	}
	return NotTaken
}
