package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

const (
	maxColumns = 8  // of a table
	maxCell    = 60 // letters in a cell of a table
)

// zone is where times are shown: that of the machine, unless TZ says otherwise.
func (*program) zone() *time.Location { return time.Local }

// printResult shows a result, whatever it is: a list as a table with a row for
// each item, anything else as its facts. It reads JSON, so that what came from a
// running bridge looks like what was made here.
func printResult(out io.Writer, result json.RawMessage, zone *time.Location) error {
	if len(result) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(result))
	dec.UseNumber()
	v, err := decodeOrdered(dec)
	if err != nil {
		return errors.New("The result can't be shown; --json prints it as it is.")
	}
	return printValue(out, v, zone)
}

// object is a JSON object in the order in which it was written.
type object []member

type member struct {
	key   string
	value any // string, json.Number, bool, nil, object, []any
}

func decodeOrdered(dec *json.Decoder) (any, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		o := object{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v, err := decodeOrdered(dec)
			if err != nil {
				return nil, err
			}
			name, _ := key.(string)
			o = append(o, member{name, v})
		}
		_, err = dec.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := decodeOrdered(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = dec.Token()
		return list, err
	}
	return t, nil
}

func printValue(out io.Writer, v any, zone *time.Location) error {
	switch v := v.(type) {
	case object:
		return printObject(out, v, zone)
	case []any:
		return printTable(out, "", rowsOf(v), zone)
	}
	return nil
}

// printObject shows the facts of an object, then the lists in it.
func printObject(out io.Writer, o object, zone *time.Location) error {
	o = unwrapped(o)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, f := range worthTelling(facts("", o, zone)) {
		fmt.Fprintf(w, "  %s\t%s\n", f.name, f.text)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, m := range o {
		rows := rowsOf(m.value)
		if len(rows) == 0 {
			continue
		}
		title := heading(m.key)
		if m.key == "items" || m.key == "numbers" {
			title = ""
		}
		rows = sideBySide(rows)
		if err := printTable(out, title, rows, zone); err != nil {
			return err
		}
	}
	return nil
}

// rowsOf is a list of objects; nil for anything else.
func rowsOf(v any) []object {
	list, _ := v.([]any)
	var rows []object
	for _, item := range list {
		if o, ok := item.(object); ok {
			rows = append(rows, o)
		}
	}
	return rows
}

// sideBySide turns numbers called current.likes and previous.likes into one row
// with a column for each span of time. Other lists stay as they are.
func sideBySide(rows []object) []object {
	var out []object
	for _, row := range rows {
		if len(row) != 2 || row[0].key != "name" || row[1].key != "value" {
			return rows
		}
		full, _ := row[0].value.(string)
		span, name, ok := strings.Cut(full, ".")
		if !ok {
			return rows
		}
		i := slices.IndexFunc(out, func(o object) bool { return o[0].value == name })
		if i < 0 {
			i = len(out)
			out = append(out, object{{"name", name}})
		}
		out[i] = append(out[i], member{span, row[1].value})
	}
	return out
}

// fact is one thing to tell of an object.
type fact struct{ key, name, text string }

// worthTelling drops the facts of a deed whose sentence says them already: a yes,
// a number, and nothing that names anything.
func worthTelling(list []fact) []fact {
	says := func(f fact) bool {
		return f.key == "id" || strings.HasSuffix(f.key, "Id") || f.text != "yes" && strings.Trim(f.text, "0123456789.-") != ""
	}
	if len(list) > 2 || slices.ContainsFunc(list, says) {
		return list
	}
	return nil
}

// unsaid are keys that tell people nothing.
var unsaid = []string{"nextCursor", "hasMore", "success", "raw", "gamification"}

// facts are what an object tells, nested ones after their owner's name. Lists of
// objects are tables of their own.
func facts(prefix string, o object, zone *time.Location) []fact {
	var out []fact
	for _, m := range o {
		if slices.Contains(unsaid, m.key) || rowsOf(m.value) != nil {
			continue
		}
		key := prefix + m.key
		if in, ok := m.value.(object); ok && person(in) == "" {
			out = append(out, facts(key+".", gist(in), zone)...)
			continue
		}
		if text := valueOf(m, zone); text != "" {
			out = append(out, fact{key, strings.ToLower(heading(key)), text})
		}
	}
	return out
}

// gist is what to tell of a thing inside another: which it is, and its words.
func gist(o object) object {
	if !slices.ContainsFunc(o, func(m member) bool { return m.key == "id" }) {
		return o
	}
	return slices.DeleteFunc(slices.Clone(o), func(m member) bool {
		return !slices.Contains([]string{"id", "agent", "sender", "content", "title", "name", "status"}, m.key)
	})
}

// unwrapped is the one thing that an object holds, or the object itself.
func unwrapped(o object) object {
	if len(o) > 0 {
		if in, ok := o[0].value.(object); ok && person(in) == "" && !slices.ContainsFunc(o[1:], func(m member) bool { _, also := m.value.(object); return also }) {
			return append(slices.Clone(in), o[1:]...)
		}
	}
	return o
}

// valueOf is a member as text. Prices come in cents; the API names no currency,
// its examples read as US dollars.
func valueOf(m member, zone *time.Location) string {
	if n, ok := m.value.(json.Number); ok && (m.key == "price" || m.key == "amount") {
		if cents, err := n.Int64(); err == nil {
			return fmt.Sprintf("$%.2f", float64(cents)/100)
		}
	}
	return cell(m.value, zone)
}

// person is the handle of an agent inside something else.
func person(o object) string {
	for _, m := range o {
		if s, ok := m.value.(string); ok && m.key == "handle" && s != "" {
			return "@" + oneSentence(strings.TrimPrefix(s, "@"))
		}
	}
	return ""
}

// cell is a value as text; what is empty, or simply not so, is left out.
func cell(v any, zone *time.Location) string {
	switch v := v.(type) {
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return t.In(zone).Format("2006-01-02 15:04")
		}
		return oneSentence(v)
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "yes"
		}
	case object:
		return person(v)
	case []any:
		var words []string
		for _, item := range v {
			if text := cell(item, zone); text != "" {
				words = append(words, text)
			}
		}
		return strings.Join(words, ", ")
	}
	return ""
}

// heading writes "likeCount" as "LIKES" and "post.createdAt" as "POST CREATED AT".
func heading(key string) string {
	if name, ok := strings.CutSuffix(key, "Count"); ok && name != "" {
		key = map[string]string{"following": name, "unread": name, "retry": "retries"}[name]
		if key == "" {
			key = name + "s"
		}
	}
	if name, ok := strings.CutPrefix(key, "is"); ok && name != "" && unicode.IsUpper(rune(name[0])) {
		key = strings.ToLower(name[:1]) + name[1:]
	}
	var b strings.Builder
	for _, r := range key {
		switch {
		case r == '.' || r == '_':
			r = ' '
		case unicode.IsUpper(r):
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return oneSentence(b.String())
}

// rank orders the columns of a table: what names a thing first, its words last.
func rank(key string) int {
	switch {
	case key == "id" || strings.HasSuffix(key, "_id"):
		return 0
	case slices.Contains([]string{"handle", "tag", "provider", "agent", "actor", "sender", "participant", "seller", "buyer"}, key):
		return 1
	case slices.Contains([]string{"name", "title", "type", "status"}, key):
		return 2
	case strings.HasSuffix(key, "At"):
		return 4
	case strings.HasSuffix(key, ".content"), slices.Contains([]string{"content", "message", "text", "bio", "prompt", "caption", "description", "shortDesc", "errorMessage"}, key):
		return 5
	}
	return 3
}

// wordy reports a column that only a program reads, or that is of something else.
func wordy(key string) bool {
	if _, inner, nested := strings.Cut(key, "."); nested && inner != "content" && inner != "name" && inner != "title" {
		return true
	}
	return strings.HasSuffix(key, "Url") || strings.HasSuffix(key, "Urls") || strings.HasSuffix(key, "_url") || key == "url" || key == "pathname" || key == "contentType" ||
		strings.HasSuffix(key, "Id") || key == "updatedAt"
}

func printTable(out io.Writer, title string, rows []object, zone *time.Location) error {
	if len(rows) == 0 {
		return nil
	}
	var columns []string
	cells := make([]map[string]string, len(rows))
	for i, row := range rows {
		cells[i] = map[string]string{}
		for _, f := range facts("", row, zone) {
			if wordy(f.key) {
				continue
			}
			cells[i][f.key] = clipped(f.text)
			if !slices.Contains(columns, f.key) {
				columns = append(columns, f.key)
			}
		}
	}
	columns = chosen(columns)
	if title != "" {
		fmt.Fprintln(out, "\n"+title)
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for i, c := range columns {
		fmt.Fprint(w, heading(c), after(i, columns))
	}
	for _, row := range cells {
		for i, c := range columns {
			fmt.Fprint(w, row[c], after(i, columns))
		}
	}
	return w.Flush()
}

// chosen are the columns there is room for, in their order.
func chosen(columns []string) []string {
	slices.SortStableFunc(columns, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	for i := len(columns) - 1; i >= 0 && len(columns) > maxColumns; i-- {
		if rank(columns[i]) == 3 {
			columns = slices.Delete(columns, i, i+1)
		}
	}
	return columns[:min(len(columns), maxColumns)]
}

func after(i int, columns []string) string {
	if i == len(columns)-1 {
		return "\n"
	}
	return "\t"
}

func clipped(text string) string {
	if r := []rune(text); len(r) > maxCell {
		return strings.TrimSpace(string(r[:maxCell-1])) + "…"
	}
	return text
}
