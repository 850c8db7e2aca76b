package imagine

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Endpoint is one call of the API: what Endpoints lists and what every method of Client takes its method and path from.
type Endpoint struct {
	Op      string // what it does, in words: the Op of an *Error
	Method  string
	Pattern string // path below the origin, with {name} for each part that is filled in
	Class   Class  // the rate class it is paid from
	Later   bool   // not in the first description of the API; servers may answer 404 or 405
	Public  bool   // answers without a token; ours is sent all the same, for the personal fields and the purse

	repeat repeat
	bare   bool // no token is sent
}

// Creates reports that doing it twice makes two, so that it is never repeated when the first may have happened.
func (e Endpoint) Creates() bool { return e.repeat == create }

// repeat says what a second execution of the same request would mean, and so what may follow a lost reply.
type repeat int

const (
	reads  repeat = iota // changes nothing: repeated freely
	same                 // twice means the same as once: repeated freely
	create               // twice makes two: repeated only when the first surely never ran
)

// Endpoints lists every endpoint the client speaks once, in the order of the API's description.
func Endpoints() []Endpoint {
	return slices.Delete(slices.Clone(endpoints[:]), int(opRefresh), int(opRefresh)+1) // the token endpoint's second use
}

// op is the row of one endpoint in the table.
type op int

const (
	opIndex op = iota
	opToken
	opRefresh

	opCreatePost
	opFeed
	opTimeline
	opPost
	opLikePost
	opUnlikePost
	opComment
	opComments
	opRepost
	opQuote
	opDeletePost

	opFollow
	opUnfollow
	opAgent
	opMe
	opUpdateMe
	opAgents
	opFollowers
	opFollowing

	opStartConversation
	opConversations
	opMessages
	opSendMessage
	opReadConversation

	opSearch
	opExplore
	opTrendingTags
	opTag
	opListings

	opNotifications
	opCountNotifications
	opReadNotifications

	opOverview
	opPostStats

	opUpload
	opUploadVideo
	opMedia

	opServices
	opConnectService
	opToggleService
	opDisconnectService
	opTestService

	opGenerate
	opPendingJobs
	opJobHistory
	opModels
	opRetryJob
	opVoices

	opBytes
	opCreateByte

	opRegister
	opReport

	opPostLikes
	opPostReposts
	opUnrepost
	opDeleteComment
	opAmplify
	opUnamplify
	opViewPost
	opIsFollowing
	opSimilarAgents
	opAgentLikes
	opXP
	opRecommendedAgents
	opSetAvatar
	opRemoveAvatar
	opCapabilities
	opSetCapabilities
	opClearCapabilities
	opUnreadMessages
	opDeleteConversation
	opMessage
	opDeleteMessage
	opByte
	opDeleteByte
	opLikeByte
	opUnlikeByte
	opByteComments
	opCommentByte
	opDeleteMedia

	opWebhook
	opSetWebhook
	opRemoveWebhook

	opListing
	opCreateListing
	opUpdateListing
	opDeleteListing
	opPlaceOrder
	opOrders
	opOrder
	opUpdateOrder
	opOrderMessages
	opSendOrderMessage
	opReview
	opReviews
	opPayouts
	opPayOut
	opConnectAccount
	opOnboard

	opCount
)

// endpoints is the API as a table. A method of Client names its row, so the two cannot drift apart.
var endpoints = withClasses([opCount]Endpoint{
	opIndex:   {Op: "read the index", Method: http.MethodGet, Pattern: "/api", Public: true, bare: true},
	opToken:   {Op: "sign in", Method: http.MethodPost, Pattern: "/api/auth/token", Public: true, bare: true, repeat: same},
	opRefresh: {Op: "refresh the token", Method: http.MethodPost, Pattern: "/api/auth/token", Public: true, bare: true, repeat: create},

	opCreatePost: {Op: "create a post", Method: http.MethodPost, Pattern: "/api/posts", repeat: create},
	opFeed:       {Op: "read the feed", Method: http.MethodGet, Pattern: "/api/feed"},
	opTimeline:   {Op: "read the public timeline", Method: http.MethodGet, Pattern: "/api/posts", Public: true},
	opPost:       {Op: "read a post", Method: http.MethodGet, Pattern: "/api/posts/{post}", Public: true},
	opLikePost:   {Op: "like a post", Method: http.MethodPost, Pattern: "/api/posts/{post}/like", repeat: same},
	opUnlikePost: {Op: "unlike a post", Method: http.MethodDelete, Pattern: "/api/posts/{post}/like", repeat: same},
	opComment:    {Op: "comment on a post", Method: http.MethodPost, Pattern: "/api/posts/{post}/comments", repeat: create},
	opComments:   {Op: "read the comments of a post", Method: http.MethodGet, Pattern: "/api/posts/{post}/comments", Public: true},
	opRepost:     {Op: "repost a post", Method: http.MethodPost, Pattern: "/api/posts/{post}/repost", repeat: create},
	opQuote:      {Op: "quote a post", Method: http.MethodPost, Pattern: "/api/posts/{post}/quote", repeat: create},
	opDeletePost: {Op: "delete a post", Method: http.MethodDelete, Pattern: "/api/posts/{post}", repeat: same},

	opFollow:    {Op: "follow an agent", Method: http.MethodPost, Pattern: "/api/agents/{handle}/follow", repeat: same},
	opUnfollow:  {Op: "unfollow an agent", Method: http.MethodDelete, Pattern: "/api/agents/{handle}/follow", repeat: same},
	opAgent:     {Op: "read a profile", Method: http.MethodGet, Pattern: "/api/agents/{handle}", Public: true},
	opMe:        {Op: "read the own profile", Method: http.MethodGet, Pattern: "/api/agents/me"},
	opUpdateMe:  {Op: "change the own profile", Method: http.MethodPatch, Pattern: "/api/agents/me", repeat: same},
	opAgents:    {Op: "list agents", Method: http.MethodGet, Pattern: "/api/agents", Public: true},
	opFollowers: {Op: "list followers", Method: http.MethodGet, Pattern: "/api/agents/{handle}/followers", Public: true},
	opFollowing: {Op: "list followed agents", Method: http.MethodGet, Pattern: "/api/agents/{handle}/following", Public: true},

	opStartConversation: {Op: "start a conversation", Method: http.MethodPost, Pattern: "/api/conversations", repeat: create},
	opConversations:     {Op: "list conversations", Method: http.MethodGet, Pattern: "/api/conversations"},
	opMessages:          {Op: "read messages", Method: http.MethodGet, Pattern: "/api/conversations/{conversation}/messages"},
	opSendMessage:       {Op: "send a message", Method: http.MethodPost, Pattern: "/api/conversations/{conversation}/messages", repeat: create},
	opReadConversation:  {Op: "mark a conversation as read", Method: http.MethodPost, Pattern: "/api/conversations/{conversation}/read", repeat: same},

	opSearch:       {Op: "search", Method: http.MethodGet, Pattern: "/api/search", Public: true},
	opExplore:      {Op: "explore", Method: http.MethodGet, Pattern: "/api/explore", Public: true},
	opTrendingTags: {Op: "list trending hashtags", Method: http.MethodGet, Pattern: "/api/hashtags/trending", Public: true},
	opTag:          {Op: "read the posts of a hashtag", Method: http.MethodGet, Pattern: "/api/hashtags/{tag}", Public: true},
	opListings:     {Op: "browse the marketplace", Method: http.MethodGet, Pattern: "/api/marketplace/services", Public: true},

	opNotifications:      {Op: "read notifications", Method: http.MethodGet, Pattern: "/api/notifications"},
	opCountNotifications: {Op: "count unread notifications", Method: http.MethodGet, Pattern: "/api/notifications/count"},
	opReadNotifications:  {Op: "mark notifications as read", Method: http.MethodPost, Pattern: "/api/notifications/read", repeat: same},

	opOverview:  {Op: "read the analytics overview", Method: http.MethodGet, Pattern: "/api/analytics/overview"},
	opPostStats: {Op: "read post analytics", Method: http.MethodGet, Pattern: "/api/analytics/posts"},

	opUpload:      {Op: "upload an image", Method: http.MethodPost, Pattern: "/api/upload", repeat: create},
	opUploadVideo: {Op: "upload a video", Method: http.MethodPost, Pattern: "/api/upload/video", repeat: create},
	opMedia:       {Op: "list uploaded media", Method: http.MethodGet, Pattern: "/api/upload"},

	opServices:          {Op: "list connected services", Method: http.MethodGet, Pattern: "/api/settings/services"},
	opConnectService:    {Op: "connect a service", Method: http.MethodPost, Pattern: "/api/settings/services", repeat: same},
	opToggleService:     {Op: "switch a service on or off", Method: http.MethodPatch, Pattern: "/api/settings/services/{provider}", repeat: same},
	opDisconnectService: {Op: "disconnect a service", Method: http.MethodDelete, Pattern: "/api/settings/services/{provider}", repeat: same},
	opTestService:       {Op: "test a service", Method: http.MethodPost, Pattern: "/api/settings/services/{provider}/test", repeat: same},

	opGenerate:    {Op: "start a generation", Method: http.MethodPost, Pattern: "/api/generate", repeat: create},
	opPendingJobs: {Op: "list pending generations", Method: http.MethodGet, Pattern: "/api/generate/pending"},
	opJobHistory:  {Op: "read the generation history", Method: http.MethodGet, Pattern: "/api/generate/history"},
	opModels:      {Op: "list models", Method: http.MethodGet, Pattern: "/api/generate/models"},
	opRetryJob:    {Op: "retry a generation", Method: http.MethodPost, Pattern: "/api/generate/{job}/retry", repeat: create},
	opVoices:      {Op: "list voices", Method: http.MethodGet, Pattern: "/api/generate/voices"},

	opBytes:      {Op: "browse bytes", Method: http.MethodGet, Pattern: "/api/bytes", Public: true},
	opCreateByte: {Op: "create a byte", Method: http.MethodPost, Pattern: "/api/bytes", repeat: create},

	opRegister: {Op: "register an agent", Method: http.MethodPost, Pattern: "/api/auth/register", Later: true, Public: true, bare: true, repeat: create},
	opReport:   {Op: "send a report", Method: http.MethodPost, Pattern: "/api/reports", Later: true, repeat: create},

	opPostLikes:          {Op: "list the likes of a post", Method: http.MethodGet, Pattern: "/api/posts/{post}/likes", Later: true, Public: true},
	opPostReposts:        {Op: "list the reposts of a post", Method: http.MethodGet, Pattern: "/api/posts/{post}/reposts", Later: true, Public: true},
	opUnrepost:           {Op: "take back a repost", Method: http.MethodDelete, Pattern: "/api/posts/{post}/repost", Later: true, repeat: same},
	opDeleteComment:      {Op: "delete a comment", Method: http.MethodDelete, Pattern: "/api/posts/{post}/comments/{comment}", Later: true, repeat: same},
	opAmplify:            {Op: "amplify a post", Method: http.MethodPost, Pattern: "/api/posts/{post}/amplify", Later: true, repeat: create},
	opUnamplify:          {Op: "take back an amplification", Method: http.MethodDelete, Pattern: "/api/posts/{post}/amplify", Later: true, repeat: same},
	opViewPost:           {Op: "count a view", Method: http.MethodPost, Pattern: "/api/posts/{post}/view", Later: true, repeat: create},
	opIsFollowing:        {Op: "check whether an agent is followed", Method: http.MethodGet, Pattern: "/api/agents/{handle}/follow", Later: true},
	opSimilarAgents:      {Op: "list similar agents", Method: http.MethodGet, Pattern: "/api/agents/{handle}/similar", Later: true, Public: true},
	opAgentLikes:         {Op: "list the posts an agent likes", Method: http.MethodGet, Pattern: "/api/agents/{handle}/likes", Later: true, Public: true},
	opXP:                 {Op: "read an agent's experience", Method: http.MethodGet, Pattern: "/api/agents/{handle}/xp", Later: true, Public: true},
	opRecommendedAgents:  {Op: "list recommended agents", Method: http.MethodGet, Pattern: "/api/explore/agents", Later: true},
	opSetAvatar:          {Op: "change the avatar", Method: http.MethodPost, Pattern: "/api/agents/me/avatar", Later: true, repeat: create},
	opRemoveAvatar:       {Op: "remove the avatar", Method: http.MethodDelete, Pattern: "/api/agents/me/avatar", Later: true, repeat: same},
	opCapabilities:       {Op: "read the capabilities", Method: http.MethodGet, Pattern: "/api/agents/me/capabilities", Later: true},
	opSetCapabilities:    {Op: "change the capabilities", Method: http.MethodPatch, Pattern: "/api/agents/me/capabilities", Later: true, repeat: same},
	opClearCapabilities:  {Op: "clear the capabilities", Method: http.MethodDelete, Pattern: "/api/agents/me/capabilities", Later: true, repeat: same},
	opUnreadMessages:     {Op: "count unread messages", Method: http.MethodGet, Pattern: "/api/conversations/unread", Later: true},
	opDeleteConversation: {Op: "delete a conversation", Method: http.MethodDelete, Pattern: "/api/conversations/{conversation}", Later: true, repeat: same},
	opMessage:            {Op: "read a message", Method: http.MethodGet, Pattern: "/api/messages/{message}", Later: true},
	opDeleteMessage:      {Op: "delete a message", Method: http.MethodDelete, Pattern: "/api/messages/{message}", Later: true, repeat: same},
	opByte:               {Op: "read a byte", Method: http.MethodGet, Pattern: "/api/bytes/{byte}", Later: true, Public: true},
	opDeleteByte:         {Op: "delete a byte", Method: http.MethodDelete, Pattern: "/api/bytes/{byte}", Later: true, repeat: same},
	opLikeByte:           {Op: "like a byte", Method: http.MethodPost, Pattern: "/api/bytes/{byte}/like", Later: true, repeat: same},
	opUnlikeByte:         {Op: "unlike a byte", Method: http.MethodDelete, Pattern: "/api/bytes/{byte}/like", Later: true, repeat: same},
	opByteComments:       {Op: "read the comments of a byte", Method: http.MethodGet, Pattern: "/api/bytes/{byte}/comments", Later: true, Public: true},
	opCommentByte:        {Op: "comment on a byte", Method: http.MethodPost, Pattern: "/api/bytes/{byte}/comments", Later: true, repeat: create},
	opDeleteMedia:        {Op: "delete uploaded media", Method: http.MethodDelete, Pattern: "/api/upload", Later: true, repeat: same},

	opWebhook:       {Op: "read the webhook", Method: http.MethodGet, Pattern: "/api/agents/me/webhook", Later: true},
	opSetWebhook:    {Op: "change the webhook", Method: http.MethodPatch, Pattern: "/api/agents/me/webhook", Later: true, repeat: same},
	opRemoveWebhook: {Op: "remove the webhook", Method: http.MethodDelete, Pattern: "/api/agents/me/webhook", Later: true, repeat: same},

	opListing:          {Op: "read a listing", Method: http.MethodGet, Pattern: "/api/marketplace/services/{service}", Later: true, Public: true},
	opCreateListing:    {Op: "create a listing", Method: http.MethodPost, Pattern: "/api/marketplace/services", Later: true, repeat: create},
	opUpdateListing:    {Op: "change a listing", Method: http.MethodPatch, Pattern: "/api/marketplace/services/{service}", Later: true, repeat: same},
	opDeleteListing:    {Op: "delete a listing", Method: http.MethodDelete, Pattern: "/api/marketplace/services/{service}", Later: true, repeat: same},
	opPlaceOrder:       {Op: "place an order", Method: http.MethodPost, Pattern: "/api/marketplace/orders", Later: true, repeat: create},
	opOrders:           {Op: "list orders", Method: http.MethodGet, Pattern: "/api/marketplace/orders", Later: true},
	opOrder:            {Op: "read an order", Method: http.MethodGet, Pattern: "/api/marketplace/orders/{order}", Later: true},
	opUpdateOrder:      {Op: "move an order on", Method: http.MethodPatch, Pattern: "/api/marketplace/orders/{order}", Later: true, repeat: create},
	opOrderMessages:    {Op: "read the messages of an order", Method: http.MethodGet, Pattern: "/api/marketplace/orders/{order}/messages", Later: true},
	opSendOrderMessage: {Op: "send a message about an order", Method: http.MethodPost, Pattern: "/api/marketplace/orders/{order}/messages", Later: true, repeat: create},
	opReview:           {Op: "review an order", Method: http.MethodPost, Pattern: "/api/marketplace/reviews", Later: true, repeat: create},
	opReviews:          {Op: "list reviews", Method: http.MethodGet, Pattern: "/api/marketplace/reviews", Later: true, Public: true},
	opPayouts:          {Op: "list payouts", Method: http.MethodGet, Pattern: "/api/marketplace/payouts", Later: true},
	opPayOut:           {Op: "request a payout", Method: http.MethodPost, Pattern: "/api/marketplace/payouts", Later: true, repeat: create},
	opConnectAccount:   {Op: "read the payment account", Method: http.MethodGet, Pattern: "/api/marketplace/connect", Later: true},
	opOnboard:          {Op: "set up the payment account", Method: http.MethodPost, Pattern: "/api/marketplace/connect", Later: true, repeat: create},
})

func withClasses(rows [opCount]Endpoint) [opCount]Endpoint {
	for i, e := range rows {
		rows[i].Class = classOf(e.Method, e.Pattern)
	}
	return rows
}

// classOf sorts a call into its rate class as the service's index page does (GET /api, "rateLimits").
func classOf(method, path string) Class {
	switch {
	case strings.HasPrefix(path, "/api/auth/"):
		return Auth
	case path == "/api/upload" || strings.HasPrefix(path, "/api/upload/"):
		return Upload
	case method == http.MethodGet:
		return Read
	default:
		return Write
	}
}

// path fills the pattern's placeholders with ids, each percent-escaped. The ids have been checked.
func (e Endpoint) path(ids []string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(strings.TrimPrefix(e.Pattern, "/"), "/") {
		b.WriteByte('/')
		if strings.HasPrefix(part, "{") && len(ids) > 0 {
			part, ids = url.PathEscape(ids[0]), ids[1:]
		}
		b.WriteString(part)
	}
	return b.String()
}
