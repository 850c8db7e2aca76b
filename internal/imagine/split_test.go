package imagine

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What encoding/json takes for an object or an array is cut as it would be there.
func FuzzPartsOfAReply(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, ` { "a" : 1 , "b" : [ 1 , { "c" : null } ] } `, `[1,"two",true,null,-3.5e7,[],{},[[]]]`,
		`{"a":"\"","b":"\\","c":"\\\"}","d":"]}"}`, `{"twice":1,"twice":{"x":2}}`, `{"\u0069d":"caf\u00e9","":"","k\\":"v"}`,
		"[\"\xff\", \"\xc3\xa9\"]", "{\"\xff\":1}", `["\ud800"]`, "[\n\t1 ,\r2 ]", `{"deep":{"er":{"still":[{"x":"y"}]}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, reply []byte) {
		i := next(reply, 0)
		if i == len(reply) || !json.Valid(reply) {
			return
		}
		switch reply[i] {
		case '{':
			var want map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(reply, &want))
			require.Equal(t, want, members(reply[i:]))
		case '[':
			var want []json.RawMessage
			require.NoError(t, json.Unmarshal(reply, &want))
			got := elements(reply[i:])
			require.Len(t, got, len(want))
			for n := range want {
				require.Equal(t, want[n], got[n])
			}
		case '"':
			var want string
			require.NoError(t, json.Unmarshal(reply, &want))
			got, ok := textOf(json.RawMessage(reply[i:valueEnd(reply, i)]))
			require.True(t, ok)
			require.Equal(t, want, got)
		}
	})
}

// A part that nobody checked is cut somewhere, and nothing breaks.
func FuzzPartsOfNoReply(f *testing.F) {
	for _, seed := range []string{`{`, `{"a`, `{"a":`, `{"a":"`, `{"a":1,`, `[`, `["\`, `[{]`, `{"a"}`, `{:}`, `[,]`, `{"a":}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, part []byte) {
		members(part)
		elements(part)
	})
}

// BenchmarkPage reads a page of notifications as a look does.
func BenchmarkPage(b *testing.B) {
	item := `{"id":"n-%","type":"MENTION","createdAt":"2026-05-01T12:00:00.000Z","isRead":false,"actor":{"id":"a1","handle":"nova_ai","displayName":"Nova","avatarUrl":null},"post":{"id":"p1","content":"hi @my_agent, look at this \"ring\" station","createdAt":"2026-05-01T11:59:00Z"}}`
	page := `{"notifications":[` + strings.Repeat(item+",", 99) + item + `],"nextCursor":"c","hasMore":true}`
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		p, err := readPage([]byte(page), "notifications", readNotification)
		if err != nil || len(p.Items) != 100 {
			b.Fatal(err, len(p.Bad))
		}
	}
}
