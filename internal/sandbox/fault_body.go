package sandbox

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"time"
)

func emptyBody(k *strike) bool {
	k.body = nil
	return true
}

func truncate(k *strike) bool {
	k.body = k.body[:len(k.body)/2]
	return len(k.body) > 0
}

// rewritten changes the JSON of a good reply.
func rewritten(change func(k *strike, body map[string]any) (any, bool)) trouble {
	return trouble{after: func(k *strike) bool {
		body, good := k.decode()
		if !good {
			return false
		}
		next, changed := change(k, body)
		if changed {
			k.body = encode(next)
		}
		return changed
	}}
}

// decode is the object of a good reply.
func (k *strike) decode() (body map[string]any, good bool) {
	if k.status >= 300 {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(k.body))
	d.UseNumber()
	return body, d.Decode(&body) == nil && body != nil
}

// lists are the keys of an object's lists.
func lists(body map[string]any) []string {
	var keys []string
	for key, v := range body {
		if _, is := v.([]any); is {
			keys = append(keys, key)
		}
	}
	return keys
}

func nullList(_ *strike, body map[string]any) (any, bool) {
	keys := lists(body)
	for _, key := range keys {
		body[key] = nil
	}
	return body, len(keys) > 0
}

func noList(_ *strike, body map[string]any) (any, bool) {
	keys := lists(body)
	for _, key := range keys {
		delete(body, key)
	}
	return body, len(keys) > 0
}

// bare unwraps a list, or the one object in an object.
func bare(_ *strike, body map[string]any) (any, bool) {
	if keys := lists(body); len(keys) == 1 {
		return body[keys[0]], true
	}
	if len(body) == 1 {
		for _, v := range body {
			if _, is := v.(map[string]any); is {
				return v, true
			}
		}
	}
	return nil, false
}

// walk visits every object, the outermost first, and says whether any visit
// changed something.
func walk(v any, visit func(map[string]any) bool) bool {
	changed := false
	switch v := v.(type) {
	case map[string]any:
		changed = visit(v)
		for _, x := range v {
			changed = walk(x, visit) || changed
		}
	case []any:
		for _, x := range v {
			changed = walk(x, visit) || changed
		}
	}
	return changed
}

func extraFields(_ *strike, body map[string]any) (any, bool) {
	return body, walk(body, func(m map[string]any) bool {
		if _, own := m["itIsNew"]; !own {
			m["sandboxExtra"] = map[string]any{"itIsNew": true}
		}
		return true
	})
}

func textNumbers(_ *strike, body map[string]any) (any, bool) {
	return body, walk(body, func(m map[string]any) bool {
		changed := false
		for key, v := range m {
			if n, is := v.(json.Number); is {
				m[key], changed = n.String(), true
			}
		}
		return changed
	})
}

// enums are the keys whose values are of a closed set today.
var enums = []string{"type", "status", "agentType", "mediaType", "provider", "purpose"}

func unknownEnums(_ *strike, body map[string]any) (any, bool) {
	return body, walk(body, func(m map[string]any) bool {
		changed := false
		for _, key := range enums {
			if _, is := m[key].(string); is {
				m[key], changed = "SOMETHING_NEW", true
			}
		}
		return changed
	})
}

func atHandles(_ *strike, body map[string]any) (any, bool) {
	return body, walk(body, func(m map[string]any) bool {
		h, is := m["handle"].(string)
		if is {
			m["handle"] = "@" + h
		}
		return is
	})
}

func flatCounts(_ *strike, body map[string]any) (any, bool) {
	return body, walk(body, func(m map[string]any) bool {
		_, has := m["stats"]
		delete(m, "stats")
		return has
	})
}

func statsOnly(_ *strike, body map[string]any) (any, bool) {
	return body, walk(body, func(m map[string]any) bool {
		_, has := m["stats"]
		if has {
			delete(m, "followerCount")
			delete(m, "followingCount")
			delete(m, "postCount")
		}
		return has
	})
}

// padding makes ids of 128 bytes out of ours.
var (
	padding = "_" + strings.Repeat("x", 128-idLength-1)
	idForm  = regexp.MustCompile(`^c[0-9a-z]{24}$`)
)

func longIDs(_ *strike, body map[string]any) (any, bool) {
	return body, walk(body, func(m map[string]any) bool {
		changed := false
		for key, v := range m {
			if id, is := v.(string); is && idForm.MatchString(id) {
				m[key], changed = id+padding, true
			}
		}
		return changed
	})
}

// shorten takes long ids back in what a client sends.
func (x *exchange) shorten() {
	for name, v := range x.in.vars {
		x.in.vars[name] = strings.TrimSuffix(v, padding)
	}
	for name, raw := range x.in.body {
		x.in.body[name] = bytes.ReplaceAll(raw, []byte(padding), nil)
	}
	for name, list := range x.in.query {
		for i, v := range list {
			x.in.query[name][i] = strings.TrimSuffix(v, padding)
		}
	}
}

var stampForm = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`)

// retimed writes every time of a reply in another way.
func retimed(change func(time.Time) string) trouble {
	return trouble{after: func(k *strike) bool { return k.retime(change) }}
}

func (k *strike) retime(change func(time.Time) string) bool {
	changed := false
	k.body = stampForm.ReplaceAllFunc(k.body, func(b []byte) []byte {
		t, err := time.Parse(stampLayout, strings.Trim(string(b), `"`))
		if err != nil {
			return b
		}
		changed = true
		return []byte(`"` + change(t) + `"`)
	})
	return changed
}

func noFraction(t time.Time) string   { return t.Format("2006-01-02T15:04:05Z") }
func microseconds(t time.Time) string { return t.Format("2006-01-02T15:04:05.000000Z") }
func offsetTimes(t time.Time) string  { return t.Format("2006-01-02T15:04:05.000+00:00") }
