package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// crash is one gap between two steps in which the program dies.
type crash struct {
	nats  func(frame) bool // what it dies at on the way to NATS
	site  string           // or the platform at whose request it dies
	after bool             // when the step was done and its answer is lost; otherwise before the step
	skip  int              // so many of these steps go well first
	first bool             // at the very first start
	dms   bool             // direct messages happen, which leave receipts; otherwise mentions
	slack bool             // through NATS: deliver to Slack; otherwise to Discord and the webhook
	dead  bool             // Discord refuses one of the events for good
}

// refused is the event that Discord does not take where one goes to the dead
// letters.
const refused = 7

// The steps as they pass on the way to NATS.
func baseline(f frame) bool {
	return strings.HasPrefix(f.subject, "ia.put.cursor.") && !strings.Contains(f.data, "Nats-Batch-Id:")
}

func commit(f frame) bool {
	return strings.HasPrefix(f.subject, "ia.put.cursor.") && strings.Contains(f.data, "Nats-Batch-Commit:")
}

func inBatch(f frame) bool { return strings.HasPrefix(f.subject, "ia.put.event.") }

func laneWrite(lane string, intent bool) func(frame) bool {
	return func(f frame) bool {
		return f.subject == "ia.lane."+lane && strings.Contains(f.data, `"intent":{`) == intent && !strings.Contains(f.data, `"position":0,`)
	}
}

func burial(f frame) bool {
	return f.subject == "ia.lane.d" && strings.Contains(f.data, "Nats-Batch-Commit:")
}

func receipt(f frame) bool { return strings.HasPrefix(f.subject, "$KV.IA_RECEIPTS.") }

// The program dies in every gap between two steps on the way from the API into
// NATS and on to a destination, at a point in the middle of many events. Nothing
// is lost, nothing is doubled, order is kept.
func TestF3_CrashInEveryGap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]crash{
		"before the first cursor is stored":            {nats: baseline, first: true},
		"after the first cursor, before its answer":    {nats: baseline, after: true, first: true},
		"between the events of a commit":               {nats: inBatch, skip: 5},
		"between a commit's events and its cursor":     {nats: commit},
		"after a commit, before its answer":            {nats: commit, after: true},
		"before the intent is stored":                  {nats: laneWrite("d", true), skip: 3},
		"after the intent, before the request":         {nats: laneWrite("d", true), after: true, skip: 3},
		"after the intent, before the request (slack)": {nats: laneWrite("s", true), after: true, skip: 1, slack: true},
		"after the intent, before the request (hook)":  {nats: laneWrite("h", true), after: true, skip: 3},
		"before the receipt is stored":                 {nats: receipt, dms: true},
		"after the receipt, before its answer":         {nats: receipt, after: true, dms: true},
		"before the lane moves":                        {nats: laneWrite("d", false)},
		"after the lane moved, before its answer":      {nats: laneWrite("d", false), after: true},
		"before the dead letter is stored":             {nats: burial, dead: true},
		"after the dead letter, before its answer":     {nats: burial, after: true, dead: true},

		"request to Discord, before it takes effect":     {site: "discord", skip: 4},
		"request to Discord, before its answer":          {site: "discord", skip: 4, after: true},
		"request to Slack, before it takes effect":       {site: "slack", skip: 2},
		"request to Slack, before its answer":            {site: "slack", skip: 2, after: true},
		"request to the webhook, before it takes effect": {site: "webhook", skip: 4},
		"request to the webhook, before its answer":      {site: "webhook", skip: 4, after: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

func (c crash) run(t *testing.T) {
	t.Helper()
	w := newWorld(t, lenient)
	m := &mine{wants: c.nats, after: c.after, skip: c.skip, sprung: make(chan struct{})}
	many := 20
	switch {
	case c.site != "":
		many = 6
		c.mineAt(t, w, m)
		w.configure(w.everywhere())
	case c.slack:
		many = 3
		w.natsURL = natsGate(t, natsServer(t), m)
		w.configure(w.toward("s", "slack:"+w.alerts))
	default:
		w.natsURL = natsGate(t, natsServer(t), m)
		w.configure(w.toward("d", "discord:"+w.channel) + w.toward("h", "webhook:"+w.hookURL))
	}
	if c.dead {
		w.discord.Inject(fakediscord.Rule{
			Route: "POST /channels/{channel_id}/messages", Effect: fakediscord.BadForm("content", "BASE_TYPE_BAD", "Not this one."),
			Match: func(r fakediscord.Request) bool { return strings.Contains(string(r.Body), numbered(refused)) },
		})
	}
	w.sandbox.AddNotifications(w.agent.Handle, 50, time.Hour)
	if c.first {
		m.aim(w.start())
		<-m.sprung
	}
	run := w.start()
	w.ready()
	n := 0
	happen := func(more int) {
		for range more {
			if n++; c.dms {
				w.act(sandbox.Action{As: "nova_ai", Do: "dm", Handle: w.agent.Handle, Content: numbered(n)})
			} else {
				w.mention(n)
			}
		}
	}
	happen(2)
	if !c.first {
		m.aim(run)
		happen(many)
		select {
		case <-m.sprung:
		case <-time.After(30 * time.Second):
			t.Fatal("it never came by")
		}
		run = w.start()
	}
	happen(many / 2)
	c.settled(w, n)
	run.stop()
	require.Equal(t, 1, m.hits)
	require.Empty(t, w.discord.Faults())
	require.Empty(t, w.slack.Faults("ratelimited"))
	require.Empty(t, w.sandbox.Violations())
}

// mineAt puts the mine's gate before a platform.
func (c crash) mineAt(t *testing.T, w *world, m *mine) {
	t.Helper()
	end := map[string]string{"discord": "/channels/" + w.channel + "/messages", "slack": "/chat.postMessage", "webhook": "/in"}[c.site]
	m.wants = func(f frame) bool { return strings.HasPrefix(f.subject, "POST ") && strings.HasSuffix(f.subject, end) }
	at := map[string]*string{"discord": &w.discordURL, "slack": &w.slackURL, "webhook": &w.hookURL}[c.site]
	*at = httpGate(t, *at, m)
}

// settled waits until everything arrived, and holds it against what happened.
func (c crash) settled(w *world, n int) {
	w.t.Helper()
	var ids []string
	for _, h := range w.sandbox.Happenings(w.agent.Handle) {
		ids = append(ids, map[string]string{sandbox.HappenedNotification: "ntf_", sandbox.HappenedReceived: "msg_"}[h.Kind]+h.ID)
	}
	require.Len(w.t, ids, n)
	const long = 45 * time.Second
	if c.site != "" || c.slack {
		w.eventually("everything at Slack", long, func() bool { return len(w.atSlack()) >= n })
		require.Equal(w.t, wanted(n), w.atSlack(), "at Slack: each once, in order")
	}
	if !c.slack {
		at := wanted(n)
		if c.dead {
			at = slices.Delete(at, refused-1, refused)
		}
		w.eventually("everything at Discord", long, func() bool { return len(w.threaded()) >= len(at) })
		w.eventually("everything at the webhook", long, func() bool { return len(w.hook.seen()) >= n })
		require.Equal(w.t, at, w.threaded(), "at Discord: each once, in order")
		require.Equal(w.t, ids, w.hook.seen(), "at the webhook: each once by its id, in order")
	}
	var stored []string
	for _, e := range w.stored() {
		stored = append(stored, e.ID)
	}
	require.Equal(w.t, ids, stored, "in NATS: each once, in order")
	var dead []string
	w.read("IA_DELIVERY", "ia.dead.>", func(m jetstream.Msg) {
		var d bridge.DeadLetter
		require.NoError(w.t, json.Unmarshal(m.Data(), &d))
		dead = append(dead, d.EventID)
	})
	require.NotContains(w.t, w.logs.String(), "events were removed before", "nothing was")
	if c.dead {
		require.Equal(w.t, ids[refused-1:refused], dead, "in the dead letters once")
	} else {
		require.Empty(w.t, dead)
	}
}

// toward is one subscription as a line of the configuration, with the section's
// head before the first.
func (w *world) toward(name, to string) string {
	w.t.Helper()
	line := fmt.Sprintf("  - {name: %s, events: [\"notification.*\", \"message.received\", \"generation.*\"], to: %q", name, to)
	if strings.HasPrefix(to, "webhook:") {
		return line + ", secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n"
	}
	return "subscriptions:\n" + line + "}\n"
}

// connect opens a connection to the server that the program uses, as its
// administrator.
func (w *world) connect() *nats.Conn {
	w.t.Helper()
	at, opts := w.natsURL, []nats.Option{nats.Timeout(20 * time.Second)}
	if at == "" {
		c, err := bus.ReadCredentials(w.dir + "/data/nats/" + bus.AdminFile)
		require.NoError(w.t, err)
		at, opts = c.URL, append(opts, nats.UserInfo(c.User, c.Password))
	}
	nc, err := nats.Connect(at, opts...)
	require.NoError(w.t, err)
	w.t.Cleanup(nc.Close)
	return nc
}

// stored reads all events in the order of the stream.
func (w *world) stored() []events.Event {
	w.t.Helper()
	var out []events.Event
	w.read("IA_EVENTS", "ia.event.>", func(m jetstream.Msg) {
		var e events.Event
		require.NoError(w.t, json.Unmarshal(m.Data(), &e))
		out = append(out, e)
	})
	return out
}

// read hands everything that a stream holds on a subject to fn.
func (w *world) read(stream, subject string, fn func(jetstream.Msg)) {
	w.t.Helper()
	js, err := jetstream.New(w.connect(), jetstream.WithDefaultTimeout(time.Minute))
	require.NoError(w.t, err)
	consumer, err := js.OrderedConsumer(w.t.Context(), stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
	require.NoError(w.t, err)
	for waiting := consumer.CachedInfo().NumPending; waiting > 0; {
		m, err := consumer.Next(jetstream.FetchMaxWait(5 * time.Second))
		require.NoError(w.t, err)
		fn(m)
		about, err := m.Metadata()
		require.NoError(w.t, err)
		waiting = about.NumPending
	}
}

// threaded returns the numbered texts in the channel and then in its threads.
func (w *world) threaded() []string {
	var out []string
	for _, place := range slices.Concat([]string{w.channel}, w.discord.Threads(w.channel)) {
		for _, m := range w.discord.Messages(place) {
			b, err := json.Marshal(m.Embeds)
			require.NoError(w.t, err)
			out = append(out, number.FindString(string(b)))
		}
	}
	return texts(out)
}
