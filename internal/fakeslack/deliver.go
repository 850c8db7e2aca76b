package fakeslack

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Deliver says where the app's deliveries go. With URLs they are signed HTTP requests; without, they go through the
// open Socket Mode connections.
type Deliver struct {
	EventsURL       string
	CommandsURL     string
	InteractionsURL string
	OptionsURL      string // of external selects, InteractionsURL when empty

	AckWithin time.Duration   // 3 s when 0
	Retries   []time.Duration // when an event is tried again, after the failure before; at once, 1 min, 5 min when nil
	PingEvery time.Duration   // between two pings on a socket, 5 s when 0
	Warning   time.Duration   // from a disconnect warning to the end of the connection, 10 s when 0

	// Forge changes each signed request just before it is sent, for stale, foreign or broken signatures.
	Forge func(r *http.Request, body []byte)
}

// Attempt is one delivery of an event, command or interaction to the app.
type Attempt struct {
	At     time.Time
	Kind   string // events_api, slash_commands, interactive
	ID     string // event_id, or the envelope's
	Type   string // of the event or interaction
	Door   string // http or socket
	Retry  int    // 0 for the first attempt
	Reason string // of the retry
	Status int    // HTTP status, 0 where none came
	Acked  bool   // in time and as Slack wants it
	Body   []byte // what the app answered with
	Took   time.Duration
}

// outgoing is one delivery before it has a door.
type outgoing struct {
	kind    string
	id      string
	name    string // type of the event or interaction
	payload map[string]any
	accepts bool // the answer may carry a body
	retry   int
	reason  string
}

// SetDeliver changes where deliveries go from now on.
func (s *Server) SetDeliver(d Deliver) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.Deliver = d
}

// Deliveries lists the attempts so far, oldest first.
func (s *Server) Deliveries() []Attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Attempt(nil), s.deliveries...)
}

func (d Deliver) ackWithin() time.Duration {
	if d.AckWithin > 0 {
		return d.AckWithin
	}
	return 3 * time.Second
}

func (d Deliver) url(o outgoing) string {
	switch {
	case o.kind == "events_api":
		return d.EventsURL
	case o.kind == "slash_commands":
		return d.CommandsURL
	case o.name == "block_suggestion" && d.OptionsURL != "":
		return d.OptionsURL
	}
	return d.InteractionsURL
}

// doors says whether the app ever gave a way for deliveries. Where its sockets are gone for a while, events are tried
// and tried again, as at Slack. The caller holds mu.
func (s *Server) doors() bool { return s.opt.Deliver.EventsURL != "" || s.socket.met }

// send makes one attempt and waits for its answer.
func (s *Server) send(ctx context.Context, o outgoing) Attempt {
	s.mu.Lock()
	d := s.opt.Deliver
	s.mu.Unlock()
	var a Attempt
	if d.url(o) != "" {
		a = s.sendHTTP(ctx, d, o)
	} else {
		a = s.sendSocket(ctx, d, o)
	}
	s.mu.Lock()
	s.deliveries = append(s.deliveries, a)
	s.touch()
	s.mu.Unlock()
	return a
}

func (s *Server) sendHTTP(ctx context.Context, d Deliver, o outgoing) Attempt {
	begin := time.Now()
	a := Attempt{At: s.opt.Now(), Kind: o.kind, ID: o.id, Type: o.name, Door: "http", Retry: o.retry, Reason: o.reason}
	ctx, cancel := context.WithTimeout(ctx, d.ackWithin())
	defer cancel()
	r, err := s.signed(ctx, d, o)
	if err != nil {
		return a
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(r)
	if err != nil {
		a.Reason = failure(err)
		a.Took = time.Since(begin)
		return a
	}
	defer func() { _ = res.Body.Close() }()
	a.Body, err = io.ReadAll(io.LimitReader(res.Body, maxBody))
	a.Status, a.Took = res.StatusCode, time.Since(begin)
	a.Acked = err == nil && res.StatusCode == http.StatusOK
	if !a.Acked {
		a.Reason = "http_error"
	}
	if body := strings.TrimSpace(string(a.Body)); a.Acked && !o.accepts && body != "" && body != "{}" && body != "null" {
		s.mu.Lock()
		s.fault(Fault{Method: "delivery", Code: "ack_body_not_accepted", Detail: o.name + ": " + cut(body, 60), Served: true})
		s.mu.Unlock()
	}
	if res.Header.Get("X-Slack-No-Retry") == "1" && !a.Acked {
		a.Reason = "no_retry"
	}
	return a
}

func failure(err error) string {
	if netErr, ok := errors.AsType[net.Error](err); ok && netErr.Timeout() {
		return "http_timeout"
	}
	return "connection_failed"
}

// signed makes the request: events as JSON, commands as a form, interactions as JSON in a form field.
func (s *Server) signed(ctx context.Context, d Deliver, o outgoing) (*http.Request, error) {
	contentType := "application/x-www-form-urlencoded"
	var body []byte
	switch o.kind {
	case "events_api":
		contentType = "application/json"
		body, _ = json.Marshal(o.payload)
	case "slash_commands":
		form := url.Values{}
		for k, v := range o.payload {
			form.Set(k, args(o.payload).str(k))
			_ = v
		}
		body = []byte(form.Encode())
	default:
		payload, _ := json.Marshal(o.payload)
		body = []byte(url.Values{"payload": {string(payload)}}.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url(o), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	if o.retry > 0 {
		r.Header.Set("X-Slack-Retry-Num", strconv.Itoa(o.retry))
		r.Header.Set("X-Slack-Retry-Reason", o.reason)
	}
	Sign(r.Header, s.opt.SigningSecret, s.opt.Now(), body)
	if d.Forge != nil {
		d.Forge(r, body)
	}
	return r, nil
}

// Sign puts Slack's v0 signature of a body on a request's headers ("Verifying requests from Slack").
func Sign(h http.Header, secret string, at time.Time, body []byte) {
	ts := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + ts + ":"))
	mac.Write(body)
	h.Set("X-Slack-Request-Timestamp", ts)
	h.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
}
