package imagine_test

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// plain is an endpoint as both sides spell it.
func plain(method, pattern string) string {
	return method + " " + placeholder.ReplaceAllString(pattern, "{}")
}

// journey drives the client over a socket against a sandbox whose limits are out of the way.
type journey struct {
	t    *testing.T
	box  *sandbox.Sandbox
	me   *imagine.Client // orbit_bot
	site *imagine.Site
	you  *imagine.Client // lumen_lab
}

func setOut(t *testing.T) *journey {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{Seed: 1})
	require.NoError(t, err)
	for class, n := range map[sandbox.Class]int{"read": 1000, "write": 1000, "upload": 1000} {
		box.SetLimit(class, n)
	}
	srv := httptest.NewServer(box)
	t.Cleanup(srv.Close)
	box.SetBaseURL(srv.URL)
	site := imagine.NewSite()
	t.Cleanup(site.CloseIdle)
	client := func(i int) *imagine.Client {
		a := box.Agents()[i]
		c, err := imagine.New(imagine.Options{BaseURL: srv.URL, ClientID: a.ClientID, ClientSecret: func() string { return a.ClientSecret }, Site: site})
		require.NoError(t, err)
		return c
	}
	return &journey{t: t, box: box, site: site, me: client(0), you: client(1)}
}

func must[T any](j *journey) func(v T, err error) T {
	return func(v T, err error) T {
		j.t.Helper()
		require.NoError(j.t, err)
		return v
	}
}

func (j *journey) ok(err error) {
	j.t.Helper()
	require.NoError(j.t, err)
}

// arrived checks that each endpoint of the kind was called with success, and that nothing was sent that should not be.
func (j *journey) arrived(later bool) {
	j.t.Helper()
	seen := map[string]bool{}
	for _, e := range j.box.Journal() {
		if e.Status < 300 {
			seen[plain(e.Method, e.Route)] = true
		}
	}
	var missing []string
	for _, e := range imagine.Endpoints() {
		if e.Later == later && !seen[plain(e.Method, e.Pattern)] {
			missing = append(missing, e.Method+" "+e.Pattern)
		}
	}
	require.Empty(j.t, missing, "endpoints that no method reached with success")
	require.Empty(j.t, j.box.Violations())
}

func video() imagine.File {
	return imagine.File{Name: "clip.mp4", Content: strings.NewReader(mp4Head + strings.Repeat("\x00", 100))}
}

func picture() imagine.File {
	return imagine.File{Name: "a.gif", Content: strings.NewReader("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")}
}

func TestEveryEndpointOfTheSeedAgainstTheSandbox(t *testing.T) {
	t.Parallel()
	j := setOut(t)
	ctx, c := t.Context(), j.me
	require.Contains(t, must[*imagine.Index](j)(c.Index(ctx)).Name, "ImagineAnything")
	j.ok(c.Login(ctx))
	me := must[*imagine.Profile](j)(c.Me(ctx))
	require.Equal(t, "orbit_bot", me.Handle)

	j.posts(me)
	j.agents()
	j.messages()
	j.discovery()
	j.notifications()
	j.mediaAndBytes()
	j.services()
	j.generations()
	must[*imagine.Overview](j)(c.Overview(ctx, "7d"))
	require.NotEmpty(t, must[*imagine.Page[imagine.PostStats]](j)(c.PostStats(ctx, "likes", 3)).Items)
	j.box.Clock().Advance(57 * time.Minute)
	must[*imagine.Profile](j)(c.Me(ctx))
	j.arrived(false)
}

func (j *journey) posts(me *imagine.Profile) {
	t, ctx, c := j.t, j.t.Context(), j.me
	p := must[*imagine.Post](j)(c.CreatePost(ctx, imagine.NewPost{Content: "Hello <docks> & #orbit, @nova_ai"}))
	require.Equal(t, "Hello <docks> & #orbit, @nova_ai", p.Content)
	require.Equal(t, []string{"orbit"}, p.Hashtags)
	require.Equal(t, []string{"nova_ai"}, p.Mentions)
	require.Equal(t, me.ID, p.Agent.ID)
	require.WithinDuration(t, j.box.Clock().Now(), p.CreatedAt, time.Minute)
	require.Equal(t, p.ID, must[*imagine.Page[imagine.Post]](j)(c.Timeline(ctx, imagine.PageQuery{Limit: 1})).Items[0].ID)
	must[*imagine.Page[imagine.Post]](j)(c.Feed(ctx, imagine.PageQuery{Limit: 500}))
	n := 0
	for _, err := range imagine.All(ctx, c.Timeline, imagine.PageQuery{Limit: 9}) {
		j.ok(err)
		n++
	}
	require.Greater(t, n, 40)

	require.Equal(t, &imagine.Liked{Liked: true, LikeCount: 1}, must[*imagine.Liked](j)(j.you.Like(ctx, p.ID)))
	require.Equal(t, 1, must[*imagine.Post](j)(c.Post(ctx, p.ID)).LikeCount)
	must[*imagine.Liked](j)(j.you.Unlike(ctx, p.ID))
	said := must[*imagine.Comment](j)(j.you.Comment(ctx, p.ID, "How heavy?", ""))
	answered := must[*imagine.Comment](j)(c.Comment(ctx, p.ID, "Very", said.ID))
	require.Equal(t, said.ID, answered.ParentID)
	require.Len(t, must[*imagine.Page[imagine.Comment]](j)(c.Comments(ctx, p.ID, imagine.PageQuery{})).Items, 2)
	require.Equal(t, p.ID, must[*imagine.Reposted](j)(j.you.Repost(ctx, p.ID)).Post.RepostOf.ID)
	require.True(t, must[*imagine.Reposted](j)(j.you.Repost(ctx, p.ID)).Already)
	q := must[*imagine.Post](j)(j.you.Quote(ctx, p.ID, "Worth a look"))
	require.True(t, q.IsQuote)
	j.ok(c.DeletePost(ctx, p.ID))
	_, err := c.Post(ctx, p.ID)
	require.True(t, imagine.IsNotFound(err))
	require.True(t, imagine.IsForbidden(c.DeletePost(ctx, q.ID)))
}

func (j *journey) agents() {
	t, ctx, c := j.t, j.t.Context(), j.me
	require.True(t, must[*imagine.Followed](j)(c.Follow(ctx, "@lumen_lab")).Following)
	must[*imagine.Followed](j)(c.Follow(ctx, "lumen_lab"))
	require.False(t, must[*imagine.Followed](j)(c.Unfollow(ctx, "lumen_lab")).Following)
	must[*imagine.Followed](j)(c.Follow(ctx, "lumen_lab"))
	p := must[*imagine.Profile](j)(c.Agent(ctx, "nova_ai"))
	require.Equal(t, "Nova", p.Name)
	require.Positive(t, p.FollowerCount)
	require.Equal(t, "I draw rings.", must[*imagine.Profile](j)(c.UpdateMe(ctx, imagine.ProfileChange{Bio: new("I draw rings.")})).Bio)
	require.NotEmpty(t, must[*imagine.Page[imagine.Profile]](j)(c.Agents(ctx, imagine.AgentQuery{Type: "CREATIVE", Verified: new(false), Search: "pixel"})).Items)
	require.NotEmpty(t, must[*imagine.Page[imagine.AgentRef]](j)(c.Followers(ctx, "lumen_lab", imagine.PageQuery{})).Items)
	require.NotEmpty(t, must[*imagine.Page[imagine.AgentRef]](j)(c.Following(ctx, "orbit_bot", imagine.PageQuery{})).Items)
}

func (j *journey) messages() {
	t, ctx, c := j.t, j.t.Context(), j.me
	s := must[*imagine.Started](j)(c.StartConversation(ctx, "@lumen_lab", "Are you there?"))
	require.Equal(t, "Are you there?", s.Message.Content)
	require.Equal(t, "lumen_lab", s.Conversation.Participant.Handle)
	list := must[*imagine.Page[imagine.Conversation]](j)(j.you.Conversations(ctx, imagine.PageQuery{}))
	require.Equal(t, s.Conversation.ID, list.Items[0].ID)
	require.Equal(t, 1, list.Items[0].UnreadCount)
	require.Equal(t, "Are you there?", list.Items[0].LastMessage.Content)
	m := must[*imagine.Message](j)(j.you.SendMessage(ctx, s.Conversation.ID, "I am"))
	page := must[*imagine.Page[imagine.Message]](j)(c.Messages(ctx, s.Conversation.ID, imagine.PageQuery{Limit: 50}))
	require.Equal(t, m.ID, page.Items[0].ID)
	require.Equal(t, "lumen_lab", page.Items[0].Sender.Handle)
	j.ok(j.you.MarkConversationRead(ctx, s.Conversation.ID))
	_, err := c.Messages(ctx, "cmnowhere", imagine.PageQuery{})
	require.True(t, imagine.IsNotFound(err))
}

func (j *journey) discovery() {
	t, ctx, c := j.t, j.t.Context(), j.me
	require.NotEmpty(t, must[*imagine.Found](j)(c.Search(ctx, imagine.SearchQuery{Text: "harbour"})).Agents)
	require.NotEmpty(t, must[*imagine.Found](j)(c.Search(ctx, imagine.SearchQuery{Text: "harbour", Type: "posts"})).Posts)
	trends := must[*imagine.Trends](j)(c.Explore(ctx, "all", 3))
	require.NotEmpty(t, trends.Posts)
	require.NotEmpty(t, trends.Agents)
	require.NotEmpty(t, trends.Tags)
	require.Empty(t, trends.Bad)
	tag := must[*imagine.Page[imagine.Tag]](j)(c.TrendingTags(ctx, 2)).Items[0]
	require.NotEmpty(t, must[*imagine.Page[imagine.Post]](j)(c.TagPosts(ctx, "#"+tag.Tag, imagine.PageQuery{Limit: 2})).Items)
	require.NotEmpty(t, must[*imagine.Page[imagine.Listing]](j)(c.Listings(ctx, imagine.ListingQuery{PageQuery: imagine.PageQuery{Limit: 2}})).Items)
}

func (j *journey) notifications() {
	t, ctx, c := j.t, j.t.Context(), j.me
	_, err := j.box.Act(sandbox.Action{As: "nova_ai", Do: "follow", Handle: "orbit_bot"})
	j.ok(err)
	page := must[*imagine.Page[imagine.Notification]](j)(c.Notifications(ctx, imagine.PageQuery{Limit: 5}))
	require.Empty(t, page.Bad)
	require.NotEmpty(t, page.Items)
	require.NotEmpty(t, page.Items[0].Actor.Handle)
	require.Positive(t, must[int](j)(c.UnreadNotifications(ctx)))
	j.ok(c.MarkNotificationsRead(ctx, page.Items[0].ID))
	j.ok(c.MarkAllNotificationsRead(ctx))
	require.Zero(t, must[int](j)(c.UnreadNotifications(ctx)))
}

func (j *journey) mediaAndBytes() {
	t, ctx, c := j.t, j.t.Context(), j.me
	image := must[*imagine.Media](j)(c.UploadImage(ctx, picture(), "post"))
	require.Equal(t, "image/gif", image.ContentType)
	require.Equal(t, "IMAGE", must[*imagine.Post](j)(c.CreatePost(ctx, imagine.NewPost{MediaIDs: []string{image.ID}})).MediaType)
	clip := must[*imagine.Media](j)(c.UploadVideo(ctx, video(), "byte"))
	require.Equal(t, "processing", clip.Status)
	_, err := c.CreateByte(ctx, clip.ID, "too early")
	require.Error(t, err)
	j.box.Clock().Advance(5 * time.Second)
	must[*imagine.Media](j)(c.WaitReady(ctx, clip.ID))
	require.NotEmpty(t, must[*imagine.Page[imagine.Media]](j)(c.Media(ctx, imagine.MediaQuery{Type: "IMAGE", Purpose: "post"})).Items)
	b := must[*imagine.Byte](j)(c.CreateByte(ctx, clip.ID, "Ring by night"))
	require.Equal(t, b.ID, must[*imagine.Page[imagine.Byte]](j)(c.Bytes(ctx, imagine.PageQuery{})).Items[0].ID)
}

func (j *journey) services() {
	t, ctx, c := j.t, j.t.Context(), j.me
	require.Contains(t, must[*imagine.Services](j)(c.Services(ctx)).Available, "OPENAI")
	require.NotContains(t, must[*imagine.Service](j)(c.ConnectService(ctx, "RUNWARE", "rw-0123456789abcdef")).APIKey, "0123456789")
	require.False(t, must[*imagine.Service](j)(c.SetServiceActive(ctx, "RUNWARE", false)).IsActive)
	must[*imagine.Service](j)(c.SetServiceActive(ctx, "RUNWARE", true))
	require.True(t, must[*imagine.KeyTest](j)(c.TestService(ctx, "RUNWARE")).Valid)
	j.ok(c.DisconnectService(ctx, "RUNWARE"))
	_, err := c.TestService(ctx, "RUNWARE")
	require.True(t, imagine.IsNotFound(err))
}

func (j *journey) generations() {
	t, ctx, c := j.t, j.t.Context(), j.me
	require.NotEmpty(t, must[*imagine.Page[imagine.Model]](j)(c.Models(ctx, "OPENAI", "image")).Items)
	require.NotEmpty(t, must[*imagine.Page[imagine.Voice]](j)(c.Voices(ctx)).Items)
	job := must[*imagine.StartedJob](j)(c.Generate(ctx, imagine.NewJob{
		Provider: "OPENAI", Type: "image", Prompt: "sandbox:fail-once a ring", Content: "Look #orbit", Params: map[string]any{"size": "1024x1024"},
	}))
	j.box.Clock().Advance(10 * time.Second)
	running := must[*imagine.Page[imagine.Job]](j)(c.PendingJobs(ctx))
	require.Equal(t, imagine.JobFailed, running.Items[0].Status)
	require.Equal(t, job.JobID, running.Items[0].ID)
	require.Equal(t, 1, must[*imagine.StartedJob](j)(c.RetryJob(ctx, job.JobID)).RetryCount)
	j.box.Clock().Advance(time.Minute)
	done := must[*imagine.Page[imagine.Job]](j)(c.JobHistory(ctx, imagine.PageQuery{Limit: 5})).Items[0]
	require.Equal(t, imagine.JobCompleted, done.Status)
	require.NotEmpty(t, done.PostID)
	require.NotEmpty(t, done.ResultURL)
	require.False(t, done.CompletedAt.IsZero())

	for range 3 {
		must[*imagine.StartedJob](j)(c.Generate(ctx, imagine.NewJob{Provider: "OPENAI", Type: "image", Prompt: "sandbox:stuck"}))
	}
	_, err := c.Generate(ctx, imagine.NewJob{Provider: "OPENAI", Type: "image", Prompt: "one too many"})
	require.Error(t, err)
	require.False(t, imagine.IsRateLimited(err), "three at once is a rule, not a rate")
	require.False(t, imagine.IsUncertain(err))
}
