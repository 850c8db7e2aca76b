package main

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// consoleOf is a browser at a console, as a program.
type consoleOf struct {
	t      *testing.T
	base   string
	header http.Header
}

func (c *consoleOf) do(method, target string, form url.Values) (*http.Response, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+target, strings.NewReader(form.Encode()))
	require.NoError(c.t, err)
	maps.Copy(req.Header, c.header)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", c.base)
	}
	res, err := http.DefaultTransport.RoundTrip(req) // redirects are looked at
	if err != nil {
		return &http.Response{}, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(c.t, err)
	return res, string(text)
}

func (c *consoleOf) page(target string) string {
	c.t.Helper()
	_, text := c.do(http.MethodGet, target, nil)
	return text
}

// press sends the form of a page's button and returns the page that follows.
func (c *consoleOf) press(page, command string, args url.Values) string {
	c.t.Helper()
	once := regexp.MustCompile(`name="once" value="([^"]+)"`).FindStringSubmatch(c.page(page))
	require.NotNil(c.t, once, "%s has no button", page)
	form := url.Values{"command": {command}, "once": {once[1]}, "back": {page}}
	for name, values := range args {
		form["arg."+name] = values
	}
	res, text := c.do(http.MethodPost, "/console/do", form)
	require.Equal(c.t, http.StatusSeeOther, res.StatusCode, text)
	return c.page(res.Header.Get("Location"))
}

// A process that has only the console looks after what another process does.
func TestTheConsoleLooksAfterABridgeElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lenient)
	w.hookURL += "/SECRET_PATH_OF_THE_HOOK"
	w.extra = append(w.extra, "IMAGINEBRIDGE_KEY=SECRET_KEY_OF_THE_BRIDGE_0123456789")
	w.configure(w.everywhere())
	refused := w.discord.Inject(fakediscord.Rule{
		Route: "POST /channels/{channel_id}/messages", Effect: fakediscord.Refuse(moderated),
		Match: func(r fakediscord.Request) bool { return strings.Contains(string(r.Body), numbered(2)) },
	})
	worker := w.start("run", "--roles", "poll,deliver,receive", "--config", w.file())
	credentials := filepath.Join(w.dir, "data", "nats", bus.AdminFile)
	w.eventually("the store", 20*time.Second, func() bool {
		_, err := bus.ReadCredentials(credentials)
		return err == nil && strings.Contains(worker.logs.String(), "ready")
	})
	console := w.startWith([]string{
		"IMAGINEBRIDGE_DATA_DIR=" + filepath.Join(w.dir, "other"), "NATS_URL=nats://" + w.nats, "NATS_CREDS=" + credentials,
	}, "run", "--roles", "console", "--config", w.file())
	w.ready()
	c := &consoleOf{t: t, base: "http://" + w.web}
	shows := func(target string, all ...string) {
		t.Helper()
		w.eventually(target+" shows "+all[0], 20*time.Second, func() bool {
			text := c.page(target)
			for _, one := range all {
				if !strings.Contains(text, one) {
					return false
				}
			}
			return true
		})
	}
	shows("/console/agents", "@<bdi>"+w.agent.Handle, `data-id="notifications"`, `data-id="read"`, "of 100")
	shows("/console/workspaces", "<bdi>Lab</bdi>", "discord")
	shows("/console/overview", "IA_EVENTS", "<span>processes</span>")

	for n := range 3 {
		w.mention(n + 1)
	}
	w.eventually("the others", 30*time.Second, func() bool { return len(w.atDiscord()) == 2 && len(w.atSlack()) == 3 })
	shows("/console/stream?q=number-0002", "notification.mention")
	shows("/console/dead", "moderation blocked")
	shows("/console/subscription?id=d", "moderation blocked", "from the configuration file")
	shows("/console/subscriptions", ">1 dead</a>", "a minute")
	letter := regexp.MustCompile(`name="arg.id" value="(\d+)"`).FindStringSubmatch(c.page("/console/dead"))
	event := regexp.MustCompile(`data-id="(ntf_[^"]+)"`).FindStringSubmatch(c.page("/console/stream?q=number-0002"))
	require.NotNil(t, letter)
	require.NotNil(t, event)
	shows("/console/event?id="+event[1], "As Discord shows it", "As Slack shows it", "number-0002")
	require.Contains(t, c.page("/console/why?subscription=d&event="+event[1]), "it is a dead letter")
	require.Contains(t, c.page("/console/preview?subscription=d&since=1h"), "It would have sent 3 events")

	require.Contains(t, c.press("/console/subscriptions", "subscribe pause", url.Values{"subscription": {"s"}}), "Paused: s.")
	shows("/console/subscription?id=s", "</i>paused")
	w.mention(4)
	w.eventually("at Discord alone", 30*time.Second, func() bool { return len(w.atDiscord()) == 3 })
	shows("/console/subscriptions", `<td data-label="Waiting">1</td>`)
	require.Len(t, w.atSlack(), 3)
	require.Contains(t, c.press("/console/subscriptions", "subscribe resume", url.Values{"subscription": {"s"}}), "It goes on: s.")
	w.eventually("what waited", 30*time.Second, func() bool { return len(w.atSlack()) == 4 })

	refused.Stop()
	require.Contains(t, c.press("/console/dead", "dead replay", url.Values{"id": {letter[1]}}), "To be sent again: 1 event.")
	w.eventually("the refused one", 30*time.Second, func() bool { return len(w.atDiscord()) == 4 })
	shows("/console/dead", "No event waits as a dead letter.")
	shows("/console/audit", "subscribe pause subscription:s", "subscribe resume subscription:s", "dead replay", "console 127.0.0.1")

	made := w.subscribesByForm(c)
	var all strings.Builder
	for _, target := range []string{"", "overview", "agents", "subscriptions", "subscription?id=h", "subscription?id=" + made, "edit?id=" + made, "stream", "dead", "workspaces", "audit", "event?id=" + event[1]} {
		all.WriteString(c.page("/console/" + target))
	}
	for _, secret := range []string{"SECRET_PATH", "SECRET_KEY", w.agent.ClientSecret, w.team.BotToken(), fakediscord.DefaultToken, "whsec_"} {
		require.NotContains(t, all.String(), secret)
	}
	w.signInThroughAProxy(c)
	console.stop()
	worker.stop()
}

// subscribesByForm makes a subscription as the console's pages do, and changes it. It
// goes through the console alone, to a webhook whose address is a secret.
func (w *world) subscribesByForm(c *consoleOf) (id string) {
	w.t.Helper()
	send := func(command string, fields url.Values) (*http.Response, string) {
		fields.Set("command", command)
		return c.do(http.MethodPost, "/console/do", fields)
	}
	form := url.Values{"arg.to": {"webhook:" + w.hookURL}, "arg.preset": {"all"}, "arg.events": {""}, "arg.agents": {"*"}, "arg.name": {"by form"}, "once": {"one"}}
	res, text := send("subscribe add", form)
	require.Equal(w.t, http.StatusBadRequest, res.StatusCode, text)
	require.Contains(w.t, text, `id="wrong-name">A name is letters, digits, - and _.`)

	form.Set("arg.name", "byform")
	form.Set("dry", "yes")
	res, text = send("subscribe add", form)
	require.Equal(w.t, http.StatusOK, res.StatusCode, text)
	require.Contains(w.t, text, "It would have sent")
	require.Contains(w.t, text, `aria-label="As Discord shows it"`)
	require.NotContains(w.t, c.page("/console/subscriptions"), "byform", "a look stores nothing")

	form.Del("dry")
	res, text = send("subscribe add", form)
	require.Equal(w.t, http.StatusSeeOther, res.StatusCode, text)
	page := res.Header.Get("Location")
	require.Contains(w.t, c.page(page), "Subscribed: byform.")
	id = regexp.MustCompile(`id=([^&]+)`).FindStringSubmatch(page)[1]
	w.mention(5)
	w.eventually("it delivers", 30*time.Second, func() bool {
		return strings.Contains(c.page("/console/subscription?id="+id), "<dt>Last delivery</dt><dd><time")
	})

	res, text = send("subscribe edit", url.Values{"arg.subscription": {id}, "arg.to": {"webhook:127.0.0.1"}, "was.to": {"webhook:127.0.0.1"}, "arg.filter": {"data.actor.verified"}, "was.filter": {""}})
	require.Equal(w.t, http.StatusSeeOther, res.StatusCode, text)
	require.Contains(w.t, c.page(res.Header.Get("Location")), "<code>data.actor.verified</code>")
	return id
}

// signInThroughAProxy takes the token from the data folder, as its owner can.
func (w *world) signInThroughAProxy(c *consoleOf) {
	w.t.Helper()
	c.header = http.Header{"X-Forwarded-For": {"192.0.2.7"}}
	res, text := c.do(http.MethodGet, "/console/dead", nil)
	require.Equal(w.t, http.StatusSeeOther, res.StatusCode, text)
	path := filepath.Join(w.dir, "other", tokenFile)
	info, err := os.Stat(path)
	require.NoError(w.t, err)
	require.Equal(w.t, os.FileMode(0o600), info.Mode().Perm())
	token, err := os.ReadFile(path)
	require.NoError(w.t, err)
	res, text = c.do(http.MethodPost, "/console/login", url.Values{"token": {string(token)}, "back": {"/console/dead"}})
	require.Equal(w.t, http.StatusSeeOther, res.StatusCode, text)
	require.Equal(w.t, "/console/dead", res.Header.Get("Location"))
	c.header.Set("Cookie", strings.Split(res.Header.Get("Set-Cookie"), ";")[0])
	res, text = c.do(http.MethodGet, "/console/dead", nil)
	require.Equal(w.t, http.StatusOK, res.StatusCode, text)
	require.Contains(w.t, text, "Sign out")
	require.NotContains(w.t, w.logs.String(), strings.TrimSpace(string(token)))
}
