package slack

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// outbox gives each channel one call at a time, first come, first served: the
// lanes of several subscriptions meet here.
type outbox struct {
	mu     sync.Mutex // guards queues and their users
	queues map[string]*queue
}

type queue struct {
	turn  chan struct{} // holds one; blocked senders are served in their order
	users int           // who hold or wait; at 0 the queue goes
}

// enter waits for the channel's turn, at most for the time given, and returns
// what ends it.
func (o *outbox) enter(ctx context.Context, channel string, most time.Duration) (leave func(), err *bridge.SendError) {
	q := o.join(channel)
	leave = func() {
		<-q.turn
		o.part(channel, q)
	}
	select {
	case q.turn <- struct{}{}:
		return leave, nil
	default:
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case q.turn <- struct{}{}:
		return leave, nil
	case <-timer.C:
		err = &bridge.SendError{Verdict: bridge.Retry, After: time.Second, Paced: true, Err: errors.New("other messages wait for this channel")}
	case <-ctx.Done():
		err = &bridge.SendError{Verdict: bridge.Retry, Err: errors.New("stopped while other messages waited for this channel")}
	}
	o.part(channel, q)
	return nil, err
}

func (o *outbox) join(channel string) *queue {
	o.mu.Lock()
	defer o.mu.Unlock()
	q := o.queues[channel]
	if q == nil {
		q = &queue{turn: make(chan struct{}, 1)}
		o.queues[channel] = q
	}
	q.users++
	return q
}

func (o *outbox) part(channel string, q *queue) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if q.users--; q.users == 0 {
		delete(o.queues, channel)
	}
}
