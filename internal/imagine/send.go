package imagine

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/trail"
)

const (
	callTime = 30 * time.Second
	maxBody  = 8 << 20 // of a reply, after decompression

	maxRefusal = 64 << 10 // read of a refusal
)

// request is one call of a method.
type request struct {
	op      op
	ids     []string // fill the pattern
	query   url.Values
	body    any     // sent as JSON; nil sends no body at all
	file    *upload // sent as multipart instead
	secrets []string
}

// outcome is what one attempt came to.
type outcome struct {
	answer
	verdict verdict
	body    []byte
	says    errorBody
	asked   time.Duration // Retry-After, or how long a 429 asks to wait
	words   string        // why there is no readable reply
	err     error         // a sentinel, or an error of ours that ended the attempt
}

// send makes the call, repeating it where judge allows, and gives the body of a good reply. alreadySo reports that it was refused
// because it was so before.
func (c *Client) send(ctx context.Context, r request) (body []byte, alreadySo bool, err error) {
	e := endpoints[r.op]
	var token string
	var started time.Time // of the first try since the last pause
	var doubt, renewed bool
	tries, holds := 0, 0
	for {
		paid, err := c.pay(ctx, e.Class, priorityOf(ctx), nil)
		if err != nil {
			return nil, false, mayHave(c.localError(e, err), doubt)
		}
		if !e.bare {
			if token, err = c.signIn.token(ctx); err != nil {
				paid.refund()
				return nil, false, mayHave(err, doubt)
			}
		}
		if started.IsZero() {
			started = time.Now()
		}
		out := c.told(ctx, e, r, token, paid)
		out.goneAgain = doubt && e.Method == http.MethodDelete
		out.verdict = judge(e.repeat, out.answer)
		if out.err != nil && out.verdict != done {
			out.verdict = final
		}
		doubt = doubt || e.repeat != reads && unsure(out)
		if out.verdict == done || out.verdict == already {
			return out.body, out.verdict == already, nil
		}
		failure := c.failure(e, out, ctx.Err(), append(r.secrets, token)...)
		failure.Uncertain = doubt && (out.verdict != final || out.err != nil)
		if ctx.Err() != nil || !r.file.rewind(ctx) {
			return nil, false, failure
		}
		switch out.verdict {
		case renew:
			if renewed || e.bare {
				return nil, false, failure
			}
			renewed = true
			if _, err := c.signIn.renew(ctx, token, failure); err != nil {
				return nil, false, mayHave(err, doubt)
			}
		case hold:
			if holds++; holds > maxHolds {
				return nil, false, failure
			}
			started = time.Time{}
			c.log.DebugContext(ctx, "told to wait", "op", e.Op, "status", out.status, "retry_in", out.asked)
		case again:
			tries++
			wait, left := backoff(tries, time.Since(started), out.asked)
			if !left {
				return nil, false, failure
			}
			c.log.DebugContext(ctx, "trying again", "op", e.Op, "status", out.status, "attempt", tries, "retry_in", wait)
			if sleep(ctx, wait) != nil {
				return nil, false, failure
			}
		default:
			return nil, false, failure
		}
	}
}

// told is an attempt of which those hear who watch.
func (c *Client) told(ctx context.Context, e Endpoint, r request, token string, paid slots) outcome {
	ctx, end := c.trace.Begin(ctx, trail.Span{Name: e.Op, Kind: trail.Client, Attrs: []slog.Attr{
		slog.String("method", e.Method), slog.String("platform", "imagineanything"),
	}})
	began := time.Now()
	out := c.attempt(ctx, e, r, token, paid)
	took := time.Since(began)
	var err error
	if out.status == 0 || out.status >= 400 {
		err = errRefused
	}
	end(err, slog.Int("status", out.status))
	if !out.neverRan || out.status > 0 || out.words != "" {
		c.asked(out.status, took)
	}
	c.log.DebugContext(ctx, "api called", "op", e.Op, "status", out.status, "took", took.Round(time.Millisecond))
	return out
}

// errRefused marks the span of a call that was not answered well.
var errRefused = errors.New("refused")

// mayHave marks the error of a call one of whose earlier tries may have been carried out.
func mayHave(err error, doubt bool) error {
	if e, ok := errors.AsType[*Error](err); ok && doubt {
		marked := *e
		marked.Uncertain = true
		return &marked
	}
	return err
}

// unsure reports an attempt after which a write may or may not have happened.
func unsure(out outcome) bool {
	switch {
	case out.neverRan:
		return false
	case out.status == 0, out.status < 300 && (out.garbled || out.err != nil), out.status == http.StatusRequestTimeout:
		return true
	default:
		return out.status >= 500 && (out.status != http.StatusServiceUnavailable || !out.toldWhen)
	}
}
