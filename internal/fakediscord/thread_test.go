package fakediscord_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

func TestThreadOfAMessage(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	root := do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"root"`)).id(t)
	path := "/channels/" + ch + "/messages/" + root + "/threads"

	for body, where := range map[string]string{
		`{"name":""}`: "name", `{"name":"` + strings.Repeat("x", 101) + `"}`: "name",
		`{"name":"n","auto_archive_duration":61}`: "auto_archive_duration", `{}`: "name",
	} {
		require.Contains(t, string(do(t, fake, http.MethodPost, path, body).body), where)
	}
	made := do(t, fake, http.MethodPost, path, `{"name":"DM · Ada","auto_archive_duration":4320}`)
	require.Equal(t, http.StatusCreated, made.status, "%s", made.body)
	require.Equal(t, root, made.id(t), "the thread's id is the message's")
	require.Equal(t, 160004, do(t, fake, http.MethodPost, path, `{"name":"again"}`).code(t))
	require.Equal(t, []string{root}, fake.Threads(ch))

	require.Equal(t, 200, do(t, fake, http.MethodPost, "/channels/"+root+"/messages", quiet(`"content":"in it"`)).status)
	require.Len(t, fake.Messages(root), 1)
	require.Contains(t, string(do(t, fake, http.MethodGet, "/channels/"+ch+"/messages/"+root, "").body), `"message_count":1`)
	require.Equal(t, 50024, do(t, fake, http.MethodPost, "/channels/"+root+"/messages/"+fake.Messages(root)[0].ID+"/threads", `{"name":"n"}`).code(t), "no thread in a thread")
}

func TestArchivedAndLockedThreads(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	root := do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"root"`)).id(t)
	do(t, fake, http.MethodPost, "/channels/"+ch+"/messages/"+root+"/threads", `{"name":"n"}`)
	reply := do(t, fake, http.MethodPost, "/channels/"+root+"/messages", quiet(`"content":"a"`)).id(t)

	fake.Archive(root, true)
	edit := "/channels/" + root + "/messages/" + reply
	require.Equal(t, 50083, do(t, fake, http.MethodPatch, edit, quiet(`"content":"b"`)).code(t))
	require.Equal(t, 50083, do(t, fake, http.MethodPut, edit+"/reactions/%E2%9C%85/@me", "").code(t))
	require.Equal(t, 200, do(t, fake, http.MethodPost, "/channels/"+root+"/messages", quiet(`"content":"c"`)).status, "sending unarchives")
	require.Equal(t, 200, do(t, fake, http.MethodPatch, edit, quiet(`"content":"b"`)).status)

	fake.Archive(root, true)
	fake.Lock(root, true)
	require.Equal(t, 160005, do(t, fake, http.MethodPost, "/channels/"+root+"/messages", quiet(`"content":"d"`)).code(t))

	fake.Lock(root, false)
	fake.SetPermissions(ch, all&^fakediscord.PermSendInThreads)
	require.Equal(t, 50013, do(t, fake, http.MethodPost, "/channels/"+root+"/messages", quiet(`"content":"d"`)).code(t), "sending in the parent isn't enough")
}

func TestThreadCapAndChannelTypes(t *testing.T) {
	t.Parallel()
	o := quick()
	o.ActiveThreads = 1
	fake, ch := start(t, o)
	a := fake.Say("ada", ch, "a", "", false)
	b := fake.Say("ada", ch, "b", "", false)
	require.Equal(t, 201, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages/"+a+"/threads", `{"name":"n"}`).status)
	require.Equal(t, 160006, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages/"+b+"/threads", `{"name":"n"}`).code(t))
	dm := fake.DM("ada")
	m := fake.Say("ada", dm, "x", "", false)
	require.Equal(t, 50024, do(t, fake, http.MethodPost, "/channels/"+dm+"/messages/"+m+"/threads", `{"name":"n"}`).code(t))

	g := fake.Guild("Board")
	forum := fake.ChannelOf(g, "ideas", fakediscord.ChannelForum)
	require.Equal(t, 50008, do(t, fake, http.MethodPost, "/channels/"+forum+"/messages", quiet(`"content":"c"`)).code(t))
	require.Equal(t, 50035, do(t, fake, http.MethodPost, "/channels/"+forum+"/threads", `{"name":"n"}`).code(t))
	post := do(t, fake, http.MethodPost, "/channels/"+forum+"/threads", `{"name":"n","message":`+quiet(`"content":"first"`)+`}`)
	require.Equal(t, 201, post.status, "%s", post.body)
	require.Equal(t, post.id(t), fake.Messages(post.id(t))[0].ID, "post and first message share an id")

	news := fake.ChannelOf(fake.Guild("News"), "news", fakediscord.ChannelAnnouncement)
	id := fake.Say("ada", news, "x", "", false)
	require.Contains(t, string(do(t, fake, http.MethodPost, "/channels/"+news+"/messages/"+id+"/threads", `{"name":"n"}`).body), `"type":10`)
}

func TestReactions(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	path := "/channels/" + ch + "/messages/" + fake.Say("ada", ch, "x", "", false) + "/reactions/"
	require.Equal(t, 10014, do(t, fake, http.MethodPut, path+"ok/@me", "").code(t))
	require.Empty(t, fake.Messages(ch)[0].Reactions)
	fresh, ch2 := start(t, fakediscord.Options{})
	path = "/channels/" + ch2 + "/messages/" + fresh.Say("ada", ch2, "x", "", false) + "/reactions/%E2%9C%85/@me"
	require.Equal(t, 204, do(t, fresh, http.MethodPut, path, "").status)
	require.Equal(t, "✅", fresh.Messages(ch2)[0].Reactions[0].Emoji.Name)
	require.Equal(t, 429, do(t, fresh, http.MethodDelete, path, "").status, "one in 250 ms, adding and removing together")
}

func TestThreadsAreChangedAndListed(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	guild := fake.Guild("Second")
	second := fake.Channel(guild, "general")
	fake.SetPermissions(second, all|fakediscord.PermCreatePrivateThreads)
	own := do(t, fake, http.MethodPost, "/channels/"+second+"/threads", `{"name":"secret"}`)
	require.Contains(t, string(own.body), `"type":12`, "private unless told otherwise")
	open := do(t, fake, http.MethodPost, "/channels/"+second+"/threads", `{"name":"open","type":11}`).id(t)
	active := "/guilds/" + guild + "/threads/active"
	require.Equal(t, 2, strings.Count(string(do(t, fake, http.MethodGet, active, "").body), `"thread_metadata"`))

	require.Equal(t, 50013, do(t, fake, http.MethodPatch, "/channels/"+open, `{"locked":true}`).code(t), "needs MANAGE_THREADS")
	require.Equal(t, 200, do(t, fake, http.MethodPatch, "/channels/"+open, `{"name":"renamed","archived":true,"auto_archive_duration":60}`).status)
	require.Equal(t, "#general › renamed (archived)\n", fake.Screen(open))
	require.Equal(t, 50083, do(t, fake, http.MethodPatch, "/channels/"+open, `{"name":"again"}`).code(t))
	require.Equal(t, 1, strings.Count(string(do(t, fake, http.MethodGet, active, "").body), `"thread_metadata"`))
	fake.SetPermissions(second, all|fakediscord.PermManageThreads)
	require.Equal(t, 200, do(t, fake, http.MethodPatch, "/channels/"+open, `{"archived":false,"locked":true}`).status)
	require.Equal(t, "#general › renamed (locked)\n", fake.Screen(open))
	require.Equal(t, 50013, do(t, fake, http.MethodPatch, "/channels/"+ch, `{"name":"x"}`).code(t), "channels are the administrators'")
	fake.DeleteChannel(open)
	require.Equal(t, 10003, do(t, fake, http.MethodGet, "/channels/"+open, "").code(t))
	require.Equal(t, 204, do(t, fake, http.MethodDelete, "/users/@me/guilds/"+guild, "").status)
	require.Equal(t, 10004, do(t, fake, http.MethodGet, active, "").code(t))
}

func TestOwnReactionsAreTakenBack(t *testing.T) {
	t.Parallel()
	o := quick()
	for _, m := range []string{http.MethodPut, http.MethodDelete} {
		o.Limits[m+" /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me"] = fakediscord.Limit{}
	}
	fake, ch := start(t, o)
	path := "/channels/" + ch + "/messages/" + fake.Say("ada", ch, "x", "", false) + "/reactions/blob:123/@me"
	for range 2 {
		require.Equal(t, 204, do(t, fake, http.MethodPut, path, "").status)
	}
	require.Contains(t, fake.Screen(ch), "blob:123 1\n")
	require.Equal(t, 204, do(t, fake, http.MethodDelete, path, "").status)
	require.Empty(t, fake.Messages(ch)[0].Reactions)
}
