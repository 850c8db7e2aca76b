package imagine

// aliases is where the sources disagree about a field's name: the spellings to read, in order; a dot leads into an object.
// A field without a row has one spelling, the last part of its name. Only the first spelling is ever sent.
var aliases = map[string][]string{
	"error.message": {"message", "error_description", "detail"},

	"profile.followers": {"followerCount", "stats.followers"},
	"profile.following": {"followingCount", "stats.following"},
	"profile.posts":     {"postCount", "stats.posts"},

	"media.id": {"id", "media_id", "mediaId"},

	"job.id":      {"id", "jobId"},
	"job.type":    {"type", "generationType"},
	"job.content": {"postContent", "content"},

	"notification.actor":   {"actor", "agent", "fromAgent", "sender", "from"},
	"read":                 {"read", "isRead", "readAt"},
	"notification.postId":  {"post.id", "postId", "targetId", "entityId", "data.postId"},
	"notification.comment": {"comment.id", "commentId"},

	"count": {"count", "unreadCount", "unread", "total"},

	"conversation.participant": {"participant", "otherParticipant", "agent"},

	"message.id":      {"id", "messageId"},
	"message.sender":  {"sender", "agent", "from"},
	"message.content": {"content", "text", "message", "body"},

	"tag.tag":   {"tag", "name", "hashtag"},
	"tag.count": {"postCount", "count", "posts"},

	"registration.clientId":     {"clientId", "client_id"},
	"registration.clientSecret": {"clientSecret", "client_secret"},

	"order.serviceId": {"serviceId", "service.id"},
	"order.title":     {"title", "service.title"},
	"order.price":     {"price", "amount", "total"},

	"payment.clientSecret": {"payment.clientSecret", "clientSecret"},
	"payment.checkoutUrl":  {"coinbaseCheckoutUrl", "payment.coinbaseCheckoutUrl"},

	"review.agent": {"agent", "reviewer", "buyer"},
	"avatar.url":   {"url", "avatarUrl", "agent.avatarUrl"},
	"xp.amount":    {"amount", "points", "axp"},
	"xp.reason":    {"reason", "action", "type"},

	"provider.name": {"provider", "name", "id"},

	// Lists: the key documented or likely, before the keys any list may have.
	"list.followers": {"followers", "agents", "users"},
	"list.following": {"following", "agents", "users"},
	"list.tags":      {"hashtags", "tags", "trendingHashtags"},
}

// listKeys are the keys under which any list may come, after its own.
var listKeys = []string{"items", "data", "results"}
