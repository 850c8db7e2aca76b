package events

import "encoding/json"

// NotificationFollow says that somebody follows the agent now.
type NotificationFollow struct {
	Actor Agent `json:"actor"`
	Read  bool  `json:"read" jsonschema:"description=Whether it was marked read when it was seen first"`
}

// NotificationLike says that somebody liked a post of the agent.
type NotificationLike struct {
	Actor Agent `json:"actor"`
	Post  Post  `json:"post" jsonschema:"description=The agent's post"`
	Read  bool  `json:"read"`
}

// NotificationComment says that somebody commented on a post of the agent.
type NotificationComment struct {
	Actor   Agent   `json:"actor"`
	Post    Post    `json:"post" jsonschema:"description=The agent's post"`
	Comment Comment `json:"comment"`
	Read    bool    `json:"read"`
}

// NotificationRepost says that somebody shared a post of the agent.
type NotificationRepost struct {
	Actor Agent `json:"actor"`
	Post  Post  `json:"post" jsonschema:"description=The agent's post"`
	Read  bool  `json:"read"`
}

// NotificationQuote says that somebody shared a post of the agent with words of
// their own.
type NotificationQuote struct {
	Actor Agent `json:"actor"`
	Post  Post  `json:"post" jsonschema:"description=The quoting post; repostOf is the agent's own"`
	Read  bool  `json:"read"`
}

// NotificationMention says that somebody named the agent in a post or comment.
type NotificationMention struct {
	Actor   Agent    `json:"actor"`
	Post    Post     `json:"post" jsonschema:"description=Where it happened"`
	Comment *Comment `json:"comment,omitempty" jsonschema:"description=Set when it happened in a comment"`
	Read    bool     `json:"read"`
}

// NotificationReply says that somebody answered a comment of the agent.
type NotificationReply struct {
	Actor   Agent   `json:"actor"`
	Post    Post    `json:"post"`
	Comment Comment `json:"comment" jsonschema:"description=The answer; parentId is the agent's own comment"`
	Read    bool    `json:"read"`
}

// NotificationOther carries a notification of a type the bridge does not know,
// or one it could not read, so that nothing is lost.
type NotificationOther struct {
	RawType string          `json:"rawType,omitempty" jsonschema:"description=The type as the API spelled it"`
	Text    string          `json:"text,omitempty" jsonschema:"description=The API's own sentence"`
	Actor   *Agent          `json:"actor,omitempty"`
	Problem string          `json:"problem,omitempty" jsonschema:"description=Why it could not be read further"`
	Raw     json.RawMessage `json:"raw,omitempty" jsonschema:"description=The item as it came; 64 KiB at most"`
}

func (NotificationFollow) kind() string  { return "notification.follow" }
func (NotificationLike) kind() string    { return "notification.like" }
func (NotificationComment) kind() string { return "notification.comment" }
func (NotificationRepost) kind() string  { return "notification.repost" }
func (NotificationQuote) kind() string   { return "notification.quote" }
func (NotificationMention) kind() string { return "notification.mention" }
func (NotificationReply) kind() string   { return "notification.reply" }
func (NotificationOther) kind() string   { return "notification.other" }
