package bridge

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Told names the events that a message of several tells of. It rides along with the
// message, so that each of them is known to be told where a store was restored that
// is older than the message. The zero value is that of a message about one event,
// which its own key names.
type Told struct {
	Keys []string `json:"keys,omitempty"` // the ends of the keys that the events would have by themselves; the newest maxGathered
	// From and Until are when those events happened whose keys are left out, and what
	// else happened between; zero for none.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// toldLength is how many characters of a key stand in Told: 42 bits. Ten thousand
// events that wait, and as many that were told, take one for another in one
// restore of forty thousand.
const toldLength = 7

// toldKey is a key as it stands in Told. Its end, since a key's first digit is
// nearly the same in all of them.
func toldKey(key string) string { return key[max(0, len(key)-toldLength):] }

// told names the parcel's events.
func (w *Worker) told(p *parcel) Told {
	var t Told
	for _, e := range p.events {
		t.Keys = append(t.Keys, toldKey(w.keyOf(e.ID)))
	}
	return t
}

// keyOf is the key of an event's own message.
func (w *Worker) keyOf(id string) string {
	return Key(w.Subscription.Name, id, w.Subscription.To, 0, w.record.Generation)
}

// and is what a message tells that told t before and more now. Where there are too
// many keys, a span of time stands for the oldest: since is when the first of them
// happened, until when the newest did.
func (t Told) and(more Told, since, until time.Time) Told {
	t.Keys = slices.Concat(t.Keys, more.Keys)
	if over := len(t.Keys) - maxGathered; over > 0 {
		t.Keys = t.Keys[over:]
		t.From, t.Until = cmp.Or(t.From, since.UTC()), until.UTC()
	}
	return t
}

// names reports whether the message tells of the delivery's event by its key.
func (t Told) names(key string) bool { return slices.Contains(t.Keys, toldKey(key)) }

// spans reports whether the instant lies in the time of the events without a key.
func (t Told) spans(at time.Time) bool {
	return !t.Until.IsZero() && !at.Before(t.From.Truncate(time.Second)) && !at.After(t.Until)
}

// String is the short form that rides along with a message: at most 1,775 letters,
// digits, "~" and "-". "" is the zero value.
func (t Told) String() string {
	text := strings.Join(t.Keys, "")
	if !t.Until.IsZero() {
		until := t.Until.Add(time.Second - 1).Unix() // whole seconds, never short of it
		text += "~" + strconv.FormatInt(t.From.Unix(), 36) + "-" + strconv.FormatInt(until, 36)
	}
	return text
}

var toldForm = regexp.MustCompile(`^((?:[0-9A-Za-z]{7})*)(?:~([0-9a-z]{1,9})-([0-9a-z]{1,9}))?$`)

// ParseTold reads what String made; ok is false for anything else.
func ParseTold(text string) (t Told, ok bool) {
	parts := toldForm.FindStringSubmatch(text)
	if parts == nil {
		return t, false
	}
	for keys := range slices.Chunk([]byte(parts[1]), toldLength) {
		t.Keys = append(t.Keys, string(keys))
	}
	if parts[2] != "" {
		from, _ := strconv.ParseInt(parts[2], 36, 64) // the form lets nothing else through
		until, _ := strconv.ParseInt(parts[3], 36, 64)
		t.From, t.Until = time.Unix(from, 0).UTC(), time.Unix(until, 0).UTC()
	}
	return t, true
}

// Posted is what a former run posted to one place: an index of its messages. The
// zero value holds nothing. It is not safe for concurrent use.
type Posted struct {
	own    map[string][]Post // by the mark of the message
	byTold map[string]Post   // by the keys of the events that it tells of
}

// Post is one such message.
type Post struct {
	Mark string // names the message, whatever state it shows
	Told Told
	At   Receipt // Version is that of what it shows, -1 where it does not say
}

// Add notes a message.
func (p *Posted) Add(m Post) {
	if p.own == nil {
		p.own, p.byTold = map[string][]Post{}, map[string]Post{}
	}
	p.own[m.Mark] = append(p.own[m.Mark], m)
	for _, key := range m.Told.Keys {
		p.byTold[key] = m
	}
}

// Find looks for a delivery whose own message has the given mark.
func (p *Posted) Find(mark string, d Delivery) Sighting {
	told, named := p.byTold[toldKey(d.Key)]
	out := Sighting{Told: named}
	for _, m := range p.own[mark] {
		if m.Told.spans(d.Event.Time) && !named {
			told, out.Told = m, true
		}
		if out.Receipt.IsZero() || m.At.At.After(out.Receipt.At) {
			out.Receipt = m.At
		}
	}
	if out.Told && told.Mark == mark {
		out.Receipt = told.At
	}
	if out.Receipt.Version < 0 {
		out.Receipt.Version = d.Message.Version
	}
	return out
}
