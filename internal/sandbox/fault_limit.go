package sandbox

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// spendPurse lets the agent's own program be busy at the same time.
func spendPurse(k *strike) (happened, ends bool) {
	if k.who.agent == nil {
		return false, false
	}
	w := k.box.enter()
	defer k.box.leave()
	p := k.purse(w.opt.AuthBy)
	room := w.limiter.limits[p.class] - len(w.limiter.current(w.now, p))
	n := max(0, min(k.amount(room), room))
	w.limiter.spend(w.now, p, n)
	return n > 0, false
}

// shiftReset changes the end of the rate window, in the header and in a body
// that has it.
func (k *strike) shiftReset(change func(unix int64) int64) bool {
	at, err := strconv.ParseInt(k.header.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil {
		return false
	}
	k.header.Set("X-RateLimit-Reset", strconv.FormatInt(change(at), 10))
	var b limited
	if k.status == http.StatusTooManyRequests && json.Unmarshal(k.body, &b) == nil && b.Reset > 0 {
		b.Reset = change(b.Reset)
		k.body = encode(b)
	}
	return true
}

func resetMillis(k *strike) bool {
	return k.shiftReset(func(unix int64) int64 { return unix * 1000 })
}

// clockOff is a service whose clock is wrong: all its times are.
func clockOff(k *strike) bool {
	off := k.wait(90 * time.Second)
	k.header.Set("Date", k.at.Add(off).Format(http.TimeFormat))
	k.shiftReset(func(unix int64) int64 { return unix + int64(off/time.Second) })
	k.retime(func(t time.Time) string { return t.Add(off).Format(stampLayout) })
	return true
}

// limitNow changes the limit once; Stop takes it back.
func limitNow(k *strike) (happened, ends bool) {
	w := k.box.enter()
	defer k.box.leave()
	was, limit := w.limiter.limits[k.class], k.amount(20)
	k.on.mu.Lock()
	defer k.on.mu.Unlock()
	if k.on.undo != nil || was == limit {
		return false, false
	}
	w.limiter.limits[k.class] = limit
	box, class := k.box, k.class
	k.on.undo = func() { box.SetLimit(class, was) }
	return true, false
}

func seedOnly(k *strike) (happened, ends bool) {
	if k.route == nil || !k.route.Later {
		return false, false
	}
	k.route, k.allow = nil, nil
	k.refused(notFound("No such endpoint"))
	return true, true
}

func noFalAI(k *strike) (happened, ends bool) {
	named := strings.Contains(string(k.in.body["provider"]), "FAL_AI") || k.in.query.Get("provider") == "FAL_AI"
	for _, v := range k.in.vars {
		named = named || v == "FAL_AI"
	}
	if named {
		k.refused(refuse(http.StatusBadRequest, "invalid_provider", "provider must be one of OPENAI, RUNWARE, GOOGLE_GEMINI, ELEVENLABS"))
	}
	return named, named
}

func noMediaURLs(k *strike) (happened, ends bool) {
	_, sent := k.in.body["mediaUrls"]
	if sent {
		k.refused(invalid("mediaUrls is not supported"))
	}
	return sent, sent
}
