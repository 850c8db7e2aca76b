package discord

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/load"
)

func TestF23_LostAnswersShowOneMessage(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]fakediscord.Effect{
		"connection closed": fakediscord.LoseReply(), "half an answer": fakediscord.Truncate(), "another answer": fakediscord.Garble(),
		"502 after": fakediscord.StatusAfter(http.StatusBadGateway), "500 after": fakediscord.StatusAfter(http.StatusInternalServerError),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, fakediscord.Options{}, func(st *stand) {
				rule := st.fake.Inject(fakediscord.Rule{Route: createRoute, Every: 5, Effect: effect})
				n := load.Pick(st.T, 100, 500) // of five kinds
				for i := range n {
					r, _ := st.patient(st.Context(), st.sink, direct2(st, i))
					require.Equal(st, st.fake.Messages(st.channel)[i].ID, r.Message)
				}
				require.GreaterOrEqual(st, rule.Hits(), n/5)
				require.Len(st, st.fake.Messages(st.channel), n)
				st.faultless()
			})
		})
	}
}

func TestF23_LostAnswersOverRealSockets(t *testing.T) {
	t.Parallel()
	st := newStand(t, fakediscord.Options{Limits: map[string]fakediscord.Limit{createRoute: {}}, GlobalPerSecond: -1})
	for name, effect := range map[string]fakediscord.Effect{"closed": fakediscord.LoseReply(), "reset": fakediscord.Reset()} {
		rule := st.fake.Inject(fakediscord.Rule{Route: createRoute, Times: 2, Effect: effect})
		_, tries := st.patient(t.Context(), st.sink, delivery(st, "ntf_"+name))
		require.Equal(t, 3, tries)
		require.Equal(t, 2, rule.Hits())
	}
	require.Len(t, st.fake.Messages(st.channel), 2)
	st.faultless()
}

func TestF24_LateAnswersShowOneMessage(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		late := st.fake.Inject(fakediscord.Rule{Route: createRoute, Every: 2, Effect: fakediscord.Delay(40 * time.Second)})
		for i := range 100 {
			begin := time.Now()
			d := direct2(st, i)
			_, err := st.sink.Send(st.Context(), d)
			require.LessOrEqual(st, time.Since(begin), sendTimeout, "nobody waits longer")
			if err != nil {
				require.Equal(st, bridge.InDoubt, st.verdict(err).Verdict)
				d.Doubt, d.Attempt = begin, 2
				st.patient(st.Context(), st.sink, d)
			}
		}
		require.Len(st, st.fake.Messages(st.channel), 100)
		require.GreaterOrEqual(st, late.Hits(), 50)
		st.faultless()
	})
}

func TestDoubtThatIsOldIsLookedUp(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		lost := st.fake.Inject(fakediscord.Rule{Route: createRoute, Times: 1, Effect: fakediscord.LoseReply()})
		d := direct2(st, 0)
		d.Doubt = time.Now()
		_, err := st.sink.Send(st.Context(), d)
		require.Equal(st, bridge.InDoubt, st.verdict(err).Verdict)
		require.Equal(st, 1, lost.Hits())
		first := st.fake.Messages(st.channel)[0].ID
		for i := range 250 { // a busy channel: the look-back has to turn pages
			st.fake.Say("grace", st.channel, strconv.Itoa(i), "", false)
		}
		time.Sleep(10 * time.Minute)
		r, err := st.another().Send(st.Context(), d)
		require.NoError(st, err)
		require.Equal(st, first, r.Message, "the mark is found by another process")
		require.Len(st, st.fake.Messages(st.channel), 251)
		require.Equal(st, 1, count(st.fake, createRoute))

		other := direct2(st, 1)
		other.Doubt = time.Now().Add(-10 * time.Minute)
		r, err = st.sink.Send(st.Context(), other)
		require.NoError(st, err)
		require.NotEqual(st, first, r.Message, "another message has another mark")
		require.Len(st, st.fake.Messages(st.channel), 252)
		st.faultless()
	})
}

func TestDoubtIsLookedUpByDiscordsClock(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		inBubble(t, fakediscord.Options{}, func(st *stand) {
			st.fake.Skew(skew)
			d := direct2(st, 0)
			d.Doubt = time.Now()
			st.fake.Inject(fakediscord.Rule{Route: createRoute, Times: 1, Effect: fakediscord.LoseReply()})
			_, err := st.sink.Send(st.Context(), d)
			require.Error(st, err)
			time.Sleep(10 * time.Minute)
			_, err = st.another().Send(st.Context(), d)
			require.NoError(st, err)
			require.Len(st, st.fake.Messages(st.channel), 1, "with a clock off by %s", skew)
		})
	}
}

func TestDoubtThatCannotBeLookedUpStaysDoubt(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		st.fake.Inject(fakediscord.Rule{Route: "GET /channels/{channel_id}/messages", Effect: fakediscord.Status(http.StatusBadGateway)})
		d := direct2(st, 0)
		d.Doubt = time.Now().Add(-time.Hour)
		_, err := st.sink.Send(st.Context(), d)
		require.Equal(st, bridge.Retry, st.verdict(err).Verdict)
		require.Empty(st, st.fake.Messages(st.channel), "not sent while it may be there")
	})
}

func TestF68_RemovedSinceCountsAsSent(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		d := delivery(st, "ntf_1")
		r, err := st.sink.Send(st.Context(), d)
		require.NoError(st, err)
		st.fake.Delete(st.channel, r.Message)
		d.Doubt = time.Now()
		r, err = st.sink.Send(st.Context(), d)
		require.NoError(st, err)
		require.True(st, r.IsZero(), "sent, and no message to speak of")
		require.Empty(st, st.fake.Messages(st.channel))
		st.faultless()
	})
}

// Forty repeats find that the first was stored and removed since, or that the thread
// they would open is there: all count as done.
func TestF68_FortyRepeatsOfWhatIsDone(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		for n := range 20 {
			d := delivery(st, "ntf_"+strconv.Itoa(n))
			r, _ := st.patient(st.Context(), st.sink, d)
			st.fake.Delete(st.channel, r.Message)
			d.Doubt, d.Attempt = time.Now(), 2
			r, err := st.sink.Send(st.Context(), d)
			require.NoError(st, err)
			require.True(st, r.IsZero(), "sent, and no message to speak of")
		}
		require.Empty(st, st.fake.Messages(st.channel))
		lost := st.fake.Inject(fakediscord.Rule{Route: threadRoute, Effect: fakediscord.LoseReply(), Every: 2})
		for n := range 20 {
			d := direct(st, "m"+strconv.Itoa(n), "hello")
			d.Message.ThreadKey = "dm:v" + strconv.Itoa(n)
			head, _ := st.patient(st.Context(), st.sink, d)
			next := direct(st, "n"+strconv.Itoa(n), "again")
			next.Message.ThreadKey, next.Thread = d.Message.ThreadKey, head
			r, _ := st.patient(st.Context(), st.sink, next)
			require.NotEmpty(st, r.Thread, "which is there already, or is opened now")
		}
		require.GreaterOrEqual(st, lost.Hits(), 10)
		require.Len(st, st.fake.Messages(st.channel), 20)
		require.Len(st, st.fake.Threads(st.channel), 20)
		st.faultless()
	})
}

func TestReplayIsAnotherMessage(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		d := delivery(st, "ntf_1")
		st.patient(st.Context(), st.sink, d)
		d.Generation = 1
		st.patient(st.Context(), st.sink, d)
		require.Len(st, st.fake.Messages(st.channel), 2)
	})
}

func TestRefusedFormIsSentAsPlainText(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		rule := st.fake.Inject(fakediscord.Rule{Route: createRoute, Times: 1, Effect: fakediscord.BadForm("embeds.0.title", "BASE_TYPE_MAX_LENGTH", "x")})
		r, err := st.sink.Send(st.Context(), direct(st, "m1", "**hello** @everyone"))
		require.NoError(st, err)
		require.Equal(st, 1, rule.Hits())
		m := st.fake.Messages(st.channel)[0]
		require.Empty(st, m.Embeds)
		require.Contains(st, m.Content, `\*\*hello\*\* \@everyone`)
		require.False(st, m.MentionEveryone)
		require.Equal(st, m.ID, r.Message)
		d := direct(st, "m1", "x")
		d.Doubt = time.Now()
		time.Sleep(10 * time.Minute)
		r, err = st.sink.Send(st.Context(), d)
		require.NoError(st, err)
		require.Equal(st, m.ID, r.Message, "plain text carries the mark as well")
		st.faultless()
	})
}

func TestNoncesAreStableAndApart(t *testing.T) {
	t.Parallel()
	d := bridge.Delivery{Key: "k", To: bridge.Destination{Scheme: "discord", Place: "1"}}
	n := nonceOf(d)
	require.Len(t, n, nonceSize)
	require.Equal(t, n, nonceOf(d))
	for _, other := range []bridge.Delivery{
		{Key: "k2", To: d.To}, {Key: "k", To: bridge.Destination{Scheme: "discord", Place: "2"}}, {Key: "k", To: d.To, Generation: 1},
	} {
		require.NotEqual(t, n, nonceOf(other))
	}
	d.Attempt, d.Doubt, d.Message.Title = 7, time.Now(), "x"
	require.Equal(t, n, nonceOf(d), "a repeat is the same")
}
