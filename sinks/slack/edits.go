package slack

import (
	"context"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// edits remembers, per message, the newest state that waits for its turn, and the
// version that is shown.
type edits struct {
	mu      sync.Mutex // guards waiting and what is in it
	waiting map[call]*waiting
	shown   *memory[int]  // versions
	gone    *memory[bool] // messages that can no longer be edited
}

// waiting is a message whose newest state is still to be shown.
type waiting struct {
	newest bridge.Delivery
	fresh  bool // newest is not shown yet
	gone   bool // overtaken by the final state, or given up
}

// edit changes the message that the delivery replaces. A state in between that
// comes too soon after the last edit waits here, replaced by newer ones, while
// Send returns: a crash loses such a state, never the final one. When the message
// was deleted, states in between are dropped and the final one is posted anew.
func (s *Sink) edit(ctx context.Context, d bridge.Delivery) (bridge.Receipt, *bridge.SendError) {
	c := call{method: methodUpdate, channel: d.Replaces.Channel, ts: d.Replaces.Message}
	if _, gone := s.edits.gone.get(c.id()); gone {
		return s.anew(ctx, d)
	}
	if d.Message.Version > 0 && d.Message.Version <= s.edits.version(c, d.Replaces.Version) {
		return d.Replaces, nil
	}
	if d.Message.Final {
		s.edits.overtake(c)
	} else if s.postpone(ctx, c, d) {
		return edited(d), nil
	}
	// Waiting here and not in the channel's turn holds up nobody else.
	if err := s.await(ctx, c); err != nil {
		return bridge.Receipt{}, err
	}
	bad, err := s.update(ctx, c, d)
	switch {
	case err != nil:
		return bridge.Receipt{}, err
	case bad != nil && bad.messageGone():
		return s.anew(ctx, d)
	case bad != nil:
		return bridge.Receipt{}, s.failed(bad, editing, d)
	}
	return edited(d), nil
}

// edited is the receipt of a message that shows the delivery now.
func edited(d bridge.Delivery) bridge.Receipt {
	r := d.Replaces
	r.At, r.Version = time.Now(), d.Message.Version
	return r
}

// id is the key of a message in memories.
func (c call) id() string { return c.channel + "/" + c.ts }

// anew follows when the message to edit is gone. The receipt of what was dropped
// names no message.
func (s *Sink) anew(ctx context.Context, d bridge.Delivery) (bridge.Receipt, *bridge.SendError) {
	if d.Message.Final {
		return s.post(ctx, d)
	}
	r := edited(d)
	r.Message = ""
	return r, nil
}

// update edits the message in the channel's turn, in smaller forms where Slack
// refuses it, unless it shows a newer state by then. Either both results are nil,
// or one says what went wrong.
func (s *Sink) update(ctx context.Context, c call, d bridge.Delivery) (*fault, *bridge.SendError) {
	leave, err := s.turns.enter(ctx, c.channel, s.spare(ctx))
	if err != nil {
		return nil, err
	}
	defer leave()
	if d.Message.Version > 0 && d.Message.Version < s.edits.version(c, 0) {
		return nil, nil // a newer state had its turn before
	}
	for f := full; ; {
		b := s.binder().render(d, f, false)
		s.keep(ctx, b.kept)
		options := b.options()
		bad := s.paced(ctx, c, func(ctx context.Context, api *slackgo.Client) error {
			_, ts, _, err := api.UpdateMessageContext(ctx, c.channel, c.ts, options...)
			if err == nil && ts == "" {
				return errPoor
			}
			return err
		})
		if bad == nil {
			s.edits.shown.put(c.id(), d.Message.Version)
			return nil, nil
		}
		if bad.messageGone() {
			s.edits.gone.put(c.id(), true)
		}
		if bad.metadata() && len(d.Told.Keys) > 0 {
			d.Told = bridge.Told{} // known by its own key alone
			continue
		}
		if bad.paced != nil || bad.verdict(editing) != bridge.Reject || f == textOnly {
			return bad, nil
		}
		s.opt.Count("slack_messages_refused")
		f++
	}
}

// postpone keeps the delivery for later where the message was edited just now. It
// reports whether it did.
func (s *Sink) postpone(ctx context.Context, c call, d bridge.Delivery) bool {
	s.edits.mu.Lock()
	defer s.edits.mu.Unlock()
	if w := s.edits.waiting[c]; w != nil {
		if w.newest.Message.Version <= d.Message.Version {
			w.newest, w.fresh = d, true
		}
		return true
	}
	if len(s.edits.waiting) >= maxRemembered || s.pacer.wait(time.Now(), c) == 0 {
		return false
	}
	w := &waiting{newest: d, fresh: true}
	s.edits.waiting[c] = w
	late := context.WithoutCancel(ctx)
	s.late.Go(func() {
		ctx, cancel := context.WithTimeout(late, maxFlush)
		defer cancel()
		defer s.edits.remove(c, w)
		for s.flush(ctx, c, w) {
		}
	})
	return true
}

// flush shows the newest waiting state when its time has come. It reports whether
// there is more to show.
func (s *Sink) flush(ctx context.Context, c call, w *waiting) bool {
	if !sleep(ctx, s.pacer.wait(time.Now(), c)) {
		return false
	}
	d, ok := s.edits.next(w)
	if !ok {
		return false
	}
	bad, err := s.update(ctx, c, d)
	if bad != nil {
		err = s.failed(bad, editing, d)
	}
	if err == nil {
		return s.edits.left(c, w)
	}
	if err.Verdict != bridge.Retry {
		s.log.Info("a state in between is not shown", "destination", d.To.String(), "event_id", d.Event.ID, "err", err)
		return false
	}
	s.edits.again(w)
	return sleep(ctx, max(err.After, time.Second))
}

// version is the version that a message shows, as far as anybody knows.
func (e *edits) version(c call, told int) int {
	known, _ := e.shown.get(c.id())
	return max(told, known)
}

// overtake ends the waiting of a message whose final state is here.
func (e *edits) overtake(c call) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w := e.waiting[c]; w != nil {
		w.gone = true
		delete(e.waiting, c)
	}
}

func (e *edits) next(w *waiting) (bridge.Delivery, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ok := w.fresh && !w.gone
	w.fresh = false
	return w.newest, ok
}

// left reports whether a newer state came while the last one was sent; if none
// did, nothing waits any more.
func (e *edits) left(c call, w *waiting) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w.fresh && !w.gone {
		return true
	}
	if e.waiting[c] == w {
		delete(e.waiting, c)
	}
	return false
}

func (e *edits) again(w *waiting) {
	e.mu.Lock()
	defer e.mu.Unlock()
	w.fresh = true
}

func (e *edits) remove(c call, w *waiting) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waiting[c] == w {
		delete(e.waiting, c)
	}
}
