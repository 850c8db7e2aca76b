package fakeslack

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Problem is one thing wrong with a payload.
type Problem struct {
	Code    string // Slack's error name for the whole payload: invalid_blocks, msg_blocks_too_long, invalid_arguments …
	Pointer string // JSON pointer to the place, "/blocks/0/text/text"
	Message string // in Slack's words where they are known
}

// String is the problem in one line.
func (p Problem) String() string {
	return fmt.Sprintf("%s: %s [json-pointer:%s]", p.Code, p.Message, p.Pointer)
}

// walker holds what a payload's rules remember from one place to another.
type walker struct {
	surface  surface
	code     string
	found    []Problem
	blockIDs map[string]string
	focus    string // pointer of the element that takes the focus
	inputs   int
	tables   int
	markdown int
	total    int               // code points of all text in blocks
	images   map[string]string // URL by pointer
	named    map[string]shape  // the objects without a "type"
}

func newWalker(on surface, code string) *walker {
	return &walker{surface: on, code: code, blockIDs: map[string]string{}, images: map[string]string{}, named: objectShapes}
}

func (w *walker) bad(ptr, format string, a ...any) {
	w.found = append(w.found, Problem{Code: w.code, Pointer: ptr, Message: fmt.Sprintf(format, a...)})
}

// fields checks an object against its shape. Fields named in skip are known but checked elsewhere.
func (w *walker) fields(ptr string, obj map[string]any, sh shape, skip ...string) {
	for _, name := range sortedKeys(sh) {
		f := sh[name]
		v, there := obj[name]
		switch {
		case there && v != nil:
			w.value(ptr+"/"+name, v, f)
		case f.need:
			w.bad(ptr, "missing required field: %s", name)
		case there:
			w.bad(ptr+"/"+name, "must not be null")
		}
	}
	for _, name := range sortedKeys(obj) {
		if _, ok := sh[name]; !ok && !slices.Contains(skip, name) {
			w.bad(ptr, "invalid additional property: %s", escapePointer(name))
		}
	}
}

func escapePointer(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

func (w *walker) value(ptr string, v any, f field) {
	switch f.kind {
	case isString, isURL, isEnum, isNumeric:
		w.stringValue(ptr, v, f)
	case isInt:
		w.intValue(ptr, v, f)
	case isBool:
		if _, ok := v.(bool); !ok {
			w.bad(ptr, "must be a boolean")
		}
	case isPlain, isText:
		w.textObject(ptr, v, f)
	case isList:
		w.listValue(ptr, v, *f.item, f.min, f.max)
	case isTyped:
		w.element(ptr, v, f.of)
	case isObject:
		obj, ok := v.(map[string]any)
		if !ok {
			w.bad(ptr, "must provide an object")
			return
		}
		w.fields(ptr, obj, w.named[f.of[0]])
		w.objectRules(ptr, obj, f.of[0])
	}
}

func (w *walker) stringValue(ptr string, v any, f field) {
	s, ok := v.(string)
	if !ok {
		w.bad(ptr, "must be a string")
		return
	}
	if f.kind == isEnum {
		if !slices.Contains(f.of, s) {
			w.bad(ptr, "must be a valid enum value")
		}
		return
	}
	if f.kind == isNumeric {
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			w.bad(ptr, "must be a number")
		}
		return
	}
	if f.kind == isURL && !validURL(s) {
		w.bad(ptr, "must be a valid URL")
	}
	w.length(ptr, s, f.min, f.max)
}

func validURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "") && !strings.ContainsAny(s, " \n\t<>")
}

// length holds a text against its limits in code points.
func (w *walker) length(ptr, s string, lo, hi int) {
	switch n := utf8.RuneCountInString(s); {
	case n < lo:
		w.bad(ptr, "must be more than %d characters", lo-1)
	case n > hi:
		w.bad(ptr, "must be less than %d characters", hi+1)
	}
}

func (w *walker) intValue(ptr string, v any, f field) {
	n, err := strconv.Atoi(fmt.Sprint(v))
	_, isNumber := v.(json.Number)
	switch {
	case !isNumber || err != nil:
		w.bad(ptr, "must be an integer")
	case n < f.min:
		w.bad(ptr, "must be greater than %d", f.min-1)
	case n > f.max:
		w.bad(ptr, "must be less than %d", f.max+1)
	}
}

func (w *walker) listValue(ptr string, v any, item field, lo, hi int) {
	items, ok := v.([]any)
	switch {
	case !ok:
		w.bad(ptr, "must provide an array")
		return
	case len(items) > hi:
		w.bad(ptr, "no more than %d items allowed", hi)
		return
	case len(items) < lo:
		w.bad(ptr, "no fewer than %d items allowed", lo)
	}
	for i, v := range items {
		w.value(ptr+"/"+strconv.Itoa(i), v, item)
	}
}

// textObject checks a plain_text or mrkdwn object with the limit of the place it stands in.
func (w *walker) textObject(ptr string, v any, f field) {
	obj, ok := v.(map[string]any)
	if !ok {
		w.bad(ptr, "must provide an object")
		return
	}
	kind, _ := obj["type"].(string)
	if kind != "plain_text" && (kind != "mrkdwn" || f.kind == isPlain) {
		w.bad(ptr+"/type", "must be a valid enum value")
		return
	}
	sh := with(elementShapes[kind], shape{"text": str(f.min, f.max).must()})
	w.fields(ptr, obj, sh, "type")
	w.count(obj)
}

func (w *walker) count(obj map[string]any) {
	if s, ok := obj["text"].(string); ok {
		w.total += utf8.RuneCountInString(s)
	}
}

// element checks an object by its "type".
func (w *walker) element(ptr string, v any, allowed []string) {
	obj, ok := v.(map[string]any)
	if !ok {
		w.bad(ptr, "must provide an object")
		return
	}
	kind, _ := obj["type"].(string)
	sh, known := elementShapes[kind]
	if !known || !slices.Contains(allowed, kind) {
		w.bad(ptr, "unsupported type: %s", kind)
		return
	}
	skip := []string{"type"}
	if kind == "rich_text" { // a block that stands in a table cell
		skip = append(skip, "block_id")
	}
	w.fields(ptr, obj, sh, skip...)
	w.elementRules(ptr, obj, kind)
}
