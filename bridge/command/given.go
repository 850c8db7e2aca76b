package command

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Fetch begins to read the file at a web address that somebody named. It refuses
// what is none of the types, by its bytes, and what is longer. The error's text
// is why, in the second half of a sentence.
type Fetch func(ctx context.Context, address string, types []string, most int64) (io.ReadCloser, error)

// Given takes the files out of a request's values as programs give them: a web
// address, {"url": address}, or {"name", "content_type", "data": Base64}, alone
// or in a list. Nothing is fetched before the command reads its files.
func Given(q Request, fetch Fetch) (Request, *Problem) {
	spec, p := find(q.speaker(), q.Group, q.Verb)
	if p != nil {
		return q, nil //nolint:nilerr // the runner tells it
	}
	for _, arg := range spec.Args {
		v, given := q.Values[arg.Name]
		if arg.Kind != Attachment || !given || v == nil {
			continue
		}
		list, several := v.([]any)
		if !several {
			list = []any{v}
		}
		var files []File
		for _, item := range list {
			f, wrong := givenFile(arg, item, fetch)
			if wrong != "" {
				return q, &Problem{
					Code: 400, Status: "invalid_argument", Field: arg.Name, Message: arg.Name + ": " + wrong,
					Hint: `send "https://…", {"url": "https://…"} or {"name": "a.png", "content_type": "image/png", "data": "<Base64>"}`,
				}
			}
			files = append(files, f)
		}
		q.Values, q.Files = maps.Clone(q.Values), maps.Clone(q.Files)
		delete(q.Values, arg.Name)
		if q.Files == nil {
			q.Files = map[string][]File{}
		}
		q.Files[arg.Name] = files
	}
	return q, nil
}

func givenFile(arg Arg, item any, fetch Fetch) (f File, wrong string) {
	if address, ok := item.(string); ok {
		return fetched(arg, address, fetch)
	}
	m, ok := item.(map[string]any)
	if !ok {
		return f, "a file is a web address or an object"
	}
	text := map[string]string{}
	for name, v := range m {
		if text[name], ok = v.(string); !ok {
			return f, fmt.Sprintf("%q is no text", name)
		}
	}
	known := map[string]bool{"url": true, "name": true, "content_type": true, "data": true}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !known[name] {
			return f, fmt.Sprintf("%q is not known", name)
		}
	}
	switch _, holds := m["data"]; {
	case holds && text["url"] != "":
		return f, "either url or data, not both"
	case holds:
		data, err := base64.StdEncoding.DecodeString(text["data"])
		if err != nil || len(data) == 0 {
			return f, "data is no Base64, or empty"
		}
		return File{
			Name: text["name"], ContentType: text["content_type"], Size: int64(len(data)),
			Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
		}, ""
	}
	return fetched(arg, text["url"], fetch)
}

// fetched is a file that is read from a web address when the command comes to it.
func fetched(arg Arg, address string, fetch Fetch) (f File, wrong string) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return f, "a web address is wanted"
	}
	most := arg.Bytes
	if most == 0 {
		most = maxImage
		for _, kind := range arg.Accept {
			if strings.HasPrefix(kind, "video/") {
				most = maxVideo
			}
		}
	}
	return File{Name: path.Base(u.Path), Open: func(ctx context.Context) (io.ReadCloser, error) {
		body, err := fetch(ctx, address, arg.Accept, most)
		if err != nil {
			return nil, &Problem{
				Code: 400, Status: "file", Field: arg.Name, Message: "The file could not be read: " + strings.TrimPrefix(err.Error(), "fetch a file: ") + ".",
				Hint: "nothing was done; give another address, or the file itself as data",
			}
		}
		return body, nil
	}}, ""
}
