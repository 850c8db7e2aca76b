package fakediscord

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"
)

// Interaction types, docs "Interaction Type".
const (
	interactionPing      = 1
	interactionCommand   = 2
	interactionComponent = 3
	interactionComplete  = 4
	interactionModal     = 5
)

const tokenLife = 15 * time.Minute // of an interaction's token

// interactionStore holds the interactions people have started and the key the
// HTTP door signs with.
type interactionStore struct {
	byID    map[string]*Interaction
	byToken map[string]*Interaction
	key     ed25519.PrivateKey
	door    string // the application's endpoint, "" while interactions go to the gateway
	trouble Disturbance
	knocks  int // interactions sent to the door
}

func newInteractionStore() interactionStore {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err) // the system's random source never fails
	}
	return interactionStore{byID: map[string]*Interaction{}, byToken: map[string]*Interaction{}, key: key}
}

func (s *interactionStore) publicKey() string {
	return hex.EncodeToString(s.key.Public().(ed25519.PublicKey)) //nolint:forcetypeassert // by the type's contract
}

// Interaction is one click, command, completion or submitted modal of a person.
type Interaction struct {
	server *Server

	id, token string
	kind      int
	user      *User
	channel   *channel
	at        time.Time
	source    *Message // the component's message
	response  int      // type of the first response, 0 before it
	original  *Message // the response's message, if it has one
	pending   bool     // deferred and not yet filled
	followups int
	userOnly  bool // installed by a user only: five follow-ups
	choices   []Choice
	modal     *Modal
	answered  chan struct{} // closed with the first response
	settled   chan struct{} // closed when nothing is pending any more
}

// Modal is the form a person sees after response type 9.
type Modal struct {
	CustomID   string      `json:"custom_id"`
	Title      string      `json:"title"`
	Components []Component `json:"components"`
}

func interactionRoutes() []route {
	const (
		hook     = "/webhooks/{webhook_id}/{webhook_token}"
		original = hook + "/messages/@original"
		message  = hook + "/messages/{message_id}"
	)
	out := []route{
		{
			method: "POST", path: "/interactions/{interaction_id}/{interaction_token}/callback", open: true,
			handle: (*Server).callback, body: callbackBody(), rules: (*Server).callbackRules, multipart: true,
		},
		{
			method: "POST", path: hook, open: true, limit: per(5, 2*time.Second),
			handle: (*Server).followup, body: followupBody(), rules: (*Server).followupRules, multipart: true,
		},
	}
	for _, path := range []string{original, message} {
		out = append(out,
			route{method: "GET", path: path, open: true, limit: per(5, 2*time.Second), handle: (*Server).getResponse},
			route{
				method: "PATCH", path: path, open: true, limit: per(5, 2*time.Second),
				handle: (*Server).editResponse, body: webhookEditBody(), rules: (*Server).webhookEditRules, multipart: true,
			},
			route{method: "DELETE", path: path, open: true, limit: per(5, 2*time.Second), handle: (*Server).deleteResponse},
		)
	}
	return out
}

// responseBody is an interaction response of any type.
type responseBody struct {
	Type int `json:"type"`
	Data struct {
		messageBody
		Choices []Choice `json:"choices"`
	} `json:"data"`
}

func (s *Server) callbackRules(c *call, r *report) {
	in := s.calls.byID[c.PathValue("interaction_id")]
	kind := decode[struct {
		Type int `json:"type"`
	}](c.raw).Type
	if in != nil && !fits(in, kind) {
		r.add("type", "INTERACTION_RESPONSE_TYPE_INVALID", fmt.Sprintf("Response type %d can't answer interaction type %d", kind, in.kind))
	}
	data, given := c.object()["data"]
	if !given {
		return
	}
	switch kind {
	case respondMessage, respondUpdate:
		k := rulesFor{flags: flagSuppressEmbeds | flagEphemeral | flagSilent | flagV2}
		if kind == respondUpdate && in != nil {
			k = rulesFor{flags: flagSuppressEmbeds | flagV2, edited: in.source}
		}
		s.messageRules(c, r, "data", jsonOf(data), k)
	case respondModal:
		modalRules(r, "data.components", decode[Modal](jsonOf(data)).Components)
	}
}

// fits says which responses an interaction can have, docs "Interaction
// Callback Type".
func fits(in *Interaction, response int) bool {
	switch response {
	case respondPong:
		return in.kind == interactionPing
	case respondAutocomplete:
		return in.kind == interactionComplete
	case respondDeferUpdate, respondUpdate:
		return in.kind == interactionComponent || (in.kind == interactionModal && in.source != nil)
	case respondModal:
		return in.kind == interactionCommand || in.kind == interactionComponent
	default:
		return in.kind != interactionComplete && in.kind != interactionPing
	}
}

// modalRules: unique custom_ids, lengths and counts that fit together.
func modalRules(r *report, path string, list []Component) {
	componentRules(r, path, list, true)
	for i, c := range list {
		field, here := c.Component, at(path, i)
		if c.Type == typeRow && len(c.Components) == 1 {
			field = &c.Components[0]
			if field.Label == "" {
				r.add(at(here, "components.0.label"), "BASE_TYPE_REQUIRED", "This field is required")
			}
		}
		switch {
		case field == nil:
		case c.Type == typeLabel && field.Label != "":
			r.add(at(here, "component.label"), "BASE_TYPE_INVALID", "A text input below a label has none of its own")
		case field.Disabled:
			r.add(at(here, "component.disabled"), "MODAL_COMPONENT_DISABLED", "Components of a modal can't be disabled")
		case field.MinLength != nil && field.MaxLength != nil && *field.MinLength > *field.MaxLength:
			r.add(at(here, "component.min_length"), "TEXT_INPUT_MIN_LENGTH", "min_length is larger than max_length")
		}
	}
}

// callback is "Create Interaction Response".
func (s *Server) callback(c *call) reply {
	in := s.calls.byID[c.PathValue("interaction_id")]
	if in == nil || in.token != c.PathValue("interaction_token") || (in.response == 0 && c.at.Sub(in.at) > s.opts.AnswerWithin) {
		return refuse(codeUnknownInteraction)
	}
	if in.response != 0 {
		return refuse(codeAcknowledged)
	}
	if refusal := s.respond(c, in); refusal != nil {
		return *refusal
	}
	if c.URL.Query().Get("with_response") != "true" {
		return noContent()
	}
	out := map[string]any{"interaction": map[string]any{
		"id": in.id, "type": in.kind, "response_message_id": nil,
		"response_message_loading": in.pending, "response_message_ephemeral": in.original != nil && in.original.private != "",
	}}
	if in.original != nil {
		out["interaction"].(map[string]any)["response_message_id"] = in.original.ID //nolint:forcetypeassert // made above
		out["resource"] = map[string]any{"type": in.response, "message": s.present(in.original)}
	}
	return reply{status: http.StatusOK, body: out}
}

// respond carries out the first response.
func (s *Server) respond(c *call, in *Interaction) *reply {
	b := decode[responseBody](c.raw)
	switch b.Type {
	case respondMessage, respondDefer:
		m := s.responseMessage(in, b.Data.Flags)
		if b.Type == respondDefer {
			m.Flags |= flagLoading
			in.pending = true
		} else {
			if refusal := s.fill(c, in.channel, m, b.Data.messageBody); refusal != nil {
				return refusal
			}
		}
		s.post(in.channel, m)
		in.original = m
	case respondDeferUpdate:
		in.original = in.source
	case respondUpdate:
		in.original = in.source
		if in.source == nil {
			return new(refuse(codeUnknownMessage))
		}
		if refusal := s.rewrite(c, in, in.source, c.object()["data"]); refusal != nil {
			return refusal
		}
	case respondAutocomplete:
		in.choices = b.Data.Choices
	case respondModal:
		in.modal = new(decode[struct {
			Data Modal `json:"data"`
		}](c.raw).Data)
	}
	in.response = b.Type
	close(in.answered)
	if !in.pending {
		close(in.settled)
	}
	return nil
}

// responseMessage is an empty message from the bot to answer in.
func (s *Server) responseMessage(in *Interaction, flags int64) *Message {
	m := &Message{
		Author: s.world.bot, Type: 20, ApplicationID: s.opts.ApplicationID, WebhookID: s.opts.ApplicationID,
		Mentions: []User{}, MentionRoles: []string{}, Attachments: []Attachment{},
	}
	if in.kind != interactionCommand {
		m.Type = 0
	}
	if flags&flagEphemeral != 0 {
		m.private, m.Flags = in.user.ID, flagEphemeral
	}
	return m
}

// rewrite applies a body to a message, as an edit does.
func (s *Server) rewrite(c *call, in *Interaction, m *Message, data any) *reply {
	inner := *c
	inner.body, inner.raw = data, jsonOf(data)
	if data == nil {
		inner.body, inner.raw = map[string]any{}, []byte("{}")
	}
	return s.change(&inner, in.channel, m)
}
