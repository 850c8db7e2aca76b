package discord

import (
	"context"
	"errors"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

const (
	routeMessage = "/channels/{channel}/messages/{message}"

	// editPatience is the longest that a last state waits to be edited in; when
	// Discord wants a longer pause, as for messages older than an hour, it gets a
	// message of its own.
	editPatience = 5 * time.Minute
)

// replace edits the message that the delivery replaces. anew says that it can't
// be edited any more and that this state is worth a message of its own.
func (j *job) replace(ctx context.Context) (r bridge.Receipt, anew bool, err error) {
	m, old := j.d.Message, j.d.Replaces
	if old.Channel == "" {
		old.Channel = j.d.To.Place
	}
	if m.Version < old.Version {
		return old, false, nil
	}
	superseded, err := j.edits.turn(ctx, old.Message, m.Version)
	switch {
	case err != nil:
		return r, false, judge(err, edit, j.place(old.Channel))
	case superseded:
		return old, false, nil
	}
	err = j.edit(ctx, old)
	if err == nil {
		old.Version = m.Version
		return old, false, nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return r, false, judge(err, edit, j.place(old.Channel))
	}
	paused := e.Code == codeOldEdits || e.Held
	switch {
	case e.Code == codeUnknownMessage, e.Code == codeUnknownChannel && old.Channel != j.d.To.Place,
		paused && (e.After > editPatience || e.Code == codeOldEdits && !m.Final):
		// Deleted, or edited too often: only the last state is shown anew.
		old.Version = m.Version
		return old, m.Final, nil
	case e.Code == codeArchived:
		return r, true, nil
	}
	return r, false, judge(err, edit, j.place(old.Channel))
}

func (j *job) edit(ctx context.Context, old bridge.Receipt) error {
	c := fill("PATCH", routeMessage, old.Channel, old.Message)
	err := j.rest.do(ctx, c, j.card(old.Root != "").edit(), nil)
	if e, ok := errors.AsType[*Error](err); ok && e.badForm() {
		j.log.Warn("edit refused, showing it as plain text", "destination", j.d.To.String(), "event_id", j.d.Event.ID, "err", err)
		err = j.rest.do(ctx, c, j.plain(old.Root != "").edit(), nil)
	}
	return err
}
