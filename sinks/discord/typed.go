package discord

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
)

// What a person types in a thread and what the agent then sent are the same
// words. They stand in the thread already, so that no card repeats them there;
// elsewhere the card is shown as any other.

const maxAlike = 20 // messages of the same words in one thread that are remembered

func typedNote(thread, text string) string {
	return "discord.typed." + thread + "." + shortKey([]byte(strings.TrimSpace(text)))
}

// wrote notes words of a thread before they go out, since the poller may see
// them sooner than their sender does.
func (s *Sink) wrote(ctx context.Context, m spoken, q command.Request) {
	text, _ := q.Values["text"].(string)
	s.changeTyped(ctx, m.Channel, text, func(list []string) []string {
		list = append(slices.DeleteFunc(list, func(id string) bool { return id == m.ID }), m.ID)
		return list[max(0, len(list)-maxAlike):]
	})
}

// unwrote takes words back that did not go out.
func (s *Sink) unwrote(ctx context.Context, m spoken, q command.Request) {
	text, _ := q.Values["text"].(string)
	s.changeTyped(ctx, m.Channel, text, func(list []string) []string {
		return slices.DeleteFunc(list, func(id string) bool { return id == m.ID })
	})
}

// changeTyped changes the messages of the same words in one thread. Only the
// process that holds the gateway does, a thread at a time.
func (s *Sink) changeTyped(ctx context.Context, thread, text string, change func([]string) []string) {
	key := typedNote(thread, text)
	form, err := s.notes.Note(ctx, key)
	if err == nil {
		if form, err = json.Marshal(change(idsIn(form))); err == nil {
			err = s.notes.PutNote(ctx, key, form)
		}
	}
	if err != nil {
		s.log.Warn("words of a thread not noted; a card may repeat them", "thread", thread, "err", err)
	}
}

func idsIn(form []byte) (out []string) {
	if json.Unmarshal(form, &out) != nil {
		return nil
	}
	return out
}

// repeats reports that a delivery would show words in the thread where a person
// typed them. Each message typed answers for one event.
func (s *Sink) repeats(ctx context.Context, d bridge.Delivery) bool {
	sent, ok := d.Event.Data.(events.MessageSent)
	if !ok || s.o.Commands == nil || d.Thread.Thread == "" {
		return false
	}
	form, err := s.notes.Note(ctx, typedNote(d.Thread.Thread, sent.Message.Content))
	for _, id := range idsIn(form) {
		mine, failed := s.answersFor(ctx, id, d.Event.ID)
		if mine {
			return true
		}
		err = cmp.Or(err, failed)
	}
	if err != nil {
		s.log.Warn("words of a thread not looked up; a card may repeat them", "event_id", d.Event.ID, "err", err)
	}
	return false
}

// answersFor pairs a message typed with the first event that asks for it, and
// reports whether that is this one.
func (s *Sink) answersFor(ctx context.Context, message, event string) (bool, error) {
	key := "discord.repeated." + message
	if first, err := s.notes.CreateNote(ctx, key, []byte(event)); first || err != nil {
		return first, err
	}
	taken, err := s.notes.Note(ctx, key)
	return string(taken) == event, err
}
