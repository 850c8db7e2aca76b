package bridge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Bounds of the span that likes, reposts and follows of one thing fold in.
const (
	MinFold = time.Minute
	MaxFold = 24 * time.Hour
)

// CatchUps are the ways to catch up after an outage.
func CatchUps() []string {
	return []string{string(CatchUpDigest), string(CatchUpAll), string(CatchUpSkip)}
}

// pace is how the record wants messages to follow each other.
func (r *SubscriptionRecord) pace() (Pace, error) {
	p := Pace{Cap: r.Cap, Fold: r.Fold, CatchUp: cmp.Or(CatchUp(r.CatchUp), CatchUpDigest), Strict: r.Strict}
	if r.DigestAt == "" {
		return p, nil
	}
	at, zone, _ := strings.Cut(r.DigestAt, " ")
	var err error
	p.DigestAt, err = ParseDaily(at, zone)
	return p, err
}

// Fits checks that the destination can have the pace that the settings ask for: a
// webhook gets each event by itself, and order is always kept where people read.
// The error is a *RecordError. Compile lets such settings be, since they do nothing;
// whoever makes or changes a record asks here.
func (r *SubscriptionRecord) Fits() error {
	wrong := func(field, format string, args ...any) error {
		return &RecordError{Field: field, Reason: fmt.Sprintf(format, args...)}
	}
	if r.Fold != 0 && (r.Fold < MinFold || r.Fold > MaxFold) {
		return wrong("fold", "%s is no span to fold in; 1m to 24h, off sends each event", r.Fold)
	}
	if r.CatchUp != "" && !slices.Contains(CatchUps(), r.CatchUp) {
		return wrong("catch_up", "%q is no way to catch up; digest, all or skip", r.CatchUp)
	}
	if r.Notify != "" && r.Notify == r.To {
		return wrong("notify", "when that channel refuses everything, it can't be told there; name another one")
	}
	if !strings.HasPrefix(r.To, "webhook:") {
		if r.Strict {
			return wrong("order", "order is always kept where people read; leave it out")
		}
		return nil
	}
	for _, f := range []struct {
		field string
		set   bool
	}{
		{"digest", r.Digest != 0 || r.DigestAt != ""}, {"cap", r.Cap != 0}, {"fold", r.Fold != 0}, {"catch_up", CatchUp(r.CatchUp) == CatchUpDigest}, {"template", r.Template != ""},
	} {
		if f.set {
			return wrong(f.field, "a webhook gets each event by itself, without %s", f.field)
		}
	}
	return nil
}

// UnusualCatchUp is how the record's lane catches up, "" where that is the usual way
// of its destination.
func (r *SubscriptionRecord) UnusualCatchUp() string {
	usual := CatchUpDigest
	if strings.HasPrefix(r.To, "webhook:") {
		usual = CatchUpAll
	}
	if CatchUp(r.CatchUp) == usual {
		return ""
	}
	return r.CatchUp
}

// Zone is the time zone of the subscription's own hours, "" where it has none.
func (r *SubscriptionRecord) Zone() string {
	if r.Quiet != nil && r.Quiet.Zone != "" {
		return r.Quiet.Zone
	}
	_, zone, _ := strings.Cut(r.DigestAt, " ")
	return zone
}
