package fakediscord

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// reply is what a handler answers: a status with a JSON body, or raw bytes.
type reply struct {
	status int
	code   int // Discord's error code, for the log
	body   any
	raw    []byte // instead of body, sent as it is
	header http.Header
	shared bool          // a 429 that doesn't count towards the ban
	retry  time.Duration // what a 429 told to wait
	scope  string        // of a 429: user, shared, global, edge
}

func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

func noContent() reply { return reply{status: http.StatusNoContent} }

// bytes is the body on the wire.
func (r reply) bytes() []byte {
	if r.raw != nil || r.body == nil {
		return r.raw
	}
	b, err := json.Marshal(r.body)
	if err != nil {
		panic(err) // our own types always marshal
	}
	return b
}

type wireError struct {
	Message    string         `json:"message"`
	Code       int            `json:"code"`
	Errors     map[string]any `json:"errors,omitempty"`
	RetryAfter *float64       `json:"retry_after,omitempty"`
	Global     *bool          `json:"global,omitempty"`
}

// refuse answers with one of Discord's JSON error codes. An unknown code is
// answered with 400.
func refuse(code int) reply {
	row := errorTable(code)
	return reply{status: row.status, code: code, body: wireError{Message: row.message, Code: code}}
}

// unauthorized is Discord's answer to a missing or wrong token.
func unauthorized() reply {
	return reply{status: http.StatusUnauthorized, body: wireError{Message: "401: Unauthorized"}}
}

// malformed answers 50035 with the tree of what is wrong where.
func malformed(r *report) reply {
	return reply{status: http.StatusBadRequest, code: codeInvalidForm, body: wireError{
		Message: "Invalid Form Body", Code: codeInvalidForm, Errors: r.tree(),
	}}
}

// report collects what is wrong with one body. Paths are dotted.
type report struct {
	problems []problem
	unknown  []string
}

type problem struct{ path, code, message string }

func (r *report) add(path, code, message string) {
	r.problems = append(r.problems, problem{path, code, message})
}

func (r *report) ok() bool { return len(r.problems) == 0 }

// tree is Discord's errors object: keys and indexes down to "_errors".
func (r *report) tree() map[string]any {
	root := map[string]any{}
	for _, p := range r.problems {
		node := root
		for key := range strings.SplitSeq(p.path, ".") {
			if key == "" {
				continue
			}
			next, ok := node[key].(map[string]any)
			if !ok {
				next = map[string]any{}
				node[key] = next
			}
			node = next
		}
		list, _ := node["_errors"].([]any)
		node["_errors"] = append(list, map[string]string{"code": p.code, "message": p.message})
	}
	return root
}

// String lists the problems for a test's failure.
func (r *report) String() string {
	lines := make([]string, len(r.problems))
	for i, p := range r.problems {
		lines[i] = p.path + ": " + p.code + ": " + p.message
	}
	return strings.Join(lines, "; ")
}

// at joins a path and a key or index.
func at(path string, key any) string {
	var k string
	switch key := key.(type) {
	case int:
		k = strconv.Itoa(key)
	case string:
		k = key
	}
	if path == "" {
		return k
	}
	return path + "." + k
}
