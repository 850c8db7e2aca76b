package slack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// ChangeKind is what happened to the installation or to a channel.
type ChangeKind string

// Kinds of change.
const (
	Uninstalled ChangeKind = "uninstalled"  // the app was removed: its tokens are worthless
	Revoked     ChangeKind = "revoked"      // the bot token was
	Installed   ChangeKind = "installed"    // the app was installed, or installed again
	ChannelGone ChangeKind = "channel_gone" // archived, deleted, or the app was removed from it
	ChannelBack ChangeKind = "channel_back" // unarchived, or the app was invited to it
)

// Change is what Slack said about the installation or one of its channels.
type Change struct {
	Kind    ChangeKind
	Team    string    // workspace id
	Channel string    // of the channel kinds
	At      time.Time // when it happened, by Slack's clock: older than the installation means nothing
	Reason  string    // Slack's name for it
}

// envelope is one message over the socket, read as narrowly as possible: the
// library's types fail on fields that nobody needs.
type envelope struct {
	Type    string          `json:"type"`
	ID      string          `json:"envelope_id"`
	Payload json.RawMessage `json:"payload"`
}

// delivery is the outer part of an event (Slack docs: "Events API").
type delivery struct {
	Type       string `json:"type"`
	AppID      string `json:"api_app_id"`
	TeamID     string `json:"team_id"`
	Enterprise string `json:"enterprise_id"`
	EventID    string `json:"event_id"`
	EventTime  int64  `json:"event_time"`
	Event      inner  `json:"event"`

	whole bool // it is about an installation for a whole organisation
}

// inner is the event itself, as far as this sink listens.
type inner struct {
	Type      string          `json:"type"`
	AppID     string          `json:"app_id"`
	User      json.RawMessage `json:"user"` // an id, or an object in some events
	Channel   json.RawMessage `json:"channel"`
	ChannelID string          `json:"channel_id"`
	MessageTS string          `json:"message_ts"`
	Tokens    struct {
		Bot []string `json:"bot"`
	} `json:"tokens"`
	Teams []string `json:"team_ids"` // that an organisation's installation gained or lost
	// Of user groups.
	SubteamID string `json:"subteam_id"`
	Subteam   struct {
		ID string `json:"id"`
	} `json:"subteam"`
	Metadata struct {
		EventType string                     `json:"event_type"`
		Payload   map[string]json.RawMessage `json:"event_payload"`
	} `json:"metadata"`
	// Of messages and mentions.
	Subtype string   `json:"subtype"`
	BotID   string   `json:"bot_id"`
	Text    string   `json:"text"`
	TS      string   `json:"ts"`
	Thread  string   `json:"thread_ts"`
	Team    string   `json:"team"` // the writer's, as the next two where Slack sends them
	Home    string   `json:"user_team"`
	Source  string   `json:"source_team"`
	Files   []upload `json:"files"`
	// Of messages that were changed.
	Changed struct {
		TS     string `json:"ts"`
		Thread string `json:"thread_ts"`
		BotID  string `json:"bot_id"`
		User   string `json:"user"`
		Text   string `json:"text"`
	} `json:"message"`
	Previous struct {
		Text string `json:"text"`
	} `json:"previous_message"`
	// Of links that were shared, and of the home that was opened.
	UnfurlID string `json:"unfurl_id"`
	From     string `json:"source"`
	Links    []struct {
		URL string `json:"url"`
	} `json:"links"`
	Tab  string `json:"tab"`
	View view   `json:"view"`
}

var errNoEnvelope = errors.New("not an envelope of Socket Mode")

// decodeEnvelope reads one message of the socket.
func decodeEnvelope(raw []byte) (envelope, error) {
	var e envelope
	if json.Unmarshal(raw, &e) != nil || e.ID == "" || len(e.ID) > 255 {
		return envelope{}, errNoEnvelope
	}
	return e, nil
}

// decodeEvent reads an event. What it cannot read of the inner part stays empty:
// an odd event is still one to acknowledge.
func decodeEvent(raw []byte) (delivery, bool) {
	var outer struct {
		delivery
		Event          json.RawMessage `json:"event"`
		Authorizations []struct {
			TeamID     string `json:"team_id"`
			Enterprise string `json:"enterprise_id"`
			Whole      bool   `json:"is_enterprise_install"`
		} `json:"authorizations"`
	}
	if lenient(raw, &outer) != nil {
		return delivery{}, false
	}
	d := outer.delivery
	if lenient(outer.Event, &d.Event) != nil {
		d.Event = inner{}
	}
	if len(outer.Authorizations) > 0 {
		by := outer.Authorizations[0]
		d.TeamID = cmp.Or(d.TeamID, by.TeamID) // an organisation's may name none
		d.Enterprise, d.whole = cmp.Or(d.Enterprise, by.Enterprise), by.Whole
	}
	return d, true
}

// text is a JSON string, or "".
func text(raw json.RawMessage) string {
	var s string
	if !bytes.HasPrefix(raw, []byte(`"`)) || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// change reads what an event says about the installation; ok is false for events
// that say nothing of it. self is the app's own user.
func (d delivery) change(self string) (Change, bool) {
	c := Change{Team: d.TeamID, Channel: text(d.Event.Channel), At: time.Unix(d.EventTime, 0).UTC(), Reason: d.Event.Type}
	switch d.Event.Type {
	case "app_uninstalled":
		c.Kind = Uninstalled
	case "tokens_revoked":
		if len(d.Event.Tokens.Bot) == 0 {
			return Change{}, false // a person's token, not the app's
		}
		c.Kind = Revoked
	case "channel_archive", "channel_deleted", "channel_left", "group_archive", "group_deleted", "group_left":
		c.Kind = ChannelGone
	case "member_left_channel":
		if self == "" || text(d.Event.User) != self {
			return Change{}, false
		}
		c.Kind = ChannelGone
	case "channel_unarchive", "group_unarchive":
		c.Kind = ChannelBack
	case "member_joined_channel":
		if self == "" || text(d.Event.User) != self {
			return Change{}, false
		}
		c.Kind = ChannelBack
	default:
		return Change{}, false
	}
	return c, true
}

// echoOf reads the delivery key and place of one of our own messages out of the
// event that Slack sends of messages with metadata.
func (d delivery) echoOf() (key string, r bridge.Receipt, ok bool) {
	e := d.Event
	if e.Type != "message_metadata_posted" || e.Metadata.EventType != eventType || e.AppID != d.AppID || e.MessageTS == "" {
		return "", bridge.Receipt{}, false
	}
	key = text(e.Metadata.Payload["d"])
	var version int
	_ = json.Unmarshal(e.Metadata.Payload["s"], &version)
	return key, bridge.Receipt{Channel: e.ChannelID, Message: e.MessageTS, Version: version}, key != ""
}

// hear takes an event. Whatever it cannot use is counted and acknowledged all the
// same, as Slack sends it again and again otherwise.
func (s *Sink) hear(ctx context.Context, in inbound) ack {
	d := in.event
	if d.EventID != "" && !s.heard.put(d.EventID, true) {
		s.opt.Count("slack_events_repeated")
		return ack{}
	}
	if key, r, ok := d.echoOf(); ok {
		s.echoes.put(key, r)
		return ack{}
	}
	if id := d.Event.group(); id != "" {
		s.groups.changed(id)
		return ack{}
	}
	if c, ok := d.change(s.web.selfKnown().UserID); ok {
		s.log.InfoContext(ctx, "slack reports a change", "kind", string(c.Kind), "reason", c.Reason, "channel", c.Channel)
		s.opt.Changed(c)
		return ack{}
	}
	out, ok := s.attend(ctx, in)
	if out.again {
		s.heard.forget(d.EventID) // what comes again is the only copy
	}
	if !ok {
		s.unheard(in.name)
	}
	return out
}

// attend takes an event that asks for something; ok is false for all others.
func (s *Sink) attend(ctx context.Context, in inbound) (out ack, ok bool) {
	if s.opt.Commands == nil {
		return ack{}, false
	}
	switch in.event.Event.Type {
	case "message", "app_mention":
		return s.said(ctx, in), true
	case "app_home_opened":
		return s.homeOpened(in), true
	case "link_shared":
		return s.linksShared(in), true
	case "team_access_granted", "team_access_revoked": // of an organisation's installation: Apps knows those
		return ack{}, true
	}
	return ack{}, false
}

// unheard counts what nobody listens to, and says each kind once.
func (s *Sink) unheard(kind string) {
	s.opt.Count("slack_deliveries_unheard")
	if s.strange.put(cut(oneLine(kind), maxName), true) {
		s.log.Debug("nobody listens to this kind of delivery", "kind", cut(oneLine(kind), maxName))
	}
}
