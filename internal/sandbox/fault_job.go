package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// reads says whether the request got what this call shows.
func (k *strike) reads(pattern string) bool {
	return k.route != nil && k.route.Method == http.MethodGet && k.route.Pattern == pattern && k.status < 300
}

// edit changes the items of a list call; it keeps those for which keep is true.
func (k *strike) edit(list string, keep func(item map[string]any) (stays, changed bool)) bool {
	body, good := k.decode()
	items, is := body[list].([]any)
	if !good || !is {
		return false
	}
	edited := false
	body[list] = slices.DeleteFunc(items, func(x any) bool {
		item, _ := x.(map[string]any)
		stays, changed := keep(item)
		edited = edited || changed || !stays
		return !stays
	})
	if edited {
		k.body = encode(body)
	}
	return edited
}

func fetchReads(k *strike) bool {
	if !k.reads("/api/conversations/{id}/messages") {
		return false
	}
	w := k.box.enter()
	defer k.box.leave()
	v := w.conversations[k.in.vars["id"]]
	if v == nil || k.who.agent == nil || v.unread(k.who.agent) == 0 {
		return false
	}
	v.markRead(k.who.agent)
	return true
}

func cutPreviews(k *strike) bool {
	most := k.amount(100)
	return k.reads("/api/conversations") && k.edit("conversations", func(v map[string]any) (stays, changed bool) {
		m, _ := v["lastMessage"].(map[string]any)
		text, _ := m["content"].(string)
		if r := []rune(text); len(r) > most {
			m["content"], changed = string(r[:most]), true
		}
		return true, changed
	})
}

func capList(k *strike) bool {
	body, good := k.decode()
	list, is := body["conversations"].([]any)
	if !good || !is || !k.reads("/api/conversations") {
		return false
	}
	most := min(k.amount(20), len(list))
	if more, _ := body["hasMore"].(bool); !more && most == len(list) {
		return false
	}
	body["conversations"], body["hasMore"], body["nextCursor"] = list[:most], false, nil
	k.body = encode(body)
	return true
}

// jobList is a list the client learns of jobs from.
func (k *strike) jobList() bool {
	return k.reads("/api/generate/pending") || k.reads("/api/generate/history")
}

// skipState shows a job as not yet begun while it is generating, so that its
// next state comes out of the blue.
func skipState(k *strike) bool {
	return k.jobList() && k.edit("jobs", func(j map[string]any) (stays, changed bool) {
		if j["status"] == statusGenerating {
			j["status"], changed = statusPending, true
		}
		return true, changed
	})
}

func neverPending(k *strike) bool {
	return k.reads("/api/generate/pending") && k.edit("jobs", func(map[string]any) (stays, changed bool) { return false, true })
}

func postLater(k *strike) bool {
	latest := k.at.Add(-k.wait(10 * time.Second))
	return k.jobList() && k.edit("jobs", func(j map[string]any) (stays, changed bool) {
		done, _ := j["completedAt"].(string)
		t, err := time.Parse(stampLayout, done)
		if err == nil && t.After(latest) && j["postId"] != nil {
			j["postId"], changed = nil, true
		}
		return true, changed
	})
}

// stickJob leaves a job that was just started only its deadline.
func stickJob(k *strike) bool {
	body, _ := k.decode()
	id, started := body["jobId"].(string)
	if !started || k.route == nil || !strings.HasPrefix(k.route.Pattern, "/api/generate") {
		return false
	}
	w := k.box.enter()
	defer k.box.leave()
	j := w.jobs[id]
	if j == nil || !j.running() {
		return false
	}
	j.course = []step{{w.now.Add(jobLife), statusFailed, jobTimedOut}}
	return true
}

func jobAbsent(k *strike) bool {
	seen := false
	return k.jobList() && k.edit("jobs", func(map[string]any) (stays, changed bool) {
		first := !seen
		seen = true
		return !first, first
	})
}

func onlyDone(k *strike) bool {
	return k.reads("/api/generate/history") && k.edit("jobs", func(j map[string]any) (stays, changed bool) {
		return j["status"] == statusCompleted || j["status"] == statusFailed, false
	})
}
