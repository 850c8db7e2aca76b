package fakediscord

import (
	"net/http"
	"strings"
	"time"
)

// route is one operation of the API. Paths are written as in Discord's OpenAPI
// document, so that its schemas are found by them.
type route struct {
	method, path string
	handle       func(*Server, *call) reply
	body         check                         // table of the body; nil: no body
	rules        func(*Server, *call, *report) // what a table can't say
	multipart    bool                          // takes files
	open         bool                          // authorised by the token in the path, no part of the global limit
	bucket       string                        // rate limit bucket, default method and path
	limit        Limit                         // zero: none
}

func (rt *route) String() string { return rt.method + " " + rt.path }

// group names the rate limit bucket, which several routes may share.
func (rt *route) group() string {
	if rt.bucket != "" {
		return rt.bucket
	}
	return rt.String()
}

func per(count int, d time.Duration) Limit { return Limit{Count: count, Per: d} }

func channelRoutes() []route {
	const (
		one      = "/channels/{channel_id}"
		messages = one + "/messages"
		message  = messages + "/{message_id}"
		reaction = message + "/reactions/{emoji_name}/@me"
	)
	return []route{
		{method: "GET", path: one, handle: (*Server).getChannel, limit: per(50, time.Second)},
		{method: "PATCH", path: one, handle: (*Server).editChannel, body: editChannelBody(), limit: per(5, 5*time.Second)},
		{method: "GET", path: messages, handle: (*Server).listMessages, limit: per(5, time.Second)},
		{
			method: "POST", path: messages, handle: (*Server).createMessage, limit: per(5, 5*time.Second),
			body: createMessageBody(), rules: (*Server).createRules, multipart: true,
		},
		{method: "GET", path: message, handle: (*Server).getMessage, limit: per(5, time.Second)},
		{
			method: "PATCH", path: message, handle: (*Server).editMessage, limit: per(5, 5*time.Second),
			body: editMessageBody(), rules: (*Server).editRules, multipart: true,
		},
		{method: "DELETE", path: message, handle: (*Server).deleteMessage, limit: per(5, time.Second)},
		{method: "PUT", path: reaction, handle: (*Server).addReaction, bucket: "reactions", limit: per(1, 250*time.Millisecond)},
		{method: "DELETE", path: reaction, handle: (*Server).removeReaction, bucket: "reactions", limit: per(1, 250*time.Millisecond)},
		{
			method: "POST", path: message + "/threads", handle: (*Server).threadFromMessage, limit: per(5, 5*time.Second),
			body: threadFromMessageBody(),
		},
		{
			method: "POST", path: one + "/threads", handle: (*Server).startThread, limit: per(5, 5*time.Second),
			body: threadBody(), rules: (*Server).forumRules, multipart: true,
		},
	}
}

func readRoutes() []route {
	return []route{
		{method: "GET", path: "/gateway", handle: (*Server).getGateway},
		{method: "GET", path: "/gateway/bot", handle: (*Server).getGatewayBot, limit: per(2, 5*time.Second)},
		{method: "GET", path: "/users/@me", handle: (*Server).getMe, limit: per(30, 30*time.Second)},
		{method: "GET", path: "/users/@me/guilds", handle: (*Server).listGuilds, limit: per(5, time.Second)},
		{method: "DELETE", path: "/users/@me/guilds/{guild_id}", handle: (*Server).leaveGuild, limit: per(5, time.Second)},
		{method: "POST", path: "/users/@me/channels", handle: (*Server).openDM, body: openDMBody(), limit: per(10, 10*time.Second)},
		{method: "GET", path: "/applications/@me", handle: (*Server).getApplication, limit: per(5, time.Second)},
		{method: "GET", path: "/guilds/{guild_id}", handle: (*Server).getGuild, limit: per(10, time.Second)},
		{method: "GET", path: "/guilds/{guild_id}/roles", handle: (*Server).getRoles, limit: per(10, time.Second)},
		{method: "GET", path: "/guilds/{guild_id}/channels", handle: (*Server).listChannels, limit: per(10, time.Second)},
		{method: "GET", path: "/guilds/{guild_id}/threads/active", handle: (*Server).activeThreads, limit: per(10, time.Second)},
		{method: "GET", path: "/guilds/{guild_id}/members/{user_id}", handle: (*Server).getMember, limit: per(10, time.Second)},
	}
}

// routes builds the dispatcher: the API, files, gateway, and the answer to
// everything else.
func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	table := append(append(channelRoutes(), readRoutes()...), interactionRoutes()...)
	for _, rt := range append(table, commandRoutes()...) {
		s.known[rt.String()] = true
		if limit, ok := s.opts.Limits[rt.String()]; ok {
			rt.limit = limit
		}
		mux.Handle(rt.method+" "+apiPrefix+rt.path, s.serve(&rt))
	}
	mux.HandleFunc("GET /cdn/attachments/{channel_id}/{file_id}/{name}", s.download)
	mux.HandleFunc("GET /{$}", s.dial)
	mux.HandleFunc("GET "+authorizePath, s.authorizePage)
	mux.HandleFunc("POST "+authorizePath, s.authorized)
	mux.HandleFunc("/", s.elsewhere)
	return mux
}

const apiPrefix = "/api/v10"

// elsewhere answers requests to no route of ours: another API version, a
// wrong path or method. All of them are faults of the caller.
func (s *Server) elsewhere(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	entry := s.log.open(Request{Method: r.Method, Path: mask(r.URL.Path), Query: r.URL.RawQuery})
	rule := "route"
	if strings.HasPrefix(r.URL.Path, "/api/") && !strings.HasPrefix(r.URL.Path, apiPrefix+"/") {
		rule = "api-version"
	}
	s.log.fault(entry.Time, rule, entry.Seq, r.Method+" "+entry.Path)
	s.log.done(entry, http.StatusNotFound, 0)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte(`{"message": "404: Not Found", "code": 0}`)) // the caller may be gone
}

// mask takes interaction tokens out of a path.
func mask(path string) string {
	path = strings.TrimPrefix(path, apiPrefix)
	parts := strings.Split(path, "/")
	if len(parts) > 3 && (parts[1] == "webhooks" || parts[1] == "interactions") {
		parts[3] = "***"
	}
	return strings.Join(parts, "/")
}
