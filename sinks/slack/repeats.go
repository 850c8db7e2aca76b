package slack

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
)

// What a person types in a thread and what the agent then sent are the same
// words. They stand in the thread already, so that no card repeats them there;
// elsewhere the card is shown as any other.

const (
	maxAlike  = 20  // messages of the same words in one thread that are remembered
	takenBack = "-" // in place of a message's time: its words did not go out
)

// typedKey is where the nth message of the same words in a thread is noted. Each
// has a note of its own, since several processes may write at once.
func typedKey(team, channel, thread, text string, n int) string {
	sum := sha256.Sum256([]byte(strings.TrimSpace(text)))
	words := base64.RawURLEncoding.EncodeToString(sum[:])[:22]
	return placeKey(team, channel, thread) + "/typed/" + words + "/" + strconv.Itoa(n)
}

// wrote notes words of a thread before they go out, since the poller may see them
// sooner than their sender does, and gives the note's key.
func (s *Sink) wrote(ctx context.Context, in inbound, q command.Request) string {
	text, _ := q.Values["text"].(string)
	for n := range maxAlike {
		key := typedKey(in.at.team, in.at.channel, in.at.thread, text, n)
		fresh, err := s.opt.Notes.CreateNote(ctx, key, []byte(in.event.Event.TS))
		if err == nil && !fresh {
			var held []byte
			held, err = s.opt.Notes.Note(ctx, key)
			fresh = string(held) == in.event.Event.TS // another process begins again what this one began
		}
		if err != nil {
			s.log.WarnContext(ctx, "words of a thread not noted: a card may repeat them", "err", err)
			return ""
		}
		if fresh {
			return key
		}
	}
	return ""
}

// unwrote takes words back that did not go out.
func (s *Sink) unwrote(ctx context.Context, key string) {
	if key == "" {
		return
	}
	if err := s.opt.Notes.PutNote(ctx, key, []byte(takenBack)); err != nil {
		s.log.WarnContext(ctx, "words of a thread not taken back: a card may lack", "err", err)
	}
}

// repeats reports that a delivery would show words in the thread where a person
// typed them. Each message typed answers for one event.
func (s *Sink) repeats(ctx context.Context, d bridge.Delivery) bool {
	sent, ok := d.Event.Data.(events.MessageSent)
	thread := threadOf(d)
	if !ok || s.opt.Commands == nil || thread == "" {
		return false
	}
	team := s.web.selfKnown().TeamID
	for n := range maxAlike {
		key := typedKey(team, d.To.Place, thread, sent.Message.Content, n)
		typed, err := s.opt.Notes.Note(ctx, key)
		mine := false
		if err == nil && typed != nil && string(typed) != takenBack {
			mine, err = s.answersFor(ctx, key, d.Event.ID)
		}
		if err != nil {
			s.log.WarnContext(ctx, "words of a thread not looked up: a card may repeat them", "event_id", d.Event.ID, "err", err)
		}
		if mine || typed == nil {
			return mine
		}
	}
	return false
}

// answersFor pairs a message typed with the first event that asks for it, and
// reports whether that is this one.
func (s *Sink) answersFor(ctx context.Context, key, event string) (bool, error) {
	if first, err := s.opt.Notes.CreateNote(ctx, key+"/event", []byte(event)); first || err != nil {
		return first, err
	}
	taken, err := s.opt.Notes.Note(ctx, key+"/event")
	return string(taken) == event, err
}
