package fakediscord

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Message flags, docs "Message Flags".
const (
	flagSuppressEmbeds = 1 << 2
	flagHasThread      = 1 << 5
	flagEphemeral      = 1 << 6
	flagLoading        = 1 << 7
	flagSilent         = 1 << 12
	flagVoice          = 1 << 13
	flagV2             = 1 << 15
)

// messageBody is every body that makes or changes a message, once its table
// has let it through.
type messageBody struct {
	Content    *string          `json:"content"`
	Embeds     []Embed          `json:"embeds"`
	Mentions   *allowedMentions `json:"allowed_mentions"`
	Components []Component      `json:"components"`
	Files      []fileRef        `json:"attachments"`
	Flags      int64            `json:"flags"`
	Reference  *referenceBody   `json:"message_reference"`
	Nonce      looseID          `json:"nonce"`
	Enforce    bool             `json:"enforce_nonce"`
	TTS        bool             `json:"tts"`
	Stickers   []string         `json:"sticker_ids"`
	Poll       json.RawMessage  `json:"poll"`
}

type referenceBody struct {
	Reference
	FailIfNotExists *bool `json:"fail_if_not_exists"`
}

type allowedMentions struct {
	Parse       []string `json:"parse"`
	Users       []string `json:"users"`
	Roles       []string `json:"roles"`
	RepliedUser bool     `json:"replied_user"`
}

// fileRef names files[n] of the same request, or on edits a kept attachment.
type fileRef struct {
	ID          looseID `json:"id"`
	Filename    string  `json:"filename"`
	Description string  `json:"description"`
}

// looseID is a string that may come as a number.
type looseID string

// UnmarshalJSON implements [json.Unmarshaler].
func (l *looseID) UnmarshalJSON(b []byte) error {
	var v any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return err
	}
	if v != nil {
		*l = looseID(fmt.Sprint(v))
	}
	return nil
}

func (s *Server) createRules(c *call, r *report) {
	s.messageRules(c, r, "", c.raw, rulesFor{flags: flagSuppressEmbeds | flagSilent | flagVoice | flagV2})
	if b := decode[messageBody](c.raw); b.Enforce && b.Nonce == "" {
		s.log.fault(c.at, "nonce", c.entry.Seq, "enforce_nonce without nonce enforces nothing")
	}
}

func (s *Server) editRules(c *call, r *report) {
	old := s.world.message(c.PathValue("channel_id"), c.PathValue("message_id"))
	s.messageRules(c, r, "", c.raw, rulesFor{flags: flagSuppressEmbeds | flagV2, edited: old})
}

func (s *Server) forumRules(c *call, r *report) {
	if raw, ok := c.object()["message"]; ok {
		s.messageRules(c, r, "message", jsonOf(raw), rulesFor{flags: flagSuppressEmbeds | flagSilent | flagV2})
	}
}

// rulesFor says what differs between the bodies.
type rulesFor struct {
	flags  int64
	edited *Message // the message before an edit
}

// messageRules holds what the tables can't: sums, exclusions, references.
func (s *Server) messageRules(c *call, r *report, path string, raw []byte, k rulesFor) {
	b := decode[messageBody](raw)
	if b.Mentions == nil {
		s.log.fault(c.at, "allowed_mentions", c.entry.Seq, "missing: everything in the content may ping")
	} else {
		mentionRules(r, at(path, "allowed_mentions"), *b.Mentions)
	}
	if b.Flags&^k.flags != 0 {
		s.log.fault(c.at, "flags", c.entry.Seq, fmt.Sprintf("%d can't be set here", b.Flags&^k.flags))
	}
	v2 := b.Flags&flagV2 != 0 || (k.edited != nil && k.edited.Flags&flagV2 != 0)
	embedRules(r, at(path, "embeds"), b.Embeds)
	componentRules(r, at(path, "components"), b.Components, v2)
	if v2 && ((b.Content != nil && *b.Content != "") || len(b.Embeds) > 0 || len(b.Stickers) > 0 || len(b.Poll) > 4) {
		r.add(at(path, "flags"), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
			"The 'content', 'embeds', 'sticker_ids' and 'poll' fields cannot be used when using MessageFlags.IS_COMPONENTS_V2")
	}
	s.fileRules(c, r, path, b, k.edited)
}

func mentionRules(r *report, path string, m allowedMentions) {
	exclusive := func(kind string, ids []string) {
		if slices.Contains(m.Parse, kind) && len(ids) > 0 {
			r.add(path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
				fmt.Sprintf("parse:[%q] and %s: [ids...] are mutually exclusive.", kind, kind))
		}
	}
	exclusive("users", m.Users)
	exclusive("roles", m.Roles)
}

// embedRules: 6,000 characters over all embeds of the message, docs "Embed
// Limits", and no embed without anything to show.
func embedRules(r *report, path string, embeds []Embed) {
	sum := 0
	for i, e := range embeds {
		n := units(e.Title) + units(e.Description)
		if e.Author != nil {
			n += units(e.Author.Name)
		}
		if e.Footer != nil {
			n += units(e.Footer.Text)
		}
		for _, f := range e.Fields {
			n += units(f.Name) + units(f.Value)
		}
		if n == 0 && e.Image == nil && e.Thumbnail == nil && e.Video == nil {
			r.add(at(path, i), "EMBED_EMPTY", "An embed needs something to show")
		}
		sum += n
		if sum > 6000 {
			r.add(path, "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")
			return
		}
	}
}

// fileRules: each attachments entry names a file of the request (or, on edits,
// a kept attachment), no file is too large, attachment:// points to one of
// them.
func (s *Server) fileRules(c *call, r *report, path string, b messageBody, old *Message) {
	names := map[string]bool{}
	for _, f := range c.files {
		names[f.name] = true
		if int64(len(f.data)) > s.opts.FileLimit {
			s.log.fault(c.at, "file-size", c.entry.Seq, f.name)
		}
	}
	for i, ref := range b.Files {
		switch {
		case uploaded(c.files, string(ref.ID)):
		case old != nil && slices.ContainsFunc(old.Attachments, func(a Attachment) bool { return a.ID == string(ref.ID) }):
			names[ref.Filename] = true
		default:
			r.add(at(at(path, "attachments"), i), "ATTACHMENT_NOT_FOUND", fmt.Sprintf("No file %q in the request", ref.ID))
		}
	}
	if old != nil {
		for _, a := range old.Attachments {
			names[a.Filename] = true
		}
	}
	for i, e := range b.Embeds {
		for field, p := range map[string]*EmbedPart{"image": e.Image, "thumbnail": e.Thumbnail, "video": e.Video, "author": e.Author, "footer": e.Footer} {
			if p == nil {
				continue
			}
			for _, u := range []string{p.URL, p.IconURL} {
				if name, ok := strings.CutPrefix(u, "attachment://"); ok && !names[name] {
					r.add(at(at(at(path, "embeds"), i), field), "EMBED_ATTACHMENT_NOT_FOUND", fmt.Sprintf("No attachment %q", name))
				}
			}
		}
	}
}

func uploaded(files []upload, id string) bool {
	n, err := strconv.Atoi(id)
	return err == nil && slices.ContainsFunc(files, func(u upload) bool { return u.n == n })
}
