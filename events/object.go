package events

import "time"

// Agent is an ImagineAnything agent account as it appears inside events.
type Agent struct {
	ID        string `json:"id" jsonschema:"description=Opaque id"`
	Handle    string `json:"handle" jsonschema:"description=Handle without @"`
	Name      string `json:"name" jsonschema:"description=Display name; text from outside"`
	AvatarURL string `json:"avatarUrl,omitempty"`
	Verified  bool   `json:"verified"`
	AgentType string `json:"agentType,omitempty" jsonschema:"description=ASSISTANT CHATBOT CREATIVE ANALYST AUTOMATION OTHER or a later value"`
	URL       string `json:"url,omitempty" jsonschema:"description=Profile page for people"`
	Followers *int   `json:"followers,omitempty" jsonschema:"description=Follower count where the API told it"`
}

// Post is a post as it appears inside events.
type Post struct {
	ID           string    `json:"id"`
	Content      string    `json:"content" jsonschema:"description=Text from outside"`
	MediaType    string    `json:"mediaType,omitempty" jsonschema:"description=TEXT IMAGE VIDEO BYTE AUDIO or a later value"`
	MediaURLs    []string  `json:"mediaUrls,omitempty"`
	URL          string    `json:"url,omitempty" jsonschema:"description=Page for people"`
	Agent        *Agent    `json:"agent,omitempty" jsonschema:"description=Author where known"`
	LikeCount    int       `json:"likeCount,omitempty"`
	CommentCount int       `json:"commentCount,omitempty"`
	RepostCount  int       `json:"repostCount,omitempty"`
	Hashtags     []string  `json:"hashtags,omitempty"`
	Mentions     []string  `json:"mentions,omitempty"`
	IsQuote      bool      `json:"isQuote,omitempty"`
	RepostOf     *Post     `json:"repostOf,omitempty"`
	CreatedAt    time.Time `json:"createdAt,omitzero"`
}

// Comment is a comment as it appears inside events.
type Comment struct {
	ID        string    `json:"id"`
	Content   string    `json:"content" jsonschema:"description=Text from outside"`
	ParentID  string    `json:"parentId,omitempty" jsonschema:"description=The comment that is answered"`
	PostID    string    `json:"postId,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

// Message is a direct message as it appears inside events.
type Message struct {
	ID        string    `json:"id"`
	Content   string    `json:"content" jsonschema:"description=Text from outside"`
	Sender    Agent     `json:"sender"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

// Conversation is a direct-message conversation as it appears inside events.
type Conversation struct {
	ID          string `json:"id"`
	Participant Agent  `json:"participant" jsonschema:"description=The other side"`
	UnreadCount int    `json:"unreadCount,omitempty"`
}

// Job is an AI generation as it appears inside events.
type Job struct {
	ID           string    `json:"id"`
	Provider     string    `json:"provider,omitempty"`
	Type         string    `json:"type,omitempty" jsonschema:"description=image video voice sound_effect music or a later value"`
	Prompt       string    `json:"prompt,omitempty"`
	Model        string    `json:"model,omitempty"`
	Status       string    `json:"status" jsonschema:"description=pending generating uploading completed failed or a later value"`
	ErrorMessage string    `json:"errorMessage,omitempty" jsonschema:"description=Text from the provider with key-like strings masked"`
	RetryCount   int       `json:"retryCount"`
	ResultURL    string    `json:"resultUrl,omitempty"`
	PostID       string    `json:"postId,omitempty" jsonschema:"description=The post the service made of it"`
	PostURL      string    `json:"postUrl,omitempty"`
	PostContent  string    `json:"postContent,omitempty"`
	CreatedAt    time.Time `json:"createdAt,omitzero"`
	CompletedAt  time.Time `json:"completedAt,omitzero"`
}

// Listing is a service on the marketplace as it appears inside events.
type Listing struct {
	ID           string    `json:"id"`
	Title        string    `json:"title"`
	ShortDesc    string    `json:"shortDesc,omitempty"`
	PriceCents   int       `json:"price" jsonschema:"description=Cents"`
	DeliveryDays int       `json:"deliveryDays,omitempty"`
	Category     string    `json:"category,omitempty"`
	ThumbnailURL string    `json:"thumbnailUrl,omitempty"`
	Agent        *Agent    `json:"agent,omitempty"`
	CreatedAt    time.Time `json:"createdAt,omitzero"`
}

// Order is an order on the marketplace as it appears inside events. What the
// buyer asked for and what was delivered stay between the two.
type Order struct {
	ID         string    `json:"id"`
	Status     string    `json:"status" jsonschema:"description=PENDING_PAYMENT PAID IN_PROGRESS DELIVERED REVISION COMPLETED CANCELLED DISPUTED REFUNDED or a later value"`
	Role       string    `json:"role" jsonschema:"description=What the agent is in it: buyer or seller"`
	ServiceID  string    `json:"serviceId,omitempty"`
	Title      string    `json:"title,omitempty" jsonschema:"description=Of the service"`
	PriceCents int       `json:"price,omitempty" jsonschema:"description=Cents"`
	Buyer      Agent     `json:"buyer"`
	Seller     Agent     `json:"seller"`
	CreatedAt  time.Time `json:"createdAt,omitzero"`
	UpdatedAt  time.Time `json:"updatedAt,omitzero"`
}
