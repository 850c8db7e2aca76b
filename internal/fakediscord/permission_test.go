package fakediscord_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

const all = fakediscord.DefaultPermissions

// Each missing permission is answered as Discord answers it, and nothing is
// made.
func TestPermissions(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	first := fake.Say("ada", ch, "hello", "", false)
	messages := "/channels/" + ch + "/messages"
	for name, tc := range map[string]struct {
		without            uint64
		method, path, body string
		code               int
	}{
		"view":    {fakediscord.PermViewChannel, http.MethodPost, messages, quiet(`"content":"c"`), 50001},
		"look":    {fakediscord.PermViewChannel, http.MethodGet, "/channels/" + ch, "", 50001},
		"send":    {fakediscord.PermSendMessages, http.MethodPost, messages, quiet(`"content":"c"`), 50013},
		"embed":   {fakediscord.PermEmbedLinks, http.MethodPost, messages, quiet(`"embeds":[{"title":"t"}]`), 50013},
		"reply":   {fakediscord.PermReadHistory, http.MethodPost, messages, quiet(`"content":"c","message_reference":{"message_id":"` + first + `"}`), 160002},
		"read":    {fakediscord.PermReadHistory, http.MethodGet, messages + "/" + first, "", 50001},
		"react":   {fakediscord.PermAddReactions, http.MethodPut, messages + "/" + first + "/reactions/%E2%9C%85/@me", "", 50013},
		"thread":  {fakediscord.PermCreatePublicThreads, http.MethodPost, messages + "/" + first + "/threads", `{"name":"n"}`, 50013},
		"private": {fakediscord.PermCreatePrivateThreads, http.MethodPost, "/channels/" + ch + "/threads", `{"name":"n"}`, 50013},
	} {
		fake.SetPermissions(ch, all&^tc.without)
		a := do(t, fake, tc.method, tc.path, tc.body)
		require.Equal(t, tc.code, a.code(t), name)
		require.Len(t, fake.Messages(ch), 1, name)
	}
	fake.SetPermissions(ch, all&^fakediscord.PermReadHistory)
	require.JSONEq(t, `[]`, string(do(t, fake, http.MethodGet, messages, "").body), "the list is empty instead")
	fake.SetPermissions(ch, all&^fakediscord.PermAttachFiles)
	require.Equal(t, 50013, send(t, upload(t, fake, messages, quiet(""), map[string]string{"files[0]=a.txt": "x"})).code(t))
	fake.SetPermissions(ch, all)
	require.Equal(t, 200, do(t, fake, http.MethodPost, messages, quiet(`"content":"c"`)).status)
	require.Empty(t, fake.Faults())
}

func TestWhatIsGoneIsUnknown(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	require.Equal(t, 10003, do(t, fake, http.MethodGet, "/channels/1", "").code(t))
	require.Equal(t, 10004, do(t, fake, http.MethodGet, "/guilds/1", "").code(t))
	g := fake.Guild("Short")
	gone := fake.Channel(g, "gone")
	fake.DeleteChannel(gone)
	require.Equal(t, 10003, do(t, fake, http.MethodPost, "/channels/"+gone+"/messages", quiet(`"content":"c"`)).code(t))
	left := fake.Channel(g, "left")
	fake.Remove(g)
	require.Equal(t, 50001, do(t, fake, http.MethodPost, "/channels/"+left+"/messages", quiet(`"content":"c"`)).code(t))
	require.Equal(t, 10004, do(t, fake, http.MethodGet, "/guilds/"+g, "").code(t))
	fake.Install(g, all)
	require.Equal(t, 200, do(t, fake, http.MethodPost, "/channels/"+left+"/messages", quiet(`"content":"c"`)).status)
	voice := fake.ChannelOf(g, "category", fakediscord.ChannelCategory)
	require.Equal(t, 50008, do(t, fake, http.MethodPost, "/channels/"+voice+"/messages", quiet(`"content":"c"`)).code(t))
	require.Equal(t, 10013, do(t, fake, http.MethodPost, "/users/@me/channels", `{"recipient_id":"1"}`).code(t))
	require.Empty(t, fake.Messages(ch))
}

// What a check of the set-up reads.
func TestReadsForACheck(t *testing.T) {
	t.Parallel()
	o := quick()
	o.MessageContent = true
	fake, ch := start(t, o)
	for path, want := range map[string]string{
		"/users/@me":        `"username":"ImagineBridge"`,
		"/users/@me/guilds": `"permissions":"309237763136"`,
		"/applications/@me": `"flags":524288`,
		"/channels/" + ch:   `"name":"agents"`,
		"/gateway":          `"url":"ws://127.0.0.1:`,
		"/gateway/bot":      `"session_start_limit":{"max_concurrency":1,"remaining":1000`,
	} {
		a := do(t, fake, http.MethodGet, path, "")
		require.Equal(t, 200, a.status, path)
		require.Contains(t, string(a.body), want, path)
	}
	g := fake.Guild("Second")
	fake.Channel(g, "general")
	for path, want := range map[string]string{
		"/guilds/" + g:                 `"name":"@everyone"`,
		"/guilds/" + g + "/roles":      `"permissions":"309237763136"`,
		"/guilds/" + g + "/channels":   `"name":"general"`,
		"/guilds/" + g + "/members/@x": `"code":10007`,
		"/guilds/" + g + "/members/" + fakediscord.DefaultApplicationID: `"joined_at"`,
	} {
		require.Contains(t, string(do(t, fake, http.MethodGet, path, "").body), want, path)
	}
	require.Empty(t, fake.Faults())
}

func TestDirectMessages(t *testing.T) {
	t.Parallel()
	fake, _ := start(t, quick())
	dm := do(t, fake, http.MethodPost, "/users/@me/channels", `{"recipient_id":"`+fake.User("ada")+`"}`).id(t)
	require.Equal(t, dm, fake.DM("ada"), "the same channel every time")
	require.Equal(t, 200, do(t, fake, http.MethodPost, "/channels/"+dm+"/messages", quiet(`"content":"c"`)).status)
	fake.CloseDMs("ada", true)
	require.Equal(t, 50007, do(t, fake, http.MethodPost, "/channels/"+dm+"/messages", quiet(`"content":"c"`)).code(t))
}
