package command

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// served is a Fetch that knows one address.
func served(_ context.Context, address string, types []string, most int64) (io.ReadCloser, error) {
	if address != "https://media.example/a.png" {
		return nil, errors.New("fetch a file: media.example answered 404")
	}
	if len(types) == 0 || most <= 0 {
		return nil, errors.New("no bounds")
	}
	return io.NopCloser(strings.NewReader("picture")), nil
}

func TestFilesAsProgramsGiveThem(t *testing.T) {
	t.Parallel()
	object := func(pairs ...string) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for name, tc := range map[string]struct {
		value any
		want  []string // what the files hold
		wrong string
	}{
		"address":          {value: "https://media.example/a.png", want: []string{"picture"}},
		"object":           {value: object("url", "https://media.example/a.png"), want: []string{"picture"}},
		"data":             {value: object("name", "a.png", "content_type", "image/png", "data", "aGVsbG8="), want: []string{"hello"}},
		"list":             {value: []any{"https://media.example/a.png", object("data", "aGVsbG8=")}, want: []string{"picture", "hello"}},
		"a number":         {value: 7, wrong: "a web address or an object"},
		"no address":       {value: "picture.png", wrong: "a web address is wanted"},
		"empty object":     {value: object(), wrong: "a web address is wanted"},
		"both":             {value: object("url", "https://media.example/a.png", "data", "aGVsbG8="), wrong: "either url or data"},
		"no Base64":        {value: object("data", "%%%"), wrong: "no Base64"},
		"nothing in it":    {value: object("data", ""), wrong: "or empty"},
		"unknown key":      {value: object("path", "/etc/passwd"), wrong: `"path" is not known`},
		"number for a url": {value: map[string]any{"url": 7}, wrong: `"url" is no text`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := map[string]any{"file": tc.value, "purpose": "post"}
			q, p := Given(Request{Group: "media", Verb: "image", Values: values}, served)
			if tc.wrong != "" {
				require.NotNil(t, p)
				require.Equal(t, "file", p.Field)
				require.Contains(t, p.Message, tc.wrong)
				return
			}
			require.Nil(t, p)
			require.Equal(t, map[string]any{"purpose": "post"}, q.Values)
			require.Contains(t, values, "file", "the caller's own are left alone")
			var got []string
			for _, f := range q.Files["file"] {
				in, err := f.Open(t.Context())
				require.NoError(t, err)
				data, err := io.ReadAll(in)
				require.NoError(t, err)
				got = append(got, string(data))
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func TestFileThatCanNotBeFetchedSaysWhy(t *testing.T) {
	t.Parallel()
	q, p := Given(Request{Group: "media", Verb: "image", Values: map[string]any{"file": "https://media.example/b.png"}}, served)
	require.Nil(t, p)
	_, err := q.Files["file"][0].Open(t.Context())
	require.Equal(t, "The file could not be read: media.example answered 404.", explain(where{}, unreadable(err)).Message)
}

func FuzzGiven(f *testing.F) {
	f.Add("https://media.example/a.png", "aGVsbG8=")
	f.Add("::", "=")
	f.Fuzz(func(t *testing.T, address, data string) {
		for _, v := range []any{address, map[string]any{"url": address}, map[string]any{"data": data}, []any{address, map[string]any{"data": data}}} {
			q, p := Given(Request{Group: "media", Verb: "image", Values: map[string]any{"file": v}}, served)
			require.NotEqual(t, p == nil, len(q.Files) == 0)
		}
	})
}
