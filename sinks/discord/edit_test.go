package discord

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

const editRoute = "PATCH /channels/{channel_id}/messages/{message_id}"

func TestF26_AnOlderStateNeverReplacesANewer(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		first, _ := st.patient(st.Context(), st.sink, stage(st, "job_1", "pending"))
		done := stage(st, "job_4", "completed")
		done.Replaces = first
		last, _ := st.patient(st.Context(), st.sink, done)
		require.Equal(st, []string{"Image ready"}, st.texts(st.channel))
		for _, replaces := range []bridge.Receipt{last, first} { // with the ledger's receipt, and with an old one
			late := stage(st, "job_3", "uploading")
			late.Replaces = replaces
			_, err := st.sink.Send(st.Context(), late)
			require.NoError(st, err)
		}
		require.Equal(st, []string{"Image ready"}, st.texts(st.channel))
		require.Equal(st, 1, count(st.fake, editRoute))
		st.faultless()
	})
}

func TestF26_ManyJobsOutOfOrder(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		for i := range 50 {
			id := "job_" + strconv.Itoa(i)
			first, _ := st.patient(st.Context(), st.sink, stage(st, id+"_1", "pending"))
			var all sync.WaitGroup
			for _, status := range []string{"completed", "generating", "uploading"} {
				all.Go(func() {
					d := stage(st, id+status, status)
					d.Replaces = first
					st.patient(st.Context(), st.sink, d)
				})
			}
			all.Wait()
			require.Equal(st, "Image ready", st.texts(st.channel)[i])
		}
		st.faultless()
	})
}

func TestProgressIsNotEditedTooOften(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		first, _ := st.patient(st.Context(), st.sink, stage(st, "job_0", "pending"))
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				d := stage(st, "job_"+strconv.Itoa(i), "generating")
				d.Message.Version, d.Message.Title, d.Replaces = 100+i, "state "+strconv.Itoa(i), first
				_ = pause(st.Context(), time.Duration(i)*200*time.Millisecond)
				_, err := st.sink.Send(st.Context(), d)
				require.NoError(st, err)
			})
		}
		all.Wait()
		require.LessOrEqual(st, count(st.fake, editRoute), 6)
		require.Equal(st, []string{"state 49"}, st.texts(st.channel), "the last state is shown, in one message")
		st.faultless()
	})
}

func TestEditEndsWithItsContext(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		o := newOutbox()
		superseded, err := o.turn(st.Context(), "1", 1)
		require.NoError(st, err)
		require.False(st, superseded)
		ctx, cancel := contextFor(st, time.Second)
		defer cancel()
		_, err = o.turn(ctx, "1", 2)
		require.ErrorIs(st, err, ctx.Err())
		superseded, err = o.turn(st.Context(), "1", 2)
		require.NoError(st, err)
		require.False(st, superseded, "the place is free again")
	})
}

func TestOutboxForgets(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		o := newOutbox()
		for i := range 3 * maxEdited {
			_, err := o.turn(st.Context(), strconv.Itoa(i), 1)
			require.NoError(st, err)
			time.Sleep(editMemory / maxEdited * 2)
		}
		require.LessOrEqual(st, len(o.messages), maxEdited)
	})
}

func TestMessageDeletedByAModerator(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		first, _ := st.patient(st.Context(), st.sink, stage(st, "job_1", "pending"))
		st.fake.Delete(st.channel, first.Message)
		for i, status := range []string{"generating", "uploading"} {
			d := stage(st, "job_x"+status, status)
			d.Replaces = first
			r, err := st.sink.Send(st.Context(), d)
			require.NoError(st, err)
			require.Empty(st, st.fake.Messages(st.channel), "progress alone is not shown anew")
			require.Equal(st, first.Message, r.Message)
			require.Equal(st, i+1, count(st.fake, editRoute))
			time.Sleep(5 * time.Second)
		}
		d := stage(st, "job_4", "completed")
		d.Replaces = first
		r, err := st.sink.Send(st.Context(), d)
		require.NoError(st, err)
		require.Equal(st, []string{"Image ready"}, st.texts(st.channel))
		require.NotEqual(st, first.Message, r.Message)
		st.faultless()
	})
}

func TestOldMessagesThatTakeNoMoreEdits(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{OldEdits: fakediscord.Limit{Count: 1, Per: time.Hour}}, func(st *stand) {
		first, _ := st.patient(st.Context(), st.sink, stage(st, "job_1", "pending"))
		st.fake.Age(st.channel, first.Message, 2*time.Hour)
		for _, status := range []string{"generating", "uploading", "completed"} {
			d := stage(st, "job_"+status, status)
			d.Replaces = first
			_, err := st.sink.Send(st.Context(), d)
			require.NoError(st, err)
			time.Sleep(5 * time.Second)
		}
		require.Equal(st, []string{"Generating an image", "Image ready"}, st.texts(st.channel), "the last state gets a message of its own")
		require.LessOrEqual(st, count(st.fake, editRoute), 3, "no loop")
	})
}

func TestEditOverALostAnswerIsRepeated(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		first, _ := st.patient(st.Context(), st.sink, stage(st, "job_1", "pending"))
		st.fake.Inject(fakediscord.Rule{Route: editRoute, Times: 2, Effect: fakediscord.LoseReply()})
		d := stage(st, "job_4", "failed")
		d.Replaces = first
		r, tries := st.patient(st.Context(), st.sink, d)
		require.Equal(st, 3, tries)
		require.Equal(st, first.Message, r.Message)
		require.Equal(st, []string{"The image failed"}, st.texts(st.channel))
		st.faultless()
	})
}

func TestRefusedEditIsShownAsPlainText(t *testing.T) {
	t.Parallel()
	inBubble(t, fakediscord.Options{}, func(st *stand) {
		first, _ := st.patient(st.Context(), st.sink, stage(st, "job_1", "pending"))
		st.fake.Inject(fakediscord.Rule{Route: editRoute, Times: 1, Effect: fakediscord.BadForm("embeds.0", "X", "x")})
		d := stage(st, "job_4", "completed")
		d.Replaces = first
		_, err := st.sink.Send(st.Context(), d)
		require.NoError(st, err)
		m := st.fake.Messages(st.channel)[0]
		require.Contains(st, m.Content, "Image ready")
		require.Empty(st, m.Embeds)
		st.faultless()
	})
}
