package poller_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
	"github.com/imaginebridge/imaginebridge/poller"
)

// Replies that are broken as a whole: the look fails, or the reply can be read
// all the same.
var brokenReplies = map[string]func(body []byte) []byte{
	"empty":                    func([]byte) []byte { return nil },
	"one space":                func([]byte) []byte { return []byte(" ") },
	"a page of a proxy":        func([]byte) []byte { return []byte("<!DOCTYPE html><html><body>Bad gateway</body></html>") },
	"plain text":               func([]byte) []byte { return []byte("OK") },
	"null":                     func([]byte) []byte { return []byte("null") },
	"a number":                 func([]byte) []byte { return []byte("42") },
	"a string":                 func([]byte) []byte { return []byte(`"ok"`) },
	"an empty object":          func([]byte) []byte { return []byte("{}") },
	"cut in half":              func(b []byte) []byte { return b[:len(b)/2] },
	"its last byte is gone":    func(b []byte) []byte { return bytes.TrimRight(b, "}\n") },
	"its first byte is gone":   func(b []byte) []byte { return b[1:] },
	"garbage behind":           func(b []byte) []byte { return append(bytes.Clone(b), "<script>"...) },
	"twice":                    func(b []byte) []byte { return append(bytes.Clone(b), b...) },
	"a byte order mark":        func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) },
	"two byte order marks":     func(b []byte) []byte { return append([]byte("\xef\xbb\xbf\xef\xbb\xbf"), b...) },
	"white space around":       func(b []byte) []byte { return append([]byte("\r\n\t "), append(bytes.Clone(b), "\r\n\r\n"...)...) },
	"UTF-16":                   inUTF16,
	"Latin-1 and NUL":          func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"id":`), []byte("\"\xe4\x00\":1,\"id\":")) },
	"an anti-hijack prefix":    func(b []byte) []byte { return append([]byte(")]}',\n"), b...) },
	"single quotes":            func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"`), []byte(`'`)) },
	"NaN for null":             func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`null`), []byte(`NaN`)) },
	"a list in place of all":   func(b []byte) []byte { return listOf(b, func(l []any) any { return l }) },
	"a list in a list":         func(b []byte) []byte { return withList(b, func(l []any) any { return []any{l} }) },
	"the list is an object":    func(b []byte) []byte { return withList(b, func([]any) any { return map[string]any{} }) },
	"the list is a string":     func(b []byte) []byte { return withList(b, func([]any) any { return "none" }) },
	"the list is a number":     func(b []byte) []byte { return withList(b, func(l []any) any { return len(l) }) },
	"the list is false":        func(b []byte) []byte { return withList(b, func([]any) any { return false }) },
	"an error in a good dress": func([]byte) []byte { return []byte(`{"error":"internal_error","message":"try later"}`) },
	"a success and no data":    func([]byte) []byte { return []byte(`{"success":true}`) },
	"wrapped in data":          func(b []byte) []byte { return fmt.Appendf(nil, `{"data":%s}`, b) },
	"nested 2,000 deep":        func([]byte) []byte { return []byte(strings.Repeat(`{"a":[`, 1000) + strings.Repeat(`]}`, 1000)) },
}

// Items that are broken: each becomes an event all the same, as other where it
// can't be read; nothing beside it suffers.
var brokenItems = map[string]func(item map[string]any) any{
	"null":                 func(map[string]any) any { return nil },
	"a string":             func(i map[string]any) any { return fmt.Sprint("item ", i["id"]) },
	"a number":             func(map[string]any) any { return 7 },
	"a list":               func(i map[string]any) any { return []any{i["id"]} },
	"empty":                func(map[string]any) any { return map[string]any{} },
	"without an id":        without("id"),
	"an empty id":          with("id", ""),
	"an id that is a list": with("id", []any{1, 2}),
	"an id of an object":   with("id", map[string]any{"$oid": "x"}),
	"without a time":       without("createdAt"),
	"a time of null":       with("createdAt", nil),
	"a time in words":      with("createdAt", "yesterday"),
	"a time in seconds":    with("createdAt", 1795600000),
	"a time as an object":  with("createdAt", map[string]any{"seconds": 1}),
	"a type of null":       with("type", nil),
	"a type as a number":   with("type", 3),
	"an unknown type":      with("type", "SOMETHING_NEW"),
	"a type as a list":     with("type", []any{"MENTION"}),
	"an actor of null":     with("actor", nil),
	"an actor as a string": with("actor", "nova_ai"),
	"an actor as a list":   with("actor", []any{}),
	"a post of null":       with("post", nil),
	"a post as a number":   with("post", 12),
	"read as a string":     with("read", "true"),
	"read as a list":       with("read", []any{}),
	"content as a list":    with("content", []any{"a"}),
	"content as an object": with("content", map[string]any{"text": "a"}),
	"a sender of null":     with("sender", nil),
	"a sender as a string": with("sender", "nova_ai"),
	"40 kB of text":        with("content", strings.Repeat("x", 40_000)),
}

func with(key string, value any) func(map[string]any) any {
	return func(i map[string]any) any {
		i[key] = value
		return i
	}
}

func without(key string) func(map[string]any) any {
	return func(i map[string]any) any {
		delete(i, key)
		return i
	}
}

func inUTF16(b []byte) []byte {
	out := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(string(b))) {
		out = append(out, byte(u>>8), byte(u))
	}
	return out
}

// withList changes the one list of a reply.
func withList(body []byte, change func([]any) any) []byte {
	var reply map[string]any
	if json.Unmarshal(body, &reply) != nil {
		return body
	}
	for key, v := range reply {
		if l, ok := v.([]any); ok {
			reply[key] = change(l)
		}
	}
	return encoded(reply)
}

// listOf makes a reply of its list alone.
func listOf(body []byte, change func([]any) any) []byte {
	var out any
	withList(body, func(l []any) any { out = change(l); return l })
	return encoded(out)
}

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// breaker changes the replies of one path while it is on.
type breaker struct {
	path   string
	change func([]byte) []byte
	on     atomic.Bool
	hits   atomic.Int64
}

func (b *breaker) pass(q *http.Request, r *http.Response) {
	here, err := path.Match(b.path, q.URL.Path)
	if !b.on.Load() || !here || err != nil || r.StatusCode != http.StatusOK {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	b.hits.Add(1)
	changed := b.change(body)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(changed)), int64(len(changed))
	r.Header.Del("Content-Length")
}

// lists are the lists that pollers read.
var lists = []string{"/api/notifications", "/api/conversations", "/api/conversations/*/messages", "/api/generate/*"}

// broken lets things happen before, while and after the replies are broken.
func (w town) broken(b *breaker) {
	w.t.Helper()
	w.through(b.pass)
	_, stop := w.poll(func(o *poller.Options) { o.Ceiling = 30 * time.Second })
	defer stop()
	pass(time.Minute)
	happen := func() {
		for i := range 3 {
			w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: fmt.Sprintf("hi @%s %d", w.handle, i)})
			w.act(sandbox.Action{As: "nova_ai", Do: "dm", Handle: w.handle, Content: fmt.Sprint("word ", i)})
			pass(15 * time.Second)
		}
		if b.path == lists[3] {
			w.act(sandbox.Action{As: w.handle, Do: "generate", Prompt: "a ring station"})
			pass(20 * time.Second)
		}
	}
	happen()
	b.on.Store(true)
	happen()
	b.on.Store(false)
	happen()
	pass(3 * time.Minute)
	require.NotZero(w.t, b.hits.Load())
}

func TestF59_BrokenRepliesMoveNoCursor(t *testing.T) {
	t.Parallel()
	for _, where := range lists {
		for name, change := range brokenReplies {
			t.Run(where+" "+name, func(t *testing.T) {
				t.Parallel()
				inTown(t, sandbox.Options{Empty: where != lists[3]}, func(_ *testing.T, w town) {
					w.broken(&breaker{path: where, change: change})
					w.complete()
				})
			})
		}
	}
}

// A thousand replies are broken, each in a way and place of its own, while much
// happens: once it is over, every fact was told once.
func TestF59_AThousandBrokenReadsMoveNoCursor(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{Empty: true}, func(t *testing.T, w town) {
		ways, dice := slices.Sorted(maps.Keys(brokenReplies)), rand.New(rand.NewPCG(59, 0))
		var mu sync.Mutex
		hits := 0
		broken := func(body []byte) []byte {
			mu.Lock()
			defer mu.Unlock()
			if hits == 1000 || dice.IntN(2) == 0 {
				return body
			}
			hits++
			return brokenReplies[ways[hits%len(ways)]](body)
		}
		b := &breaker{path: "/api/*", change: broken}
		deep := &breaker{path: "/api/*/*/*", change: broken}
		w.through(func(q *http.Request, r *http.Response) { b.pass(q, r); deep.pass(q, r) })
		_, stop := w.poll(func(o *poller.Options) { o.Ceiling = 10 * time.Second })
		pass(time.Minute)
		b.on.Store(true)
		deep.on.Store(true)
		for n := 0; hits < 1000; n++ {
			w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
			w.act(sandbox.Action{As: "nova_ai", Do: "dm", Handle: w.handle, Content: fmt.Sprint("word ", n)})
			pass(time.Minute)
			require.Less(t, n, 2000, "the replies are read no more")
		}
		w.settle(10 * time.Minute)
		w.complete()
		stop()
	})
}

func TestF59_BrokenItemsStopNothing(t *testing.T) {
	t.Parallel()
	for _, where := range lists {
		for name, change := range brokenItems {
			t.Run(where+" "+name, func(t *testing.T) {
				t.Parallel()
				inTown(t, sandbox.Options{Empty: where != lists[3]}, func(t *testing.T, w town) {
					// The newest item is broken; the others are as they were.
					w.broken(&breaker{path: where, change: func(body []byte) []byte {
						return withList(body, func(l []any) any {
							if len(l) > 0 {
								if item, ok := l[0].(map[string]any); ok {
									l[0] = change(item)
								}
							}
							return l
						})
					}})
					for _, prefix := range []string{"ntf_", "msg_"} {
						var told []string
						for _, id := range w.journal.told(prefix) {
							if id = strings.TrimSuffix(id, "_other"); !strings.HasPrefix(id, prefix+"raw-") {
								told = append(told, id)
							}
						}
						kind := map[string]string{"ntf_": sandbox.HappenedNotification, "msg_": sandbox.HappenedReceived}[prefix]
						slices.Sort(told)
						requireAlike(t, w.happened(kind), slices.Compact(told), "what has an id is told, before or after")
					}
					requireAlike(t, w.ends(), w.toldEnds())
					require.Empty(t, w.journal.refused)
				})
			})
		}
	}
}

// Items that nothing can be made of, for good: each becomes one event of the kind
// other, under the id it has, which may be a number.
func TestF59_StrangeItemsBecomeOther(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{Empty: true}, func(t *testing.T, w town) {
		numbers := map[any]int{}
		b := &breaker{path: "/api/notifications", change: func(body []byte) []byte {
			return withList(body, func(l []any) any {
				for i := range l {
					item := l[len(l)-1-i].(map[string]any) // oldest first
					id := item["id"]
					if numbers[id] == 0 {
						numbers[id] = int(math.Pow10(len(numbers)))
					}
					item["id"], item["actor"], item["type"] = numbers[id], []any{"nobody"}, map[string]any{"of": "a kind"}
				}
				return l
			})
		}}
		b.on.Store(true)
		w.through(b.pass)
		_, stop := w.poll(nil)
		pass(time.Minute)
		var want []string
		for i := range 6 {
			w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
			want = append(want, fmt.Sprintf("ntf_%d", int(math.Pow10(i))))
			pass(20 * time.Second)
		}
		pass(7 * time.Minute)
		require.Equal(t, want, w.journal.told("ntf_"))
		for _, e := range w.journal.events {
			require.Equal(t, "notification.other", e.Name())
			require.NotEmpty(t, e.Data.(events.NotificationOther).Raw)
		}
		stop()
	})
}
