package slack

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// S1, F51: only what Slack signed is read.
func TestF51_OnlySignedRequestsAreRead(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) time.Time { return time.Now().Add(d) }
	body := []byte(url.Values{"command": {"/ia"}, "text": {"like p1"}, "team_id": {"T1"}, "user_id": {"U1"}, "channel_id": {"C0CHANNEL"}, "trigger_id": {"t"}}.Encode())
	good := func(h http.Header) { fakeslack.Sign(h, signingSecret, at(0), body) }
	signature := func(h http.Header, change func(string) string) {
		good(h)
		h.Set("X-Slack-Signature", change(h.Get("X-Slack-Signature")))
	}
	// mac signs words of the caller's choice; stamped is good but for its timestamp.
	mac := func(of func() hash.Hash, secret, words string) string {
		m := hmac.New(of, []byte(secret))
		_, _ = m.Write([]byte(words))
		return hex.EncodeToString(m.Sum(nil))
	}
	now := func() string { return strconv.FormatInt(at(0).Unix(), 10) }
	signed := func(h http.Header, stamp, mac string) {
		h.Set("X-Slack-Request-Timestamp", stamp)
		h.Set("X-Slack-Signature", "v0="+mac)
	}
	stamped := func(stamp func() string) func(http.Header) {
		return func(h http.Header) {
			signed(h, stamp(), mac(sha256.New, signingSecret, "v0:"+stamp()+":"+string(body)))
		}
	}
	flipped := func(n int) func(http.Header) {
		return func(h http.Header) {
			signature(h, func(s string) string {
				digit := "0"
				if s[n] == '0' {
					digit = "1"
				}
				return s[:n] + digit + s[n+1:]
			})
		}
	}
	tried := 0
	for name, tc := range map[string]struct {
		sign func(http.Header)
		body []byte
		want int
	}{
		"good":               {sign: good, want: 200},
		"signed by hand":     {sign: stamped(now), want: 200},
		"its first digit":    {sign: flipped(3)},
		"a digit in it":      {sign: flipped(40)},
		"its last digit":     {sign: flipped(66)},
		"nought":             {sign: func(h http.Header) { signed(h, now(), strings.Repeat("00", 32)) }},
		"nothing behind v0":  {sign: func(h http.Header) { signed(h, now(), "") }},
		"an odd digit":       {sign: func(h http.Header) { signature(h, func(s string) string { return s + "0" }) }},
		"white space before": {sign: func(h http.Header) { signature(h, func(s string) string { return " " + s }) }},
		"white space within": {sign: func(h http.Header) { signature(h, func(s string) string { return "v0= " + s[3:] }) }},
		"in quotes":          {sign: func(h http.Header) { signature(h, strconv.Quote) }},
		"as base64": {sign: func(h http.Header) {
			signature(h, func(s string) string { return "v0=" + base64.StdEncoding.EncodeToString([]byte(s)) })
		}},
		"a list with it": {sign: func(h http.Header) { signature(h, func(s string) string { return "v0=00," + s }) }},
		"64 kB long":     {sign: func(h http.Header) { signature(h, func(s string) string { return s + strings.Repeat("0", 64<<10) }) }},
		"under another name": {sign: func(h http.Header) {
			good(h)
			h.Set("X-Signature", h.Get("X-Slack-Signature"))
			h.Del("X-Slack-Signature")
		}},
		"SHA-1":                {sign: func(h http.Header) { signed(h, now(), mac(sha1.New, signingSecret, "v0:"+now()+":"+string(body))) }},
		"SHA-512":              {sign: func(h http.Header) { signed(h, now(), mac(sha512.New, signingSecret, "v0:"+now()+":"+string(body))) }},
		"the body alone":       {sign: func(h http.Header) { signed(h, now(), mac(sha256.New, signingSecret, string(body))) }},
		"the time alone":       {sign: func(h http.Header) { signed(h, now(), mac(sha256.New, signingSecret, "v0:"+now()+":")) }},
		"without the version":  {sign: func(h http.Header) { signed(h, now(), mac(sha256.New, signingSecret, now()+":"+string(body))) }},
		"a secret and a line":  {sign: func(h http.Header) { fakeslack.Sign(h, signingSecret+"\n", at(0), body) }},
		"a secret in capitals": {sign: func(h http.Header) { fakeslack.Sign(h, strings.ToUpper(signingSecret)+"X", at(0), body) }},
		"a day old":            {sign: func(h http.Header) { fakeslack.Sign(h, signingSecret, at(-24*time.Hour), body) }},
		"a year ahead":         {sign: func(h http.Header) { fakeslack.Sign(h, signingSecret, at(365*24*time.Hour), body) }},
		"time nought":          {sign: stamped(func() string { return "0" })},
		"a negative time":      {sign: stamped(func() string { return "-" + now() })},
		"a fraction of time":   {sign: stamped(func() string { return now() + ".5" })},
		"hexadecimal time":     {sign: stamped(func() string { return fmt.Sprintf("0x%x", at(0).Unix()) })},
		"milliseconds":         {sign: stamped(func() string { return now() + "000" })},
		"time and white space": {sign: stamped(func() string { return " " + now() })},
		"a time beyond 64 bit": {sign: stamped(func() string { return strings.Repeat("9", 30) })},
		"another time than": {sign: func(h http.Header) {
			good(h)
			h.Set("X-Slack-Request-Timestamp", strconv.FormatInt(at(-2*time.Second).Unix(), 10))
		}},
		"an empty timestamp":   {sign: stamped(func() string { return "" })},
		"a body cut short":     {sign: good, body: body[:len(body)-1]},
		"a body and a space":   {sign: good, body: append(bytes.Clone(body), ' ')},
		"a body of nothing":    {sign: good, body: []byte{}},
		"a body in capitals":   {sign: good, body: bytes.ToUpper(body)},
		"just in time":         {sign: func(h http.Header) { fakeslack.Sign(h, signingSecret, at(-299*time.Second), body) }, want: 200},
		"none":                 {sign: func(http.Header) {}},
		"wrong secret":         {sign: func(h http.Header) { fakeslack.Sign(h, "another", at(0), body) }},
		"empty secret":         {sign: func(h http.Header) { fakeslack.Sign(h, "", at(0), body) }},
		"changed body":         {sign: good, body: append([]byte("x"), body...)},
		"of another body":      {sign: func(h http.Header) { fakeslack.Sign(h, signingSecret, at(0), []byte("{}")) }},
		"empty":                {sign: func(h http.Header) { signature(h, func(string) string { return "" }) }},
		"truncated":            {sign: func(h http.Header) { signature(h, func(s string) string { return s[:len(s)-2] }) }},
		"longer":               {sign: func(h http.Header) { signature(h, func(s string) string { return s + "00" }) }},
		"no prefix":            {sign: func(h http.Header) { signature(h, func(s string) string { return s[3:] }) }},
		"another version":      {sign: func(h http.Header) { signature(h, func(s string) string { return "v1" + s[2:] }) }},
		"not hex":              {sign: func(h http.Header) { signature(h, func(string) string { return "v0=" + strings.Repeat("zz", 32) }) }},
		"301 s old":            {sign: func(h http.Header) { fakeslack.Sign(h, signingSecret, at(-301*time.Second), body) }},
		"301 s ahead":          {sign: func(h http.Header) { fakeslack.Sign(h, signingSecret, at(302*time.Second), body) }},
		"signature twice":      {sign: func(h http.Header) { good(h); h.Add("X-Slack-Signature", h.Get("X-Slack-Signature")) }},
		"timestamp twice":      {sign: func(h http.Header) { good(h); h.Add("X-Slack-Request-Timestamp", h.Get("X-Slack-Request-Timestamp")) }},
		"no timestamp":         {sign: func(h http.Header) { good(h); h.Del("X-Slack-Request-Timestamp") }},
		"timestamp with a +":   {sign: func(h http.Header) { good(h); h.Set("X-Slack-Request-Timestamp", fmt.Sprintf("+%d", at(0).Unix())) }},
		"timestamp of letters": {sign: func(h http.Header) { good(h); h.Set("X-Slack-Request-Timestamp", "now") }},
	} {
		if tc.want == 0 {
			tried++
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := openDoor(t, "http", fine, nil)
			for _, path := range []string{"/slack/events", "/slack/commands", "/slack/interactions"} {
				sent := body
				if tc.body != nil {
					sent = tc.body
				}
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(string(sent)))
				tc.sign(r.Header)
				w := httptest.NewRecorder()
				d.sink.Handler().ServeHTTP(w, r)
				want := tc.want
				if want == 0 {
					want = http.StatusUnauthorized
				}
				require.Equal(t, want, w.Code, path)
				require.Empty(t, w.Body.String())
			}
			if tc.want == 0 {
				require.Empty(t, d.hands.asked)
				require.NotContains(t, d.log.String(), "v0=")
				require.Equal(t, 1, strings.Count(d.log.String(), "bad signature"), "said once a minute")
				require.Equal(t, 3, d.counts.get("slack_bad_signatures"))
			}
		})
	}
	require.GreaterOrEqual(t, tried, 40)
}

func TestDoorsRefuseOtherMethodsAndLargeBodies(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	for name, tc := range map[string]struct {
		method string
		size   int
		want   int
	}{
		"get": {http.MethodGet, 0, 405}, "put": {http.MethodPut, 0, 405}, "at the limit": {http.MethodPost, maxBody, 200}, "over it": {http.MethodPost, maxBody + 1, 413},
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(strings.Repeat(" ", tc.size))
			r := httptest.NewRequestWithContext(t.Context(), tc.method, "/slack/events", strings.NewReader(string(body)))
			fakeslack.Sign(r.Header, signingSecret, time.Now(), body)
			w := httptest.NewRecorder()
			d.sink.Handler().ServeHTTP(w, r)
			require.Equal(t, tc.want, w.Code)
		})
	}
}

// S2: the address is taken, and Slack's test of TLS is answered.
func TestS2_SlackMayTryTheAddresses(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	require.NoError(t, d.fake.VerifyURL())
	require.NoError(t, d.fake.CheckTLS())
	require.Empty(t, d.hands.asked)
	d.clean()
}

// S6: what nobody knows is acknowledged, over HTTP too.
func TestS6_UnknownRequestsAreAcknowledged(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	d.team.Emit(map[string]any{"type": "from_the_future", "user": map[string]any{"id": []any{1}}})
	d.team.Emit(map[string]any{"type": "message", "channel": 7, "blocks": "odd"})
	d.team.LimitEvents()
	for _, a := range d.acked(3) {
		require.Zero(t, a.Retry)
	}
	d.clean()
}

func FuzzDeliveries(f *testing.F) {
	f.Add([]byte(`{"type":"events_api","envelope_id":"e","payload":{"type":"event_callback","event_id":"E","event":{"type":"message","user":"U","ts":"1.2","thread_ts":"1.1","text":"hi"}}}`))
	f.Add([]byte(`{"type":"interactive","envelope_id":"e","payload":{"type":"view_submission","view":{"state":{"values":{"a":{"b":{"value":"x"}}}}}}}`))
	f.Add([]byte(`{"type":"slash_commands","envelope_id":"e","payload":{"text":"like p1","user_id":"U"}}`))
	f.Add([]byte(`payload=%7B%22type%22%3A%22block_actions%22%7D`))
	f.Add([]byte(`command=%2Fia&text=help`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := decodeEnvelope(raw); err == nil {
			_, _ = fromSocket(e)
		}
		_, _ = fromEvent(raw)
		_, _ = fromForm(raw)
		if in, err := decodeInteraction(raw); err == nil {
			require.NotEmpty(t, in.name)
		}
	})
}

// S12: text comes out as it was written, whatever it holds.
func FuzzDecodeText(f *testing.F) {
	for _, s := range []string{"a < b & c > d", "&lt;", "<@U1|ann>", "<#C1|gen> <!here> <https://x.example|x>", "&amp;lt;", "🙂 \u202e rtl"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		require.Equal(t, s, decodeText(escape(s)))
		_ = decodeText(s)
	})
}

func TestDecodeText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<@U1|ann>": "@ann", "<@U1>": "@U1", "<#C1|gen>": "#gen", "<#C1|>": "#C1", "<!here>": "@here", "<!subteam^S1|@crew>": "@crew",
		"<https://a.example/x|label>": "label (https://a.example/x)", "<https://a.example|a.example>": "https://a.example", "<https://a.example>": "https://a.example",
		"<mailto:a@b.example|a@b.example>": "a@b.example", "&amp;lt;": "&lt;", "1 &lt; 2 &amp;&amp; 3 &gt; 2": "1 < 2 && 3 > 2",
	} {
		require.Equal(t, want, decodeText(in), in)
	}
}

// Commands come in only where somebody does them.
func TestWithoutCommandsNothingComesIn(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, func(o *Options) { o.Commands = nil })
	d.slash("/ia help")
	require.Equal(t, 1, d.counts.get("slack_deliveries_unheard"))
	require.Empty(t, d.fake.Messages(d.channel))
}

// S3: two processes get one event at once; the ledger they share tells.
func TestS3_TwoProcessesDoOneThing(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, func(o *Options) { o.Accept = nil })
	card := d.relay()
	other := d.newSink("http", func(o *Options) { o.Accept = nil })
	ts := d.fake.Say(d.ann, d.channel, card.Message, "count me in")
	d.until(func() bool { return len(d.hands.effects()) == 1 })
	for n, s := range []*Sink{d.sink, other, other, d.sink} {
		in, err := fromEvent(fmt.Appendf(nil, `{"type":"event_callback","team_id":%q,"event_id":"Ev9%d","event":{"type":"message","user":%q,"channel":%q,"ts":%q,"thread_ts":%q,"text":"count me in"}}`,
			d.team.ID, n, d.ann, d.channel, ts, card.Message))
		require.NoError(t, err)
		if out := s.handle(t.Context(), in); out.then != nil {
			out.then(t.Context())
		}
	}
	require.Len(t, d.hands.effects(), 1)
	require.Equal(t, command.Slack, d.hands.effects()[0].Door)
}
