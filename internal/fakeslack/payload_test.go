package fakeslack_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

func TestSamplePayloadsAreAccepted(t *testing.T) {
	t.Parallel()
	for pattern, check := range map[string]func([]byte) []fakeslack.Problem{
		"testdata/messages/*.json": fakeslack.ValidateMessage,
		"testdata/views/*.json":    fakeslack.ValidateView,
		"testdata/manifest_*.json": fakeslack.ValidateManifest,
	} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			body, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Empty(t, check(body), file)
		}
	}
}

func TestSampleBlocksSurviveTheLibrary(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/messages/*.json")
	require.NoError(t, err)
	h := open(t, fakeslack.Options{})
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		var msg struct {
			Text   string       `json:"text"`
			Blocks slack.Blocks `json:"blocks"`
		}
		require.NoError(t, json.Unmarshal(body, &msg))
		h.post(t, text(msg.Text), slack.MsgOptionBlocks(msg.Blocks.BlockSet...))
	}
	require.Empty(t, h.Faults())
	require.Len(t, h.Messages(h.ch), len(files))
}

// rep is s, n times.
func rep(s string, n int) string { return strings.Repeat(s, n) }

func section(s string) string {
	return `[{"type":"section","text":{"type":"mrkdwn","text":"` + s + `"}}]`
}

func input(element string) string {
	return `{"type":"modal","title":{"type":"plain_text","text":"T"},"submit":{"type":"plain_text","text":"S"},"blocks":[
		{"type":"input","block_id":"b","label":{"type":"plain_text","text":"L"},"element":` + element + `}]}`
}

func button(fields string) string {
	return `[{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"x"}` + fields + `}]}]`
}

func TestMessageRulesRefuse(t *testing.T) {
	t.Parallel()
	option := func(i string) string { return `{"text":{"type":"plain_text","text":"o"},"value":"v` + i + `"}` }
	for name, tc := range map[string]struct{ body, code, where string }{
		"no text at all":               {`{}`, "no_text", ""},
		"blocks without fallback":      {`{"blocks":` + section("x") + `}`, "missing_text_in_message", "/text"},
		"fallback over the advice":     {`{"text":"` + rep("x", 4001) + `"}`, "invalid_message", "/text"},
		"unknown argument":             {`{"text":"x","colour":"red"}`, "invalid_message", ""},
		"blocks no list":               {`{"text":"x","blocks":{}}`, "invalid_blocks", "/blocks"},
		"51 blocks":                    {`[` + rep(`{"type":"divider"},`, 50) + `{"type":"divider"}]`, "invalid_blocks", "/blocks"},
		"unknown block":                {`[{"type":"hologram"}]`, "invalid_blocks", "/blocks/0"},
		"block from another surface":   {`[{"type":"file","source":"remote","external_id":"x"}]`, "invalid_blocks", "/blocks/0"},
		"extra field":                  {`[{"type":"divider","text":"x"}]`, "invalid_blocks", "/blocks/0"},
		"section empty":                {`[{"type":"section"}]`, "invalid_blocks", "/blocks/0"},
		"section text too long":        {section(rep("ß", 3001)), "invalid_blocks", "/blocks/0/text/text"},
		"section text empty":           {section(""), "invalid_blocks", "/blocks/0/text/text"},
		"text of a foreign type":       {`[{"type":"section","text":{"type":"html","text":"x"}}]`, "invalid_blocks", "/blocks/0/text/type"},
		"emoji on mrkdwn":              {`[{"type":"section","text":{"type":"mrkdwn","text":"x","emoji":true}}]`, "invalid_blocks", "/blocks/0/text"},
		"verbatim on plain_text":       {`[{"type":"section","text":{"type":"plain_text","text":"x","verbatim":true}}]`, "invalid_blocks", "/blocks/0/text"},
		"11 fields":                    {`[{"type":"section","fields":[` + rep(`{"type":"mrkdwn","text":"x"},`, 10) + `{"type":"mrkdwn","text":"x"}]}]`, "invalid_blocks", "/blocks/0/fields"},
		"field too long":               {`[{"type":"section","fields":[{"type":"mrkdwn","text":"` + rep("x", 2001) + `"}]}]`, "invalid_blocks", "/blocks/0/fields/0/text"},
		"header too long":              {`[{"type":"header","text":{"type":"plain_text","text":"` + rep("x", 151) + `"}}]`, "invalid_blocks", "/blocks/0/text/text"},
		"header in mrkdwn":             {`[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]`, "invalid_blocks", "/blocks/0/text/type"},
		"11 context elements":          {`[{"type":"context","elements":[` + rep(`{"type":"mrkdwn","text":"x"},`, 10) + `{"type":"mrkdwn","text":"x"}]}]`, "invalid_blocks", "/blocks/0/elements"},
		"button in a context":          {`[{"type":"context","elements":[{"type":"button","text":{"type":"plain_text","text":"x"}}]}]`, "invalid_blocks", "/blocks/0/elements/0"},
		"no actions":                   {`[{"type":"actions","elements":[]}]`, "invalid_blocks", "/blocks/0/elements"},
		"26 actions":                   {`[{"type":"actions","elements":[` + rep(`{"type":"button","text":{"type":"plain_text","text":"x"}},`, 25) + `{"type":"button","text":{"type":"plain_text","text":"x"}}]}]`, "invalid_blocks", "/blocks/0/elements"},
		"button text too long":         {`[{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"` + rep("x", 76) + `"}}]}]`, "invalid_blocks", "/blocks/0/elements/0/text/text"},
		"button value too long":        {button(`,"value":"` + rep("x", 2001) + `"`), "invalid_blocks", "/blocks/0/elements/0/value"},
		"button url too long":          {button(`,"url":"https://x.test/` + rep("x", 3000) + `"`), "invalid_blocks", "/blocks/0/elements/0/url"},
		"button url broken":            {button(`,"url":"not a url"`), "invalid_blocks", "/blocks/0/elements/0/url"},
		"button style unknown":         {button(`,"style":"loud"`), "invalid_blocks", "/blocks/0/elements/0/style"},
		"action_id too long":           {button(`,"action_id":"` + rep("x", 256) + `"`), "invalid_blocks", "/blocks/0/elements/0/action_id"},
		"action_id twice":              {`[{"type":"actions","elements":[{"type":"button","action_id":"a","text":{"type":"plain_text","text":"x"}},{"type":"button","action_id":"a","text":{"type":"plain_text","text":"y"}}]}]`, "invalid_blocks", "/blocks/0/elements/1/action_id"},
		"block_id twice":               {`[{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}]`, "invalid_blocks", "/blocks/1/block_id"},
		"block_id too long":            {`[{"type":"divider","block_id":"` + rep("x", 256) + `"}]`, "invalid_blocks", "/blocks/0/block_id"},
		"confirm button too long":      {button(`,"confirm":{"title":{"type":"plain_text","text":"t"},"text":{"type":"plain_text","text":"t"},"confirm":{"type":"plain_text","text":"` + rep("x", 31) + `"},"deny":{"type":"plain_text","text":"n"}}`), "invalid_blocks", "/blocks/0/elements/0/confirm/confirm/text"},
		"confirm title too long":       {button(`,"confirm":{"title":{"type":"plain_text","text":"` + rep("x", 101) + `"},"text":{"type":"plain_text","text":"t"},"confirm":{"type":"plain_text","text":"y"},"deny":{"type":"plain_text","text":"n"}}`), "invalid_blocks", "/blocks/0/elements/0/confirm/title/text"},
		"confirm text too long":        {button(`,"confirm":{"title":{"type":"plain_text","text":"t"},"text":{"type":"plain_text","text":"` + rep("x", 301) + `"},"confirm":{"type":"plain_text","text":"y"},"deny":{"type":"plain_text","text":"n"}}`), "invalid_blocks", "/blocks/0/elements/0/confirm/text/text"},
		"six overflow options":         {`[{"type":"actions","elements":[{"type":"overflow","options":[` + option("1") + `,` + option("2") + `,` + option("3") + `,` + option("4") + `,` + option("5") + `,` + option("6") + `]}]}]`, "invalid_blocks", "/blocks/0/elements/0/options"},
		"options not unique":           {`[{"type":"actions","elements":[{"type":"static_select","options":[` + option("1") + `,` + option("1") + `]}]}]`, "invalid_blocks", "/blocks/0/elements/0/options"},
		"initial option foreign":       {`[{"type":"actions","elements":[{"type":"static_select","options":[` + option("1") + `],"initial_option":` + option("9") + `}]}]`, "invalid_blocks", "/blocks/0/elements/0"},
		"select without options":       {`[{"type":"actions","elements":[{"type":"static_select"}]}]`, "invalid_blocks", "/blocks/0/elements/0"},
		"option value too long":        {`[{"type":"actions","elements":[{"type":"static_select","options":[{"text":{"type":"plain_text","text":"o"},"value":"` + rep("x", 151) + `"}]}]}]`, "invalid_blocks", "/blocks/0/elements/0/options/0/value"},
		"option text too long":         {`[{"type":"actions","elements":[{"type":"static_select","options":[{"text":{"type":"plain_text","text":"` + rep("x", 76) + `"},"value":"x"}]}]}]`, "invalid_blocks", "/blocks/0/elements/0/options/0/text/text"},
		"101 options":                  {`[{"type":"actions","elements":[{"type":"static_select","options":[` + rep(option("1")+`,`, 100) + option("2") + `]}]}]`, "invalid_blocks", "/blocks/0/elements/0/options"},
		"group label too long":         {`[{"type":"actions","elements":[{"type":"static_select","option_groups":[{"label":{"type":"plain_text","text":"` + rep("x", 76) + `"},"options":[` + option("1") + `]}]}]}]`, "invalid_blocks", "/blocks/0/elements/0/option_groups/0/label/text"},
		"11 radio buttons":             {`[{"type":"actions","elements":[{"type":"radio_buttons","options":[` + rep(option("1")+`,`, 10) + option("2") + `]}]}]`, "invalid_blocks", "/blocks/0/elements/0/options"},
		"placeholder too long":         {`[{"type":"actions","elements":[{"type":"users_select","placeholder":{"type":"plain_text","text":"` + rep("x", 151) + `"}}]}]`, "invalid_blocks", "/blocks/0/elements/0/placeholder/text"},
		"text input among actions":     {`[{"type":"actions","elements":[{"type":"plain_text_input"}]}]`, "invalid_blocks", "/blocks/0/elements/0"},
		"image without alt text":       {`[{"type":"image","image_url":"https://x.test/a.png"}]`, "invalid_blocks", "/blocks/0"},
		"image without source":         {`[{"type":"image","alt_text":"x"}]`, "invalid_blocks", "/blocks/0"},
		"image alt text too long":      {`[{"type":"image","image_url":"https://x.test/a.png","alt_text":"` + rep("x", 2001) + `"}]`, "invalid_blocks", "/blocks/0/alt_text"},
		"image title too long":         {`[{"type":"image","image_url":"https://x.test/a.png","alt_text":"x","title":{"type":"plain_text","text":"` + rep("x", 2001) + `"}}]`, "invalid_blocks", "/blocks/0/title/text"},
		"image url too long":           {`[{"type":"image","image_url":"https://x.test/` + rep("a", 3000) + `","alt_text":"x"}]`, "invalid_blocks", "/blocks/0/image_url"},
		"video title too long":         {`[{"type":"video","video_url":"https://x.test/v","thumbnail_url":"https://x.test/t","alt_text":"x","title":{"type":"plain_text","text":"` + rep("x", 200) + `"}}]`, "invalid_blocks", "/blocks/0/title/text"},
		"video author too long":        {`[{"type":"video","video_url":"https://x.test/v","thumbnail_url":"https://x.test/t","alt_text":"x","title":{"type":"plain_text","text":"x"},"author_name":"` + rep("x", 50) + `"}]`, "invalid_blocks", "/blocks/0/author_name"},
		"markdown over all blocks":     {`[{"type":"markdown","text":"` + rep("x", 6001) + `"},{"type":"markdown","text":"` + rep("x", 6000) + `"}]`, "invalid_blocks", "/blocks"},
		"two tables":                   {`[{"type":"table","rows":[[{"type":"raw_text","text":"x"}]]},{"type":"table","rows":[[{"type":"raw_text","text":"x"}]]}]`, "invalid_blocks", "/blocks"},
		"21 cells":                     {`[{"type":"table","rows":[[` + rep(`{"type":"raw_text","text":"x"},`, 20) + `{"type":"raw_text","text":"x"}]]}]`, "invalid_blocks", "/blocks/0/rows/0"},
		"101 rows":                     {`[{"type":"table","rows":[` + rep(`[{"type":"raw_text","text":"x"}],`, 100) + `[{"type":"raw_text","text":"x"}]]}]`, "invalid_blocks", "/blocks/0/rows"},
		"rich text unknown element":    {`[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"hologram"}]}]}]`, "invalid_blocks", "/blocks/0/elements/0/elements/0"},
		"rich text empty":              {`[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":""}]}]}]`, "invalid_blocks", "/blocks/0/elements/0/elements/0/text"},
		"rich list without style":      {`[{"type":"rich_text","elements":[{"type":"rich_text_list","elements":[{"type":"rich_text_section","elements":[]}]}]}]`, "invalid_blocks", "/blocks/0/elements/0"},
		"emoji in preformatted":        {`[{"type":"rich_text","elements":[{"type":"rich_text_preformatted","elements":[{"type":"emoji","name":"x"}]}]}]`, "invalid_blocks", "/blocks/0/elements/0/elements/0"},
		"broadcast to nobody":          {`[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"broadcast","range":"all"}]}]}]`, "invalid_blocks", "/blocks/0/elements/0/elements/0/range"},
		"too much text in all":         {`[` + rep(`{"type":"section","text":{"type":"mrkdwn","text":"`+rep("x", 2999)+`"}},`, 4) + `{"type":"section","text":{"type":"mrkdwn","text":"` + rep("x", 2000) + `"}}]`, "msg_blocks_too_long", "/blocks"},
		"rich text counts in the sum":  {`[{"type":"rich_text","elements":[{"type":"rich_text_quote","elements":[{"type":"text","text":"` + rep("x", 13_201) + `"}]}]}]`, "msg_blocks_too_long", "/blocks"},
		"metadata without event_type":  {`{"text":"x","metadata":{"event_payload":{}}}`, "invalid_metadata_schema", "/metadata"},
		"metadata with a bad name":     {`{"text":"x","metadata":{"event_type":"a-b","event_payload":{}}}`, "invalid_metadata_schema", "/metadata"},
		"metadata nested":              {`{"text":"x","metadata":{"event_type":"a","event_payload":{"a":{"b":1}}}}`, "invalid_metadata_schema", "/metadata"},
		"metadata too large":           {`{"text":"x","metadata":{"event_type":"a","event_payload":{"a":"` + rep("x", 8192) + `"}}}`, "metadata_too_large", "/metadata"},
		"not JSON":                     {`{"text":`, "invalid_json", ""},
		"null where a field is missed": {`[{"type":"section","text":null,"fields":[{"type":"mrkdwn","text":"x"}]}]`, "invalid_blocks", "/blocks/0/text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := fakeslack.ValidateMessage([]byte(tc.body))
			require.NotEmpty(t, found)
			require.Equal(t, tc.code, found[0].Code, "%v", found)
			require.Equal(t, tc.where, found[0].Pointer, "%v", found)
		})
	}
}

func TestMessageRulesAcceptTheLimits(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"50 blocks":                    `[` + rep(`{"type":"divider"},`, 49) + `{"type":"divider"}]`,
		"3,000 code points":            section(rep("𝄞", 3000)),
		"button text 75":               `[{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"` + rep("x", 75) + `"}}]}]`,
		"10,000 characters in ten":     `[` + rep(`{"type":"section","text":{"type":"mrkdwn","text":"`+rep("x", 1000)+`"}},`, 9) + `{"type":"section","text":{"type":"mrkdwn","text":"` + rep("x", 1000) + `"}}]`,
		"same action_id in two blocks": `[{"type":"actions","elements":[{"type":"button","action_id":"a","text":{"type":"plain_text","text":"x"}}]},{"type":"actions","elements":[{"type":"button","action_id":"a","text":{"type":"plain_text","text":"x"}}]}]`,
		"fallback of 4,000":            `{"text":"` + rep("ü", 4000) + `"}`,
	} {
		require.Empty(t, fakeslack.ValidateMessage([]byte(body)), name)
	}
}

func TestViewRulesRefuse(t *testing.T) {
	t.Parallel()
	title := `"title":{"type":"plain_text","text":"T"}`
	for name, tc := range map[string]struct{ body, where string }{
		"unknown type":              {`{"type":"sheet","blocks":[]}`, "/view/type"},
		"modal without title":       {`{"type":"modal","blocks":[]}`, "/view"},
		"title too long":            {`{"type":"modal","title":{"type":"plain_text","text":"` + rep("x", 25) + `"},"blocks":[]}`, "/view/title/text"},
		"submit too long":           {`{"type":"modal",` + title + `,"submit":{"type":"plain_text","text":"` + rep("x", 25) + `"},"blocks":[]}`, "/view/submit/text"},
		"close too long":            {`{"type":"modal",` + title + `,"close":{"type":"plain_text","text":"` + rep("x", 25) + `"},"blocks":[]}`, "/view/close/text"},
		"blocks null":               {`{"type":"modal",` + title + `,"blocks":null}`, "/view"},
		"private_metadata too long": {`{"type":"modal",` + title + `,"private_metadata":"` + rep("x", 3001) + `","blocks":[]}`, "/view/private_metadata"},
		"callback_id too long":      {`{"type":"modal",` + title + `,"callback_id":"` + rep("x", 256) + `","blocks":[]}`, "/view/callback_id"},
		"101 blocks":                {`{"type":"home","blocks":[` + rep(`{"type":"divider"},`, 100) + `{"type":"divider"}]}`, "/view/blocks"},
		"submit on a home":          {`{"type":"home","submit":{"type":"plain_text","text":"S"},"blocks":[]}`, "/view"},
		"table on a home":           {`{"type":"home","blocks":[{"type":"table","rows":[[{"type":"raw_text","text":"x"}]]}]}`, "/view/blocks/0"},
		"input without submit":      {`{"type":"modal",` + title + `,"blocks":[{"type":"input","label":{"type":"plain_text","text":"L"},"element":{"type":"plain_text_input"}}]}`, "/view"},
		"label too long":            {`{"type":"modal",` + title + `,"submit":{"type":"plain_text","text":"S"},"blocks":[{"type":"input","label":{"type":"plain_text","text":"` + rep("x", 2001) + `"},"element":{"type":"plain_text_input"}}]}`, "/view/blocks/0/label/text"},
		"max_length over 3,000":     {input(`{"type":"plain_text_input","max_length":3001}`), "/view/blocks/0/element/max_length"},
		"min over max":              {input(`{"type":"plain_text_input","min_length":9,"max_length":3}`), "/view/blocks/0/element"},
		"initial value too long":    {input(`{"type":"plain_text_input","max_length":3,"initial_value":"xxxx"}`), "/view/blocks/0/element/initial_value"},
		"number input half told":    {input(`{"type":"number_input"}`), "/view/blocks/0/element"},
		"number input with letters": {input(`{"type":"number_input","is_decimal_allowed":false,"min_value":"many"}`), "/view/blocks/0/element/min_value"},
		"11 files":                  {input(`{"type":"file_input","max_files":11}`), "/view/blocks/0/element/max_files"},
		"button as an input":        {input(`{"type":"button","text":{"type":"plain_text","text":"x"}}`), "/view/blocks/0/element"},
		"file input on a home":      {`{"type":"home","blocks":[{"type":"input","label":{"type":"plain_text","text":"L"},"element":{"type":"file_input"}}]}`, "/view/blocks/0/element"},
		"more chosen than allowed":  {input(`{"type":"multi_users_select","max_selected_items":1,"initial_users":["U1","U2"]}`), "/view/blocks/0/element/initial_users"},
		"two elements want the caret": {`{"type":"modal",` + title + `,"submit":{"type":"plain_text","text":"S"},"blocks":[
			{"type":"input","label":{"type":"plain_text","text":"L"},"element":{"type":"plain_text_input","focus_on_load":true}},
			{"type":"input","label":{"type":"plain_text","text":"L"},"element":{"type":"plain_text_input","focus_on_load":true}}]}`, "/view/blocks/1/element/focus_on_load"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := fakeslack.ValidateView([]byte(tc.body))
			require.NotEmpty(t, found)
			require.Equal(t, "invalid_arguments", found[0].Code)
			require.Equal(t, tc.where, found[0].Pointer, "%v", found)
		})
	}
	large := `{"type":"home","blocks":[],"callback_id":"` + rep("x", 250<<10) + `"}`
	require.Equal(t, "view_too_large", fakeslack.ValidateView([]byte(large))[0].Code)
}

func TestManifestRulesRefuse(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile("testdata/manifest_http.json")
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		path  string // keys to the parent, dots between
		key   string
		value string // JSON, empty to remove
		where string
	}{
		"name too long":             {"display_information", "name", `"` + rep("x", 36) + `"`, "/display_information/name"},
		"description too long":      {"display_information", "description", `"` + rep("x", 141) + `"`, "/display_information/description"},
		"long description short":    {"display_information", "long_description", `"` + rep("x", 174) + `"`, "/display_information/long_description"},
		"colour by name":            {"display_information", "background_color", `"purple"`, "/display_information/background_color"},
		"bot name too long":         {"features.bot_user", "display_name", `"` + rep("x", 81) + `"`, "/features/bot_user/display_name"},
		"11 shortcuts":              {"features", "shortcuts", `[` + rep(`{"name":"n","type":"global","callback_id":"c","description":"d"},`, 10) + `{"name":"n","type":"global","callback_id":"c","description":"d"}]`, "/features/shortcuts"},
		"shortcut name too long":    {"features", "shortcuts", `[{"name":"` + rep("x", 25) + `","type":"global","callback_id":"c","description":"d"}]`, "/features/shortcuts/0/name"},
		"shortcut text too long":    {"features", "shortcuts", `[{"name":"n","type":"global","callback_id":"c","description":"` + rep("x", 151) + `"}]`, "/features/shortcuts/0/description"},
		"callback_id twice":         {"features", "shortcuts", `[{"name":"n","type":"global","callback_id":"c","description":"d"},{"name":"m","type":"global","callback_id":"c","description":"d"}]`, "/features/shortcuts/1/callback_id"},
		"six unfurl domains":        {"features", "unfurl_domains", `["a.test","b.test","c.test","d.test","e.test","f.test"]`, "/features/unfurl_domains"},
		"unfurl domain as a URL":    {"features", "unfurl_domains", `["https://a.test"]`, "/features/unfurl_domains/0"},
		"command without slash":     {"features", "slash_commands", `[{"command":"ia","url":"https://a.test","description":"d"}]`, "/features/slash_commands/0/command"},
		"command without URL":       {"features", "slash_commands", `[{"command":"/ia","description":"d"}]`, "/features/slash_commands/0"},
		"hint too long":             {"features", "slash_commands", `[{"command":"/ia","url":"https://a.test","description":"d","usage_hint":"` + rep("x", 1001) + `"}]`, "/features/slash_commands/0/usage_hint"},
		"optional beyond asked":     {"oauth_config.scopes", "bot_optional", `["users:read"]`, "/oauth_config/scopes/bot_optional/0"},
		"command scope missing":     {"oauth_config.scopes", "bot", `["chat:write"]`, "/oauth_config/scopes/bot_optional/0"},
		"plain redirect":            {"oauth_config", "redirect_urls", `["http://a.test"]`, "/oauth_config/redirect_urls/0"},
		"unknown event":             {"settings.event_subscriptions", "bot_events", `["moon_rose"]`, "/settings/event_subscriptions/bot_events/0"},
		"event without its scope":   {"settings.event_subscriptions", "bot_events", `["reaction_added"]`, "/settings/event_subscriptions/bot_events/0"},
		"events without a URL":      {"settings.event_subscriptions", "request_url", ``, "/settings/event_subscriptions"},
		"interactivity without URL": {"settings.interactivity", "request_url", ``, "/settings/interactivity"},
		"bot user missing":          {"features", "bot_user", ``, "/features"},
		"unknown key":               {"settings", "turbo", `true`, "/settings"},
		"display missing":           {"", "display_information", ``, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m map[string]any
			require.NoError(t, json.Unmarshal(good, &m))
			at := m
			for key := range strings.SplitSeq(tc.path, ".") {
				if key != "" {
					at = at[key].(map[string]any)
				}
			}
			delete(at, tc.key)
			if tc.value != "" {
				at[tc.key] = json.RawMessage(tc.value)
			}
			body, err := json.Marshal(m)
			require.NoError(t, err)
			found := fakeslack.ValidateManifest(body)
			require.NotEmpty(t, found)
			require.Equal(t, tc.where, found[0].Pointer, "%v", found)
		})
	}
}

func FuzzPayloads(f *testing.F) {
	for _, pattern := range []string{"testdata/messages/*.json", "testdata/views/*.json", "testdata/manifest_*.json"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			body, err := os.ReadFile(file)
			require.NoError(f, err)
			f.Add(body)
		}
	}
	f.Add([]byte(`[{"type":"actions","elements":[null,{"type":"static_select","options":[null]}]}]`))
	f.Add([]byte(`{"settings":{"event_subscriptions":{"bot_events":[null]}}}`))
	f.Fuzz(func(_ *testing.T, body []byte) {
		fakeslack.ValidateMessage(body)
		fakeslack.ValidateView(body)
		fakeslack.ValidateManifest(body)
	})
}
