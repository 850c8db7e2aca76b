package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	slackgo "github.com/slack-go/slack"
)

// Life of a response_url (Slack docs: "Handling user interaction"): five uses
// within thirty minutes. We stay below both.
const (
	respondUses = 4
	respondLife = 25 * time.Minute
	respondGap  = 1100 * time.Millisecond
	respondHost = "hooks.slack.com"

	methodRespond   = "response_url"
	methodEphemeral = "chat.postEphemeral"
	methodDelete    = "chat.delete"
)

// response is what goes to a response_url. The library's sender forgets that
// links are not to unfold.
type response struct {
	Text    string          `json:"text"`
	Blocks  []slackgo.Block `json:"blocks,omitempty"`
	Type    string          `json:"response_type"`
	Replace bool            `json:"replace_original"`
	Delete  bool            `json:"delete_original,omitempty"`
	Thread  string          `json:"thread_ts,omitempty"`
	Links   bool            `json:"unfurl_links"`
	Media   bool            `json:"unfurl_media"`
}

// respondable reports an address of Slack's that answers may go to. An address
// from elsewhere would carry people's words away.
func (w *web) respondable(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return false
	}
	return u.Scheme == "https" && u.Host == respondHost || u.Scheme == w.origin.Scheme && u.Host == w.origin.Host
}

// respond sends an answer to a response_url.
func (w *web) respond(ctx context.Context, address string, answer response) *fault {
	raw, err := json.Marshal(answer)
	if err != nil {
		return &fault{method: methodRespond, reason: "the answer can't be written"}
	}
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(raw))
	if err != nil {
		return &fault{method: methodRespond, reason: "no address"}
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.hooks.Do(req)
	if err != nil {
		return &fault{method: methodRespond, reason: "no answer", written: true} // not err itself, which shows the address
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	f := &fault{method: methodRespond, status: resp.StatusCode, written: true}
	if resp.StatusCode == http.StatusTooManyRequests {
		f.code, f.pause = "ratelimited", retryAfter(resp.Header.Get("Retry-After"))
	}
	return f
}

// say posts a message into a channel, a thread or, with a person's id, to them.
// The channel's turn and pace are those of all messages.
func (s *Sink) say(ctx context.Context, channel, thread string, b body) (where, ts string, bad *fault) {
	leave, busy := s.turns.enter(ctx, channel, maxFlush)
	if busy != nil {
		return "", "", &fault{method: methodPost, paced: busy}
	}
	defer leave()
	options := append(b.options(), slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl(), slackgo.MsgOptionDisableMarkdown())
	if thread != "" {
		options = append(options, slackgo.MsgOptionTS(thread))
	}
	s.keep(ctx, b.kept)
	bad = s.patiently(ctx, call{method: methodPost, channel: channel}, func(ctx context.Context, api *slackgo.Client) (err error) {
		if where, ts, err = api.PostMessageContext(ctx, channel, options...); err == nil && ts == "" {
			return errPoor
		}
		return err
	})
	return where, ts, bad
}

// whisper shows a message to one person in a channel.
func (s *Sink) whisper(ctx context.Context, channel, thread, user string, b body) *fault {
	options := b.options()
	if thread != "" {
		options = append(options, slackgo.MsgOptionTS(thread))
	}
	s.keep(ctx, b.kept)
	return s.patiently(ctx, call{method: methodEphemeral}, func(ctx context.Context, api *slackgo.Client) error {
		_, err := api.PostEphemeralContext(ctx, channel, user, options...)
		return err
	})
}

// change edits a message of ours for somebody who waits: within Slack's limits,
// but not at the distance that the states of a relayed card keep.
func (s *Sink) change(ctx context.Context, channel, ts string, b body) *fault {
	s.keep(ctx, b.kept)
	return s.patiently(ctx, call{method: methodUpdate}, func(ctx context.Context, api *slackgo.Client) error {
		_, _, _, err := api.UpdateMessageContext(ctx, channel, ts, b.options()...)
		return err
	})
}

func (s *Sink) remove(ctx context.Context, channel, ts string) *fault {
	return s.patiently(ctx, call{method: methodDelete}, func(ctx context.Context, api *slackgo.Client) error {
		_, _, err := api.DeleteMessageContext(ctx, channel, ts)
		return err
	})
}

// patiently makes a call that somebody waits for: where Slack asks for a pause it
// comes again after it, a few times. What may have been done is not repeated.
func (s *Sink) patiently(ctx context.Context, c call, f func(context.Context, *slackgo.Client) error) *fault {
	for try := 0; ; try++ {
		bad := s.paced(ctx, c, f)
		if bad == nil || bad.paced != nil || try == 3 || bad.pause == 0 && bad.written {
			return bad
		}
		if !bad.transient() || !sleep(ctx, max(bad.pause, time.Second<<try)) {
			return bad
		}
	}
}

// transient reports a fault that passes by itself.
func (f *fault) transient() bool { return f.pause > 0 || f.code == "" && !f.written && !f.ended }
