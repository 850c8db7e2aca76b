package main

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// upload is a file that somebody gives along.
type upload struct {
	name, kind string
	data       []byte
}

func picture() upload {
	return upload{"a.gif", "image/gif", []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")}
}

func film() upload {
	return upload{"clip.mp4", "video/mp4", append([]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), make([]byte, 100)...)}
}

// bench is where one column's commands are prepared: the agent that acts, and
// another one that it deals with, both without the program.
type bench struct {
	*testing.T
	box       *sandbox.Sandbox
	me, other *imagine.Client
	handle    string
}

// helper is who posts, sells and writes where a command needs somebody else.
const helper = "orbit_helper"

// goodKey is what services are connected with, and must be seen nowhere.
const goodKey = "sk-good-0123456789abcdef"

// arguments are what somebody types for a command, by the names of its arguments.
type arguments map[string]string

// row drives one command: what it needs is made first, and what is typed comes
// out of that.
type row struct {
	set  func(b *bench) arguments
	file func() upload // for the argument "file"

	slow   bool                             // waits for its turn: of registrations and sign-ins the program makes eight a minute
	before func(m *matrix, c *square) error // what has to be done through the door first; may set the arguments
}

func fixed(values arguments) row { return row{set: func(*bench) arguments { return values }} }

// adding makes something and adds what else is typed.
func adding(set func(*bench) arguments, more arguments) row {
	return row{set: func(b *bench) arguments {
		values := set(b)
		maps.Copy(values, more)
		return values
	}}
}

func (b *bench) act(a sandbox.Action) sandbox.Result {
	b.Helper()
	r, err := b.box.Act(a)
	require.NoError(b, err)
	return r
}

// must takes what was made, or ends the test.
func must[T any](b *bench, made T, err error) T {
	b.Helper()
	require.NoError(b, err)
	return made
}

func somebodysPost(b *bench) arguments {
	return arguments{"post": b.act(sandbox.Action{As: helper, Do: "post", Content: "Tides are high #sea"}).Post}
}

func ownPost(b *bench) arguments {
	p, err := b.me.CreatePost(b.Context(), imagine.NewPost{Content: "Docking ring done #orbit"})
	return arguments{"post": must(b, p, err).ID}
}

func ownComment(b *bench) arguments {
	values := somebodysPost(b)
	c, err := b.me.Comment(b.Context(), values["post"], "How heavy?", "")
	values["comment"] = must(b, c, err).ID
	return values
}

func started(b *bench) *imagine.Started {
	s, err := b.me.StartConversation(b.Context(), helper, "See you at dock 3")
	return must(b, s, err)
}

func conversation(b *bench) arguments { return arguments{"conversation": started(b).Conversation.ID} }

func message(b *bench) arguments { return arguments{"message": started(b).Message.ID} }

func service(provider string) func(*bench) arguments {
	return func(b *bench) arguments {
		s, err := b.me.ConnectService(b.Context(), provider, goodKey)
		must(b, s, err)
		return arguments{"provider": provider}
	}
}

// connected connects a service that the command finds by itself.
func connected(provider string, values arguments) row {
	return row{set: func(b *bench) arguments {
		service(provider)(b)
		b.room()
		return values
	}}
}

// room waits until no generation of the agent runs: there may be three.
func (b *bench) room() {
	b.Helper()
	require.Eventually(b, func() bool {
		return !slices.ContainsFunc(b.box.State().Jobs, func(j sandbox.JobState) bool {
			return j.Agent == b.handle && j.Status != "completed" && j.Status != "failed"
		})
	}, 10*time.Second, 5*time.Millisecond, "the generations end")
}

func generated(b *bench, prompt, end string) string {
	service("OPENAI")(b)
	b.room()
	j, err := b.me.Generate(b.Context(), imagine.NewJob{Provider: "OPENAI", Type: "image", Prompt: prompt})
	id := must(b, j, err).JobID
	require.Eventually(b, func() bool {
		for _, j := range b.box.State().Jobs {
			if j.ID == id {
				return j.Status == end
			}
		}
		return false
	}, 10*time.Second, 5*time.Millisecond, "the generation ends")
	return id
}

func failedJob(b *bench) arguments {
	return arguments{"job": generated(b, "a ring station sandbox:fail-once", "failed")}
}

func doneJob(b *bench) arguments {
	generated(b, "a ring station", "completed")
	return arguments{}
}

func sent(u upload) imagine.File {
	return imagine.File{Name: u.name, ContentType: u.kind, Size: int64(len(u.data)), Content: bytes.NewReader(u.data)}
}

func ownMedia(b *bench) arguments {
	m, err := b.me.UploadImage(b.Context(), sent(picture()), "post")
	return arguments{"media": must(b, m, err).ID}
}

func ownByte(b *bench) arguments {
	m, err := b.me.UploadVideo(b.Context(), sent(film()), "byte")
	id := must(b, m, err).ID
	b.box.Clock().Advance(10 * time.Second) // it is worked on
	x, err := b.me.CreateByte(b.Context(), id, "One lap")
	return arguments{"byte": must(b, x, err).ID}
}

// offered is a listing of an agent that can be paid for it.
func offered(b *bench, by *imagine.Client) string {
	l, err := by.CreateListing(b.Context(), imagine.NewListing{Title: "A tide table", Description: "For any shore.", Price: 1200, DeliveryDays: 2, Category: "data"})
	id := must(b, l, err).ID
	_, err = by.SetUpPaymentAccount(b.Context(), "")
	require.NoError(b, err)
	return id
}

func ownListing(b *bench) arguments { return arguments{"service": offered(b, b.me)} }

func placed(b *bench, seller, buyer *imagine.Client) string {
	p, err := buyer.PlaceOrder(b.Context(), offered(b, seller), "North shore, please", "CARD")
	return must(b, p, err).Order.ID
}

func ownOrder(b *bench) arguments { return arguments{"order": placed(b, b.other, b.me)} }

// sold is an order that was paid, delivered and accepted.
func sold(b *bench, seller, buyer *imagine.Client) string {
	order := placed(b, seller, buyer)
	b.box.Clock().Advance(time.Minute) // the buyer pays
	for _, step := range []struct {
		who          *imagine.Client
		action, text string
	}{{seller, "start", ""}, {seller, "deliver", "Here it is"}, {buyer, "accept", ""}} {
		_, err := step.who.UpdateOrder(b.Context(), order, step.action, step.text)
		require.NoError(b, err, step.action)
	}
	return order
}

func ownPayout(b *bench) arguments {
	sold(b, b.me, b.other)
	list, err := b.me.Payouts(b.Context(), "PENDING", imagine.PageQuery{})
	require.NotEmpty(b, must(b, list, err).Items)
	return arguments{"payout": list.Items[0].ID}
}

// done has the acting agent do something to a post first.
func done(do func(b *bench, post string) error) row {
	return row{set: func(b *bench) arguments {
		values := somebodysPost(b)
		require.NoError(b, do(b, values["post"]))
		return values
	}}
}

// rows drive every command of the table.
func rows() map[string]row {
	out := map[string]row{}
	for _, some := range []map[string]row{postRows(), agentRows(), talkRows(), makeRows(), tradeRows(), subscribeRows(), deadRows(), tenantRows()} {
		maps.Copy(out, some)
	}
	return out
}

func postRows() map[string]row {
	return map[string]row{
		"post create":         fixed(arguments{"text": "Hello <docks> & #orbit"}),
		"post show":           {set: somebodysPost},
		"post like":           {set: somebodysPost},
		"post unlike":         done(func(b *bench, p string) error { _, err := b.me.Like(b.Context(), p); return err }),
		"post comment":        adding(somebodysPost, arguments{"text": "How heavy?"}),
		"post comments":       {set: func(b *bench) arguments { return arguments{"post": ownComment(b)["post"], "limit": "5"} }},
		"post repost":         {set: somebodysPost},
		"post quote":          adding(somebodysPost, arguments{"text": "Worth a look"}),
		"post delete":         {set: ownPost},
		"post likes":          done(func(b *bench, p string) error { _, err := b.me.Like(b.Context(), p); return err }),
		"post reposts":        done(func(b *bench, p string) error { _, err := b.me.Repost(b.Context(), p); return err }),
		"post unrepost":       done(func(b *bench, p string) error { _, err := b.me.Repost(b.Context(), p); return err }),
		"post amplify":        {set: somebodysPost},
		"post unamplify":      done(func(b *bench, p string) error { _, err := b.me.Amplify(b.Context(), p); return err }),
		"post delete-comment": {set: ownComment},
		"post scheduled":      {set: nothing, before: scheduled},
		"post unschedule":     {set: nothing, before: scheduled},
		"feed home":           fixed(arguments{"limit": "2"}),
		"feed public":         fixed(arguments{"limit": "2"}),
		"search find":         fixed(arguments{"query": "orbit", "type": "posts", "limit": "2"}),
		"search trending":     fixed(arguments{"section": "hashtags", "limit": "3"}),
		"search tags":         fixed(arguments{"limit": "3"}),
		"search tag":          fixed(arguments{"tag": "orbit", "limit": "2"}),
		"report send":         adding(somebodysPost, arguments{"reason": "SPAM", "text": "The same again and again"}),
	}
}

func agentRows() map[string]row {
	who := fixed(arguments{"handle": helper})
	return map[string]row{
		"agent follow":      who,
		"agent unfollow":    who,
		"agent show":        who,
		"agent check":       who,
		"agent list":        fixed(arguments{"type": "CREATIVE", "verified": "true", "limit": "2"}),
		"agent followers":   fixed(arguments{"handle": "nova_ai", "limit": "2"}),
		"agent following":   fixed(arguments{"handle": "nova_ai", "limit": "2"}),
		"agent similar":     fixed(arguments{"handle": "nova_ai", "limit": "2"}),
		"agent recommended": fixed(arguments{"type": "agents", "limit": "2"}),
		"agent likes":       fixed(arguments{"handle": "nova_ai", "limit": "2"}),
		"agent xp":          fixed(arguments{}),

		"profile show":          fixed(arguments{}),
		"profile edit":          fixed(arguments{"bio": "I draw rings.", "name": "Ring Drawer"}),
		"profile avatar":        {set: func(*bench) arguments { return arguments{} }, file: picture},
		"profile avatar-remove": fixed(arguments{}),
		"profile register": {slow: true, set: func(b *bench) arguments {
			return arguments{"handle": strings.Replace(b.handle, "orbit", "comet", 1), "name": "Comet Two", "type": "ANALYST"}
		}},
		"profile capabilities":       fixed(arguments{}),
		"profile capabilities-edit":  fixed(arguments{"skills": "drawing,docking", "response_time": "1h"}),
		"profile capabilities-clear": fixed(arguments{}),

		"stats overview": fixed(arguments{"range": "7d"}),
		"stats posts":    fixed(arguments{"sort": "likes", "limit": "2"}),
		"hook show":      fixed(arguments{}),
		"hook set":       fixed(arguments{"url": "https://hook.example/poke"}),
		"hook remove": {set: func(b *bench) arguments {
			_, err := b.me.SetWebhook(b.Context(), imagine.WebhookChange{URL: "https://hook.example/poke"})
			require.NoError(b, err)
			return arguments{}
		}},
	}
}

func talkRows() map[string]row {
	return map[string]row{
		"dm start":               fixed(arguments{"handle": helper, "text": "See you at dock 3"}),
		"dm list":                {set: func(b *bench) arguments { conversation(b); return arguments{} }},
		"dm read":                adding(conversation, arguments{"limit": "5"}),
		"dm send":                adding(conversation, arguments{"text": "At noon"}),
		"dm mark-read":           {set: conversation},
		"dm unread":              fixed(arguments{}),
		"dm show":                {set: message},
		"dm delete":              {set: message},
		"dm delete-conversation": {set: conversation},
		"notify list":            fixed(arguments{"limit": "2", "unread": "true"}),
		"notify count":           fixed(arguments{}),
		"notify mark-read":       fixed(arguments{"all": "true"}),
	}
}

func makeRows() map[string]row {
	file := func(u func() upload, values arguments) row {
		return row{set: func(*bench) arguments { return values }, file: u}
	}
	return map[string]row{
		"media image":      file(picture, arguments{}),
		"media video":      file(film, arguments{}),
		"media list":       {set: func(b *bench) arguments { ownMedia(b); return arguments{"type": "image", "limit": "2"} }},
		"media delete":     {set: ownMedia},
		"generate image":   connected("OPENAI", arguments{"prompt": "a ring station", "size": "1024x1024", "post_text": "Look #orbit"}),
		"generate video":   connected("RUNWARE", arguments{"prompt": "a docking", "aspect": "9:16", "duration": "5", "cfg": "7.5"}),
		"generate voice":   connected("ELEVENLABS", arguments{"prompt": "Welcome aboard", "voice": "EXAVITQu4vr4xnSDxMaL"}),
		"generate sound":   connected("ELEVENLABS", arguments{"prompt": "an airlock", "seconds": "2.5"}),
		"generate music":   connected("ELEVENLABS", arguments{"prompt": "a waltz", "seconds": "30"}),
		"generate pending": {set: func(b *bench) arguments { failedJob(b); return arguments{} }},
		"generate history": adding(doneJob, arguments{"limit": "2", "status": "completed"}),
		"generate models":  adding(service("OPENAI"), arguments{"type": "image"}),
		"generate retry":   {set: failedJob},
		"generate voices":  connected("ELEVENLABS", arguments{}),
		"byte list":        fixed(arguments{"limit": "2"}),
		"byte create":      file(film, arguments{"caption": "One lap"}),
		"byte show":        {set: ownByte},
		"byte delete":      {set: ownByte},
		"byte like":        {set: ownByte},
		"byte unlike":      {set: ownByte},
		"byte comment":     adding(ownByte, arguments{"text": "Fast"}),
		"byte comments":    {set: ownByte},
	}
}

func tradeRows() map[string]row {
	return map[string]row{
		"market list":    fixed(arguments{"limit": "2", "sort": "price"}),
		"market show":    {set: ownListing},
		"market create":  fixed(arguments{"title": "A station logo", "description": "Drawn by hand.", "price": "500", "days": "3", "category": "design", "tags": "logo,station"}),
		"market edit":    adding(ownListing, arguments{"price": "700", "days": "1"}),
		"market delete":  {set: ownListing},
		"market reviews": {set: ownListing},

		"order place": {set: func(b *bench) arguments {
			return arguments{"service": offered(b, b.other), "requirements": "North shore, please", "payment": "CARD"}
		}},
		"order list":   {set: func(b *bench) arguments { ownOrder(b); return arguments{"role": "buyer"} }},
		"order show":   {set: ownOrder},
		"order update": adding(ownOrder, arguments{"action": "cancel"}),
		"order review": {set: func(b *bench) arguments {
			return arguments{"order": sold(b, b.other, b.me), "rating": "5", "text": "Right to the minute"}
		}},
		"order messages": {set: ownOrder},
		"order message":  adding(ownOrder, arguments{"text": "When will it be done?"}),
		"order payouts":  fixed(arguments{}),
		"order payout":   {set: ownPayout},
		"order account":  fixed(arguments{}),
		"order onboard":  fixed(arguments{}),

		"service list":       connected("OPENAI", arguments{}),
		"service connect":    fixed(arguments{"provider": "OPENAI", "key": goodKey}),
		"service toggle":     adding(service("OPENAI"), arguments{"active": "false"}),
		"service disconnect": {set: service("OPENAI")},
		"service test":       {set: service("OPENAI")},
	}
}
