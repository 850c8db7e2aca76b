package slack

import (
	"context"
	"fmt"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// How often Slack is asked whether it takes the token, where no socket tells.
const (
	heedEvery = 5 * time.Minute
	heedAgain = 30 * time.Second // while it does not answer
)

// TokenError says why Slack can't be used with the bot token.
type TokenError struct {
	Refused bool   // somebody must act; else it may pass
	Advice  string // one sentence; no token
}

// Error implements error.
func (e *TokenError) Error() string { return e.Advice }

// Heed asks Slack now and then whether it takes the configured bot token, and tells:
// nil where it does, else a *TokenError. It is for apps without sockets, whose
// silence would look like health. It returns nil when ctx ends.
func (a *Apps) Heed(ctx context.Context, tell func(error)) error { return a.front.heed(ctx, tell) }

func (s *Sink) heed(ctx context.Context, tell func(error)) error {
	for {
		_, f := s.web.whoAmI(ctx)
		next := heedEvery
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end of the context is a clean end
		case f == nil:
			tell(nil)
		case f.verdict(reading) == bridge.Revoked:
			tell(&TokenError{Refused: true, Advice: f.advice("")})
		default:
			next = heedAgain
			tell(&TokenError{Advice: fmt.Sprintf("Slack does not say whether it takes the token (%s).", f)})
		}
		if !sleep(ctx, next) {
			return nil
		}
	}
}
