package imagine

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fixed serves one body to every call, and tokens.
type fixed string

func (f fixed) RoundTrip(r *http.Request) (*http.Response, error) {
	body := string(f)
	if r.URL.Path == "/api/auth/token" {
		body = `{"access_token":"iat_x"}`
	}
	if r.URL.Path == "/api/agents/me" {
		body = `{"agent":{"id":"me1","handle":"me_bot"}}`
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func fixedClient(t *testing.T, body string) *Client {
	t.Helper()
	c, err := New(Options{BaseURL: "http://127.0.0.1:1", ClientID: "id", ClientSecret: func() string { return "secret" }, HTTPClient: &http.Client{Transport: fixed(body)}})
	require.NoError(t, err)
	return c
}

// TestEachReadingOfTheAPIIsUnderstood has a row for each matter in which the API's descriptions disagree.
func TestEachReadingOfTheAPIIsUnderstood(t *testing.T) {
	t.Parallel()
	item := func(p any, err error) (any, error) { return p, err }
	post := func(ctx context.Context, c *Client) (any, error) { p, err := c.Post(ctx, "p1"); return p.ID, err }
	upload := func(ctx context.Context, c *Client) (any, error) {
		m, err := c.UploadImage(ctx, File{Name: "a.png", Content: strings.NewReader(png)}, "post")
		return m.ID, err
	}
	profile := func(ctx context.Context, c *Client) (any, error) {
		p, err := c.Agent(ctx, "nova_ai")
		return []int{p.FollowerCount, p.FollowingCount, p.PostCount}, err
	}
	models := func(ctx context.Context, c *Client) (any, error) {
		p, err := c.Models(ctx, "OPENAI", "image")
		return p.Items[0].ID, err
	}
	job := func(ctx context.Context, c *Client) (any, error) {
		p, err := c.PendingJobs(ctx)
		j := p.Items[0]
		return []string{j.ID, j.Type, j.PostContent}, err
	}
	started := func(ctx context.Context, c *Client) (any, error) {
		s, err := c.RetryJob(ctx, "j1")
		return s.JobID, err
	}
	handleOf := func(ctx context.Context, c *Client) (any, error) {
		p, err := c.Agent(ctx, "@nova")
		return p.Handle, err
	}
	register := func(ctx context.Context, c *Client) (any, error) {
		r, err := c.Register(ctx, NewAgent{Handle: "nova_ai", Name: "Nova"})
		return []string{r.ClientID, r.ClientSecret.Reveal()}, err
	}
	created := func(ctx context.Context, c *Client) (any, error) {
		p, err := c.Timeline(ctx, PageQuery{})
		return p.Items[0].CreatedAt.Format(time.RFC3339Nano), err
	}
	list := func(ctx context.Context, c *Client) (any, error) {
		p, err := c.Timeline(ctx, PageQuery{})
		return len(p.Items), err
	}
	note := func(ctx context.Context, c *Client) (any, error) {
		p, err := c.Notifications(ctx, PageQuery{})
		n := p.Items[0]
		out := []any{n.Actor.Handle, n.Read, "", ""}
		if n.Post != nil {
			out[2] = n.Post.ID
		}
		if n.Comment != nil {
			out[3] = n.Comment.ID
		}
		return out, err
	}
	count := func(ctx context.Context, c *Client) (any, error) { return item(c.UnreadNotifications(ctx)) }
	partner := func(ctx context.Context, c *Client) (any, error) {
		p, err := c.Conversations(ctx, PageQuery{})
		return p.Items[0].Participant.Handle, err
	}
	preview := func(ctx context.Context, c *Client) (any, error) {
		p, err := c.Conversations(ctx, PageQuery{})
		return p.Items[0].LastMessage.Content, err
	}
	message := func(ctx context.Context, c *Client) (any, error) {
		p, err := c.Messages(ctx, "v1", PageQuery{})
		return []string{p.Items[0].SenderID, p.Items[0].Sender.Handle, p.Items[0].Content}, err
	}
	followers := func(ctx context.Context, c *Client) (any, error) {
		p, err := c.Followers(ctx, "nova", PageQuery{})
		return p.Items[0].Handle, err
	}
	following := func(ctx context.Context, c *Client) (any, error) {
		p, err := c.Following(ctx, "nova", PageQuery{})
		return p.Items[0].Handle, err
	}
	tags := func(ctx context.Context, c *Client) (any, error) {
		p, err := c.TrendingTags(ctx, 5)
		return p.Items[0], err
	}
	available := func(ctx context.Context, c *Client) (any, error) { s, err := c.Services(ctx); return s.Available, err }
	want := func(v ...any) any { return v }
	ada := `{"id":"a1","handle":"ada"}`

	for name, tc := range map[string]struct {
		body string
		call func(context.Context, *Client) (any, error)
		want any
	}{
		"single object wrapped":           {`{"post":{"id":"p1"}}`, post, "p1"},
		"single object bare":              {`{"id":"p1","post":"something else"}`, post, "p1"},
		"id as a number":                  {`{"post":{"id":17}}`, post, "17"},
		"byte order mark":                 {"\ufeff" + `{"post":{"id":"p1"}}`, post, "p1"},
		"upload id":                       {`{"id":"u1"}`, upload, "u1"},
		"upload media_id":                 {`{"media_id":"u1"}`, upload, "u1"},
		"upload mediaId":                  {`{"mediaId":"u1"}`, upload, "u1"},
		"upload under media":              {`{"media":{"media_id":"u1"}}`, upload, "u1"},
		"counts flat":                     {`{"agent":{"id":"a","followerCount":1,"followingCount":2,"postCount":3}}`, profile, []int{1, 2, 3}},
		"counts in stats":                 {`{"agent":{"id":"a","followerCount":null,"stats":{"followers":"1","following":2,"posts":3}}}`, profile, []int{1, 2, 3}},
		"models wrapped":                  {`{"models":[{"id":"m"}]}`, models, "m"},
		"models bare":                     {`[{"id":"m"}]`, models, "m"},
		"job as listed":                   {`{"jobs":[{"id":"j","type":"image","postContent":"x"}]}`, job, []string{"j", "image", "x"}},
		"job as started":                  {`{"jobs":[{"jobId":"j","generationType":"image","content":"x"}]}`, job, []string{"j", "image", "x"}},
		"started jobId":                   {`{"jobId":"j","status":"pending"}`, started, "j"},
		"started id":                      {`{"id":"j","status":"pending"}`, started, "j"},
		"started job":                     {`{"job":{"id":"j","status":"pending"}}`, started, "j"},
		"handle without @":                {`{"id":"a","handle":"Nova-AI"}`, handleOf, "Nova-AI"},
		"handle with @":                   {`{"id":"a","handle":"@nova"}`, handleOf, "nova"},
		"registration camelCase":          {`{"clientId":"c","clientSecret":"s"}`, register, []string{"c", "s"}},
		"registration snake_case":         {`{"client_id":"c","client_secret":"s"}`, register, []string{"c", "s"}},
		"time with three digits":          {`{"posts":[{"id":"p","createdAt":"2026-02-06T13:36:48.120Z"}]}`, created, "2026-02-06T13:36:48.12Z"},
		"time without fraction":           {`{"posts":[{"id":"p","createdAt":"2026-02-06T13:36:48Z"}]}`, created, "2026-02-06T13:36:48Z"},
		"time with microseconds":          {`{"posts":[{"id":"p","createdAt":"2026-02-06T13:36:48.000001+00:00"}]}`, created, "2026-02-06T13:36:48.000001Z"},
		"time in another zone":            {`{"posts":[{"id":"p","createdAt":"2026-02-06T15:36:48+02:00"}]}`, created, "2026-02-06T13:36:48Z"},
		"time in a leap second":           {`{"posts":[{"id":"p","createdAt":"2016-12-31T23:59:60Z"}]}`, created, "2017-01-01T00:00:00Z"},
		"time as milliseconds":            {`{"posts":[{"id":"p","createdAt":1770385008120}]}`, created, "2026-02-06T13:36:48.12Z"},
		"repost without text":             {`{"post":{"id":"p1","content":null,"repostOf":{"id":"p0"}}}`, post, "p1"},
		"list under its key":              {`{"posts":[{"id":"p"}],"items":[]}`, list, 1},
		"list under items":                {`{"items":[{"id":"p"}],"other":[]}`, list, 1},
		"list under data":                 {`{"data":[{"id":"p"}]}`, list, 1},
		"list under results":              {`{"results":[{"id":"p"}]}`, list, 1},
		"list bare":                       {`[{"id":"p"}]`, list, 1},
		"list the only array":             {`{"timeline":[{"id":"p"}],"total":1}`, list, 1},
		"list null":                       {`{"posts":null}`, list, 0},
		"actor":                           {`{"notifications":[{"id":"n","actor":` + ada + `,"read":true}]}`, note, want("ada", true, "", "")},
		"actor as agent":                  {`{"notifications":[{"id":"n","agent":` + ada + `,"isRead":true}]}`, note, want("ada", true, "", "")},
		"actor as fromAgent":              {`{"notifications":[{"id":"n","fromAgent":` + ada + `,"readAt":"2026-02-06T13:36:48Z"}]}`, note, want("ada", true, "", "")},
		"actor as sender":                 {`{"notifications":[{"id":"n","sender":` + ada + `,"readAt":null}]}`, note, want("ada", false, "", "")},
		"actor as from":                   {`{"notifications":[{"id":"n","from":` + ada + `,"read":"true"}]}`, note, want("ada", true, "", "")},
		"post object":                     {`{"notifications":[{"id":"n","post":{"id":"p"},"comment":{"id":"c"}}]}`, note, want("", false, "p", "c")},
		"postId, commentId":               {`{"notifications":[{"id":"n","postId":"p","commentId":"c"}]}`, note, want("", false, "p", "c")},
		"targetId":                        {`{"notifications":[{"id":"n","type":"LIKE","targetId":"p"}]}`, note, want("", false, "p", "")},
		"targetId of a follow":            {`{"notifications":[{"id":"n","type":"FOLLOW","targetId":"a"}]}`, note, want("", false, "", "")},
		"entityId":                        {`{"notifications":[{"id":"n","entityId":"p"}]}`, note, want("", false, "p", "")},
		"data.postId":                     {`{"notifications":[{"id":"n","data":{"postId":"p"}}]}`, note, want("", false, "p", "")},
		"count":                           {`{"count":3}`, count, 3},
		"unreadCount":                     {`{"unreadCount":"3"}`, count, 3},
		"unread":                          {`{"unread":3}`, count, 3},
		"total":                           {`{"total":3}`, count, 3},
		"a bare number":                   {`3`, count, 3},
		"participant":                     {`{"conversations":[{"id":"v","participant":` + ada + `}]}`, partner, "ada"},
		"otherParticipant":                {`{"conversations":[{"id":"v","otherParticipant":` + ada + `}]}`, partner, "ada"},
		"partner as agent":                {`{"conversations":[{"id":"v","agent":` + ada + `}]}`, partner, "ada"},
		"the other one of participants":   {`{"conversations":[{"id":"v","participants":[{"id":"me1","handle":"me_bot"},` + ada + `]}]}`, partner, "ada"},
		"participants that hold an agent": {`{"conversations":[{"id":"v","participants":[{"agent":` + ada + `},{"agent":{"id":"me1"}}]}]}`, partner, "ada"},
		"last message as an object":       {`{"conversations":[{"id":"v","lastMessage":{"id":"m","content":"hi"}}]}`, preview, "hi"},
		"last message as text":            {`{"conversations":[{"id":"v","lastMessage":"hi"}]}`, preview, "hi"},
		"sender":                          {`{"messages":[{"id":"m","sender":` + ada + `,"content":"x"}]}`, message, []string{"a1", "ada", "x"}},
		"sender as agent, text":           {`{"messages":[{"id":"m","agent":` + ada + `,"text":"x"}]}`, message, []string{"a1", "ada", "x"}},
		"sender as from, message":         {`{"messages":[{"id":"m","from":` + ada + `,"message":"x"}]}`, message, []string{"a1", "ada", "x"}},
		"senderId, body":                  {`{"messages":[{"id":"m","senderId":"a1","body":"x"}]}`, message, []string{"a1", "", "x"}},
		"messageId":                       {`{"messages":[{"messageId":"m","senderId":"a1","body":"x"}]}`, message, []string{"a1", "", "x"}},
		"followers":                       {`{"followers":[` + ada + `],"x":[]}`, followers, "ada"},
		"followers as agents":             {`{"agents":[` + ada + `],"x":[]}`, followers, "ada"},
		"followers as users":              {`{"users":[` + ada + `],"x":[]}`, followers, "ada"},
		"following":                       {`{"following":[` + ada + `],"x":[]}`, following, "ada"},
		"following as agents":             {`{"agents":[` + ada + `],"x":[]}`, following, "ada"},
		"tag, postCount":                  {`{"hashtags":[{"tag":"#orbit","postCount":9}]}`, tags, Tag{"orbit", 9}},
		"tag as name, count":              {`{"tags":[{"name":"orbit","count":9}],"x":[]}`, tags, Tag{"orbit", 9}},
		"tag as hashtag, posts":           {`{"trendingHashtags":[{"hashtag":"orbit","posts":9}],"x":[]}`, tags, Tag{"orbit", 9}},
		"providers as words":              {`{"services":[],"availableProviders":["OPENAI","FAL_AI"]}`, available, []string{"OPENAI", "FAL_AI"}},
		"providers as objects":            {`{"services":[],"availableProviders":[{"provider":"OPENAI"},{"name":"FAL_AI"}]}`, available, []string{"OPENAI", "FAL_AI"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.call(t.Context(), fixedClient(t, tc.body))
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
}

// TestAliasRowsAreUsed finds rows that no reader asks for and dotted names without a row.
func TestAliasRowsAreUsed(t *testing.T) {
	t.Parallel()
	names, err := os.ReadDir(".")
	require.NoError(t, err)
	var source strings.Builder
	for _, f := range names {
		if strings.HasSuffix(f.Name(), ".go") && !strings.HasSuffix(f.Name(), "_test.go") && f.Name() != "alias.go" {
			data, err := os.ReadFile(f.Name())
			require.NoError(t, err)
			source.Write(data)
		}
	}
	asked := map[string]bool{}
	for _, m := range regexp.MustCompile(`"([a-z]+\.[a-zA-Z]+|count|read)"`).FindAllStringSubmatch(source.String(), -1) {
		asked[m[1]] = true
	}
	for _, name := range slices.Sorted(maps.Keys(aliases)) {
		if key, isList := strings.CutPrefix(name, "list."); isList {
			require.Contains(t, source.String(), `"`+key+`"`, name)
			continue
		}
		require.True(t, asked[name], "%s is read by nobody", name)
	}
}

func TestErrorBodiesInEveryDialect(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, code, message string }{
		"plain":        {`{"error":"not_found","message":"No such post"}`, "not_found", "No such post"},
		"oauth":        {`{"error":"invalid_client","error_description":"Wrong"}`, "invalid_client", "Wrong"},
		"code only":    {`{"error":"forbidden"}`, "forbidden", ""},
		"message only": {`{"message":"No"}`, "", "No"},
		"nested":       {`{"error":{"code":"x","message":"No"}}`, "x", "No"},
		"html":         {`<html>secret internals`, "", ""},
		"empty":        {``, "", ""},
		"null":         {`null`, "", ""},
		"list":         {`["a"]`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := parseErrorBody([]byte(tc.body))
			require.Equal(t, tc.code, b.code)
			require.Equal(t, tc.message, b.message)
		})
	}
}

func TestUnknownWordsPassThrough(t *testing.T) {
	t.Parallel()
	c := fixedClient(t, `{"jobs":[{"id":"j","status":"queued_somewhere","provider":"NEW_ONE","type":"hologram"}]}`)
	p, err := c.PendingJobs(t.Context())
	require.NoError(t, err)
	require.Equal(t, Job{ID: "j", Status: "queued_somewhere", Provider: "NEW_ONE", Type: "hologram"}, p.Items[0])
}

func TestKeysInAProvidersMessageAreMasked(t *testing.T) {
	t.Parallel()
	c := fixedClient(t, `{"jobs":[{"id":"j","errorMessage":"Incorrect API key provided: sk-proj-abcdef0123456789. Authorization: Bearer abc.def.ghi"}]}`)
	p, err := c.PendingJobs(t.Context())
	require.NoError(t, err)
	require.Equal(t, "Incorrect API key provided: •••. Authorization: •••", p.Items[0].ErrorMessage)
}

func TestRepostsOfRepostsEndSomewhere(t *testing.T) {
	t.Parallel()
	body := `{"id":"p"}`
	for range 2000 {
		body = `{"id":"p","repostOf":` + body + `}`
	}
	p, err := fixedClient(t, body).Post(t.Context(), "p")
	require.NoError(t, err)
	depth := 0
	for q := p; q != nil; q = q.RepostOf {
		depth++
	}
	require.Equal(t, maxDepth+1, depth)
}

func TestSecretsOfAnOrderAreNotMarshalled(t *testing.T) {
	t.Parallel()
	c := fixedClient(t, `{"order":{"id":"o","status":"PENDING_PAYMENT"},"payment":{"clientSecret":"pi_secret"},"coinbaseCheckoutUrl":"https://pay.example/x"}`)
	o, err := c.PlaceOrder(t.Context(), "s1", "", "CARD")
	require.NoError(t, err)
	require.Equal(t, "pi_secret", o.Payment.ClientSecret.Reveal())
	require.Equal(t, "https://pay.example/x", o.Payment.CheckoutURL.Reveal())
	data, err := json.Marshal(o)
	require.NoError(t, err)
	require.NotContains(t, string(data), "secret")
	require.NotContains(t, string(data), "pay.example")
	text, err := json.Marshal(o.Payment.ClientSecret)
	require.NoError(t, err)
	require.Equal(t, `"•••"`, string(text))
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		shown := fmt.Sprintf(format, *o)
		require.NotContains(t, shown, "pi_secret", format)
		require.NotContains(t, shown, "pay.example", format)
	}
}

func TestAnalyticsKeepWhateverNumbersCome(t *testing.T) {
	t.Parallel()
	c := fixedClient(t, `{"range":"30d","current":{"posts":4,"likes":"20"},"changes":{"likes":25.5,"views":null},"list":[1,2],"word":"x"}`)
	o, err := c.Overview(t.Context(), "30d")
	require.NoError(t, err)
	data, err := json.Marshal(o)
	require.NoError(t, err)
	require.JSONEq(t, `{"range":"30d","numbers":[{"name":"current.posts","value":4},{"name":"current.likes","value":20},{"name":"changes.likes","value":25.5},{"name":"changes.views","value":null}]}`, string(data))
}

const png = "\x89PNG\r\n\x1a\n" + "0123456789"
