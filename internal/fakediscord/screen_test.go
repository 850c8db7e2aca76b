package fakediscord_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestScreenShowsWhatPeopleSee(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	root := do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"flags":4096,"embeds":[
		{"author":{"name":"Ada","url":"https://a.example/#x","icon_url":"https://a.example/i.png"},"title":"Comment","url":"https://a.example/p","description":"one\ntwo","color":255,
		 "fields":[{"name":"Your post","value":"first\nsecond"}],"image":{"url":"https://a.example/p.png"},"footer":{"text":"my_agent"},"timestamp":"2026-02-06T13:36:48Z"},
		{"url":"https://a.example/p","description":"same url, not shown"}],
		"components":[{"type":1,"components":[{"type":2,"style":1,"label":"Reply","custom_id":"r"},{"type":2,"style":5,"label":"Open","url":"https://a.example/p"}]},
		 {"type":1,"components":[{"type":3,"custom_id":"m","placeholder":"Which","options":[{"label":"A","value":"a","default":true},{"label":"B","value":"b"}]}]}]`)).id(t)
	do(t, fake, http.MethodPost, "/channels/"+ch+"/messages/"+root+"/threads", `{"name":"talk"}`)
	fake.Say("grace", root, "hello", "", false)
	fake.Say("grace", ch, "agreed", root, true)
	do(t, fake, http.MethodPatch, "/channels/"+ch+"/messages/"+root, quiet(`"content":"new"`))
	require.Equal(t, `#agents

ImagineBridge [APP] (silent) (edited)
  new
  ┌ #0000ff
  │ Ada <https://a.example/#x> icon https://a.example/i.png
  │ ## Comment <https://a.example/p>
  │ one
  │ two
  │ • Your post: first ⏎ second
  │ [image] https://a.example/p.png
  └ my_agent · 2026-02-06T13:36:48Z
  [!Reply] [Open ↗ https://a.example/p]
  <Which: ✓A, B ▾>
  ╰ thread "talk", 1 messages

╭ to ImagineBridge: new
grace
  agreed
  (pings ImagineBridge)
`, fake.Screen(ch))
	require.Equal(t, "#agents › talk\n\ngrace\n  hello\n", fake.Screen(root))
	require.Empty(t, fake.Faults())
}

func TestScreenOfALayoutMessage(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	a := do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"flags":32768,"components":[{"type":17,"components":[
		{"type":9,"components":[{"type":10,"content":"words"}],"accessory":{"type":2,"style":4,"label":"Delete","custom_id":"d","emoji":{"name":"🗑"}}},
		{"type":14},{"type":12,"items":[{"media":{"url":"https://a.example/p.png"}}]}]}]`))
	require.Equal(t, 200, a.status, "%s", a.body)
	require.Equal(t, 50035, do(t, fake, http.MethodPatch, "/channels/"+ch+"/messages/"+a.id(t), quiet(`"content":"c"`)).code(t), "it stays a layout message")
	require.Equal(t, "#agents\n\nImagineBridge [APP]\n  words\n  [✖🗑 Delete]\n  ────\n  [media] https://a.example/p.png\n", fake.Screen(ch))
	require.Equal(t, "(no such channel)\n", fake.Screen("1"))
	require.Equal(t, "@ada\n", fake.Screen(fake.DM("ada")))
}
