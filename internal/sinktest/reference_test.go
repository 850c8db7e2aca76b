package sinktest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/sinktest"
)

var broken = flag.String("broken", "", "break the reference sink in this way")

const secret = "canary-secret"

// TestReferenceSink shows what a sink needs to pass.
func TestReferenceSink(t *testing.T) {
	t.Parallel()
	sinktest.Run(t, sinktest.Subject{
		Open: func(_ *testing.T, g sinktest.Ground) bridge.Sink {
			return &sink{ground: g, broken: *broken}
		},
		Platform: func(*testing.T) sinktest.Platform {
			p := &platform{}
			return sinktest.Platform{
				Handler: p, To: bridge.Destination{Scheme: "reference", Place: "room"},
				Visible: p.visible, Remove: p.remove, Objections: p.found,
			}
		},
		Secrets: []string{secret},
		Answers: answers(),
		Once:    true, Later: true, Edits: true, Threads: true, Markup: true,
	})
}

func answers() []sinktest.Answer {
	rows := []sinktest.Answer{
		{Name: "slow down", Status: 429, Header: map[string]string{"Retry-After": "65"}, Want: bridge.Retry, After: 65 * time.Second, Paced: true},
		{Name: "sent before", Status: 409, Sent: true},
		{Name: "teapot", Status: 418, Want: bridge.Retry, Unknown: true},
		{Name: "unauthorized", Status: 401, Want: bridge.Revoked, Advice: true},
		{Name: "forbidden", Status: 403, Want: bridge.Gone, Advice: true},
		{Name: "not found", Status: 404, Want: bridge.Gone, Advice: true},
		{Name: "bad request", Status: 400, Want: bridge.Reject},
		{Name: "too large", Status: 413, Want: bridge.Reject},
	}
	for _, status := range []int{408, 500, 502, 503, 504} {
		rows = append(rows, sinktest.Answer{Name: strconv.Itoa(status), Status: status, Want: bridge.Retry})
	}
	return rows
}

// TestBrokenSinksAreFound runs the reference sink broken in each way, in a process
// of its own, and expects the promise that it breaks to fail.
func TestBrokenSinksAreFound(t *testing.T) {
	t.Parallel()
	for way, promise := range map[string]string{
		"new key for each try":  "one_key_shows_one_message",
		"reports success early": "a_lost_answer_shows_one_message",
		"markup":                "text_stays_text",
		"no cut":                "too_much_is_cut,_not_refused",
		"edit makes anew":       "an_edit_changes_the_message",
		"edit with markup":      "an_edit_pings_nobody",
		"progress comes back":   "a_progress_for_a_removed_message_is_dropped",
		"end stays away":        "a_final_state_for_a_removed_message_is_shown_anew",
		"no threads":            "a_thread_holds_its_messages",
		"deaf to the context":   "an_ended_context_ends_the_send",
		"no deadline":           "a_silent_platform_is_in_doubt_within_the_deadline",
		"refusal is in doubt":   "a_refused_connection_is_retried",
		"every failure is gone": "answer/500",
		"no advice":             "answer/unauthorized",
		"eager":                 "pause/slow_down",
		"secret in errors":      "answer/500",
		"secret in the log":     "one_send_shows_one_message",
		"errors without a type": "answer/500",
		"sends later":           "many_lanes_at_once_keep_their_order",
		"asks another host":     "one_send_shows_one_message",
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestReferenceSink$", "-test.timeout=60s", "-broken="+way).CombinedOutput()
			require.Error(t, err, "nobody notices")
			require.Contains(t, string(out), "--- FAIL: TestReferenceSink/"+promise)
		})
	}
}

// platform is a small chat: it takes JSON, knows keys, and turns rich text into
// pings and links.
type platform struct {
	mu         sync.Mutex
	n          int
	messages   []post
	objections []string
}

// post is a request to show something.
type post struct {
	ID, Key, Text, Thread string
	Rich                  bool
}

const limit = 4000

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in post
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(in.Text) > limit {
		http.Error(w, "too long", http.StatusBadRequest)
		return
	}
	if !utf8.ValidString(in.Text) {
		p.objections = append(p.objections, "not UTF-8")
	}
	at := func(match func(post) bool) int { return slices.IndexFunc(p.messages, match) }
	if in.ID != "" { // an edit
		i := at(func(m post) bool { return m.ID == in.ID })
		if i < 0 {
			http.Error(w, "no such message", http.StatusNotFound)
			return
		}
		p.messages[i].Text, p.messages[i].Rich = in.Text, in.Rich
		_ = json.NewEncoder(w).Encode(p.messages[i])
		return
	}
	i := at(func(m post) bool { return m.Key == in.Key })
	if i < 0 {
		p.n++
		in.ID = strconv.Itoa(p.n)
		p.messages, i = append(p.messages, in), len(p.messages)
	}
	_ = json.NewEncoder(w).Encode(p.messages[i])
}

func (p *platform) visible() []sinktest.Shown {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []sinktest.Shown
	for _, m := range p.messages {
		s := sinktest.Shown{ID: m.ID, Thread: m.Thread, Text: m.Text}
		if m.Rich {
			s.Pings = regexp.MustCompile(`@everyone|<[@!][^>]*>`).FindAllString(m.Text, -1)
			for _, link := range regexp.MustCompile(`\]\(([^)]*)\)`).FindAllStringSubmatch(m.Text, -1) {
				s.Links = append(s.Links, link[1])
			}
		}
		out = append(out, s)
	}
	return out
}

func (p *platform) remove(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages = slices.DeleteFunc(p.messages, func(m post) bool { return m.ID == id })
}

func (p *platform) found() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.objections
}

// sink sends to the platform, in the right way or broken.
type sink struct {
	ground sinktest.Ground
	broken string
	mu     sync.Mutex
	until  time.Time // of the pause that the platform asked for
}

func (s *sink) Send(ctx context.Context, d bridge.Delivery) (bridge.Receipt, error) {
	if s.broken == "secret in the log" {
		s.ground.Log.Debug("sending", slog.String("token", secret))
	}
	s.mu.Lock()
	rest := time.Until(s.until)
	s.mu.Unlock()
	if rest > 0 && s.broken != "eager" {
		return bridge.Receipt{}, &bridge.SendError{Verdict: bridge.Retry, Paced: true, After: rest}
	}
	switch s.broken {
	case "sends later": // says sent, and sends later
		wait := 10 * time.Second
		if strings.HasPrefix(d.Message.Text, "word 0") {
			wait = 30 * time.Second
		}
		time.AfterFunc(wait, func() { _, _ = s.send(context.WithoutCancel(ctx), d) })
		<-time.After(5 * time.Second)
		return bridge.Receipt{Message: "1"}, nil
	case "no deadline":
	case "deaf to the context":
		ctx = context.WithoutCancel(ctx)
		<-time.After(10 * time.Second)
		fallthrough
	default:
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
	}
	return s.send(ctx, d)
}

func (s *sink) send(ctx context.Context, d bridge.Delivery) (bridge.Receipt, error) {
	out := post{ID: d.Replaces.Message, Key: d.Key, Text: text(d.Message), Thread: d.Thread.Message}
	if len(out.Text) > limit && s.broken != "no cut" {
		out.Text = strings.ToValidUTF8(out.Text[:limit-3], "") + "…"
	}
	switch {
	case s.broken == "new key for each try":
		out.Key += strconv.Itoa(d.Attempt)
	case s.broken == "markup", s.broken == "edit with markup" && out.ID != "":
		out.Rich = true
	case s.broken == "edit makes anew" && out.ID != "":
		out.ID, out.Key = "", out.Key+"again"
	case s.broken == "no threads":
		out.Thread = ""
	}
	status, body, err := s.ask(ctx, out)
	if err == nil && status == http.StatusNotFound && out.ID != "" {
		if anew := d.Message.Final && s.broken != "end stays away"; !anew && s.broken != "progress comes back" {
			return bridge.Receipt{}, nil
		}
		out.ID = ""
		status, body, err = s.ask(ctx, out)
	}
	if err != nil {
		return s.unreached(err)
	}
	if status == http.StatusOK {
		var got post
		if err := json.Unmarshal(body, &got); err != nil {
			return bridge.Receipt{}, &bridge.SendError{Verdict: bridge.InDoubt, Err: errors.New("strange answer")}
		}
		return bridge.Receipt{Message: got.ID, Thread: got.Thread, Root: got.Thread}, nil
	}
	return bridge.Receipt{}, s.refused(status)
}

func (s *sink) unreached(err error) (bridge.Receipt, error) {
	if s.broken == "reports success early" {
		return bridge.Receipt{Message: "1"}, nil
	}
	verdict := bridge.InDoubt
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" && s.broken != "refusal is in doubt" {
		verdict = bridge.Retry
	}
	return bridge.Receipt{}, &bridge.SendError{Verdict: verdict, Err: errors.New("no answer")}
}

func (s *sink) refused(status int) error {
	var e bridge.SendError
	switch status {
	case 409:
		return nil
	case 429:
		s.mu.Lock()
		s.until = time.Now().Add(65 * time.Second)
		s.mu.Unlock()
		e = bridge.SendError{Verdict: bridge.Retry, Paced: true, After: 65 * time.Second}
	case 401:
		e = bridge.SendError{Verdict: bridge.Revoked, Advice: "Make a new token."}
	case 403, 404:
		e = bridge.SendError{Verdict: bridge.Gone, Advice: "Choose another room."}
	case 400, 413:
		e = bridge.SendError{Verdict: bridge.Reject}
	default:
		e = bridge.SendError{Verdict: bridge.Retry, Unknown: status < 500 && status != 408}
	}
	e.Err = fmt.Errorf("status %d", status)
	switch s.broken {
	case "every failure is gone":
		e.Verdict = bridge.Gone
	case "no advice":
		e.Advice = ""
	case "secret in errors":
		e.Err = fmt.Errorf("post with %s: %w", secret, e.Err)
	case "errors without a type":
		return e.Err
	}
	return &e
}

func (s *sink) ask(ctx context.Context, out post) (int, []byte, error) {
	b, err := json.Marshal(out)
	if err != nil {
		return 0, nil, err
	}
	url := s.ground.URL
	if s.broken == "asks another host" {
		url = "http://elsewhere.test"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/messages", bytes.NewReader(b))
	if err != nil {
		return 0, nil, err
	}
	resp, err := s.ground.Client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

func text(m bridge.Message) string {
	parts := []string{m.Title, m.Text}
	if m.Author != nil {
		parts = append([]string{m.Author.Name}, parts...)
	}
	for _, q := range m.Quotes {
		parts = append(parts, q.Text)
	}
	return strings.ToValidUTF8(strings.Join(parts, "\n"), "\uFFFD")
}
