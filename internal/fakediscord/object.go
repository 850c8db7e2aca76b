package fakediscord

import "time"

// The objects of the API as they go over the wire.

// User is a person or a bot.
type User struct {
	ID            string  `json:"id"`
	Username      string  `json:"username"`
	GlobalName    *string `json:"global_name,omitempty"`
	Discriminator string  `json:"discriminator"`
	Avatar        *string `json:"avatar"`
	Bot           bool    `json:"bot"`
}

// Name is what people see.
func (u User) Name() string {
	if u.GlobalName != nil {
		return *u.GlobalName
	}
	return u.Username
}

// Message is one message as people see it now.
type Message struct {
	ID              string       `json:"id"`
	ChannelID       string       `json:"channel_id"`
	Type            int          `json:"type"`
	Author          User         `json:"author"`
	Content         string       `json:"content"`
	Timestamp       string       `json:"timestamp"`
	EditedTimestamp *string      `json:"edited_timestamp"`
	TTS             bool         `json:"tts"`
	MentionEveryone bool         `json:"mention_everyone"`
	Mentions        []User       `json:"mentions"`
	MentionRoles    []string     `json:"mention_roles"`
	Attachments     []Attachment `json:"attachments"`
	Embeds          []Embed      `json:"embeds"`
	Components      []Component  `json:"components"`
	Pinned          bool         `json:"pinned"`
	Flags           int64        `json:"flags"`
	Reactions       []Reaction   `json:"reactions,omitempty"`
	WebhookID       string       `json:"webhook_id,omitempty"`
	ApplicationID   string       `json:"application_id,omitempty"`
	Reference       *Reference   `json:"message_reference,omitempty"`
	Referenced      *Message     `json:"referenced_message,omitempty"`
	Thread          *channelWire `json:"thread,omitempty"`

	// Nonce and Edits are known to the emulator alone: a fetched message
	// carries neither.
	Nonce string `json:"-"`
	Edits int    `json:"-"`

	at      time.Time // creation
	private string    // user who alone sees it (ephemeral)
}

// Reference points from a reply to its message.
type Reference struct {
	Type      int    `json:"type"`
	MessageID string `json:"message_id,omitempty"`
	ChannelID string `json:"channel_id,omitempty"`
	GuildID   string `json:"guild_id,omitempty"`
}

// Attachment is an uploaded file.
type Attachment struct {
	ID          string `json:"id"`
	Filename    string `json:"filename"`
	Description string `json:"description,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Size        int    `json:"size"`
	URL         string `json:"url"`
	ProxyURL    string `json:"proxy_url"`
	Width       int    `json:"width,omitempty"`
	Height      int    `json:"height,omitempty"`
	Ephemeral   bool   `json:"ephemeral,omitempty"`
}

// Reaction is one emoji below a message.
type Reaction struct {
	Emoji Emoji `json:"emoji"`
	Count int   `json:"count"`
	Me    bool  `json:"me"`
}

// Emoji is a standard one (no id) or a guild's own.
type Emoji struct {
	ID   *string `json:"id"`
	Name string  `json:"name"`
}

// Embed is a rich embed.
type Embed struct {
	Type        string       `json:"type,omitempty"`
	Title       string       `json:"title,omitempty"`
	Description string       `json:"description,omitempty"`
	URL         string       `json:"url,omitempty"`
	Color       *int         `json:"color,omitempty"`
	Timestamp   string       `json:"timestamp,omitempty"`
	Author      *EmbedPart   `json:"author,omitempty"`
	Footer      *EmbedPart   `json:"footer,omitempty"`
	Image       *EmbedPart   `json:"image,omitempty"`
	Thumbnail   *EmbedPart   `json:"thumbnail,omitempty"`
	Video       *EmbedPart   `json:"video,omitempty"`
	Fields      []EmbedField `json:"fields,omitempty"`
}

// EmbedPart is an embed's author, footer or picture.
type EmbedPart struct {
	Name    string `json:"name,omitempty"`
	Text    string `json:"text,omitempty"`
	URL     string `json:"url,omitempty"`
	IconURL string `json:"icon_url,omitempty"`
}

// EmbedField is one named value of an embed.
type EmbedField struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline,omitempty"`
}

// Component is any component of a message or modal; which fields are used
// depends on Type.
type Component struct {
	Type        int         `json:"type"`
	ID          int         `json:"id,omitempty"`
	CustomID    string      `json:"custom_id,omitempty"`
	Style       int         `json:"style,omitempty"`
	Label       string      `json:"label,omitempty"`
	Description string      `json:"description,omitempty"`
	URL         string      `json:"url,omitempty"`
	SKU         string      `json:"sku_id,omitempty"`
	Emoji       *Emoji      `json:"emoji,omitempty"`
	Disabled    bool        `json:"disabled,omitempty"`
	Placeholder string      `json:"placeholder,omitempty"`
	MinValues   *int        `json:"min_values,omitempty"`
	MaxValues   *int        `json:"max_values,omitempty"`
	MinLength   *int        `json:"min_length,omitempty"`
	MaxLength   *int        `json:"max_length,omitempty"`
	Required    *bool       `json:"required,omitempty"`
	Value       string      `json:"value,omitempty"`
	Options     []Option    `json:"options,omitempty"`
	Content     string      `json:"content,omitempty"`
	Components  []Component `json:"components,omitempty"`
	Component   *Component  `json:"component,omitempty"`
	Accessory   *Component  `json:"accessory,omitempty"`
	File        *EmbedPart  `json:"file,omitempty"`
	Media       *EmbedPart  `json:"media,omitempty"`
	Items       []mediaItem `json:"items,omitempty"`
	Accent      *int        `json:"accent_color,omitempty"`

	ChannelTypes  []int          `json:"channel_types,omitempty"`
	DefaultValues []defaultValue `json:"default_values,omitempty"`
}

type mediaItem struct {
	Media       EmbedPart `json:"media"`
	Description string    `json:"description,omitempty"`
}

type defaultValue struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// Option is one choice of a string select.
type Option struct {
	Label       string `json:"label"`
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
	Default     bool   `json:"default,omitempty"`
	Emoji       *Emoji `json:"emoji,omitempty"`
}

type role struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Permissions string `json:"permissions"`
	Position    int    `json:"position"`
	Color       int    `json:"color"`
	Hoist       bool   `json:"hoist"`
	Managed     bool   `json:"managed"`
	Mentionable bool   `json:"mentionable"`
}

type member struct {
	User     *User    `json:"user,omitempty"`
	Nick     *string  `json:"nick"`
	Avatar   *string  `json:"avatar"`
	Roles    []string `json:"roles"`
	JoinedAt string   `json:"joined_at"`
	Deaf     bool     `json:"deaf"`
	Mute     bool     `json:"mute"`
	Flags    int      `json:"flags"`

	may uint64 // permissions as interactions tell them
}

type overwrite struct {
	ID    string `json:"id"`
	Type  int    `json:"type"` // 0 role, 1 member
	Allow string `json:"allow"`
	Deny  string `json:"deny"`
}

// channelWire is a channel or thread object.
type channelWire struct {
	ID           string          `json:"id"`
	Type         int             `json:"type"`
	GuildID      string          `json:"guild_id,omitempty"`
	Name         string          `json:"name,omitempty"`
	Topic        *string         `json:"topic,omitempty"`
	Position     int             `json:"position,omitempty"`
	ParentID     *string         `json:"parent_id,omitempty"`
	OwnerID      string          `json:"owner_id,omitempty"`
	LastMessage  *string         `json:"last_message_id"`
	Overwrites   []overwrite     `json:"permission_overwrites,omitempty"`
	Recipients   []User          `json:"recipients,omitempty"`
	Flags        int             `json:"flags"`
	Metadata     *threadMetadata `json:"thread_metadata,omitempty"`
	MessageCount *int            `json:"message_count,omitempty"`
	NewlyCreated bool            `json:"newly_created,omitempty"`
	Message      *Message        `json:"message,omitempty"` // of a new forum post
}

type threadMetadata struct {
	Archived      bool   `json:"archived"`
	AutoArchive   int    `json:"auto_archive_duration"`
	ArchivedSince string `json:"archive_timestamp"`
	Locked        bool   `json:"locked"`
}

// stamp is a time as Discord writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000+00:00") }
