package fakeslack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxBody is the most the server reads of any body.
const maxBody = 4 << 20

// args are the decoded arguments of a call. Values are those of JSON; form fields are strings until asked for as JSON.
type args map[string]any

// decodeError is a body that cannot be read, under Slack's name for it (Web API documentation, "Common errors").
type decodeError struct{ code, detail string }

func (e *decodeError) Error() string { return e.code + ": " + e.detail }

// decodeArgs reads a body of a content type. It reports arguments given twice.
func decodeArgs(contentType string, body []byte) (a args, twice []string, err error) {
	if len(body) == 0 {
		return args{}, nil, nil
	}
	if contentType == "" {
		return nil, nil, &decodeError{"missing_post_type", "a body without Content-Type"}
	}
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, nil, &decodeError{"invalid_post_type", contentType}
	}
	if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") && !strings.EqualFold(cs, "iso-8859-1") {
		return nil, nil, &decodeError{"invalid_charset", cs}
	}
	switch mediaType {
	case "application/json":
		a, err = decodeObject(body)
		return a, nil, err
	case "application/x-www-form-urlencoded":
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, nil, &decodeError{"invalid_form_data", "not form encoded"}
		}
		a, twice = fromForm(values)
		return a, twice, nil
	case "multipart/form-data":
		return decodeMultipart(body, params["boundary"])
	}
	return nil, nil, &decodeError{"invalid_post_type", mediaType}
}

func decodeObject(body []byte) (args, error) {
	v, err := parseJSON(body)
	if err != nil {
		return nil, &decodeError{"invalid_json", err.Error()}
	}
	switch v := v.(type) {
	case map[string]any:
		return v, nil
	case nil: // clients without arguments send null
		return args{}, nil
	}
	return nil, &decodeError{"json_not_object", "the body is no JSON object"}
}

func decodeMultipart(body []byte, boundary string) (args, []string, error) {
	form, err := multipart.NewReader(bytes.NewReader(body), boundary).ReadForm(maxBody)
	if err != nil {
		return nil, nil, &decodeError{"invalid_form_data", "broken multipart body"}
	}
	defer func() { _ = form.RemoveAll() }()
	a, twice := fromForm(form.Value)
	return a, twice, nil
}

func fromForm(values url.Values) (args, []string) {
	a := args{}
	var twice []string
	for key, vs := range values {
		if len(vs) > 1 {
			twice = append(twice, key)
		}
		if len(vs) > 0 {
			a[key] = vs[0]
		}
	}
	slices.Sort(twice)
	return a, twice
}

// parseJSON reads exactly one JSON value, numbers kept as written.
func parseJSON(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("no JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON value")
	}
	return v, nil
}

func (a args) has(key string) bool {
	v, ok := a[key]
	return ok && v != nil
}

func (a args) str(key string) string {
	switch v := a[key].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func (a args) flag(key string) bool {
	v := a.str(key)
	return v == "true" || v == "1"
}

// number is the argument as a whole number, or the fallback where it is absent or none.
func (a args) number(key string, fallback int) int {
	if n, err := strconv.Atoi(a.str(key)); err == nil {
		return n
	}
	return fallback
}

// json is an argument that may come as JSON or as a string of JSON. ok is false where it is broken; absent, null and
// the empty string are nil.
func (a args) json(key string) (v any, ok bool) {
	text, isText := a[key].(string)
	if !isText {
		return a[key], true
	}
	if text == "" {
		return nil, true
	}
	v, err := parseJSON([]byte(text))
	return v, err == nil
}

// shown is the arguments for the request log: tokens masked, JSON strings opened.
func (a args) shown() map[string]any {
	out := make(map[string]any, len(a))
	for key, v := range a {
		text, isText := v.(string)
		switch {
		case key == "token" || key == "client_secret" || key == "refresh_token" || key == "code":
			v = "…"
		case isText && text != "" && (text[0] == '[' || text[0] == '{'):
			if opened, err := parseJSON([]byte(text)); err == nil {
				v = opened
			}
		}
		out[key] = v
	}
	return out
}
