package discord

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

const routeDM = "/users/@me/channels"

// back is how a person is found again after a restart. It is stored with the
// command's record; the interaction's token in it is sealed with the bot token,
// which the store does not hold.
type back struct {
	App         string `json:"app,omitempty"`
	Interaction string `json:"interaction,omitempty"`
	Token       []byte `json:"token,omitempty"` // sealed
	Guild       string `json:"guild,omitempty"`
	Channel     string `json:"channel"`
	User        string `json:"user,omitempty"`
	Public      bool   `json:"public,omitempty"`  // all saw that it was asked for
	Beside      bool   `json:"beside,omitempty"`  // the answer is a message of its own
	Message     string `json:"message,omitempty"` // what the person wrote in a thread
}

// back notes where the answer of this interaction belongs.
func (v *visit) back(at spotOf) json.RawMessage {
	token, err := seal(v.rest.token(), v.in.Token)
	if err != nil {
		v.log.Warn("the way back is not kept", "interaction", v.in.ID)
	}
	form, err := json.Marshal(back{
		App: v.in.App, Interaction: v.in.ID, Token: token, Guild: v.in.Guild, Channel: v.in.Channel, User: v.in.User.ID,
		Public: at == public || at == behind, Beside: at == beside || at == behind,
	})
	if err != nil {
		return nil
	}
	return form
}

// Tell shows a person what became of a command that this process did not answer
// itself: one that was at work when its process ended. It edits the waiting
// answer while Discord permits, else writes into the channel what was asked in
// the open, and privately by direct message.
func (s *Sink) Tell(ctx context.Context, q command.Request, a command.Answer) {
	var b back
	if json.Unmarshal(q.Back, &b) != nil || s.o.Commands == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if b.Message != "" {
		s.showFate(ctx, spoken{Channel: b.Channel, ID: b.Message, Guild: b.Guild}, q, a)
		a.Told(ctx)
		return
	}
	token, err := unseal(s.rest.token(), b.Token)
	if err != nil || s.age(b.Interaction) > tokenLife {
		if s.elsewhere(ctx, q, a) {
			a.Told(ctx)
		}
		return
	}
	r := s.answer(ctx, b.Guild, q, a)
	c := s.hook("PATCH", routeOriginal, b.App, token)
	if b.Beside {
		c = s.hook("POST", routeFollowUp, b.App, token)
		if !b.Public || a.Private {
			r = r.private()
		}
		err = s.rest.do(ctx, c, r, nil)
	} else {
		err = s.insist(ctx, c, r, nil)
	}
	switch {
	case err == nil || dismissed(err):
		a.Told(ctx)
	case overdue(err):
		if s.elsewhere(ctx, q, a) {
			a.Told(ctx)
		}
	default:
		s.log.Warn("answer not shown", "interaction", b.Interaction, "err", err)
		if lasting(err) || b.Beside && unsure(err) { // which has no nonce
			a.Told(ctx)
		}
	}
}

// elsewhere answers when the interaction's token is over: in the channel what
// was public, by direct message what was private. Private answers never become
// public; where the person takes no direct messages, the audit has them.
// It reports that there is nothing more to try.
func (s *Sink) elsewhere(ctx context.Context, q command.Request, a command.Answer) (done bool) {
	var b back
	if json.Unmarshal(q.Back, &b) != nil {
		return true
	}
	channel := b.Channel
	if !b.Public || a.Private {
		var err error
		if channel, err = s.direct(ctx, b.User); err != nil {
			s.log.Info("answer kept to the audit: the person takes no direct messages", "err", err)
			return lasting(err)
		}
	}
	r := s.answer(ctx, b.Guild, q, a)
	body := createBody{
		Content: r.Content, Embeds: r.Embeds, Components: r.Components, AllowedMentions: nobody(),
		Nonce: shortKey([]byte(q.ID)), EnforceNonce: true,
	}
	err := s.insist(ctx, fill("POST", routeMessages, channel), body, nil)
	if e, ok := errors.AsType[*Error](err); ok && e.Code == codeUnknownMessage {
		return true // it was there, and was removed
	}
	if err != nil {
		s.log.Warn("answer not shown", "err", err)
	}
	return lasting(err)
}

// lasting reports that it went well, or will not go better.
func lasting(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return !e.passing()
	}
	return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// direct is the channel of direct messages with a person.
func (s *Sink) direct(ctx context.Context, user string) (string, error) {
	var channel struct {
		ID flexID `json:"id"`
	}
	if !isSnowflake(user) {
		return "", errors.New("nobody to write to")
	}
	err := s.insist(ctx, fill("POST", routeDM), map[string]string{"recipient_id": user}, &channel)
	if err != nil {
		return "", err
	}
	return string(channel.ID), nil
}

// seal encrypts a text with a key made of the bot token (AES-256-GCM).
func seal(key, text string) ([]byte, error) {
	box, err := boxOf(key)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, box.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return box.Seal(nonce, nonce, []byte(text), nil), nil
}

var errSealed = errors.New("sealed with another key")

func unseal(key string, sealed []byte) (string, error) {
	box, err := boxOf(key)
	if err != nil || len(sealed) < box.NonceSize() {
		return "", errSealed
	}
	n := box.NonceSize()
	text, err := box.Open(nil, sealed[:n], sealed[n:], nil)
	if err != nil || !tokenShaped(string(text)) {
		return "", errSealed
	}
	return string(text), nil
}

func boxOf(key string) (cipher.AEAD, error) {
	sum := sha256.Sum256([]byte("imaginebridge interaction token\x00" + key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
