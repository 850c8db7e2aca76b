package bridge

import (
	"fmt"
	"slices"
	"time"
)

// Pace says how a subscription's messages follow each other. The zero value
// sends each event by itself, in order, whatever waits. All of it but Strict is
// for places where people read: a webhook gets each event by itself.
type Pace struct {
	DigestAt *Daily        // gather until this time of day; nil for none
	Cap      int           // messages in a minute at most, what comes beyond goes into a digest; 0 for none
	Fold     time.Duration // likes, follows and reposts of one thing within this span are one message; 0 for none
	CatchUp  CatchUp       // what becomes of what waited during an outage
	Strict   bool          // a webhook's failed event holds back the later ones
}

// CatchUp says what becomes of events that waited for long.
type CatchUp string

// Ways to catch up. The zero value is CatchUpAll.
const (
	CatchUpAll    CatchUp = "all"    // each by itself
	CatchUpDigest CatchUp = "digest" // messages and mentions first and by themselves, the rest in digests
	CatchUpSkip   CatchUp = "skip"   // what is older than 15 minutes is left out, which is told
)

// Daily is a time of day by the clocks on the wall of a place.
type Daily struct {
	At   WallTime
	Zone *time.Location
}

// ParseDaily reads a time of day such as "09:00" and the name of a time zone such
// as "Europe/Berlin"; "" is UTC.
func ParseDaily(at, zone string) (*Daily, error) {
	w, err := parseWallTime(at)
	if err != nil {
		return nil, err
	}
	where, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return nil, fmt.Errorf("no time zone %q; use names like Europe/Berlin", zone)
	}
	return &Daily{At: w, Zone: where}, nil
}

// Next is the first such time that is not before now.
func (d *Daily) Next(now time.Time) time.Time {
	y, m, day := now.In(d.Zone).Date()
	for {
		if at := d.At.on(y, m, day, d.Zone); !at.Before(now) {
			return at
		}
		day++
	}
}

// chats reports whether people read at the destination: they get digests and
// notices, a program gets events.
func (w *Worker) chats() bool { return w.Subscription.To.Scheme != "webhook" }

// minute is the span that a cap counts in.
const minute = time.Minute

// slot returns when the next message may go: now or before where the cap leaves
// room, else when the oldest message of the last minute is a minute old.
func (w *Worker) slot() time.Time {
	limit := w.Subscription.Pace.Cap
	if limit <= 0 || !w.chats() || len(w.record.Sent) < limit {
		return time.Time{}
	}
	return time.UnixMilli(w.record.Sent[len(w.record.Sent)-limit]).Add(minute)
}

// spend counts a message against the cap.
func (w *Worker) spend() {
	limit := w.Subscription.Pace.Cap
	if limit <= 0 {
		w.record.Sent = nil
		return
	}
	sent := append(slices.Clip(w.record.Sent), time.Now().UnixMilli()) // never over what a stored record holds
	w.record.Sent = sent[max(0, len(sent)-limit):]
}
