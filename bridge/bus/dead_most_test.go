package bus

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

func TestTheOldestDeadLettersLeaveBeyondTheLimit(t *testing.T) {
	t.Parallel()
	b := open(t)
	one, other := lane(t, b, LaneSpec{Subscription: "one", Start: "all"}), lane(t, b, LaneSpec{Subscription: "other", Start: "all"})
	for range 5 {
		bury(t, one, "one", "refused", 1)
		bury(t, other, "other", "refused", 1)
	}
	left, err := b.trimDead(t.Context(), 10)
	require.NoError(t, err)
	require.Zero(t, left, "at the limit all of them stay")
	oldest := listed(t, b, "")[0].ID
	bury(t, other, "other", "refused", 1)
	left, err = b.trimDead(t.Context(), 10)
	require.NoError(t, err)
	require.EqualValues(t, 1, left)
	all := listed(t, b, "")
	require.Len(t, all, 10)
	require.Greater(t, all[0].ID, oldest)
	require.NoError(t, one.Save(t.Context(), one.Record()), "records of lanes stay")
}

func TestThatDeadLettersLeaveIsToldOnce(t *testing.T) {
	t.Parallel()
	b := open(t)
	l := lane(t, b, LaneSpec{Subscription: "one", Start: "all"})
	told := map[string]bool{}
	statuses := func() uint64 { return counted(t, b, "ia.status.dead") }
	for range 3 {
		bury(t, l, "one", "refused", 4)
		b.boundDead(t.Context(), 3, told)
		require.EqualValues(t, 1, statuses(), "as long as it goes on")
	}
	b.boundDead(t.Context(), 3, told)
	bury(t, l, "one", "refused", 1)
	b.boundDead(t.Context(), 3, told)
	require.EqualValues(t, 2, statuses(), "it had ended in between")
}

// counted is how many messages stand on a subject of the audit stream.
func counted(t *testing.T, b *Bus, subject string) uint64 {
	t.Helper()
	s, err := b.js.Stream(t.Context(), streamAudit)
	require.NoError(t, err)
	in, err := s.Info(t.Context(), jetstream.WithSubjectFilter(subject))
	require.NoError(t, err)
	return in.State.Subjects[subject]
}
