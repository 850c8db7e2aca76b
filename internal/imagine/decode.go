package imagine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// fields reads one JSON object tolerantly: by any of a field's spellings, numbers as strings and strings as numbers, null as
// absent. The first field of a wrong type is kept in err; counts and flags that make no sense are just zero.
type fields struct {
	raw   map[string]json.RawMessage
	err   error
	depth int // how deep it lies in the object it was read from
}

// maxDepth bounds reposts of reposts of reposts.
const maxDepth = 4

var bom = []byte("\xef\xbb\xbf")

// parseFields reads a whole JSON object; anything else, also behind it, is an error. A byte order mark is passed over.
func parseFields(data []byte) (*fields, error) {
	data = bytes.TrimPrefix(data, bom)
	if i := next(data, 0); i < len(data) && data[i] == '{' && json.Valid(data) {
		return fieldsOf(data[i:]), nil
	}
	var none map[string]json.RawMessage
	if err := json.Unmarshal(data, &none); err != nil {
		return nil, garbled(err)
	}
	return nil, errors.New("null where an object belongs")
}

// fieldsOf reads an object that is part of a reply whose form was checked.
func fieldsOf(object json.RawMessage) *fields { return &fields{raw: members(object)} }

// garbled puts a JSON error into words without quoting the reply.
func garbled(err error) error {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("not valid JSON at byte %d", e.Offset)
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s where an object belongs", e.Value)
	}
	return errors.New("not valid JSON")
}

func spellings(name string) []string {
	if s, ok := aliases[name]; ok {
		return s
	}
	return []string{name[strings.LastIndexByte(name, '.')+1:]}
}

// find gives the first spelling that is there and not null.
func (f *fields) find(name string) json.RawMessage {
	for _, path := range spellings(name) {
		if v := f.at(path); v != nil {
			return v
		}
	}
	return nil
}

func (f *fields) at(path string) json.RawMessage {
	key, rest, deeper := strings.Cut(path, ".")
	v := bytes.TrimSpace(f.raw[key])
	if len(v) == 0 || string(v) == "null" {
		return nil
	}
	if !deeper {
		return v
	}
	if v[0] != '{' {
		return nil
	}
	return fieldsOf(v).at(rest)
}

func (f *fields) fail(name, want string) {
	if f.err == nil {
		f.err = fmt.Errorf("field %s is no %s", name, want)
	}
}

// text reads a string; a number is as good, since ids come as both.
func (f *fields) text(name string) string {
	v := f.find(name)
	s, ok := textOf(v)
	if !ok && v != nil {
		f.fail(name, "text")
	}
	return s
}

func textOf(v json.RawMessage) (string, bool) {
	if len(v) == 0 {
		return "", false
	}
	switch c := v[0]; {
	case c == '"':
		if s, plain := plainText(v); plain {
			return s, true
		}
		var s string
		err := json.Unmarshal(v, &s)
		return s, err == nil
	case c == '-' || c >= '0' && c <= '9':
		return string(v), true
	}
	return "", false
}

// handle reads a handle without the @ it may carry; case and hyphens stay.
func (f *fields) handle(name string) string { return strings.TrimPrefix(f.text(name), "@") }

// id reads an id that must be there.
func (f *fields) id(name string) string {
	s := f.text(name)
	if s == "" && f.err == nil {
		f.err = errors.New("no id")
	}
	return s
}

// count reads a number that may be a string; nonsense is 0.
func (f *fields) count(name string) int {
	n, _ := number(f.find(name))
	return int(min(max(n, math.MinInt32), math.MaxInt32))
}

func (f *fields) number(name string) float64 {
	n, _ := number(f.find(name))
	return n
}

func number(v json.RawMessage) (float64, bool) {
	s, ok := textOf(v)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, false
	}
	return n, true
}

// flag reads a boolean, also as "true", as 1, or as the time since when it holds; nonsense is false.
func (f *fields) flag(name string) bool {
	v := f.find(name)
	if v == nil {
		return false
	}
	switch string(v) {
	case "true":
		return true
	case "false":
		return false
	}
	s, _ := textOf(v)
	if b, err := strconv.ParseBool(strings.ToLower(s)); err == nil {
		return b
	}
	t, ok := timeOf(v)
	return ok && !t.IsZero()
}

// time reads any RFC 3339 form, a Unix time in seconds, or one in milliseconds above 10¹¹; absent is the zero time.
func (f *fields) time(name string) time.Time {
	v := f.find(name)
	if v == nil {
		return time.Time{}
	}
	t, ok := timeOf(v)
	if !ok {
		f.fail(name, "time")
	}
	return t
}

func timeOf(v json.RawMessage) (time.Time, bool) {
	s, ok := textOf(v)
	if !ok {
		return time.Time{}, false
	}
	if s == "" {
		return time.Time{}, true
	}
	s = strings.ToUpper(strings.Replace(s, " ", "T", 1))
	leap := time.Duration(0)
	if len(s) > 19 && s[16:19] == ":60" { // a leap second, which the parser does not know
		s, leap = s[:16]+":59"+s[19:], time.Second
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC().Add(leap), true
	}
	const earliest, millis, latest = 1e8, 1e11, 1e14 // 1973 in seconds; 1973 in milliseconds; the year 5138
	switch n, ok := number(v); {
	case !ok || n < earliest || n > latest:
		return time.Time{}, false
	case n > millis:
		return time.UnixMilli(int64(n)).UTC(), true
	default:
		return time.Unix(int64(n), 0).UTC(), true
	}
}

// object reads a nested object; nil when it is absent, too deep, or no object (which counts as an error).
func (f *fields) object(name string) *fields {
	v := f.find(name)
	if v == nil || f.depth >= maxDepth {
		return nil
	}
	if v[0] != '{' {
		f.fail(name, "object")
		return nil
	}
	return f.open(v)
}

// objectIf is object where something else under that name is no error.
func (f *fields) objectIf(name string) *fields {
	if v := f.find(name); v != nil && v[0] == '{' && f.depth < maxDepth {
		return f.open(v)
	}
	return nil
}

func (f *fields) open(v json.RawMessage) *fields {
	in := fieldsOf(v)
	in.depth = f.depth + 1
	return in
}

// texts reads a list of strings; an entry may be an object with its word under tag, handle, url or name.
func (f *fields) texts(name string) []string {
	var out []string
	for _, v := range f.list(name) {
		s, ok := textOf(bytes.TrimSpace(v))
		if !ok {
			if len(v) > 0 && v[0] == '{' {
				in := fieldsOf(v)
				for _, key := range []string{"tag", "handle", "url", "name"} {
					if s, ok = textOf(in.at(key)); ok {
						break
					}
				}
			}
		}
		if ok {
			out = append(out, s)
		}
	}
	return out
}

// list reads an array; nil when it is absent or none.
func (f *fields) list(name string) []json.RawMessage {
	v := f.find(name)
	if v == nil || v[0] != '[' {
		return nil
	}
	return elements(v)
}

// free reads an object we only pass on.
func (f *fields) free(name string) json.RawMessage {
	if v := f.find(name); v != nil && v[0] == '{' {
		return bytes.Clone(v)
	}
	return nil
}

// single opens a reply that holds one object, wrapped in a one-key object or bare.
func single(body []byte, key string) (*fields, error) {
	f, err := parseFields(body)
	if err != nil {
		return nil, err
	}
	if v := f.at(key); v != nil && v[0] == '{' {
		return fieldsOf(v), nil
	}
	return f, nil
}
