package discord

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

const reactions = "PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me"

// conversing is a stand with the intent, and a conversation in a thread.
func conversing(t *testing.T, fo fakediscord.Options, change ...func(*Options)) (*stand, *desk, bridge.Receipt) {
	t.Helper()
	return conversation(t, talkative, fo, change...)
}

// conversation is a conversation in a thread of a stand with the intent, which
// begin makes.
func conversation(
	t *testing.T, begin func(*testing.T, fakediscord.Options, bool, ...func(*Options)) (*stand, *desk), fo fakediscord.Options, change ...func(*Options),
) (*stand, *desk, bridge.Receipt) {
	t.Helper()
	fo.MessageContent = true
	if fo.Limits == nil {
		fo.Limits = map[string]fakediscord.Limit{}
	}
	fo.Limits[reactions] = fakediscord.Limit{}
	fo.Limits["POST /channels/{channel_id}/messages"] = fakediscord.Limit{}
	fo.Limits[threadRoute] = fakediscord.Limit{}
	st, d := begin(t, fo, false, append([]func(*Options){func(o *Options) { o.MessageContent = true; withActions(o) }}, change...)...)
	head, _ := st.patient(t.Context(), st.sink, direct(st, "m0", "hello"))
	require.NotEmpty(t, head.Thread)
	return st, d, head
}

// signs are the reactions below a message.
func (st *stand) signs(channel, id string) string {
	for _, m := range st.fake.Messages(channel) {
		if m.ID == id {
			var out []string
			for _, r := range m.Reactions {
				out = append(out, r.Emoji.Name)
			}
			return strings.Join(out, "")
		}
	}
	return ""
}

func (st *stand) signed(channel, id, want string) {
	st.Helper()
	st.eventually("signed "+want, func() bool { return st.signs(channel, id) == want })
}

func TestAnswerInAThreadGoesOut(t *testing.T) {
	t.Parallel()
	st, d, head := conversing(t, fakediscord.Options{})
	id := st.fake.Say("ada", head.Thread, "<@"+fakediscord.DefaultApplicationID+"> thanks, see <#"+st.channel+"> *now* <t:1770385010:R>", "", false)
	st.signed(head.Thread, id, signDone)
	require.Equal(t, []string{"dm send conversation=v1 text=thanks, see #alerts *now* 2026-02-06T13:36:50Z"}, d.calls())
	q := d.last()
	require.Equal(t, "orbit_bot", q.Agent)
	require.Equal(t, "discord:message:"+id, q.ID)
	require.Equal(t, st.fake.User("ada"), q.Principal.User)
	require.Equal(t, st.guild, q.Principal.Workspace)
	require.True(t, q.Open)
	st.faultless()
}

func TestAnswerToACommentFindsItsParent(t *testing.T) {
	t.Parallel()
	st, d, _ := conversing(t, fakediscord.Options{})
	root, _ := st.patient(t.Context(), st.sink, commented(st, "n1", "Lovely."))
	next := commented(st, "n2", "And you?")
	next.Thread = root
	second, _ := st.patient(t.Context(), st.sink, next)
	one := st.fake.Say("ada", root.Thread, "to the post", "", false)
	st.signed(root.Thread, one, signDone)
	two := st.fake.Say("ada", root.Thread, "to the second", second.Message, true)
	st.signed(root.Thread, two, signDone)
	require.Equal(t, []string{"post comment post=p1 text=to the post", "post comment post=p1 text=to the second reply_to=c-n2"}, d.calls())
	st.faultless()
}

func TestFailureIsShownBelowThePersonsMessage(t *testing.T) {
	t.Parallel()
	st, d, head := conversing(t, fakediscord.Options{})
	d.answer = func(context.Context, command.Request) command.Answer {
		return command.Answer{Problem: &command.Problem{
			Code: 403, Message: "Not delivered: @nova doesn't accept messages from luna.", Buttons: []bridge.Action{{Label: "Try again", Command: "dm send", Args: map[string]string{"conversation": "v1", "text": "hi"}}},
		}}
	}
	id := st.fake.Say("ada", head.Thread, "hi", "", false)
	st.signed(head.Thread, id, signFail)
	st.eventually("told why", func() bool { return len(st.fake.Messages(head.Thread)) == 2 })
	why := st.fake.Messages(head.Thread)[1]
	require.Contains(t, why.Content, "Not delivered: \\@nova doesn't accept messages from luna.")
	require.Equal(t, id, why.Reference.MessageID)
	require.Empty(t, why.Mentions)
	require.Equal(t, "Try again", why.Components[0].Components[0].Label)
	st.faultless()
}

func TestSlowAnswerShowsThatItIsUnderWay(t *testing.T) {
	t.Parallel()
	st, d, head := conversing(t, fakediscord.Options{})
	seen := make(chan string, 1)
	d.answer = func(_ context.Context, q command.Request) command.Answer {
		id := strings.TrimPrefix(q.ID, "discord:message:")
		st.signed(head.Thread, id, signBusy)
		seen <- id
		return ok("Sent.")
	}
	id := st.fake.Say("ada", head.Thread, "slowly", "", false)
	require.Equal(t, id, <-seen)
	st.signed(head.Thread, id, signDone)
	st.faultless()
}

func TestWhatIsNoAnswerIsIgnored(t *testing.T) {
	t.Parallel()
	st, d, head := conversing(t, fakediscord.Options{})
	st.fake.Webhook("other bridge", head.Thread, "from another bridge")
	st.fake.Say("ada", st.channel, "in the channel itself", "", false)
	other := st.fake.Say("ada", st.channel, "a thread of others", "", false)
	st.patient(t.Context(), st.sink, delivery(st, "n1"))
	require.NotEmpty(t, other)
	last := st.fake.Say("ada", head.Thread, "the only one", "", false)
	st.signed(head.Thread, last, signDone)
	require.Equal(t, []string{"dm send conversation=v1 text=the only one"}, d.calls())
	st.faultless()
}

func TestEditedAnswerIsToldOnce(t *testing.T) {
	t.Parallel()
	st, d, head := conversing(t, fakediscord.Options{})
	id := st.fake.Say("ada", head.Thread, "first version", "", false)
	st.signed(head.Thread, id, signDone)
	for range 2 {
		st.fake.Dispatch("MESSAGE_UPDATE", map[string]any{
			"id": id, "channel_id": head.Thread, "guild_id": st.guild, "type": 0, "content": "second version", "edited_timestamp": "2026-02-06T13:36:50Z",
			"author": map[string]any{"id": st.fake.User("ada"), "username": "ada"},
		})
	}
	st.eventually("told", func() bool { return len(st.fake.Messages(head.Thread)) == 2 })
	require.Equal(t, "ImagineAnything can't edit a sent message. The first version stands.", st.fake.Messages(head.Thread)[1].Content)
	require.Len(t, d.calls(), 1)
}

func TestWithoutTheIntentOnlyWhatIsMeantForUsIsHeard(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{Limits: map[string]fakediscord.Limit{reactions: {}}}, false, withActions)
	head, _ := st.patient(t.Context(), st.sink, direct(st, "m0", "hello"))
	for range 3 {
		st.fake.Say("ada", head.Thread, "nobody reads this", "", false)
	}
	mention := st.fake.Say("ada", head.Thread, "<@"+fakediscord.DefaultApplicationID+"> a mention", "", false)
	st.signed(head.Thread, mention, signDone)
	r, _ := st.patient(t.Context(), st.sink, func() bridge.Delivery { d := direct(st, "m1", "more"); d.Thread = head; return d }())
	ping := st.fake.Say("ada", head.Thread, "with ping", r.Message, true)
	st.signed(head.Thread, ping, signDone)
	require.Equal(t, []string{"dm send conversation=v1 text=a mention", "dm send conversation=v1 text=with ping"}, d.calls())
	hints := 0
	for _, m := range st.fake.Messages(head.Thread) {
		if strings.Contains(m.Content, "Mention me, reply with ping, or press Reply") {
			hints++
		}
	}
	require.Equal(t, 1, hints, "once a day and thread")
	require.Contains(t, describe2(st.sink.Check(t.Context())), "message_content: off")
	st.faultless()
}

func describe2(found []Finding) string {
	var out []string
	for _, f := range found {
		out = append(out, f.Subject+": "+f.Problem)
	}
	return strings.Join(out, "\n")
}

func TestMessageCommandsBringTheWholeMessage(t *testing.T) {
	t.Parallel()
	st, d := talkative(t, fakediscord.Options{}, false, withActions)
	head, _ := st.patient(t.Context(), st.sink, direct(st, "m0", "hello"))
	said := st.fake.Say("ada", st.channel, "worth sharing", "", false)

	in, err := st.fake.MessageCommand("bob", st.channel, said, shareMenu)
	m := st.form(in, err)
	require.Equal(t, "worth sharing", m.Components[0].Component.Value)
	st.settled(st.fake.Submit(in, nil))

	in, err = st.fake.MessageCommand("bob", st.channel, head.Message, replyMenu)
	st.form(in, err)
	st.settled(st.fake.Submit(in, map[string]string{"text": "by form"}))

	own := st.fake.Say("ada", head.Thread, "unread words", "", false)
	st.settled(st.fake.MessageCommand("ada", head.Thread, own, replyMenu))

	require.Contains(t, st.said(st.fake.MessageCommand("ada", st.channel, said, replyMenu)), "belongs to nothing on ImagineAnything")
	require.Equal(t, []string{"post create text=worth sharing", "dm send conversation=v1 text=by form", "dm send conversation=v1 text=unread words"}, d.calls())
	st.faultless()
}

// F41: what was written while the bridge was away arrives, in the order of each thread.
func TestF41_AnswersWrittenWhileAwayArrive(t *testing.T) {
	t.Parallel()
	st, d, _ := conversing(t, fakediscord.Options{})
	var threads []string
	for i := range 10 {
		e := commented(st, fmt.Sprint("n", i), "hm")
		e.Message.ThreadKey = fmt.Sprint("post:p", i)
		r, _ := st.patient(t.Context(), st.sink, e)
		threads = append(threads, r.Thread)
	}
	first := st.fake.Say("ada", threads[0], "before", "", false)
	st.signed(threads[0], first, signDone)
	st.stop()
	want := []string{"post comment post=p0 text=before"}
	for i := range 30 {
		st.fake.Say("ada", threads[i%10], fmt.Sprint("away ", i), "", false)
		want = append(want, fmt.Sprintf("post comment post=p%d text=away %d", i%10, i))
	}
	st.run()
	st.eventually("all arrived", func() bool { return len(d.calls()) == 31 })
	got := d.calls()
	for i := range 10 {
		var texts []string
		for _, c := range got {
			if strings.Contains(c, fmt.Sprintf("post=p%d ", i)) && !strings.Contains(c, "before") {
				texts = append(texts, c[strings.LastIndex(c, " ")+1:])
			}
		}
		require.Equal(t, []string{strconv.Itoa(i), strconv.Itoa(i + 10), strconv.Itoa(i + 20)}, texts, "in the order of the thread")
	}
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(t, want, got)
	st.faultless()
}

func TestBurstOfMessagesLosesNoAnswer(t *testing.T) {
	t.Parallel()
	st, d, head := conversing(t, fakediscord.Options{})
	st.fake.SetPermissions(st.channel, fakediscord.DefaultPermissions&^fakediscord.PermAddReactions)
	gate := make(chan struct{})
	d.answer = func(context.Context, command.Request) command.Answer { <-gate; return ok("Sent.") }
	const n = maxWaiting + 120 // more than wait in a thread, and more than a page
	for i := range n {
		st.fake.Say("ada", head.Thread, fmt.Sprint("word ", i), "", false)
	}
	st.eventually("the line is full", func() bool { return len(d.calls()) == 1 })
	close(gate)
	st.eventually("all arrived", func() bool { return len(d.calls()) == n })
	for i, c := range d.calls() {
		require.Equal(t, fmt.Sprint("dm send conversation=v1 text=word ", i), c)
	}
	require.Equal(t, 1, count(st.fake, reactions), "a sign that is not permitted is not tried each time")
}

func TestDroppedEventsAreReadUp(t *testing.T) {
	t.Parallel()
	st, d, head := conversing(t, fakediscord.Options{})
	st.stop()
	for i := range 3 {
		st.fake.Say("ada", head.Thread, fmt.Sprint("word ", i), "", false)
	}
	all := newTalk(st.sink)
	(&consumer{Sink: st.sink, known: map[string]bool{st.guild: true}, talk: all}).missed(t.Context())
	all.work.Wait()
	require.Equal(t, []string{"dm send conversation=v1 text=word 0", "dm send conversation=v1 text=word 1", "dm send conversation=v1 text=word 2"}, d.calls())
	st.faultless()
}

func TestWatermarkMovesOnlyWhenTheCommandIsRecorded(t *testing.T) {
	t.Parallel()
	st, d, head := conversing(t, fakediscord.Options{})
	stored := make(chan struct{})
	d.accept = func(command.Request) error {
		select {
		case <-stored:
			return nil
		default:
			close(stored)
			return &command.Problem{Code: 503, Message: "Not noted."}
		}
	}
	id := st.fake.Say("ada", head.Thread, "patience", "", false)
	<-stored
	seen, err := st.sink.watermark(t.Context(), head.Thread)
	require.NoError(t, err)
	require.Equal(t, head.Thread, seen)
	st.signed(head.Thread, id, signDone)
	seen, err = st.sink.watermark(t.Context(), head.Thread)
	require.NoError(t, err)
	require.Equal(t, id, seen)
}

func TestRolesDecideWhoManages(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{})
	ada := st.fake.Member(st.guild, "ada", 0, st.fake.Role(st.guild, "Team"))
	p := st.sink.writer(t.Context(), spoken{Guild: st.guild, User: sender{ID: ada, Name: "ada"}})
	require.Len(t, p.Roles, 1, "read where the event did not tell them")
	require.False(t, p.Manages)
	st.sink.rulers.guilds[st.guild] = ruled{at: time.Now(), Roles: []role{{ID: flexID(p.Roles[0]), Permissions: bits(manageServer)}}}
	require.True(t, st.sink.writer(t.Context(), spoken{Guild: st.guild, User: sender{ID: ada}}).Manages)
	st.sink.rulers.guilds[st.guild] = ruled{at: time.Now(), Owner: flexID(ada)}
	require.True(t, st.sink.writer(t.Context(), spoken{Guild: st.guild, User: sender{ID: ada}}).Manages)
}

func TestOutwardText(t *testing.T) {
	t.Parallel()
	m := spoken{Content: "<@1> <@!1>hi <@2> <@3> <@&4> <#5> <#6> <:blob:7> <a:dance:8> <t:0> <t:99999999999999:R> <@x> **b**", Names: map[string]string{"2": "linus"}}
	require.Equal(t, "hi @linus @somebody @role #news #channel :blob: :dance: 1970-01-01T00:00:00Z <t:99999999999999:R> <@x> **b**", outward(m, "1", func(id string) string {
		return map[string]string{"5": "news"}[id]
	}))
}

func FuzzSpoken(f *testing.F) {
	f.Add([]byte(`{"id":"1","content":"<@1> hi <t:1:R> <:a:1>","author":{"id":"2"},"mentions":[{"id":"3","username":"x"}],"message_reference":{"message_id":4}}`))
	f.Add([]byte(`{"content":"<t:-1><@!>","mentions":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, _ := parse(data)
		m := readSpoken(n)
		outward(m, "1", func(string) string { return "" })
		require.False(t, m.human() && m.User.Bot)
	})
}
