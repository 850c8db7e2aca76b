package bus

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// audited returns what the audit keeps, by subject in order.
func audited(t *testing.T, b *Bus) (subjects []string, entries []command.Entry) {
	t.Helper()
	require.NoError(t, b.replay(t.Context(), streamAudit, jetstream.ConsumerConfig{FilterSubject: "ia.audit.>"}, func(m jetstream.Msg, _ *jetstream.MsgMetadata) {
		var e command.Entry
		if err := json.Unmarshal(m.Data(), &e); err != nil {
			t.Error(err)
		}
		subjects, entries = append(subjects, m.Subject()), append(entries, e)
	}))
	return subjects, entries
}

func TestAuditSaysWhoDidWhat(t *testing.T) {
	t.Parallel()
	b := open(t)
	stop := run(t, b)
	done := command.Entry{
		At: time.Date(2026, 2, 6, 13, 36, 48, 0, time.UTC), ID: "discord:1", Door: "discord", Place: "C1", Agent: "luna", Group: "post", Verb: "like",
		Principal: command.Principal{Platform: command.Discord, Workspace: "g1", User: "u1", Name: "Ada"},
		Targets:   map[string]string{"post": "p1"}, Outcome: "done", Took: time.Second,
	}
	b.Audit(t.Context(), done)
	b.Audit(t.Context(), command.Entry{Agent: "", Group: "li.k*", Verb: "", Outcome: "refused", Status: "unknown_command"})
	b.Audit(t.Context(), command.Entry{Agent: "luna", Group: "sk-abcdefghij0123456789abcdef", Verb: "x", Outcome: "refused"})
	stop() // what waits is stored before the end
	subjects, entries := audited(t, b)
	require.Equal(t, []string{"ia.audit.luna.post.like", "ia.audit.-.li=2Ek=2A.-", "ia.audit.luna.-.x"}, subjects)
	require.Equal(t, done, entries[0])
	require.Equal(t, "unknown_command", entries[1].Status)
	require.Empty(t, entries[2].Group, "a key that was typed in the wrong place is not kept")
}

func TestAuditIsBoundedAndTellsWhatItLost(t *testing.T) {
	t.Parallel()
	b := open(t)
	heard, err := b.nc.SubscribeSync("ia.status.audit")
	require.NoError(t, err)
	for i := range auditBuffer + 5 { // nobody stores yet
		b.Audit(t.Context(), command.Entry{ID: strconv.Itoa(i), Agent: "luna", Group: "post", Verb: "like"})
	}
	stop := run(t, b)
	m, err := heard.NextMsg(soon)
	require.NoError(t, err)
	require.Contains(t, string(m.Data), `"degraded","reason":"5 audit entries were lost`)
	stop()
	_, entries := audited(t, b)
	require.Len(t, entries, auditBuffer)
	require.Equal(t, "1023", entries[auditBuffer-1].ID)
}
