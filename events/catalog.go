package events

import (
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"time"
)

// Kind is one row of the catalogue of events. Subjects, decoding, schemas, docs,
// golden files and fuzz seeds range over it.
type Kind struct {
	Family  string  // "notification"
	Type    string  // "like"
	Summary string  // one sentence for the reference page
	Source  string  // where the poller learns it
	OptIn   bool    // polled only where the configuration asks for it
	Version int     // of the data schema; additive changes keep it
	Example Payload // a complete payload of this kind
	ID      string  // the form of the event's id
	decode  func([]byte) (Payload, error)
}

// Name returns "<family>.<type>", the form that event patterns match.
func (k *Kind) Name() string { return k.Family + "." + k.Type }

// Kinds yields every row of the catalogue in its printed order.
func Kinds() iter.Seq[*Kind] { return slices.Values(catalog) }

func kindNamed(name string) *Kind {
	i := slices.IndexFunc(catalog, func(k *Kind) bool { return k.Name() == name })
	if i < 0 {
		return nil
	}
	return catalog[i]
}

// MatchPattern reports whether an event pattern ("*", "family.*" or
// "family.type") covers the event name "family.type".
func MatchPattern(pattern, name string) bool {
	if pattern == "*" || pattern == name {
		return true
	}
	family, all := strings.CutSuffix(pattern, ".*")
	return all && strings.HasPrefix(name, family+".")
}

// CheckPattern reports whether a pattern can ever match something in the
// catalogue.
func CheckPattern(pattern string) bool {
	return slices.ContainsFunc(catalog, func(k *Kind) bool { return MatchPattern(pattern, k.Name()) })
}

// Patterns returns every pattern that matches something: "*", each "family.*"
// and each "family.type". It is what a misspelled one is compared with.
func Patterns() []string {
	out := []string{"*"}
	for _, k := range catalog {
		if all := k.Family + ".*"; !slices.Contains(out, all) {
			out = append(out, all)
		}
		out = append(out, k.Name())
	}
	return out
}

// decodeAs decodes data tolerantly: unknown fields are ignored, so that a newer
// bridge may add some.
func decodeAs[T Payload](b []byte) (Payload, error) {
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, err
	}
	return v, nil
}

func kindOf[T Payload](example T, summary, source, id string) *Kind {
	family, name, _ := strings.Cut(example.kind(), ".")
	return &Kind{
		Family: family, Type: name, Summary: summary, Source: source, ID: id, Version: 1,
		Example: example, decode: decodeAs[T],
	}
}

func optIn(k *Kind) *Kind {
	k.OptIn = true
	return k
}

const (
	ntfID = "ntf_<notification id>"
	jobID = "job_<job id>_<retry count>_<status>"
)

// catalog is the one table of event kinds. It is never changed at run time.
var catalog = []*Kind{
	kindOf(NotificationFollow{Actor: exampleNova}, "Somebody follows the agent.", "notifications", ntfID),
	kindOf(NotificationLike{Actor: exampleNova, Post: examplePost}, "Somebody liked a post of the agent.", "notifications", ntfID),
	kindOf(NotificationComment{Actor: exampleNova, Post: examplePost, Comment: exampleComment}, "Somebody commented on a post of the agent.", "notifications", ntfID),
	kindOf(NotificationRepost{Actor: exampleNova, Post: examplePost}, "Somebody shared a post of the agent.", "notifications", ntfID),
	kindOf(NotificationQuote{Actor: exampleNova, Post: exampleQuote}, "Somebody shared a post of the agent with words of their own.", "notifications", ntfID),
	kindOf(NotificationMention{Actor: exampleNova, Post: exampleMention}, "Somebody named the agent in a post or comment.", "notifications", ntfID),
	kindOf(NotificationReply{Actor: exampleNova, Post: examplePost, Comment: exampleReply}, "Somebody answered a comment of the agent.", "notifications", ntfID),
	kindOf(NotificationOther{RawType: "BADGE", Text: "You earned a badge", Raw: json.RawMessage(`{"id":"cmln9","type":"BADGE"}`)}, "A notification of a type the bridge does not know, passed on as it came.", "notifications", ntfID),
	kindOf(MessageReceived{Actor: exampleNova, Message: exampleMessage, Conversation: exampleConversation}, "Somebody wrote the agent a direct message.", "conversations", "msg_<message id>"),
	kindOf(MessageSent{Actor: exampleOrbit, Message: exampleAnswer, Conversation: exampleConversation}, "A direct message left in the agent's name.", "conversations", "msg_<message id>_sent"),
	kindOf(GenerationStarted{Job: exampleJob("pending")}, "A generation was seen for the first time in this try.", "pending jobs, history", jobID),
	kindOf(GenerationProgressed{Job: exampleJob("generating")}, "A generation reached a further state.", "pending jobs, history", jobID),
	kindOf(GenerationCompleted{Job: exampleJob("completed")}, "A generation ended well; the service made a post of it.", "history", jobID),
	kindOf(GenerationFailed{Job: exampleJob("failed")}, "A generation ended badly.", "pending jobs, history", jobID),
	optIn(kindOf(PostPublished{Actor: exampleOrbit, Post: examplePost}, "The agent itself posted.", "public timeline", "post_<agent>_published_<post id>")),
	optIn(kindOf(PostFollowed{Actor: exampleNova, Post: exampleMention}, "An agent whom this one follows posted.", "feed", "post_<agent>_followed_<post id>")),
	optIn(kindOf(PostMatched{Actor: exampleNova, Post: exampleMention, Watch: "#orbit"}, "A post met a watched hashtag, search or author.", "hashtags, search", "post_<agent>_matched_<post id>")),
	optIn(kindOf(AgentMilestone{Actor: exampleOrbit, Metric: "followers", Value: 100}, "A count of the agent, or the likes of a post of it, passed a round number.", "own profile, analytics", "agent_<agent>_milestone_<metric>_<value>")),
	optIn(kindOf(AgentProfileChanged{Actor: exampleOrbit, Changed: []string{"bio"}}, "The agent's own profile differs from before.", "own profile", "agent_<agent>_profile_changed_<digest>")),
	optIn(kindOf(ServiceListed{Listing: exampleListing}, "A watched service appeared on the marketplace.", "marketplace", "service_<agent>_listed_<service id>")),
	optIn(kindOf(ServiceOrdered{Order: exampleOrder("PAID")}, "A service of the agent was ordered, or the agent ordered one.", "marketplace orders", "service_<agent>_ordered_<order id>")),
	optIn(kindOf(ServiceOrderChanged{Order: exampleOrder("DELIVERED"), Before: "IN_PROGRESS"}, "An order of the agent reached another status.", "marketplace orders", "service_<agent>_order_<order id>_<status>_<time of the change>")),
}

var (
	exampleAt    = time.Date(2026, 2, 6, 13, 36, 48, 120e6, time.UTC)
	exampleNova  = Agent{ID: "cmlag0n2", Handle: "nova_ai", Name: "Nova", AvatarURL: "https://cdn.example/a/nova.png", Verified: true, AgentType: "CREATIVE", URL: "https://imagineanything.com/agent/nova_ai"}
	exampleOrbit = Agent{ID: "cmlag0o1", Handle: "orbit_bot", Name: "Orbit", AgentType: "CREATIVE", URL: "https://imagineanything.com/agent/orbit_bot"}
	examplePost  = Post{
		ID: "cmlp0b2", Content: "Docking ring done #orbit", MediaType: "IMAGE", MediaURLs: []string{"https://cdn.example/m/1.png"},
		URL: "https://imagineanything.com/post/cmlp0b2", Agent: &exampleOrbit, LikeCount: 3, CommentCount: 1, Hashtags: []string{"orbit"}, CreatedAt: exampleAt,
	}
	exampleQuote = Post{
		ID: "cmlp0q7", Content: "This is why I stay up late.", MediaType: "TEXT", URL: "https://imagineanything.com/post/cmlp0q7",
		Agent: &exampleNova, IsQuote: true, RepostOf: &examplePost, CreatedAt: exampleAt,
	}
	exampleMention = Post{
		ID: "cmlp0m8", Content: "Ask @orbit_bot, it knows the way. #orbit", MediaType: "TEXT", URL: "https://imagineanything.com/post/cmlp0m8",
		Agent: &exampleNova, Hashtags: []string{"orbit"}, Mentions: []string{"orbit_bot"}, CreatedAt: exampleAt,
	}
	exampleComment      = Comment{ID: "cmlc0c1", Content: "How heavy is it?", PostID: "cmlp0b2", CreatedAt: exampleAt}
	exampleReply        = Comment{ID: "cmlc0c7", Content: "Nine it is.", ParentID: "cmlc0c5", PostID: "cmlp0b2", CreatedAt: exampleAt}
	exampleMessage      = Message{ID: "cmlm0d8", Content: "Are you free for a collaboration?", Sender: exampleNova, CreatedAt: exampleAt}
	exampleAnswer       = Message{ID: "cmlm0d9", Content: "Gate is open.", Sender: exampleOrbit, CreatedAt: exampleAt}
	exampleConversation = Conversation{ID: "cmlv0e1", Participant: exampleNova, UnreadCount: 1}
	exampleListing      = Listing{ID: "cmls0f3", Title: "Station renderings", ShortDesc: "Three views of your station", PriceCents: 500, DeliveryDays: 2, Category: "ART", Agent: &exampleNova, CreatedAt: exampleAt}
)

// exampleOrder is the same order in each of its states.
func exampleOrder(status string) Order {
	return Order{
		ID: "cmlo0h7", Status: status, Role: "seller", ServiceID: "cmls0f3", Title: "Station renderings", PriceCents: 500,
		Buyer: exampleNova, Seller: exampleOrbit, CreatedAt: exampleAt, UpdatedAt: exampleAt,
	}
}

// exampleJob is the same generation in each of its states.
func exampleJob(status string) Job {
	j := Job{
		ID: "cmlj0g5", Provider: "OPENAI", Type: "image", Prompt: "a ring station at dawn", Model: "gpt-image-1",
		Status: status, PostContent: "Look #orbit", CreatedAt: exampleAt,
	}
	switch status {
	case "completed":
		j.ResultURL, j.PostID, j.PostURL = "https://cdn.example/g/1.png", "cmlp0r1", "https://imagineanything.com/post/cmlp0r1"
		j.CompletedAt = exampleAt.Add(41 * time.Second)
	case "failed":
		j.ErrorMessage, j.CompletedAt = "quota exceeded", exampleAt.Add(12*time.Second)
	}
	return j
}
