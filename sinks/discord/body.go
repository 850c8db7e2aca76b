package discord

// Bodies of requests, spelled by Discord's OpenAPI document for API v10. They
// carry no property that it does not name.

type createBody struct {
	Content         string     `json:"content,omitempty"`
	Embeds          []embed    `json:"embeds,omitempty"`
	Components      []row      `json:"components,omitempty"`
	AllowedMentions mentions   `json:"allowed_mentions"`
	Flags           int        `json:"flags,omitempty"`
	Nonce           string     `json:"nonce"`
	EnforceNonce    bool       `json:"enforce_nonce"`
	Reference       *reference `json:"message_reference,omitempty"`
}

// editBody replaces all that a message shows. Mentions are parsed anew by each
// edit, so it names them too.
type editBody struct {
	Content         string   `json:"content"`
	Embeds          []embed  `json:"embeds"`
	Components      []row    `json:"components"`
	AllowedMentions mentions `json:"allowed_mentions"`
}

type threadBody struct {
	Name        string `json:"name"`
	AutoArchive int    `json:"auto_archive_duration"`
}

// mentions lists who may be notified. Its zero value is written as null, which
// lets Discord decide; use nobody.
type mentions struct {
	Parse []string `json:"parse"`
	Roles []string `json:"roles,omitempty"` // exactly these
	Users []string `json:"users,omitempty"`
}

func nobody() mentions { return mentions{Parse: []string{}} }

type reference struct {
	Message   string `json:"message_id"`
	MustExist bool   `json:"fail_if_not_exists"`
}

type embed struct {
	Title       string       `json:"title,omitempty"`
	Description string       `json:"description,omitempty"`
	URL         string       `json:"url,omitempty"`
	Color       int          `json:"color,omitempty"`
	Timestamp   string       `json:"timestamp,omitempty"`
	Author      *embedAuthor `json:"author,omitempty"`
	Fields      []embedField `json:"fields,omitempty"`
	Image       *embedImage  `json:"image,omitempty"`
	Footer      *embedFooter `json:"footer,omitempty"`
}

type embedAuthor struct {
	Name    string `json:"name"`
	URL     string `json:"url,omitempty"`
	IconURL string `json:"icon_url,omitempty"`
}

type embedField struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline,omitempty"`
}

type embedImage struct {
	URL string `json:"url"`
}

type embedFooter struct {
	Text string `json:"text"`
}

// Kinds of components and styles of buttons, Discord docs "Component Reference".
const (
	kindRow     = 1
	kindButton  = 2
	styleNext   = 1
	styleCalm   = 2
	styleDanger = 4
	styleLink   = 5
)

type row struct {
	Type       int      `json:"type"`
	Components []button `json:"components"`
}

// button is a button, or with other fields a menu.
type button struct {
	Type        int          `json:"type"`
	Style       int          `json:"style,omitempty"`
	Label       string       `json:"label,omitempty"`
	URL         string       `json:"url,omitempty"`
	CustomID    string       `json:"custom_id,omitempty"`
	Disabled    bool         `json:"disabled,omitempty"`
	Placeholder string       `json:"placeholder,omitempty"`
	Options     []menuOption `json:"options,omitempty"`

	MaxValues    int      `json:"max_values,omitempty"`
	ChannelTypes []int    `json:"channel_types,omitempty"`
	Chosen       []chosen `json:"default_values,omitempty"`
}

// chosen is what a menu of channels shows as chosen.
type chosen struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// Flags of messages, Discord docs "Message Flags".
const (
	flagNoEmbeds = 1 << 2  // SUPPRESS_EMBEDS
	flagNoPush   = 1 << 12 // SUPPRESS_NOTIFICATIONS
)
