package discord

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

const threadRoute = "POST /channels/{channel_id}/messages/{message_id}/threads"

func contextFor(st *stand, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(st.Context(), d)
}

func TestConversationLivesInOneThread(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		head, _ := st.patient(st.Context(), st.sink, direct(st, "m0", "hello"))
		require.Equal(st, bridge.Receipt{Channel: st.channel, Message: head.Message, Thread: head.Message, At: timeOf(head.Message)}, head)
		for i := 1; i <= 3; i++ {
			d := direct(st, "m"+strconv.Itoa(i), strconv.Itoa(i))
			d.Thread = head
			r, _ := st.patient(st.Context(), st.sink, d)
			require.Equal(st, head.Thread, r.Thread)
			require.Equal(st, head.Message, r.Root)
			require.Equal(st, head.Thread, r.Channel)
		}
		require.Equal(st, []string{"hello"}, st.texts(st.channel))
		require.Equal(st, []string{head.Thread}, st.fake.Threads(st.channel))
		require.Equal(st, []string{"1", "2", "3"}, st.texts(head.Thread))
		require.Contains(st, st.fake.Screen(head.Thread), "DM · Nova (@nova_ai)")
		require.Equal(st, 1, count(st.fake, threadRoute))
		st.faultless()
	})
}

func TestThreadIsAdoptedWhereItExists(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		st.fake.Inject(fakediscord.Rule{Route: threadRoute, Times: 1, Effect: fakediscord.LoseReply()})
		head, _ := st.patient(st.Context(), st.sink, direct(st, "m0", "hello"))
		require.Empty(st, head.Thread, "not known yet")
		d := direct(st, "m1", "again")
		d.Thread = head
		r, _ := st.patient(st.Context(), st.sink, d)
		require.Equal(st, head.Message, r.Thread, "160004 means that it is there")
		require.Equal(st, []string{"again"}, st.texts(head.Message))
		st.faultless()
	})
}

func TestTenFirstMessagesMakeOneThread(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		st.fake.Inject(fakediscord.Rule{Route: threadRoute, Times: 1, Effect: fakediscord.Status(http.StatusServiceUnavailable)})
		head, _ := st.patient(st.Context(), st.sink, direct(st, "m0", "hello"))
		each(10, func(i int) {
			d := direct(st, "m"+strconv.Itoa(i+1), strconv.Itoa(i))
			d.Thread = head
			st.patient(st.Context(), []*Sink{st.sink, st.another()}[i%2], d)
		})
		require.Len(st, st.fake.Threads(st.channel), 1)
		require.Len(st, st.fake.Messages(head.Message), 10)
	})
}

func TestThreadThatIsArchivedOpensAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		head, _ := st.patient(st.Context(), st.sink, direct(st, "m0", "hello"))
		st.fake.Archive(head.Thread, true)
		d := direct(st, "m1", "again")
		d.Thread = head
		st.patient(st.Context(), st.sink, d)
		require.Equal(st, []string{"again"}, st.texts(head.Thread))
		require.NotContains(st, st.fake.Screen(head.Thread), "archived")
	})
}

func TestThreadThatIsLockedKeepsTheLaneGoing(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		head, _ := st.patient(st.Context(), st.sink, direct(st, "m0", "hello"))
		st.fake.Lock(head.Thread, true)
		d := direct(st, "m1", "again")
		d.Thread = head
		_, err := st.sink.Send(st.Context(), d)
		e := st.verdict(err)
		require.Equal(st, bridge.Reject, e.Verdict, "one closed conversation stops no others")
		require.Contains(st, e.Advice, "locked")

		d = direct(st, "m2", "to the thread itself")
		d.To.Place, d.Message.ThreadKey = head.Thread, ""
		_, err = st.sink.Send(st.Context(), d)
		require.Equal(st, bridge.Gone, st.verdict(err).Verdict)
	})
}

func TestThreadThatWasDeletedBeginsAnew(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		head, _ := st.patient(st.Context(), st.sink, direct(st, "m0", "hello"))
		st.fake.DeleteChannel(head.Thread)
		d := direct(st, "m1", "again")
		d.Thread = head
		r, _ := st.patient(st.Context(), st.sink, d)
		require.Equal(st, st.channel, r.Channel)
		require.Equal(st, r.Message, r.Thread, "it heads a new thread")
		require.Empty(st, r.Root)
		require.Equal(st, []string{"hello", "again"}, st.texts(st.channel))
		st.faultless()
	})
}

func TestThreadWhoseRootWasDeletedBeginsAnew(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		st.fake.Inject(fakediscord.Rule{Route: threadRoute, Times: 1, Effect: fakediscord.Status(http.StatusBadGateway)})
		head, _ := st.patient(st.Context(), st.sink, direct(st, "m0", "hello"))
		st.fake.Delete(st.channel, head.Message)
		d := direct(st, "m1", "again")
		d.Thread = head
		r, _ := st.patient(st.Context(), st.sink, d)
		require.Equal(st, r.Message, r.Thread)
		st.faultless()
	})
}

func TestChannelWithoutThreadsGetsReplies(t *testing.T) {
	t.Parallel()
	for name, forbid := range map[string]func(*stand){
		"no permission": func(st *stand) {
			st.fake.SetPermissions(st.channel, fakediscord.DefaultPermissions&^publicThreads.bit)
		},
		"too many": func(st *stand) {
			st.fake.Inject(fakediscord.Rule{Route: threadRoute, Effect: fakediscord.Refuse(codeManyThreads)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, fakediscord.Options{}, func(st *stand) {
				forbid(st)
				head, _ := st.patient(st.Context(), st.sink, direct(st, "m0", "hello"))
				for i := range 5 {
					d := direct(st, "m1"+strconv.Itoa(i), strconv.Itoa(i))
					d.Thread = head
					r, tries := st.patient(st.Context(), st.sink, d)
					require.Equal(st, 1, tries)
					require.Equal(st, st.channel, r.Channel)
				}
				seen := st.fake.Messages(st.channel)
				require.Len(st, seen, 6)
				require.Equal(st, head.Message, seen[1].Reference.MessageID)
				require.Less(st, st.fake.Stats().Invalid, 2, "a refusal is remembered")
				st.faultless()
			})
		})
	}
}

func TestF21_PermissionTakenAway(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		st.patient(st.Context(), st.sink, delivery(st, "ntf_0"))
		st.sink.remember([]place{{ID: flexID(st.channel), Name: "alerts"}})
		st.fake.SetPermissions(st.channel, fakediscord.DefaultPermissions&^sendMessages.bit)
		_, err := st.sink.Send(st.Context(), delivery(st, "ntf_1"))
		e := st.verdict(err)
		require.Equal(st, bridge.Gone, e.Verdict)
		require.Equal(st, "In #alerts I may not: Send Messages, Embed Links. Channel settings → Permissions → ImagineBridge.", e.Advice)
		require.Equal(st, 2, count(st.fake, createRoute))
	})
}

func TestB54_ThreadPermissionIsNamed(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		head, _ := st.patient(st.Context(), st.sink, direct(st, "m0", "hello"))
		st.fake.SetPermissions(st.channel, fakediscord.DefaultPermissions&^sendInThreads.bit)
		d := direct(st, "m1", "again")
		d.Thread = head
		_, err := st.sink.Send(st.Context(), d)
		require.Equal(st, bridge.Gone, st.verdict(err).Verdict)
		require.Contains(st, st.verdict(err).Advice, "I may not: Send Messages in Threads. Channel settings → Permissions → ImagineBridge.")
	})
}

func TestF57_ChannelDeleted(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		st.fake.DeleteChannel(st.channel)
		_, err := st.sink.Send(st.Context(), delivery(st, "ntf_1"))
		require.Equal(st, bridge.Gone, st.verdict(err).Verdict)
		require.Equal(st, 1, st.fake.Stats().Requests)
	})
}

func TestB16_ChannelByName(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		d := delivery(st, "ntf_1")
		d.To.Place = "#general"
		_, err := st.sink.Send(st.Context(), d)
		require.Equal(st, bridge.Gone, st.verdict(err).Verdict)
		require.Contains(st, st.verdict(err).Advice, "Copy Channel ID")
		require.Zero(st, st.fake.Stats().Requests)
	})
}
