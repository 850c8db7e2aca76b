package fakediscord

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// check looks at one JSON value (numbers as json.Number) and reports what is
// wrong with it. The tables of fields are built from checks.
type check func(r *report, path string, v any)

// field is one row of an object's table.
type field struct {
	name     string
	check    check
	required bool
}

// need is a field that must be there and not null.
func need(name string, c check) field { return field{name, c, true} }

// may is a field that can be absent or null.
func may(name string, c check) field { return field{name, c, false} }

// object takes exactly these fields. Others are reported as unknown and taken
// out, as Discord ignores them.
func object(fields ...field) check {
	return func(r *report, path string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			r.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
			return
		}
		for _, f := range fields {
			switch x := m[f.name]; {
			case x != nil:
				f.check(r, at(path, f.name), x)
			case f.required:
				r.add(at(path, f.name), "BASE_TYPE_REQUIRED", "This field is required")
			}
		}
		for _, name := range slices.Sorted(maps.Keys(m)) {
			if !slices.ContainsFunc(fields, func(f field) bool { return f.name == name }) {
				r.unknown = append(r.unknown, at(path, name))
				delete(m, name)
			}
		}
	}
}

// list takes between least and most elements.
func list(least, most int, elem check) check {
	return func(r *report, path string, v any) {
		l, ok := v.([]any)
		if !ok {
			r.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
			return
		}
		if len(l) < least || len(l) > most {
			r.add(path, "BASE_TYPE_BAD_LENGTH", fmt.Sprintf("Must be between %d and %d in length.", least, most))
		}
		for i, x := range l {
			elem(r, at(path, i), x)
		}
	}
}

// distinct adds to a list that its elements differ.
func distinct(c check) check {
	return func(r *report, path string, v any) {
		c(r, path, v)
		l, _ := v.([]any)
		seen := map[string]bool{}
		for i, x := range l {
			key := fmt.Sprint(x)
			if seen[key] {
				r.add(at(path, i), "SET_TYPE_ALREADY_CONTAINS_VALUE", fmt.Sprintf("The set already contains %q", key))
			}
			seen[key] = true
		}
	}
}

// text takes a string of least to most UTF-16 units.
func text(least, most int) check {
	return func(r *report, path string, v any) {
		s, ok := v.(string)
		if !ok {
			r.add(path, "STRING_TYPE_CONVERT", "Could not interpret the value as string.")
			return
		}
		n := units(s)
		switch {
		case least > 0 && strings.TrimSpace(s) == "":
			r.add(path, "BASE_TYPE_REQUIRED", "This field is required")
		case n < least:
			r.add(path, "BASE_TYPE_MIN_LENGTH", fmt.Sprintf("Must be %d or more in length.", least))
		case n > most:
			r.add(path, "BASE_TYPE_MAX_LENGTH", fmt.Sprintf("Must be %d or fewer in length.", most))
		}
	}
}

// units counts as Discord's limits are counted in this emulator: UTF-16 code
// units, which are never fewer than code points.
func units(s string) int { return len(utf16.Encode([]rune(s))) }

// web takes an absolute http or https URL, or with files an attachment://
// reference.
func web(most int, files bool) check {
	length := text(1, most)
	return func(r *report, path string, v any) {
		length(r, path, v)
		s, ok := v.(string)
		if !ok {
			return
		}
		u, err := url.Parse(s)
		good := err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" || (files && u.Scheme == "attachment"))
		if !good {
			r.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
		}
	}
}

// whole takes an integer between least and most.
func whole(least, most int64) check {
	return func(r *report, path string, v any) {
		n, ok := v.(json.Number)
		i, err := strconv.ParseInt(n.String(), 10, 64)
		switch {
		case !ok || err != nil:
			r.add(path, "NUMBER_TYPE_COERCE", fmt.Sprintf("Value %q is not int.", fmt.Sprint(v)))
		case i < least:
			r.add(path, "NUMBER_TYPE_MIN", fmt.Sprintf("int value should be greater than or equal to %d.", least))
		case i > most:
			r.add(path, "NUMBER_TYPE_MAX", fmt.Sprintf("int value should be less than or equal to %d.", most))
		}
	}
}

func anyInt() check { return whole(math.MinInt64, math.MaxInt64) }

// number takes any JSON number.
func number() check {
	return func(r *report, path string, v any) {
		n, ok := v.(json.Number)
		if _, err := n.Float64(); !ok || err != nil {
			r.add(path, "NUMBER_TYPE_COERCE", fmt.Sprintf("Value %q is not float.", fmt.Sprint(v)))
		}
	}
}

// choice takes one of the given integers.
func choice(values ...int64) check {
	return func(r *report, path string, v any) {
		n, ok := v.(json.Number)
		i, err := n.Int64()
		if !ok || err != nil || !slices.Contains(values, i) {
			r.add(path, "BASE_TYPE_CHOICES", fmt.Sprintf("Value must be one of %v.", values))
		}
	}
}

// word takes one of the given strings.
func word(values ...string) check {
	return func(r *report, path string, v any) {
		s, ok := v.(string)
		if !ok || !slices.Contains(values, s) {
			r.add(path, "BASE_TYPE_CHOICES", fmt.Sprintf("Value must be one of %v.", values))
		}
	}
}

func boolean(r *report, path string, v any) {
	if _, ok := v.(bool); !ok {
		r.add(path, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
	}
}

var snowflakeForm = regexp.MustCompile(`^(0|[1-9][0-9]{0,19})$`)

// snowflake takes an id as a string. Discord takes numbers too, but they lose
// digits on the way through most JSON libraries.
func snowflake(r *report, path string, v any) {
	if s, ok := v.(string); !ok || !snowflakeForm.MatchString(s) {
		r.add(path, "NUMBER_TYPE_COERCE", fmt.Sprintf("Value %q is not snowflake.", fmt.Sprint(v)))
	}
}

// instant takes an ISO 8601 time.
func instant(r *report, path string, v any) {
	s, ok := v.(string)
	if _, err := time.Parse(time.RFC3339Nano, s); !ok || err != nil {
		r.add(path, "DATE_TIME_TYPE_PARSE", fmt.Sprintf("Could not parse %s. Should be ISO8601.", fmt.Sprint(v)))
	}
}

// anything takes every value; used where Discord documents none.
func anything(*report, string, any) {}

// byType picks the check by the object's "type".
func byType(variants map[int64]check) check {
	types := slices.Sorted(maps.Keys(variants))
	return func(r *report, path string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			r.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
			return
		}
		n, ok := m["type"].(json.Number)
		i, err := n.Int64()
		if c := variants[i]; ok && err == nil && c != nil {
			c(r, path, v)
			return
		}
		r.add(at(path, "type"), "UNION_TYPE_CHOICES", fmt.Sprintf("Value of field \"type\" must be one of %v.", types))
	}
}
