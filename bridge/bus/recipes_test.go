package bus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
)

// shipped is a server with the users of deploy/nats, and their passwords by name.
func shipped(t *testing.T) *server.Server {
	t.Helper()
	for _, name := range []string{"IMAGINEBRIDGE", "SUBSCRIBER", "LUNA_COMMANDER", "LUNA_POSTER", "NOTIFICATION_READER", "LUNA_READER"} {
		t.Setenv(name+"_NATS_PASSWORD", "password-of-"+strings.ToLower(name))
	}
	dir := t.TempDir()
	users := func(file string) []*server.User {
		text, err := os.ReadFile(filepath.Join("../../deploy/nats", file))
		require.NoError(t, err)
		conf := filepath.Join(dir, file)
		require.NoError(t, os.WriteFile(conf, text, 0o600))
		o, err := server.ProcessConfigFile(conf)
		require.NoError(t, err)
		return o.Users
	}
	o := &server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: filepath.Join(dir, "js"), NoSigs: true, NoLog: true}
	o.Users = append(users("permissions.conf"), users("recipes.conf")...)
	ns, err := server.NewServer(o)
	require.NoError(t, err)
	ns.Start()
	t.Cleanup(ns.Shutdown)
	require.True(t, ns.ReadyForConnections(20*time.Second))
	return ns
}

// as connects a user of a recipe, and gives what the server refused it.
func as(t *testing.T, ns *server.Server, user string) (*nats.Conn, chan error) {
	t.Helper()
	refused := make(chan error, 64)
	password := "password-of-" + strings.ReplaceAll(user, "-", "_")
	nc, err := nats.Connect("nats://"+user+":"+password+"@"+ns.Addr().String(), nats.CustomInboxPrefix("_INBOX_"+user),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc, refused
}

func refuses(t *testing.T, refused chan error, subject string) {
	t.Helper()
	select {
	case err := <-refused:
		require.ErrorIs(t, err, nats.ErrPermissionViolation)
		require.Contains(t, err.Error(), subject)
	case <-time.After(30 * time.Second):
		require.Fail(t, "not refused", subject)
	}
}

// F56, T19, T20: the recipes for programs of others let them do what they say, and
// nothing else.
func TestF56_ShippedRecipesForCommandersAndReaders(t *testing.T) {
	ns := shipped(t)
	b, err := Open(t.Context(), Options{URL: "nats://imaginebridge:password-of-imaginebridge@" + ns.Addr().String(), Store: 64 << 20})
	require.NoError(t, err)
	t.Cleanup(func() { closeBus(t, b) })
	run(t, b)
	hold(t, b, "agent", []string{"luna", "nova"}, idling)
	serve(t, b, (&world{}).run("a"), handles("luna", "nova"))

	t.Run("a commander of one agent", func(t *testing.T) {
		nc, refused := as(t, ns, "luna-commander")
		require.Contains(t, string(ask(t, nc, "ia.cmd.luna.feed.home", "").Data), `"ok":true`)
		require.Contains(t, string(ask(t, nc, "ia.cmd.luna.post.create", `{"text":"x"}`).Data), `"ok":true`)
		for _, subject := range []string{"ia.cmd.nova.feed.home", "ia.cmd.-.connect.list", "ia.put.event.luna.notification.like", "$JS.API.STREAM.MSG.GET.IA_EVENTS", "ia.lane.team", "$KV.IA_CONFIG.agent.luna"} {
			require.NoError(t, nc.Publish(subject, []byte(`{}`)))
			refuses(t, refused, subject)
		}
		for _, subject := range []string{"ia.cmd.>", "ia.event.luna.>", "_INBOX.>", "ia.audit.>"} {
			_, err := nc.SubscribeSync(subject)
			require.NoError(t, err)
			refuses(t, refused, subject)
		}
	})
	t.Run("a commander of some verbs", func(t *testing.T) {
		nc, refused := as(t, ns, "luna-poster")
		require.Contains(t, string(ask(t, nc, "ia.cmd.luna.post.create", `{"text":"x"}`).Data), `"ok":true`)
		for _, subject := range []string{"ia.cmd.luna.dm.list", "ia.cmd.luna.connect.invite", "ia.cmd.nova.post.create"} {
			require.NoError(t, nc.Publish(subject, []byte(`{}`)))
			refuses(t, refused, subject)
		}
	})
	t.Run("readers", func(t *testing.T) { readAsShipped(t, ns, b) })
}

// readAsShipped has both readers look at a like, a direct message and another agent's
// like.
func readAsShipped(t *testing.T, ns *server.Server, b *Bus) {
	t.Helper()
	admin, err := jetstream.New(b.nc)
	require.NoError(t, err)
	_, err = admin.CreateConsumer(t.Context(), streamEvents, jetstream.ConsumerConfig{
		Durable: "luna-reader", FilterSubjects: []string{"ia.event.luna.notification.>", "ia.event.luna.generation.>"}, AckPolicy: jetstream.AckExplicitPolicy,
	})
	require.NoError(t, err)
	live, refusedLive := as(t, ns, "notification-reader")
	likes, err := live.SubscribeSync("ia.event.*.notification.>")
	require.NoError(t, err)
	require.NoError(t, live.Flush())
	durable, refused := as(t, ns, "luna-reader")

	at := time.Now()
	like := events.NotificationLike{Actor: events.Agent{Handle: "fan"}, Post: events.Post{ID: "p"}}
	dm := events.MessageReceived{Actor: events.Agent{Handle: "fan"}, Conversation: events.Conversation{ID: "c"}, Message: events.Message{ID: "1", Content: "private"}}
	for _, e := range []events.Event{events.New("https://x.example", "luna", "msg_1", "c", at, dm), events.New("https://x.example", "luna", "ntf_1", "p", at, like), events.New("https://x.example", "nova", "ntf_2", "p", at, like)} {
		_, err = b.Commit(t.Context(), e.Agent(), e.ID, []events.Event{e}, []byte(`{}`), 0)
		require.NoError(t, err)
	}
	for _, want := range []string{"ntf_1", "ntf_2"} {
		m, err := likes.NextMsg(30 * time.Second)
		require.NoError(t, err)
		require.Equal(t, want, m.Header.Get(nats.MsgIdHdr))
	}
	for _, subject := range []string{"ia.event.luna.message.>", "ia.event.>"} {
		_, err := live.SubscribeSync(subject)
		require.NoError(t, err)
		refuses(t, refusedLive, subject)
	}

	next, err := durable.Request("$JS.API.CONSUMER.MSG.NEXT.IA_EVENTS.luna-reader", []byte(`{"batch":1,"expires":20000000000}`), 30*time.Second)
	require.NoError(t, err)
	require.Equal(t, "ntf_1", next.Header.Get(nats.MsgIdHdr), "neither the direct message nor the other agent's")
	require.NoError(t, next.Ack())
	none, err := durable.Request("$JS.API.CONSUMER.MSG.NEXT.IA_EVENTS.luna-reader", []byte(`{"batch":1,"no_wait":true}`), 30*time.Second)
	require.NoError(t, err)
	require.Equal(t, "404", none.Header.Get("Status"), "and nothing more")
	for _, subject := range []string{
		"$JS.API.CONSUMER.CREATE.IA_EVENTS.mine", "$JS.API.CONSUMER.MSG.NEXT.IA_EVENTS.subscriber", "$JS.API.DIRECT.GET.IA_EVENTS",
		"$JS.API.STREAM.MSG.GET.IA_EVENTS", "$JS.API.CONSUMER.DELETE.IA_EVENTS.luna-reader", "ia.cmd.luna.dm.list",
	} {
		require.NoError(t, durable.Publish(subject, []byte(`{}`)))
		refuses(t, refused, subject)
	}
}
