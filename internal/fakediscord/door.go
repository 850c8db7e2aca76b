package fakediscord

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// PublicKey is the application's key in hex, as the portal shows it.
func (s *Server) PublicKey() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls.publicKey()
}

// SetDoor makes url the application's interactions endpoint, as saving it in
// the portal does: it must answer a signed PING, and 401 to what is signed
// wrongly. From then on interactions go there and not to the gateway; "" takes
// it away.
func (s *Server) SetDoor(ctx context.Context, url string) error {
	if url != "" {
		got, err := s.signedPost(ctx, url, []byte(`{"id":"1","type":1,"application_id":"`+s.opts.ApplicationID+`","version":1,"token":"t"}`), nil)
		if err != nil {
			return fmt.Errorf("ping %s: %w", url, err)
		}
		var pong struct {
			Type int `json:"type"`
		}
		if err := json.Unmarshal(got.body, &pong); err != nil || got.status != http.StatusOK || pong.Type != respondPong || !got.isJSON() {
			return fmt.Errorf("ping %s: answered %d %q", url, got.status, got.body)
		}
		for _, kind := range []string{"other key", "no signature"} {
			if status := s.probe(ctx, url, kind); status != http.StatusUnauthorized {
				return fmt.Errorf("probe %s with %s: answered %d, not 401", url, kind, status)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls.door = url
	return nil
}

// doorAnswer is what an application's endpoint said.
type doorAnswer struct {
	status      int
	contentType string
	body        []byte
}

func (a doorAnswer) isJSON() bool { return strings.HasPrefix(a.contentType, "application/json") }

// forgeries spoil a signed request; each must get 401.
func forgeries() map[string]func(h http.Header, body []byte) []byte {
	const sig, ts = "X-Signature-Ed25519", "X-Signature-Timestamp"
	return map[string]func(http.Header, []byte) []byte{
		"no signature":      func(h http.Header, b []byte) []byte { h.Del(sig); return b },
		"no timestamp":      func(h http.Header, b []byte) []byte { h.Del(ts); return b },
		"signature doubled": func(h http.Header, b []byte) []byte { h.Add(sig, h.Get(sig)); return b },
		"timestamp doubled": func(h http.Header, b []byte) []byte { h.Add(ts, h.Get(ts)); return b },
		"signature short":   func(h http.Header, b []byte) []byte { h.Set(sig, h.Get(sig)[:126]); return b },
		"signature no hex":  func(h http.Header, b []byte) []byte { h.Set(sig, strings.Repeat("zz", 64)); return b },
		"one byte changed": func(_ http.Header, b []byte) []byte {
			return bytes.Replace(b, []byte(`"version":1`), []byte(`"version":2`), 1)
		},
		"timestamp changed":  func(h http.Header, b []byte) []byte { h.Set(ts, h.Get(ts)+"0"); return b },
		"other key":          nil,
		"ten minutes old":    nil,
		"ten minutes ahead":  nil,
		"a megabyte and one": nil,
	}
}

// Probe sends the application's endpoint every kind of wrongly signed request
// and gives the status of each; a right endpoint answers 401 to all.
func (s *Server) Probe(ctx context.Context, url string) map[string]int {
	out := map[string]int{}
	for _, kind := range slices.Sorted(maps.Keys(forgeries())) {
		out[kind] = s.probe(ctx, url, kind)
	}
	return out
}

// probe gives the status of one forgery, 0 when there was no answer.
func (s *Server) probe(ctx context.Context, url, kind string) int {
	body := []byte(`{"id":"1","type":1,"application_id":"` + s.opts.ApplicationID + `","version":1,"token":"t"}`)
	if kind == "a megabyte and one" {
		body = append(body, bytes.Repeat([]byte(" "), 1<<20+1-len(body))...)
	}
	got, err := s.signedPost(ctx, url, body, func(h http.Header, b []byte) []byte {
		switch kind {
		case "other key":
			_, key, err := ed25519.GenerateKey(nil)
			if err != nil {
				return b // the system's random source never fails
			}
			sign(h, key, h.Get("X-Signature-Timestamp"), b)
		case "ten minutes old", "ten minutes ahead":
			d := map[string]time.Duration{"ten minutes old": -10 * time.Minute, "ten minutes ahead": 10 * time.Minute}[kind]
			s.sign(h, b, d)
		}
		if spoil := forgeries()[kind]; spoil != nil {
			return spoil(h, b)
		}
		return b
	})
	if err != nil {
		return 0
	}
	return got.status
}

func (s *Server) sign(h http.Header, body []byte, skew time.Duration) {
	s.mu.Lock()
	key, now := s.calls.key, s.now().Add(skew)
	s.mu.Unlock()
	sign(h, key, strconv.FormatInt(now.Unix(), 10), body)
}

func sign(h http.Header, key ed25519.PrivateKey, timestamp string, body []byte) {
	h.Set("X-Signature-Timestamp", timestamp)
	h.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(key, append([]byte(timestamp), body...))))
}

// signedPost sends one signed request, spoilt first if asked to.
func (s *Server) signedPost(ctx context.Context, url string, body []byte, spoil func(http.Header, []byte) []byte) (doorAnswer, error) {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Discord-Interactions/1.0 (+https://discord.com)")
	s.sign(h, body, 0)
	if spoil != nil {
		body = spoil(h, body)
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.AnswerWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return doorAnswer{}, err
	}
	r.Header = h
	resp, err := s.client.Do(r)
	if err != nil {
		return doorAnswer{}, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	return doorAnswer{resp.StatusCode, resp.Header.Get("Content-Type"), answer}, err
}

// knock sends an interaction to the application's endpoint and takes the first
// response from the answer. 202 means that it comes by REST.
func (s *Server) knock(in *Interaction, url string, payload []byte) {
	ctx := context.Background() // the answer's deadline is the only end it needs
	s.checkUp(ctx, url)
	got, err := s.signedPost(ctx, url, payload, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	entry := s.log.open(Request{Method: http.MethodPost, Path: "/interactions/" + in.id + "/***/door", Route: "interaction response", Body: got.body})
	if err != nil {
		s.log.done(entry, 0, 0)
		return
	}
	s.log.done(entry, got.status, 0)
	if got.status == http.StatusAccepted {
		return
	}
	if got.status != http.StatusOK || !got.isJSON() {
		s.log.fault(s.now(), "door", entry.Seq, fmt.Sprintf("answered %d %s", got.status, got.contentType))
		return
	}
	s.takeResponse(in, entry, got.body)
}

// checkUp sends a wrongly signed request before every fifth interaction, as
// Discord does at random; an endpoint that takes it is at fault.
func (s *Server) checkUp(ctx context.Context, url string) {
	kinds := []string{"other key", "one byte changed", "no signature"}
	s.mu.Lock()
	n := s.calls.knocks
	s.calls.knocks++
	s.mu.Unlock()
	if n%5 != 0 {
		return
	}
	kind := kinds[n/5%len(kinds)]
	if status := s.probe(ctx, url, kind); status != http.StatusUnauthorized {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.log.fault(s.now(), "signature-probe", 0, fmt.Sprintf("%s: answered %d, not 401", kind, status))
	}
}

// takeResponse handles the body of the 200 like a callback by REST.
func (s *Server) takeResponse(in *Interaction, entry *Request, body []byte) {
	r := &http.Request{Method: http.MethodPost, Header: http.Header{}, URL: &url.URL{}}
	r.SetPathValue("interaction_id", in.id)
	r.SetPathValue("interaction_token", in.token)
	c := &call{Request: r, route: &interactionRoutes()[0], entry: entry, at: s.now(), raw: body}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&c.body); err != nil {
		s.log.fault(c.at, "json", entry.Seq, "the answer is not JSON")
		return
	}
	if out := s.handle(c); out.status >= http.StatusBadRequest {
		entry.Code = out.code
	}
}
