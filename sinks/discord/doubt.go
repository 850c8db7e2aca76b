package discord

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// nonceSure is how long after the first attempt a repeated nonce is relied on:
	// Discord remembers it for "a few minutes", of which two are taken as sure, and
	// this Send may itself last a while.
	nonceSure = 2*time.Minute - sendTimeout

	lookMargin = 5 * time.Second // earlier than the first attempt
	lookPage   = 100
	lookPages  = 10
	echoWait   = 2 * time.Second
)

// seen is a message as far as it is needed to know it again.
type seen struct {
	ID     flexID `json:"id"`
	Author struct {
		ID flexID `json:"id"`
	} `json:"author"`
	Content string `json:"content"`
	Embeds  []struct {
		URL    string `json:"url"`
		Author struct {
			URL string `json:"url"`
		} `json:"author"`
	} `json:"embeds"`
}

// bears reports whether the message carries a mark of ours.
func (m seen) bears(mark string) bool {
	for sign := range m.signs() {
		if sign.Mark == mark {
			return true
		}
	}
	return false
}

// found looks for what an earlier attempt of this delivery posted, where one may
// have and its nonce is no longer sure to be remembered. "" means: not there.
func (j *job) found(ctx context.Context, channel string) (string, error) {
	if j.d.Doubt.IsZero() || time.Since(j.d.Doubt) < nonceSure {
		return "", nil
	}
	self, err := j.self(ctx)
	if err != nil {
		return "", judge(err, look, j.place(channel))
	}
	after := snowflakeAt(j.d.Doubt.Add(j.rest.ahead() - lookMargin))
	for range lookPages {
		c := fill("GET", routeMessages, channel)
		c.path += "?limit=100&after=" + after
		var page []seen
		if err := j.rest.do(ctx, c, nil, &page); err != nil {
			return "", judge(err, look, j.place(channel))
		}
		for _, m := range page {
			if string(m.Author.ID) == self && m.bears(j.mark()) {
				return string(m.ID), nil
			}
		}
		if len(page) < lookPage {
			break
		}
		after = string(slices.MaxFunc(page, func(a, b seen) int { return a.ID.compare(b.ID) }).ID)
	}
	return "", nil
}

// self is the bot's own user id, asked for once.
func (s *Sink) self(ctx context.Context) (string, error) {
	if id := s.me.Load(); id != nil {
		return *id, nil
	}
	var user struct {
		ID flexID `json:"id"`
	}
	if err := s.rest.do(ctx, fill("GET", "/users/@me"), nil, &user); err != nil {
		return "", err
	}
	id := string(user.ID)
	s.me.Store(&id)
	return id, nil
}

// echoes hands messages of our own that come back by the gateway to the Send
// whose answer was lost.
type echoes struct {
	mu      sync.Mutex // guards all below
	live    int        // gateway sessions that are connected
	waiting map[string]*echo
}

type echo struct {
	all   *echoes
	nonce string
	came  chan string // message id; has room for one
}

func newEchoes() *echoes { return &echoes{waiting: map[string]*echo{}} }

func (e *echoes) expect(nonce string) *echo {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := &echo{all: e, nonce: nonce, came: make(chan string, 1)}
	e.waiting[nonce] = x
	return x
}

func (x *echo) forget() {
	x.all.mu.Lock()
	defer x.all.mu.Unlock()
	if x.all.waiting[x.nonce] == x {
		delete(x.all.waiting, x.nonce)
	}
}

// heard takes one of our messages in from the gateway.
func (e *echoes) heard(nonce, message string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x := e.waiting[nonce]; x != nil {
		select {
		case x.came <- message:
		default: // it came before
		}
	}
}

// connected counts sessions that come, or go.
func (e *echoes) connected(more int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.live += more
}

// wait returns the message's id where the echo came or comes soon, else "".
func (x *echo) wait(ctx context.Context) string {
	x.all.mu.Lock()
	live := x.all.live > 0
	x.all.mu.Unlock()
	if !live {
		return ""
	}
	timer := time.NewTimer(echoWait)
	defer timer.Stop()
	select {
	case id := <-x.came:
		return id
	case <-timer.C:
	case <-ctx.Done():
	}
	return ""
}

// flexID is an id written as a string or, by some servers, as a number.
type flexID string

var errNoID = errors.New("not an id")

// UnmarshalJSON implements json.Unmarshaler.
func (f *flexID) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if s == "null" {
		*f = ""
		return nil
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) || len(s) > 20 {
		return errNoID
	}
	*f = flexID(s)
	return nil
}

// compare orders ids by age.
func (f flexID) compare(g flexID) int {
	if len(f) != len(g) {
		return len(f) - len(g)
	}
	return strings.Compare(string(f), string(g))
}

var _ json.Unmarshaler = (*flexID)(nil)
