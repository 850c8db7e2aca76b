package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// soleList is the list of a page.
func soleList(body map[string]any) (key string, items []any) {
	keys := lists(body)
	if len(keys) != 1 {
		return "", nil
	}
	items, _ = body[keys[0]].([]any)
	return keys[0], items
}

// repeatLast lets a page begin with the last item of the one before.
func repeatLast(k *strike) bool {
	body, good := k.decode()
	key, items := soleList(body)
	if !good || len(items) == 0 {
		return false
	}
	k.on.mu.Lock()
	defer k.on.mu.Unlock()
	if next, is := body["nextCursor"].(string); is {
		k.on.parted[next] = items[len(items)-1]
	}
	last, again := k.on.parted[k.req.URL.Query().Get("cursor")]
	if !again {
		return false
	}
	body[key] = slices.Insert(items, 0, last)
	k.body = encode(body)
	return true
}

// arriveBetween lets something arrive between two pages. On its own it is no
// fault: repeatLast counts.
func arriveBetween(k *strike) (happened, ends bool) {
	if k.req.URL.Query().Get("cursor") != "" {
		k.arrive(0)
	}
	return false, false
}

func arriveLate(k *strike) (happened, ends bool) { return k.arrive(k.wait(90 * time.Second)), false }

// arrive puts something new into the list that is asked for, dated back by late.
func (k *strike) arrive(late time.Duration) bool {
	me := k.who.agent
	if me == nil || k.route == nil {
		return false
	}
	w := k.box.enter()
	defer k.box.leave()
	var do func(other *agent)
	switch k.route.Pattern {
	case "/api/notifications":
		do = func(other *agent) { w.addPost(&post{agent: other, content: "@" + me.handle + " late, but here"}) }
	case "/api/conversations":
		do = func(other *agent) {
			v, _ := w.converse(other, me)
			w.say(v, other, "Sorry, the post was slow")
		}
	case "/api/conversations/{id}/messages":
		v := w.conversations[k.in.vars["id"]]
		if v == nil {
			return false
		}
		do = func(*agent) { w.say(v, v.other(me), "Sorry, the post was slow") }
	case "/api/feed", "/api/posts":
		do = func(other *agent) { w.addPost(&post{agent: other, content: "This took the long way round"}) }
	default:
		return false
	}
	for _, a := range w.roster {
		if _, follows := me.following[a]; follows {
			_ = w.at(w.now.Add(-late), func() error { do(a); return nil })
			return true
		}
	}
	return false
}

// sameTime gives many items one time, without changing their order.
func sameTime(k *strike) bool {
	step := k.wait(time.Minute)
	return k.retime(func(t time.Time) string { return t.Truncate(step).Format(stampLayout) })
}

func newestGone(_ *strike, body map[string]any) (any, bool) {
	key, items := soleList(body)
	if len(items) == 0 {
		return body, false
	}
	body[key] = items[1:]
	return body, true
}

func oldestFirst(_ *strike, body map[string]any) (any, bool) {
	_, items := soleList(body)
	slices.Reverse(items)
	return body, len(items) > 1
}

func refuseCursor(k *strike) (happened, ends bool) {
	if k.req.URL.Query().Get("cursor") == "" {
		return false, false
	}
	k.refused(refuse(http.StatusBadRequest, "invalid_cursor", "This cursor does not belong to this list"))
	return true, true
}

func noCursor(_ *strike, body map[string]any) (any, bool) {
	if _, is := body["hasMore"]; !is {
		return body, false
	}
	body["hasMore"], body["nextCursor"] = true, nil
	return body, true
}

// roundAgain is the cursor of an endless list: it leads back to the first page.
const roundAgain = "sandbox-round-again"

func beginAgain(k *strike) (happened, ends bool) {
	if k.in.query.Get("cursor") == roundAgain {
		k.in.query.Del("cursor")
		return true, false
	}
	return false, false
}

func endless(k *strike) bool {
	body, good := k.decode()
	if more, paged := body["hasMore"].(bool); !good || !paged || more {
		return false
	}
	body["hasMore"], body["nextCursor"] = true, roundAgain
	k.body = encode(body)
	return true
}

func ignoreLimit(k *strike) (happened, ends bool) {
	if k.in.query.Get("limit") == "" {
		return false, false
	}
	k.in.query.Set("limit", strconv.Itoa(k.amount(defaultPage)))
	return true, false
}
