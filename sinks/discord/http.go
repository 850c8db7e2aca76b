package discord

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/language"
)

const (
	maxInbound   = 1 << 20
	maxStampSkew = 5 * time.Minute
	stampDigits  = 20

	headerSignature = "X-Signature-Ed25519"
	headerTimestamp = "X-Signature-Timestamp"
)

// readPublicKey checks discord.public_key: a key of another length would make
// the verification panic.
func readPublicKey(text string) (ed25519.PublicKey, error) {
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, &OptionError{
			Option:  "discord.public_key",
			Problem: "DISCORD_PUBLIC_KEY must be 64 hex digits; this has " + strconv.Itoa(len(text)) + ". It is on the application's General Information page.",
		}
	}
	return key, nil
}

// verified reports that a body was signed by Discord now, in the time of its own
// clock: each header once, ed25519 over timestamp and raw body (docs, "Security
// and Authorization").
func verified(key ed25519.PublicKey, h http.Header, body []byte, now time.Time) bool {
	signatures, stamps := h.Values(headerSignature), h.Values(headerTimestamp)
	if len(signatures) != 1 || len(stamps) != 1 || len(key) != ed25519.PublicKeySize || len(stamps[0]) > stampDigits {
		return false
	}
	signature, err := hex.DecodeString(signatures[0])
	if err != nil || len(signature) != ed25519.SignatureSize {
		return false
	}
	seconds, err := strconv.ParseInt(stamps[0], 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > maxStampSkew {
		return false
	}
	return ed25519.Verify(key, append([]byte(stamps[0]), body...), signature)
}

// Door takes interactions by HTTP, for applications with an Interactions
// Endpoint URL. What is not signed by Discord gets 401 and is not read. Work goes
// on after the answer until ctx ends; Drain waits for it.
func (s *Sink) Door(ctx context.Context) http.Handler {
	s.visits.work.run(func() { // learns Discord's time, which decides on signatures
		if _, err := s.application(ctx); err != nil {
			s.log.Warn("application not known yet", "err", err)
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxInbound))
		now := time.Now().Add(s.rest.ahead())
		if err != nil || r.Method != http.MethodPost || s.key == nil || s.o.Commands == nil || !verified(s.key, r.Header, body, now) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		in, ok := decode(body)
		if !ok || !s.ours(in.App) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if in.Kind == visitPing {
			write(w, response{Type: respondPong})
			return
		}
		d := byHTTP{answer: make(chan response, 1), taken: make(chan struct{})}
		if !s.receive(ctx, in, d) {
			write(w, response{Type: respondMessage, Data: sentence(language.Match(in.Locale).Say("Too much is happening at once. Try again in a minute.")).private()})
			return
		}
		d.serve(w, r)
	})
}

// byHTTP is the door whose first response is the body of the 200.
type byHTTP struct {
	answer chan response
	taken  chan struct{} // closed when nobody waits for an answer any more
}

var errGone = errors.New("discord no longer waits for the response")

func (d byHTTP) first(_ context.Context, r response) error {
	select {
	case <-d.taken:
		return errGone
	default:
	}
	select {
	case d.answer <- r:
		<-d.taken // what follows must not overtake it
		return nil
	default:
		return errAcknowledged
	}
}

// serve writes the first response. Without one in time there is none.
func (d byHTTP) serve(w http.ResponseWriter, r *http.Request) {
	defer close(d.taken)
	timer := time.NewTimer(clickLimit)
	defer timer.Stop()
	select {
	case answer := <-d.answer:
		if answer.Type == 0 {
			w.WriteHeader(http.StatusAccepted) // another delivery is answered
			return
		}
		write(w, answer)
		_ = http.NewResponseController(w).Flush() // else it goes when the handler ends
	case <-timer.C:
		w.WriteHeader(http.StatusAccepted)
	case <-r.Context().Done():
	}
}

func write(w http.ResponseWriter, r response) {
	var form bytes.Buffer
	if r.Type == respondPong {
		form.WriteString(`{"type":1}`)
	} else if json.NewEncoder(&form).Encode(r) != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(form.Bytes()) // whoever asked may be gone
}

// ours reports our application's id, as far as it is known yet.
func (s *Sink) ours(app string) bool {
	id := s.app.Load()
	return isSnowflake(app) && (id == nil || *id == app)
}

// Drain waits until the interactions at work are answered. After the context
// that Door or Run got has ended, that takes a few seconds at most.
func (s *Sink) Drain() { s.visits.work.wait() }
