package fakediscord_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

func TestCreateThenReadEditDelete(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())

	made := do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"one","nonce":"n1","enforce_nonce":true`))
	require.Equal(t, http.StatusOK, made.status, "%s", made.body)
	require.Contains(t, string(made.body), `"nonce":"n1"`)

	path := "/channels/" + ch + "/messages/" + made.id(t)
	read := do(t, fake, http.MethodGet, path, "")
	require.Equal(t, http.StatusOK, read.status)
	require.NotContains(t, string(read.body), "nonce", "a fetched message carries no nonce")

	require.Equal(t, http.StatusOK, do(t, fake, http.MethodPatch, path, quiet(`"content":"two"`)).status)
	got := fake.Messages(ch)
	require.Len(t, got, 1)
	require.Equal(t, "two", got[0].Content)
	require.NotNil(t, got[0].EditedTimestamp)
	require.Equal(t, "n1", got[0].Nonce)

	require.Equal(t, http.StatusNoContent, do(t, fake, http.MethodDelete, path, "").status)
	require.Empty(t, fake.Messages(ch))
	require.Equal(t, 10008, do(t, fake, http.MethodPatch, path, quiet(`"content":"three"`)).code(t))
	require.Empty(t, fake.Faults())
}

func TestNonceMakesOneMessage(t *testing.T) {
	t.Parallel()
	clock := &steps{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	o := quick()
	o.Now = clock.Now
	fake, ch := start(t, o)
	body := quiet(`"content":"once","nonce":"abc","enforce_nonce":true`)

	first := do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", body).id(t)
	require.Equal(t, first, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", body).id(t))
	require.Len(t, fake.Messages(ch), 1)
	require.Equal(t, 1, fake.Stats().Deduplicated)

	fake.Delete(ch, first)
	require.Equal(t, 10008, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", body).code(t), "deleted since")

	clock.Add(4 * time.Minute)
	require.NotEqual(t, first, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", body).id(t), "the window has passed")

	unenforced := quiet(`"content":"twice","nonce":"xyz"`)
	do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", unenforced)
	do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", unenforced)
	require.Len(t, fake.Messages(ch), 3)
}

// Each wrong body is refused with a form error at the path, and written down.
func TestWrongBodiesAreRefused(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	long := func(n int) string { return strings.Repeat("x", n) }
	row := func(components string) string {
		return `"content":"c","components":[{"type":1,"components":[` + components + `]}]`
	}
	const ok = `{"type":2,"style":2,"label":"A","custom_id":"a"}`
	for name, tc := range map[string]struct{ fields, path string }{
		"content over 2000":        {`"content":"` + long(2001) + `"`, `"content"`},
		"content of another type":  {`"content":7`, `"content"`},
		"wide characters count 2":  {`"content":"` + strings.Repeat("😀", 1001) + `"`, `"content"`},
		"title over 256":           {`"embeds":[{"title":"` + long(257) + `"}]`, `"title"`},
		"description over 4096":    {`"embeds":[{"description":"` + long(4097) + `"}]`, `"description"`},
		"field without value":      {`"embeds":[{"fields":[{"name":"n","value":""}]}]`, `"value"`},
		"field value over 1024":    {`"embeds":[{"fields":[{"name":"n","value":"` + long(1025) + `"}]}]`, `"value"`},
		"26 fields":                {`"embeds":[{"fields":[` + strings.TrimSuffix(strings.Repeat(`{"name":"n","value":"v"},`, 26), ",") + `]}]`, `"fields"`},
		"author without name":      {`"embeds":[{"title":"t","author":{"url":"https://a.example"}}]`, `"name"`},
		"footer without text":      {`"embeds":[{"title":"t","footer":{"text":" "}}]`, `"text"`},
		"footer over 2048":         {`"embeds":[{"footer":{"text":"` + long(2049) + `"}}]`, `"text"`},
		"embed url of ftp":         {`"embeds":[{"title":"t","url":"ftp://a.example"}]`, `"url"`},
		"image url relative":       {`"embeds":[{"image":{"url":"/a.png"}}]`, `"url"`},
		"color too large":          {`"embeds":[{"title":"t","color":16777216}]`, `"color"`},
		"timestamp not ISO":        {`"embeds":[{"title":"t","timestamp":"yesterday"}]`, `"timestamp"`},
		"11 embeds":                {`"embeds":[` + strings.TrimSuffix(strings.Repeat(`{"title":"t"},`, 11), ",") + `]`, `"embeds"`},
		"6001 over all embeds":     {`"embeds":[{"description":"` + long(4000) + `"},{"description":"` + long(2001) + `"}]`, `MAX_EMBED_SIZE_EXCEEDED`},
		"embed with nothing":       {`"embeds":[{"color":1}]`, `EMBED_EMPTY`},
		"6 rows":                   {`"content":"c","components":[` + strings.TrimSuffix(strings.Repeat(`{"type":1,"components":[`+ok+`]},`, 6), ",") + `]`, `"components"`},
		"6 buttons":                {row(`{"type":2,"style":2,"label":"1","custom_id":"1"},{"type":2,"style":2,"label":"2","custom_id":"2"},{"type":2,"style":2,"label":"3","custom_id":"3"},{"type":2,"style":2,"label":"4","custom_id":"4"},{"type":2,"style":2,"label":"5","custom_id":"5"},{"type":2,"style":2,"label":"6","custom_id":"6"}`), `"components"`},
		"button outside a row":     {`"content":"c","components":[` + ok + `]`, `UNION_TYPE_CHOICES`},
		"unknown component":        {row(`{"type":99}`), `UNION_TYPE_CHOICES`},
		"same custom_id twice":     {row(ok + `,{"type":2,"style":2,"label":"B","custom_id":"a"}`), `COMPONENT_CUSTOM_ID_DUPLICATED`},
		"custom_id over 100":       {row(`{"type":2,"style":2,"label":"A","custom_id":"` + long(101) + `"}`), `"custom_id"`},
		"label over 80":            {row(`{"type":2,"style":2,"label":"` + long(81) + `","custom_id":"a"}`), `"label"`},
		"link without url":         {row(`{"type":2,"style":5,"label":"A"}`), `"url"`},
		"link with custom_id":      {row(`{"type":2,"style":5,"label":"A","url":"https://a.example","custom_id":"a"}`), `"custom_id"`},
		"button with url":          {row(`{"type":2,"style":1,"label":"A","custom_id":"a","url":"https://a.example"}`), `"url"`},
		"button without custom_id": {row(`{"type":2,"style":1,"label":"A"}`), `"custom_id"`},
		"button without label":     {row(`{"type":2,"style":1,"custom_id":"a"}`), `"label"`},
		"link url over 512":        {row(`{"type":2,"style":5,"label":"A","url":"https://a.example/` + long(500) + `"}`), `"url"`},
		"menu beside button":       {row(ok + `,{"type":3,"custom_id":"m","options":[{"label":"l","value":"v"}]}`), `COMPONENT_LAYOUT_WIDTH_EXCEEDED`},
		"menu without options":     {row(`{"type":3,"custom_id":"m","options":[]}`), `"options"`},
		"same option twice":        {row(`{"type":3,"custom_id":"m","options":[{"label":"l","value":"v"},{"label":"k","value":"v"}]}`), `SELECT_COMPONENT_OPTION_VALUE_DUPLICATED`},
		"more wanted than offered": {row(`{"type":3,"custom_id":"m","max_values":2,"options":[{"label":"l","value":"v"}]}`), `SELECT_COMPONENT_MAX_VALUES_TOO_LARGE`},
		"V2 with content":          {`"content":"c","flags":32768,"components":[{"type":10,"content":"t"}]`, `COMPONENTS_V2`},
		"V2 over 4000":             {`"flags":32768,"components":[{"type":10,"content":"` + long(2001) + `"},{"type":10,"content":"` + long(2000) + `"}]`, `COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED`},
		"V2 component without V2":  {`"content":"c","components":[{"type":10,"content":"t"}]`, `UNION_TYPE_CHOICES`},
		"nonce over 25":            {`"content":"c","nonce":"` + long(26) + `"`, `"nonce"`},
		"reference to nothing":     {`"content":"c","message_reference":{"message_id":"1"}`, `MESSAGE_REFERENCE_UNKNOWN_MESSAGE`},
		"reference id as number":   {`"content":"c","message_reference":{"message_id":1}`, `"message_id"`},
		"file that isn't there":    {`"content":"c","attachments":[{"id":0}]`, `ATTACHMENT_NOT_FOUND`},
		"picture not attached":     {`"embeds":[{"image":{"url":"attachment://a.png"}}]`, `EMBED_ATTACHMENT_NOT_FOUND`},
	} {
		before := len(fake.Messages(ch))
		a := do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(tc.fields))
		require.Equal(t, http.StatusBadRequest, a.status, name)
		require.Equal(t, 50035, a.code(t), name)
		require.Contains(t, string(a.body), tc.path, name)
		require.Contains(t, string(a.body), `"_errors"`, name)
		require.Len(t, fake.Messages(ch), before, name)
	}
}

// Rules that Discord doesn't enforce, or only silently.
func TestForgivenByDiscordIsAFault(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, rule string }{
		"no allowed_mentions":     {`{"content":"@everyone"}`, "allowed_mentions"},
		"misspelt property":       {`{"content":"c","allow_mentions":{},"allowed_mentions":{"parse":[]}}`, "unknown-property"},
		"unknown in an embed":     {quiet(`"embeds":[{"title":"t","colour":1}]`), "unknown-property"},
		"enforced without nonce":  {quiet(`"content":"c","enforce_nonce":true`), "nonce"},
		"flags that can't be set": {quiet(`"content":"c","flags":64`), "flags"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, ch := start(t, quick())
			require.Equal(t, http.StatusOK, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", tc.body).status)
			require.Equal(t, []string{tc.rule}, rules(fake))
		})
	}
	t.Run("edit without allowed_mentions", func(t *testing.T) {
		t.Parallel()
		fake, ch := start(t, quick())
		id := do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c"`)).id(t)
		do(t, fake, http.MethodPatch, "/channels/"+ch+"/messages/"+id, `{"content":"d"}`)
		require.Equal(t, []string{"allowed_mentions"}, rules(fake))
	})
}

func TestAllowedMentionsExcludeEachOther(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	a := do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", `{"content":"c","allowed_mentions":{"parse":["users"],"users":["1"]}}`)
	require.Contains(t, string(a.body), "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE")
	a = do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", `{"content":"c","allowed_mentions":{"parse":["all"]}}`)
	require.Equal(t, 50035, a.code(t))
}

func TestWhoIsPinged(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	ada := fake.User("ada")
	for name, tc := range map[string]struct {
		allowed string
		pings   int
	}{
		"nobody": {`{"parse":[]}`, 0},
		"listed": {`{"parse":[],"users":["` + ada + `"]}`, 1},
		"all":    {`{"parse":["users"]}`, 1},
	} {
		do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", `{"content":"<@`+ada+`> @everyone","allowed_mentions":`+tc.allowed+`}`)
		all := fake.Messages(ch)
		require.Len(t, all[len(all)-1].Mentions, tc.pings, name)
		require.False(t, all[len(all)-1].MentionEveryone, name)
	}
}

func TestEmptyMessageIsRefused(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	for _, body := range []string{quiet(""), quiet(`"content":"  "`), quiet(`"content":null,"embeds":[]`)} {
		require.Equal(t, 50006, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", body).code(t))
	}
	id := do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c"`)).id(t)
	require.Equal(t, 50006, do(t, fake, http.MethodPatch, "/channels/"+ch+"/messages/"+id, quiet(`"content":""`)).code(t))
}

func TestOnlyOwnMessagesAreEdited(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	id := fake.Say("ada", ch, "mine", "", false)
	require.Equal(t, 50005, do(t, fake, http.MethodPatch, "/channels/"+ch+"/messages/"+id, quiet(`"content":"yours"`)).code(t))
	require.Equal(t, 50013, do(t, fake, http.MethodDelete, "/channels/"+ch+"/messages/"+id, "").code(t))
}

func TestListMessagesPagesNewestFirst(t *testing.T) {
	t.Parallel()
	fake, ch := start(t, quick())
	var ids []string
	for i := range 7 {
		ids = append(ids, do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(fmt.Sprintf(`"content":"m%d"`, i))).id(t))
	}
	for name, tc := range map[string]struct {
		query string
		want  []int
	}{
		"newest":       {"?limit=2", []int{6, 5}},
		"before":       {"?limit=2&before=" + ids[4], []int{3, 2}},
		"after oldest": {"?limit=2&after=" + ids[2], []int{4, 3}},
		"after all":    {"?after=" + ids[4], []int{6, 5}},
		"around":       {"?limit=3&around=" + ids[3], []int{4, 3, 2}},
	} {
		got := string(do(t, fake, http.MethodGet, "/channels/"+ch+"/messages"+tc.query, "").body)
		at := -1
		for _, i := range tc.want {
			next := strings.Index(got, fmt.Sprintf(`"content":"m%d"`, i))
			require.Greater(t, next, at, name)
			at = next
		}
		require.Equal(t, len(tc.want), strings.Count(got, `"content"`), name)
	}
	require.Empty(t, fake.Faults())
	require.Equal(t, 50035, do(t, fake, http.MethodGet, "/channels/"+ch+"/messages?limit=101", "").code(t))
	require.Equal(t, 50035, do(t, fake, http.MethodGet, "/channels/"+ch+"/messages?before=1&after=2", "").code(t))
}

func TestOldMessagesHaveTheirOwnEditLimit(t *testing.T) {
	t.Parallel()
	o := quick()
	o.OldEdits = fakediscord.Limit{Count: 1, Per: time.Minute}
	fake, ch := start(t, o)
	id := do(t, fake, http.MethodPost, "/channels/"+ch+"/messages", quiet(`"content":"c"`)).id(t)
	fake.Age(ch, id, 2*time.Hour)
	require.Equal(t, http.StatusOK, do(t, fake, http.MethodPatch, "/channels/"+ch+"/messages/"+id, quiet(`"content":"d"`)).status)
	a := do(t, fake, http.MethodPatch, "/channels/"+ch+"/messages/"+id, quiet(`"content":"e"`))
	require.Equal(t, http.StatusTooManyRequests, a.status)
	require.Equal(t, 30046, a.code(t))
}
