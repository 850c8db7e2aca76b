package fakeslack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// interaction reads a delivered interaction as the library does.
func interaction(t *testing.T, d delivered) slack.InteractionCallback {
	t.Helper()
	form, err := url.ParseQuery(string(d.body))
	require.NoError(t, err)
	var got slack.InteractionCallback
	require.NoError(t, json.Unmarshal([]byte(form.Get("payload")), &got))
	return got
}

const card = `[{"type":"section","text":{"type":"mrkdwn","text":"hi"},"accessory":{"type":"overflow","action_id":"more","options":[{"text":{"type":"plain_text","text":"Quote"},"value":"q"}]}},
{"type":"actions","block_id":"row","elements":[
 {"type":"button","action_id":"reply","text":{"type":"plain_text","text":"Reply"},"value":"p_1"},
 {"type":"static_select","action_id":"pick","options":[{"text":{"type":"plain_text","text":"One"},"value":"1"}]}]}]`

func TestPeopleActOnWhatIsThere(t *testing.T) {
	t.Parallel()
	h := live(t)
	a := doors(t, h, nil)
	_, got := h.call(t, "chat.postMessage", map[string]any{"channel": h.ch, "text": "x", "blocks": json.RawMessage(card)})
	ts := got["ts"].(string)
	for _, do := range []func() (fakeslack.Result, error){
		func() (fakeslack.Result, error) { return h.Click(h.team.Owner, h.ch, ts, "Reply") },
		func() (fakeslack.Result, error) { return h.Click(h.team.Owner, h.ch, ts, "Quote") },
		func() (fakeslack.Result, error) { return h.Choose(h.team.Owner, h.ch, ts, "pick", "1") },
	} {
		r, err := do()
		require.NoError(t, err)
		require.True(t, r.Acked)
	}
	click, overflow, choice := interaction(t, a.deliveries()[0]), interaction(t, a.deliveries()[1]), interaction(t, a.deliveries()[2])
	require.Equal(t, slack.InteractionTypeBlockActions, click.Type)
	require.Equal(t, "p_1", click.ActionCallback.BlockActions[0].Value)
	require.Equal(t, "row", click.ActionCallback.BlockActions[0].BlockID)
	require.Equal(t, ts, click.Message.Timestamp)
	require.Equal(t, h.ch, click.Container.ChannelID)
	require.NotEmpty(t, click.ResponseURL)
	require.NotEmpty(t, click.TriggerID)
	require.Equal(t, "q", overflow.ActionCallback.BlockActions[0].SelectedOption.Value)
	require.Equal(t, "1", choice.ActionCallback.BlockActions[0].SelectedOption.Value)

	_, err := h.Click(h.team.Owner, h.ch, ts, "Delete")
	require.ErrorContains(t, err, "no such element")
	_, err = h.Choose(h.team.Owner, h.ch, ts, "pick", "2")
	require.Error(t, err, "no such option")
	_, err = h.Click(h.team.Owner, h.ch, "1.000000", "Reply")
	require.ErrorContains(t, err, "sees no message")
	_, err = h.Click(h.team.BotUser, h.ch, ts, "Reply")
	require.ErrorContains(t, err, "no person")
	_, err = h.MessageShortcut(h.team.Owner, h.ch, ts, "ia1:share")
	require.NoError(t, err)
	require.Equal(t, slack.InteractionTypeMessageAction, interaction(t, a.deliveries()[3]).Type)
	require.Empty(t, h.Faults())
}

func TestCommandAnswersInTheAcknowledgement(t *testing.T) {
	t.Parallel()
	h := live(t)
	body := ""
	doors(t, h, func(w http.ResponseWriter, _ delivered) { _, _ = w.Write([]byte(body)) })
	for _, body = range []string{``, `plain words`, `{"text":"all","response_type":"in_channel"}`} {
		_, err := h.Slash(h.team.Owner, h.ch, "/ia help")
		require.NoError(t, err)
	}
	got := h.Messages(h.ch)
	require.Len(t, got, 2)
	require.Equal(t, h.team.Owner, got[0].Ephemeral)
	require.Empty(t, got[1].Ephemeral)
	_, err := h.Slash("U404", h.ch, "/ia help")
	require.Error(t, err)
}

const modal = `{"type":"modal","callback_id":"f","title":{"type":"plain_text","text":"Post"},"submit":{"type":"plain_text","text":"Send"},"notify_on_close":true,"blocks":[
 {"type":"input","block_id":"text","label":{"type":"plain_text","text":"Text"},"element":{"type":"plain_text_input","action_id":"t","max_length":5}},
 {"type":"input","block_id":"tags","optional":true,"label":{"type":"plain_text","text":"Tags"},"element":{"type":"multi_external_select","action_id":"tags","min_query_length":0}},
 {"type":"input","block_id":"who","label":{"type":"plain_text","text":"As"},"element":{"type":"external_select","action_id":"who","min_query_length":2,"initial_option":{"text":{"type":"plain_text","text":"a"},"value":"a"}}}]}`

// openForm makes a trigger by a shortcut and opens a view with it.
func (h *house) openForm(t *testing.T, view string) map[string]any {
	t.Helper()
	r, err := h.Shortcut(h.team.Owner, "x")
	require.NoError(t, err)
	code, got := h.call(t, "views.open", map[string]any{"trigger_id": r.TriggerID, "view": json.RawMessage(view)})
	require.Empty(t, code)
	return got["view"].(map[string]any)
}

func TestTriggersLiveThreeSecondsAndOnce(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	doors(t, h, nil)
	open := func(trigger string) string {
		code, _ := h.call(t, "views.open", map[string]any{"trigger_id": trigger, "view": json.RawMessage(modal)})
		return code
	}
	fresh := func() string {
		r, err := h.Shortcut(h.team.Owner, "x")
		require.NoError(t, err)
		return r.TriggerID
	}
	require.Equal(t, "invalid_trigger_id", open("1.2.x"))
	trigger := fresh()
	require.Empty(t, open(trigger))
	require.Equal(t, "exchanged_trigger_id", open(trigger))
	trigger = fresh()
	h.clock.Add(3001 * time.Millisecond)
	require.Equal(t, "expired_trigger_id", open(trigger))
	code, _ := h.call(t, "views.open", map[string]any{"trigger_id": fresh(), "view": json.RawMessage(`{"type":"home","blocks":[]}`)})
	require.Equal(t, "invalid_arguments", code)
	code, _ = h.call(t, "views.open", map[string]any{"trigger_id": fresh()})
	require.Equal(t, "invalid_arguments", code)
	code, _ = h.call(t, "views.open", map[string]any{"trigger_id": fresh(), "view": json.RawMessage(`{"type":"modal","title":{"type":"plain_text","text":"T"},"private_metadata":"` + rep("x", 250<<10) + `","blocks":[]}`)})
	require.Equal(t, "view_too_large", code)
}

func TestViewStackAndHash(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	doors(t, h, nil)
	view := h.openForm(t, modal)
	other := `{"type":"modal","external_id":"e1","title":{"type":"plain_text","text":"Next"},"blocks":[{"type":"actions","elements":[{"type":"button","action_id":"b","text":{"type":"plain_text","text":"Deeper"}}]}]}`
	update := func(fields map[string]any) string {
		fields["view"] = json.RawMessage(other)
		code, _ := h.call(t, "views.update", fields)
		return code
	}
	require.Equal(t, "not_found", update(map[string]any{"view_id": "V404"}))
	require.Equal(t, "hash_conflict", update(map[string]any{"view_id": view["id"], "hash": "stale"}))
	require.Empty(t, update(map[string]any{"view_id": view["id"], "hash": view["hash"]}))
	require.Empty(t, update(map[string]any{"external_id": "e1"}))
	require.Equal(t, "hash_conflict", update(map[string]any{"external_id": "e1", "hash": view["hash"]}))

	push := func() string {
		r, err := h.Press(h.team.Owner, "Deeper")
		require.NoError(t, err)
		code, _ := h.call(t, "views.push", map[string]any{"trigger_id": r.TriggerID, "view": json.RawMessage(`{"type":"modal","title":{"type":"plain_text","text":"x"},"blocks":[{"type":"actions","elements":[{"type":"button","action_id":"b","text":{"type":"plain_text","text":"Deeper"}}]}]}`)})
		return code
	}
	require.Empty(t, push())
	require.Empty(t, push())
	require.Equal(t, "push_limit_reached", push())

	r, err := h.Shortcut(h.team.Owner, "x")
	require.NoError(t, err)
	code, _ := h.call(t, "views.push", map[string]any{"trigger_id": r.TriggerID, "view": json.RawMessage(modal)})
	require.Equal(t, "invalid_arguments", code, "outside a form there is nothing to push upon")
	code, _ = h.call(t, "views.open", map[string]any{"trigger_id": r.TriggerID, "view": json.RawMessage(other)})
	require.Equal(t, "duplicate_external_id", code)
}

func TestHomeIsPublishedByHash(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	a := doors(t, h, nil)
	publish := func(hash string) (string, map[string]any) {
		fields := map[string]any{"user_id": h.team.Owner, "view": json.RawMessage(`{"type":"home","blocks":[{"type":"header","text":{"type":"plain_text","text":"Hello"}}]}`)}
		if hash != "" {
			fields["hash"] = hash
		}
		return h.call(t, "views.publish", fields)
	}
	_, got := publish("")
	hash := got["view"].(map[string]any)["hash"].(string)
	code, _ := publish(hash)
	require.Empty(t, code)
	code, _ = publish(hash)
	require.Equal(t, "hash_conflict", code)
	require.Equal(t, "# Hello\n", h.Home(h.team.Owner))
	code, _ = h.call(t, "views.publish", map[string]any{"user_id": "U404", "view": json.RawMessage(`{"type":"home","blocks":[]}`)})
	require.Equal(t, "user_not_found", code)
	_, err := h.OpenHome(h.team.Owner)
	require.NoError(t, err)
	h.until(t, func() bool { return len(h.Deliveries()) == 1 })
	require.Contains(t, string(a.deliveries()[0].body), `"type":"app_home_opened"`)
}

func TestFormIsSubmittedOnlyWhenItCouldBe(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	answer := ""
	a := doors(t, h, func(w http.ResponseWriter, _ delivered) { _, _ = w.Write([]byte(answer)) })
	h.openForm(t, modal)
	require.Equal(t, "== Post ==\nText: <plain_text_input>\nTags: <multi_external_select>\nAs: <external_select>\n(Send)\n", h.Form(h.team.Owner))

	submit := func(values map[string][]string) (fakeslack.Result, error) { return h.SubmitForm(h.team.Owner, values) }
	_, err := submit(nil)
	require.ErrorContains(t, err, "text is required")
	_, err = submit(map[string][]string{"nothing": {"x"}})
	require.ErrorContains(t, err, "no input")
	_, err = submit(map[string][]string{"text": {"sixsix"}})
	require.ErrorContains(t, err, "5 characters")
	_, err = submit(map[string][]string{"text": {"a", "b"}})
	require.ErrorContains(t, err, "one value")
	require.Len(t, a.deliveries(), 1, "nothing was sent but the shortcut")

	answer = `{"response_action":"errors","errors":{"text":"too long"}}`
	r, err := submit(map[string][]string{"text": {"five!"}, "tags": {"x", "y"}})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"text": "too long"}, r.Errors)
	require.NotEmpty(t, h.Form(h.team.Owner), "the form stays")
	values := interaction(t, a.deliveries()[1]).View.State.Values
	require.Equal(t, "five!", values["text"]["t"].Value)
	require.Len(t, values["tags"]["tags"].SelectedOptions, 2)
	require.Equal(t, "a", values["who"]["who"].SelectedOption.Value)

	answer = `{"response_action":"update","view":{"type":"modal","title":{"type":"plain_text","text":"Working"},"submit":{"type":"plain_text","text":"Again"},"blocks":[]}}`
	_, err = submit(nil)
	require.NoError(t, err)
	require.Contains(t, h.Form(h.team.Owner), "Working")
	answer = `{"response_action":"push","view":{"type":"modal","title":{"type":"plain_text","text":"Upper"},"submit":{"type":"plain_text","text":"Again"},"blocks":[]}}`
	_, err = submit(nil)
	require.NoError(t, err)
	require.Contains(t, h.Form(h.team.Owner), "Upper")
	answer = ``
	_, err = submit(nil)
	require.NoError(t, err)
	require.Contains(t, h.Form(h.team.Owner), "Working", "only the upper one closed")
	answer = `{"response_action":"clear"}`
	_, err = submit(nil)
	require.NoError(t, err)
	require.Empty(t, h.Form(h.team.Owner))
	require.Empty(t, h.Faults())
	_, err = submit(nil)
	require.ErrorContains(t, err, "no form")
}

func TestBadSubmissionAnswersAreFaults(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"error for no input": `{"response_action":"errors","errors":{"nothing":"x"}}`,
		"no errors":          `{"response_action":"errors","errors":{}}`,
		"broken view":        `{"response_action":"update","view":{"type":"modal","blocks":[]}}`,
		"unknown action":     `{"response_action":"explode"}`,
		"no JSON":            `done`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, fakeslack.Options{})
			doors(t, h, func(w http.ResponseWriter, _ delivered) {
				if len(h.Deliveries()) > 0 {
					_, _ = w.Write([]byte(answer))
				}
			})
			h.openForm(t, modal)
			_, err := h.SubmitForm(h.team.Owner, map[string][]string{"text": {"x"}})
			require.NoError(t, err)
			require.Equal(t, []string{"bad_submission_ack"}, h.Codes())
		})
	}
}

func TestClosingIsToldWhenAskedFor(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	a := doors(t, h, nil)
	h.openForm(t, modal)
	_, err := h.CloseForm(h.team.Owner, false)
	require.NoError(t, err)
	require.Equal(t, slack.InteractionTypeViewClosed, interaction(t, a.deliveries()[1]).Type)
	_, err = h.CloseForm(h.team.Owner, false)
	require.Error(t, err)
}

func TestQueriesWantOptions(t *testing.T) {
	t.Parallel()
	many := func(n, length int) string {
		var options []string
		for i := range n {
			options = append(options, fmt.Sprintf(`{"text":{"type":"plain_text","text":"%s"},"value":"%d"}`, rep("x", length), i))
		}
		return `{"options":[` + strings.Join(options, ",") + `]}`
	}
	for name, tc := range map[string]struct {
		answer string
		want   int
		fault  bool
	}{
		"none":           {`{"options":[]}`, 0, false},
		"100":            {many(100, 75), 100, false},
		"101":            {many(101, 1), 0, true},
		"76 characters":  {many(1, 76), 0, true},
		"empty object":   {`{}`, 0, true},
		"groups":         {`{"option_groups":[{"label":{"type":"plain_text","text":"g"},"options":[{"text":{"type":"plain_text","text":"x"},"value":"1"}]}]}`, 1, false},
		"null":           {`{"options":null}`, 0, true},
		"no JSON at all": {`ok`, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, fakeslack.Options{})
			doors(t, h, func(w http.ResponseWriter, _ delivered) {
				if len(h.Deliveries()) > 0 {
					_, _ = w.Write([]byte(tc.answer))
				}
			})
			h.openForm(t, modal)
			got, _, err := h.Query(h.team.Owner, "who", "an")
			require.Len(t, got, tc.want)
			if tc.fault {
				require.Error(t, err)
				require.Equal(t, []string{"bad_options"}, h.Codes())
				return
			}
			require.NoError(t, err)
			_, _, err = h.Query(h.team.Owner, "who", "a")
			require.Error(t, err, "under min_query_length nothing is asked")
		})
	}
}

func TestUnfurlKeysAreTheSharedLinks(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{}, "links:write", "links:read")
	doors(t, h, nil)
	const address = "https://imagineanything.com/post/p_1?a=1&b=2"
	ch := h.team.AddForeignChannel("elsewhere")
	h.Share(h.team.Owner, ch, false, address)
	ts := h.Messages(ch)[0].TS
	id := h.Share(h.team.Owner, ch, true, address)
	cards := func(key string) map[string]any {
		return map[string]any{key: map[string]any{"blocks": json.RawMessage(section("x"))}}
	}
	for want, fields := range map[string]map[string]any{
		"cannot_unfurl_url":     {"channel": ch, "ts": ts, "unfurls": cards("https://imagineanything.com/post/p_1?a=1&amp;b=2")},
		"cannot_find_message":   {"channel": ch, "ts": "1.000000", "unfurls": cards(address)},
		"cannot_unfurl_message": {"unfurl_id": id, "source": "conversations_history", "unfurls": cards(address)},
		"missing_unfurls":       {"unfurl_id": id, "source": "composer", "unfurls": "[]"},
		"invalid_blocks":        {"channel": ch, "ts": ts, "unfurls": map[string]any{address: map[string]any{"blocks": json.RawMessage(section(""))}}},
	} {
		code, _ := h.call(t, "chat.unfurl", fields)
		require.Equal(t, want, code)
	}
	code, _ := h.call(t, "chat.unfurl", map[string]any{"unfurl_id": id, "source": "composer", "unfurls": cards(address)})
	require.Empty(t, code)
	code, _ = h.call(t, "chat.unfurl", map[string]any{"channel": ch, "ts": ts, "unfurls": cards(address)})
	require.Empty(t, code)
	require.Contains(t, h.Messages(ch)[0].Unfurls, address)
}

func TestSampleViewsOpenThroughTheLibrary(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	doors(t, h, nil)
	var form slack.ModalViewRequest
	body, err := os.ReadFile("testdata/views/compose.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(body, &form))
	r, err := h.Shortcut(h.team.Owner, "ia1:post.create")
	require.NoError(t, err)
	opened, err := h.api.OpenViewContext(t.Context(), r.TriggerID, form)
	require.NoError(t, err)
	_, err = h.api.UpdateViewContext(t.Context(), form, "", opened.Hash, opened.ID)
	require.NoError(t, err)

	var home slack.HomeTabViewRequest
	body, err = os.ReadFile("testdata/views/home.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(body, &home))
	_, err = h.api.PublishViewContext(t.Context(), slack.PublishViewContextRequest{UserID: h.team.Owner, View: home})
	require.NoError(t, err)
	require.Empty(t, h.Faults())
}
