package bridge

import (
	"cmp"
	"strings"
)

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
