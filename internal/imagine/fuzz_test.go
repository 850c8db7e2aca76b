package imagine

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// FuzzReplies feeds any bytes to the readers of pages and objects: no panic, each item is handed out once, and what was read of a
// page survives being written and read again.
func FuzzReplies(f *testing.F) {
	for _, seed := range []string{
		`{"notifications":[{"id":"cmln3","type":"REPLY","read":false,"createdAt":"2026-02-06T13:40:02.000Z","actor":{"id":"a"},"post":{"id":"p"},"comment":{"id":"c","parentId":"d"},"message":"m"}],"unreadCount":3,"nextCursor":"x","hasMore":true}`,
		`{"conversations":[{"id":"v","participants":[{"id":"a"}],"lastMessage":"hi"}],"nextCursor":null}`,
		`{"jobs":[{"jobId":"j","status":"failed","errorMessage":"x","params":{"a":1},"progress":0.5}]}`,
		`{"posts":[{"id":1,"mediaUrls":[{"url":"x"}],"hashtags":["#a"],"repostOf":{"id":"q"}}],"items":[],"data":[]}`,
		`[{"id":"x"},null,1,"a",[],{}]`, `{"posts":null}`, `{}`, `null`, "\ufeff[]", `{"a":[`, `{"posts":{}}`, `"x"`, `{"count":"3"}`, `<html>`,
		`{"error":{"code":"x","message":"y"},"retryAfter":"5"}`, `{"access_token":"iat_x","expires_in":"3600"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		notes, err := readPage(data, "notifications", readNotification)
		if err == nil {
			require.Len(t, notes.Raw, len(notes.Items))
			require.False(t, notes.HasMore && notes.NextCursor == "")
			items := make([]json.RawMessage, 0, len(notes.Raw))
			for i, raw := range notes.Raw {
				require.NotEmpty(t, notes.Items[i].ID)
				items = append(items, raw)
			}
			again, err := json.Marshal(map[string]any{"notifications": items})
			require.NoError(t, err)
			p, err := readPage(again, "notifications", readNotification)
			require.NoError(t, err)
			require.Len(t, p.Items, len(notes.Items))
		}
		_, _ = readPage(data, "posts", readPostID)
		_, _ = readPage(data, "jobs", readJob)
		_, _ = readPage(data, "messages", readMessageID)
		_, _ = readPage(data, "conversations", readConversation)
		_, _ = readPage(data, "services", readListing)
		_, _ = readPage(data, "orders", readOrder)
		if g, err := single(data, "agent"); err == nil {
			_, _ = readProfile(g), readStarted(g)
			_, _, _, _ = readMedia(g), readStartedJob(g), readWebhook(g), readCapabilities(g)
		}
		numbersOf(data)
		b := parseErrorBody(data)
		require.LessOrEqual(t, utf8.RuneCountInString(foreign(b.message)), foreignRunes+1)
		require.GreaterOrEqual(t, b.retryAfter, time.Duration(0))
		if tok, err := readToken(data, time.Now()); err == nil {
			require.True(t, headerSafe(tok.access))
			require.True(t, tok.expires.After(time.Now().Add(-time.Second)))
		}
	})
}

// FuzzRateHeaders feeds any header values: no panic, and a pause of 1 to 120 s whatever they say.
func FuzzRateHeaders(f *testing.F) {
	f.Add("100", "97", "1770385061", "read", "17", "Fri, 06 Feb 2026 13:36:48 GMT")
	f.Add("0", "-1", "1770385061000", "READ ", "Fri, 06 Feb 2026 13:36:48 GMT", "")
	f.Add("1e9", "NaN", "9223372036854775807", "nothing", "-5", "yesterday")
	f.Add("", "", "-9223372036854775808", "", "1e308", "")
	f.Fuzz(func(t *testing.T, limit, remaining, reset, class, retry, date string) {
		h := http.Header{}
		for k, v := range map[string]string{"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": reset, "X-RateLimit-Endpoint-Type": class, "Retry-After": retry, "Date": date} {
			h.Set(k, v)
		}
		now := time.Date(2026, 2, 6, 13, 36, 48, 0, time.UTC)
		r := parseRate(h, now)
		require.GreaterOrEqual(t, r.limit, 0)
		require.GreaterOrEqual(t, r.remaining, 0)
		require.LessOrEqual(t, r.limit, maxLimit)
		d := pause(h, parseErrorBody([]byte(`{"retryAfter":"`+strings.Map(printable, retry)+`"}`)), now)
		require.GreaterOrEqual(t, d, minPause)
		require.LessOrEqual(t, d, maxPause)

		l := newLimiter(Read, ownShare)
		l.observe(r)
		l.refuse(d)
		b := l.budget()
		require.GreaterOrEqual(t, b.Remaining, 0)
		require.LessOrEqual(t, len(l.foreign), maxLimit)
	})
}

func printable(r rune) rune {
	if r < ' ' || r == '"' || r == '\\' {
		return -1
	}
	return r
}
