package slack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits of what comes in over HTTP (Slack docs: "Verifying requests from Slack").
const (
	maxBody = 1 << 20
	maxSkew = 5 * time.Minute
)

// Handler answers Slack's deliveries over HTTP at /slack/events, /slack/commands
// and /slack/interactions. Each is verified by its signature before anything of
// it is read; without a signing secret all are refused.
func (s *Sink) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/slack/events", s.door(func(body []byte) (inbound, error) { return fromEvent(body) }))
	mux.Handle("/slack/commands", s.door(fromForm))
	mux.Handle("/slack/interactions", s.door(fromForm))
	return mux
}

// door verifies, decodes, handles, acknowledges, and then has the work done.
func (s *Sink) door(decode func([]byte) (inbound, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Query().Get("ssl_check") == "1" { // Slack tries the certificate
			w.WriteHeader(http.StatusOK)
			return
		}
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		body, status := s.verified(w, r)
		if status != http.StatusOK {
			w.WriteHeader(status)
			return
		}
		if challenge, ok := challenged(body); ok {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, challenge)
			return
		}
		if r.Header.Get("X-Slack-Retry-Num") != "" {
			s.opt.Count("slack_retries")
		}
		in, err := decode(body)
		if err != nil { // signed by Slack, so a retry would look the same
			s.unheard("unreadable")
			w.WriteHeader(http.StatusOK)
			return
		}
		began := time.Now()
		out := s.handleBy(r.Context(), began.Add(s.recordIn), in)
		s.acknowledge(w, out)
		s.opt.Acked(time.Since(began))
		s.after(r.Context(), out.then)
	})
}

// verified reads the body of a request that Slack signed, and gives the status
// to refuse any other with.
func (s *Sink) verified(w http.ResponseWriter, r *http.Request) ([]byte, int) {
	signature, stamp, ok := signatureOf(r.Header)
	if !ok || s.opt.SigningSecret == nil || s.opt.SigningSecret() == "" || !timely(stamp, time.Now()) {
		s.forged(r)
		return nil, http.StatusUnauthorized
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return nil, http.StatusBadRequest
	}
	if !genuine(s.opt.SigningSecret(), stamp, body, signature) {
		s.forged(r)
		return nil, http.StatusUnauthorized
	}
	return body, http.StatusOK
}

// signatureOf reads the two headers, which must each be there once.
func signatureOf(h http.Header) (signature []byte, stamp string, ok bool) {
	given, at := h.Values("X-Slack-Signature"), h.Values("X-Slack-Request-Timestamp")
	if len(given) != 1 || len(at) != 1 {
		return nil, "", false
	}
	digits, v0 := strings.CutPrefix(given[0], "v0=")
	signature, err := hex.DecodeString(digits)
	return signature, at[0], v0 && err == nil && len(signature) == sha256.Size
}

// timely reports a timestamp of now, give or take five minutes: an older one may
// be a replay.
func timely(stamp string, now time.Time) bool {
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != stamp {
		return false
	}
	skew := now.Unix() - seconds
	return skew <= int64(maxSkew/time.Second) && skew >= -int64(maxSkew/time.Second)
}

// genuine reports that the secret's owner signed the body at that time.
func genuine(secret, stamp string, body, signature []byte) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte("v0:" + stamp + ":")) // a hash never fails
	_, _ = mac.Write(body)
	return hmac.Equal(mac.Sum(nil), signature)
}

// challenged reads the challenge that Slack sends when somebody enters the address.
func challenged(body []byte) (string, bool) {
	var c struct {
		Type      string `json:"type"`
		Challenge string `json:"challenge"`
	}
	if firstByte(body) != '{' || lenient(body, &c) != nil || c.Type != "url_verification" {
		return "", false
	}
	return cut(c.Challenge, maxName*10), true
}

// acknowledge writes the answer at once and whole, so that Slack has it before
// the work begins.
func (s *Sink) acknowledge(w http.ResponseWriter, out ack) {
	if out.again {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if out.body == nil {
		w.WriteHeader(http.StatusOK)
	} else {
		raw, err := json.Marshal(out.body)
		if err != nil {
			w.WriteHeader(http.StatusOK)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
		_, _ = w.Write(raw) // where Slack has gone there is nobody to tell
	}
	_ = http.NewResponseController(w).Flush()
}

// forgeries counts requests with a bad signature, so that the log says it once a
// minute.
type forgeries struct {
	mu    sync.Mutex // guards all below
	since time.Time
	count int
}

// add counts one and reports whether it is time to say so, and of how many.
func (f *forgeries) add(now time.Time) (count int, say bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	if !f.since.IsZero() && now.Sub(f.since) < time.Minute {
		return 0, false
	}
	count, f.since, f.count = f.count, now, 0
	return count, true
}

// forged notes a request that Slack did not sign.
func (s *Sink) forged(r *http.Request) {
	s.opt.Count("slack_bad_signatures")
	if n, say := s.forgeries.add(time.Now()); say {
		from, _, _ := net.SplitHostPort(r.RemoteAddr)
		s.log.WarnContext(r.Context(), "request with a bad signature: is SLACK_SIGNING_SECRET this app's?", "from", from, "in_last_minute", n)
	}
}
