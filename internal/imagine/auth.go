package imagine

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

const (
	tokenLife     = time.Hour       // when the reply does not say
	renewBefore   = 5 * time.Minute // before expiry
	shortLife     = 10 * time.Minute
	renewJitter   = 30 * time.Second
	renewPause    = 30 * time.Second // between early renewals that fail, and between forced ones
	refusedPause  = 30 * time.Second // after refused credentials, doubling
	refusedLonger = 10 * time.Minute
	signInTries   = 3
)

// session keeps one agent signed in. At any time at most one call to the token endpoint is on its way.
type session struct {
	c      *Client
	id     string
	secret func() string
	turn   chan struct{} // holds one token: the right to ask for a token

	mu        sync.Mutex
	tok       token
	changed   chan struct{} // closed and renewed with each new token
	earlyFrom time.Time     // no early renewal before
	forced    time.Time     // last time a 401 made us sign in anew
	failures  int           // sign-ins that failed, ever: a waiter shares the failure it waited for
	lastErr   error
	heldUntil time.Time // sign-ins fail at once with heldErr until then …
	heldErr   *Error
	refused   string // … or until the secret is another than this one, if it was the secret
	refusals  int    // times the credentials were refused in a row
}

type token struct {
	access, refresh  string
	renewAt, expires time.Time
}

func newSession(c *Client, id string, secret func() string) *session {
	return &session{c: c, id: id, secret: secret, turn: make(chan struct{}, 1), changed: make(chan struct{})}
}

// token gives a token that is not known to be expired, signing in when there is none. A token close to its end is renewed on the
// way, where that needs no waiting.
func (s *session) token(ctx context.Context) (string, error) {
	if s.id == "" {
		return "", &Error{Op: endpoints[opToken].Op, Host: s.c.base.Host, Err: ErrNoCredentials}
	}
	s.mu.Lock()
	failures := s.failures
	s.mu.Unlock()
	for {
		if err := ctx.Err(); err != nil {
			return "", s.c.localError(endpoints[opToken], err)
		}
		s.mu.Lock()
		now, tok, changed, err := time.Now(), s.tok, s.changed, s.held()
		early := now.After(s.earlyFrom)
		s.mu.Unlock()
		switch {
		case tok.access != "" && now.Before(tok.renewAt):
			return tok.access, nil
		case tok.access != "" && now.Before(tok.expires):
			if early && err == nil {
				s.renewEarly(ctx, tok)
			}
			return s.access(tok), nil
		case err != nil:
			return "", err
		}
		if err := s.acquire(ctx, changed, failures); err != nil {
			return "", err
		}
	}
}

// held is the error of a sign-in that is known to fail, or nil.
func (s *session) held() error {
	wait := time.Until(s.heldUntil)
	if wait <= 0 || s.refused != "" && s.refused != s.secret() {
		return nil
	}
	e := *s.heldErr
	e.RetryAfter = wait
	return &e
}

// access is the token now, or the given one where it has just been dropped.
func (s *session) access(was token) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tok.access == "" {
		return was.access
	}
	return s.tok.access
}

// renewEarly renews a token that still works, unless somebody else does or the purse is empty. Failure is no harm yet.
func (s *session) renewEarly(ctx context.Context, tok token) {
	select {
	case s.turn <- struct{}{}:
	default:
		return
	}
	defer func() { <-s.turn }()
	s.mu.Lock()
	same := s.tok == tok
	s.mu.Unlock()
	if !same {
		return
	}
	pay := func() (slots, error) {
		if paid := s.c.tryPayAuth(priorityOf(ctx)); paid != nil {
			return paid, nil
		}
		return nil, errPurseEmpty
	}
	ctx, cancel := context.WithTimeout(ctx, renewBefore/20)
	defer cancel()
	if err := s.exchange(ctx, pay); err != nil {
		s.mu.Lock()
		s.earlyFrom = time.Now().Add(renewPause)
		s.mu.Unlock()
		s.c.log.Warn("token not renewed yet", "err", err)
	}
}

var errPurseEmpty = errors.New("no sign-in left this minute")

// acquire signs in, or waits for whoever does. It pays before it takes its turn, so that a person is not kept waiting by a poller
// that has the turn and waits for the purse.
func (s *session) acquire(ctx context.Context, changed <-chan struct{}, failures int) error {
	paid, err := s.c.pay(ctx, Auth, priorityOf(ctx), changed)
	if err != nil {
		return s.c.localError(endpoints[opToken], err)
	}
	if paid == nil {
		return nil
	}
	unspent := func() { paid.refund(); paid = nil }
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-changed:
		unspent()
		return nil
	case <-ctx.Done():
		unspent()
		return s.c.localError(endpoints[opToken], ctx.Err())
	}
	s.mu.Lock()
	have, failed, lastErr := s.tok.access != "" && time.Now().Before(s.tok.renewAt), s.failures > failures, s.lastErr
	s.mu.Unlock()
	if have || failed {
		unspent()
		if have {
			return nil
		}
		return lastErr
	}
	err = s.exchange(ctx, func() (slots, error) {
		if first := paid; first != nil {
			paid = nil
			return first, nil
		}
		return s.c.pay(ctx, Auth, Delivery, nil) // everybody waits for this one: no poller's reserve
	})
	if paid != nil {
		unspent()
	}
	if err != nil && ctx.Err() == nil {
		s.mu.Lock()
		s.failures, s.lastErr = s.failures+1, err
		s.mu.Unlock()
	}
	return err
}

// exchange gets a new token: by the refresh token, tried once whatever comes of it, else by the credentials.
func (s *session) exchange(ctx context.Context, pay func() (slots, error)) error {
	s.mu.Lock()
	refresh := s.tok.refresh
	s.tok.refresh = ""
	s.mu.Unlock()
	if refresh != "" {
		paid, err := pay()
		if err != nil {
			s.mu.Lock()
			s.tok.refresh = refresh // not used
			s.mu.Unlock()
			return s.c.localError(endpoints[opRefresh], err)
		}
		out := s.ask(ctx, opRefresh, paid, map[string]string{"grant_type": "refresh_token", "refresh_token": refresh})
		if out.verdict == done {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return s.c.localError(endpoints[opRefresh], err)
		}
		s.c.log.Debug("refresh refused, signing in", "status", out.status)
	}
	return s.credentials(ctx, pay)
}

func (s *session) credentials(ctx context.Context, pay func() (slots, error)) error {
	e, started := endpoints[opToken], time.Now()
	secret := s.secret()
	if secret == "" {
		return &Error{Op: e.Op, Host: s.c.base.Host, Err: ErrNoCredentials}
	}
	var failure *Error
	for try := 1; ; try++ {
		paid, err := pay()
		if err != nil && failure != nil {
			return failure
		}
		if err != nil {
			return s.c.localError(e, err)
		}
		out := s.ask(ctx, opToken, paid, map[string]string{"grant_type": "client_credentials", "client_id": s.id, "client_secret": secret})
		if out.verdict == done {
			return nil
		}
		failure = s.c.failure(e, out, ctx.Err(), secret)
		wait, left := backoff(try, time.Since(started), out.asked)
		switch {
		case out.verdict == hold && try < signInTries: // the purse waits as told
		case out.verdict == again && left && try < signInTries:
			if sleep(ctx, wait) != nil {
				return failure
			}
		case out.verdict == renew, out.verdict == final && out.status >= http.StatusBadRequest:
			s.refuse(secret, failure)
			return failure
		default:
			return failure
		}
	}
}

// refuse remembers that these credentials bring nothing here, so that they are not sent again and again.
func (s *session) refuse(secret string, e *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := min(refusedPause<<min(s.refusals, 10), refusedLonger)
	s.refusals++
	s.refused, s.heldErr, s.heldUntil = secret, e, time.Now().Add(d)
}

// ask calls the token endpoint once.
func (s *session) ask(ctx context.Context, o op, paid slots, body map[string]string) outcome {
	e := endpoints[o]
	out := s.c.told(ctx, e, request{op: o, body: body}, "", paid)
	out.verdict = judge(e.repeat, out.answer)
	if out.verdict != done {
		return out
	}
	tok, err := readToken(out.body, time.Now())
	if err != nil {
		out.verdict, out.words = final, err.Error()
		return out
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tok, s.heldUntil, s.refused, s.refusals, s.earlyFrom = tok, time.Time{}, "", 0, time.Time{}
	close(s.changed)
	s.changed = make(chan struct{})
	return out
}

// readToken reads the token reply; tokens that would not fit a header are refused.
func readToken(body []byte, now time.Time) (token, error) {
	f, err := parseFields(body)
	if err != nil {
		return token{}, err
	}
	tok := token{access: f.text("access_token"), refresh: f.text("refresh_token")}
	if tok.access == "" || !headerSafe(tok.access) {
		return token{}, errors.New("no usable access token in the reply")
	}
	life := tokenLife
	if n := f.number("expires_in"); n > 0 {
		life = time.Duration(min(n, 365*24*3600) * float64(time.Second))
	}
	life = max(life, time.Second)
	tok.expires = now.Add(life - min(life/10, 2*time.Second)) // the reply took its time
	tok.renewAt = now.Add(life / 2)
	if life >= shortLife {
		tok.renewAt = now.Add(life - renewBefore - renewJitter + rand.N(2*renewJitter)) //nolint:gosec // G404: jitter needs no secrecy
	}
	return tok, nil
}

func headerSafe(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= 8<<10
}

// renew answers a 401: it drops the token that was refused and signs in anew, by the credentials, at most once in 30 s. Two
// programs whose tokens displace each other would otherwise burn the auth class.
func (s *session) renew(ctx context.Context, bad string, refusal *Error) (string, error) {
	s.mu.Lock()
	if s.tok.access == bad {
		now := time.Now()
		s.tok = token{}
		if !s.forced.IsZero() && now.Before(s.forced.Add(renewPause)) {
			s.heldErr, s.heldUntil, s.refused = refusal, s.forced.Add(renewPause), ""
		} else {
			s.forced = now
		}
	}
	s.mu.Unlock()
	return s.token(ctx)
}
