package slack

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// F36: what is recorded before the acknowledgement has the way back, so that who
// asked hears of it also where this process never came to do it.
func TestF36_TheWayBackIsRecordedFirst(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	d.slash("/ia post Docking ring done")
	d.seen(d.channel, 0)
	accepted := d.hands.recorded()
	require.Len(t, accepted, 1)
	require.NotEmpty(t, accepted[0].Back)
	d.newSink("http", nil).Answer(t.Context(), accepted[0], command.Answer{Private: true, Problem: &command.Problem{
		Code: 504, Unknown: true, Message: "I can't tell whether this was posted.",
	}})
	require.Contains(t, d.seen(d.channel, 1).Text, "I can't tell")
	d.clean()
}

// F36: an answer that no way brings is not taken for brought.
func TestF36_AnAnswerThatIsNotBroughtIsOwed(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	d.slash("/ia post Docking ring done")
	d.seen(d.channel, 0)
	to := back{User: d.ann, Channel: d.channel, Team: d.team.ID}
	away := d.fake.Inject(fakeslack.Trouble{Kind: fakeslack.Refused, Error: "not_in_channel"})
	require.False(t, d.sink.answering(to).finish(t.Context(), command.Answer{OK: true, Reply: command.Reply{Text: "The answer."}}))
	require.Positive(t, away.Hits())
	away.Stop()
	require.True(t, d.sink.answering(to).finish(t.Context(), command.Answer{OK: true, Reply: command.Reply{Text: "The answer."}}))
	require.Contains(t, d.seen(d.channel, 1).Text, "The answer.")
}
