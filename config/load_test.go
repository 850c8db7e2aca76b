package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/config"
)

const botToken = "MTAx.GhIjKl.canary-discord-token"

// oneAgent is the smallest environment that configures something.
var oneAgent = map[string]string{"IMAGINEANYTHING_CLIENT_ID": "cid", "IMAGINEANYTHING_CLIENT_SECRET": "canary-secret"}

var checks = config.Checks{
	Patterns: []string{"*", "notification.*", "notification.like", "message.*", "message.received", "generation.*"},
	Filter: func(expression string, _ []string) error {
		if strings.HasSuffix(expression, "==") {
			return errors.New(`column 23: a value is missing after "=="`)
		}
		return nil
	},
}

func load(t *testing.T, yaml string, env map[string]string) (config.Config, error) {
	t.Helper()
	src := config.Source{
		Name: "imaginebridge.yaml",
		Env:  func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		ReadFile: func(path string) ([]byte, fs.FileMode, error) {
			switch path {
			case "open":
				return []byte("from-file\n"), 0o644, nil
			case "closed":
				return []byte("from-file\n"), 0o600, nil
			}
			return nil, 0, fs.ErrNotExist
		},
	}
	if yaml != "" {
		src.File = strings.NewReader(yaml)
	}
	return config.Load(src, checks)
}

func TestTheEnvironmentAloneIsACompleteConfiguration(t *testing.T) {
	env := map[string]string{
		"IMAGINEANYTHING_CLIENT_ID": "cid", "IMAGINEANYTHING_CLIENT_SECRET": "s",
		"DISCORD_BOT_TOKEN": botToken, "DISCORD_CHANNEL_ID": "123456789012345678",
		"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_CHANNEL_ID": "C0123456789",
	}
	cfg, err := load(t, "", env)
	require.NoError(t, err)
	require.Equal(t, []config.Agent{{ClientID: "cid", ClientSecret: config.NewSecret("s")}}, cfg.Agents)
	require.Len(t, cfg.Subscriptions, 2)
	require.Equal(t, config.Subscription{
		Name: "discord", Agents: []string{"*"}, Events: []string{"notification.*", "message.received", "generation.*"},
		To: "discord:123456789012345678", Start: "new", CatchUp: "digest",
	}, cfg.Subscriptions[0])
	require.Equal(t, "slack:C0123456789", cfg.Subscriptions[1].To)
	require.Equal(t, 10*time.Second, cfg.Poll.Notifications.Std())
	require.Equal(t, "127.0.0.1:4222", cfg.NATS.Listen)
	require.Equal(t, "./data", cfg.Runtime.DataDir)
}

const whole = `imagineanything: {base_url: https://imagineanything.com}
agents:
  - {handle: my_agent, client_id: "${IMAGINEANYTHING_CLIENT_ID}", client_secret: "${IMAGINEANYTHING_CLIENT_SECRET}"}
poll: {notifications: 10s, messages: 10s, generations: 3s, ceiling: 60s, backfill: 0s, feed: false}
nats: {url: "", creds: "", listen: 127.0.0.1:4222, store: 1GiB, keep: 720h, sync: 1s}
http: {listen: 127.0.0.1:8480, public_url: ""}
discord: {bot_token: "${DISCORD_BOT_TOKEN}", application_id: "", public_key: "", api_url: https://discord.com}
slack: {bot_token: "${SLACK_BOT_TOKEN}", app_token: "${SLACK_APP_TOKEN}", signing_secret: "", client_id: "", client_secret: "", api_url: https://slack.com}
webhooks: {allow_private: false}
access: {write: ["discord:role:123", "slack:user:U1"], admin: []}
subscriptions:
  - name: team
    agents: ["*"]                       # handles
    events: ["notification.*", "message.received", "generation.*"]
    filter: 'data.actor.verified'       # optional
    to: "discord:123456789012345678"
    secret: ""
    start: new
    digest: 0s
    quiet: {from: "22:00", to: "07:00", zone: Europe/Berlin}
`

func TestTheWholeExampleIsRead(t *testing.T) {
	cfg, err := load(t, whole, map[string]string{
		"IMAGINEANYTHING_CLIENT_ID": "cid", "IMAGINEANYTHING_CLIENT_SECRET": "s",
		"DISCORD_BOT_TOKEN": botToken, "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1",
	})
	require.NoError(t, err)
	require.Empty(t, cfg.Notices, "a variable that the file itself reads overrides nothing")
	require.Equal(t, "my_agent", cfg.Agents[0].Handle)
	require.Equal(t, config.Size(1<<30), cfg.NATS.Store)
	require.Equal(t, config.Quiet{From: "22:00", To: "07:00", Zone: "Europe/Berlin"}, cfg.Subscriptions[0].Quiet)
}

func TestAnOverrideIsToldOnce(t *testing.T) {
	env := map[string]string{"IMAGINEBRIDGE_LISTEN": "127.0.0.1:9000"}
	maps.Copy(env, oneAgent)
	cfg, err := load(t, "http: {listen: 127.0.0.1:8480}\n", env)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:9000", cfg.HTTP.Listen)
	require.Equal(t, []config.Notice{{Text: "IMAGINEBRIDGE_LISTEN overrides http.listen of imaginebridge.yaml"}}, cfg.Notices)
}

func TestB10_WorldReadableSecretFileIsAWarning(t *testing.T) {
	cfg, err := load(t, `agents: [{handle: luna, client_id: a, client_secret: "${file:open}"}]`, nil)
	require.NoError(t, err)
	require.Equal(t, "from-file", cfg.Agents[0].ClientSecret.Reveal())
	require.Equal(t, []config.Notice{{Warning: true, Text: "imaginebridge.yaml:1:54: agents[0].client_secret: open can be read by every user of this machine; chmod 600 it."}}, cfg.Notices)

	cfg, err = load(t, `agents: [{handle: luna, client_id: a, client_secret: "${file:closed}"}]`, nil)
	require.NoError(t, err)
	require.Empty(t, cfg.Notices)
}

func TestAnEmptyVariableIsAnUnsetOne(t *testing.T) {
	_, err := load(t, "", map[string]string{"IMAGINEANYTHING_CLIENT_ID": "", "IMAGINEANYTHING_CLIENT_SECRET": "", "DISCORD_CHANNEL_ID": ""})
	require.ErrorIs(t, err, config.ErrNothing)
	_, err = load(t, "", with("DISCORD_CHANNEL_ID", ""))
	require.NoError(t, err)
}

func TestADurationIsReadAlikeInFileAndFlag(t *testing.T) {
	var d config.Duration
	for text, want := range map[string]time.Duration{"7d": 7 * 24 * time.Hour, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "0s": 0} {
		require.NoError(t, d.Set(text))
		require.Equal(t, want, d.Std())
	}
	for text, want := range map[string]string{"10": `"10" has no unit`, "-1s": `"-1s" is negative`, "soon": `"soon" is not a duration`, "99999d": `"99999d" is not a duration`} {
		require.ErrorContains(t, d.Set(text), want)
	}
}

func TestB1_NothingConfigured(t *testing.T) {
	for name, yaml := range map[string]string{"no file": "", "empty file": "# nothing\n", "no agents": "http: {listen: off}\n"} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, yaml, nil)
			require.ErrorIs(t, err, config.ErrNothing)
		})
	}
}

// Agents can be connected from chat: a bot token is enough to begin with.
func TestABotTokenAloneIsAConfiguration(t *testing.T) {
	cfg, err := load(t, "", map[string]string{"DISCORD_BOT_TOKEN": "a.b.c"})
	require.NoError(t, err)
	require.Empty(t, cfg.Agents)
	require.Empty(t, cfg.Subscriptions)
	_, err = load(t, "", map[string]string{"DISCORD_BOT_TOKEN": "abc"})
	require.ErrorContains(t, err, "does not look like a bot token")
	_, err = load(t, "", map[string]string{"IMAGINEANYTHING_CLIENT_ID": "id", "DISCORD_BOT_TOKEN": "a.b.c"})
	require.ErrorContains(t, err, "IMAGINEANYTHING_CLIENT_SECRET is not set", "half of an agent is a mistake all the same")
}

// agentAnd is a file with one agent whose line 2 and on is the given text.
func agentAnd(text string) string {
	return "agents: [{handle: luna, client_id: a, client_secret: b}]\n" + text
}

// to is a file with one console subscription, with the given line added at line 6.
func subscriptionAnd(line string) string {
	return agentAnd("subscriptions:\n  - name: team\n    events: [\"notification.like\"]\n    to: console\n    " + line + "\n")
}

func sendingTo(destination string) string {
	return agentAnd("subscriptions:\n  - name: team\n    events: [\"*\"]\n    to: \"" + destination + "\"\n")
}

func TestBadInputSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	for name, tc := range map[string]struct {
		yaml string
		env  map[string]string
		want string
	}{
		"B3 tab":                {"poll:\n\tceiling: 10s\n", oneAgent, "imaginebridge.yaml:2:1: tabs can't indent YAML; use spaces."},
		"B4 unknown key":        {subscriptionAnd("evnts: [a]"), nil, `imaginebridge.yaml:6:5: subscriptions[0].evnts: unknown key; did you mean "events"?`},
		"B4 far from any":       {agentAnd("webhooks: {zzzzzzzz: 1}"), nil, "imaginebridge.yaml:2:12: webhooks.zzzzzzzz: unknown key; the keys here are allow_private."},
		"B5 same key twice":     {agentAnd("discord:\n  api_url: https://discord.com\n  api_url: https://discord.com\n"), nil, "imaginebridge.yaml:4:3: discord.api_url: set twice (first at line 3); keep one."},
		"B6 no unit":            {agentAnd("poll: {notifications: 10}"), nil, `imaginebridge.yaml:2:23: poll.notifications: "10" has no unit; write 10s or 1m.`},
		"B6 no duration":        {agentAnd("poll: {notifications: soon}"), nil, `imaginebridge.yaml:2:23: poll.notifications: "soon" is not a duration; write a number with a unit, such as 10s or 1m.`},
		"B7 below smallest":     {agentAnd("poll: {notifications: 1ms}"), nil, "imaginebridge.yaml:2:23: poll.notifications: 1ms is below the smallest interval 2s; the API allows 100 reads a minute."},
		"B8 ceiling below":      {agentAnd("poll: {ceiling: 5s, messages: 5s}"), nil, "imaginebridge.yaml:2:17: poll.ceiling: poll.ceiling (5s) is shorter than poll.notifications (10s); make the ceiling the longer one."},
		"B9 variable":           {agentAnd(`nats: {url: "${NOPE}"}`), nil, "imaginebridge.yaml:2:13: nats.url: ${NOPE}: this environment variable is not set. Set it, or remove the line."},
		"B9 file":               {agentAnd(`nats: {url: "${file:gone}"}`), nil, "imaginebridge.yaml:2:13: nats.url: gone: no such file. Create it, or remove the line."},
		"B11 handle":            {`agents: [{handle: "@My Agent", client_id: a, client_secret: b}]`, nil, `imaginebridge.yaml:1:19: agents[0].handle: "@My Agent" is not a handle; use the part after @: 3 to 30 of a–z, 0–9 and _, starting with a letter.`},
		"B12 twice":             {"agents:\n  - {handle: luna, client_id: a, client_secret: b}\n  - {handle: luna, client_id: a, client_secret: b}\n", nil, `imaginebridge.yaml:3:14: agents[1].handle: "luna" is already at line 2.`},
		"B13 event":             {agentAnd("subscriptions:\n  - {name: t, events: [notifcation.like], to: console}\n"), nil, `imaginebridge.yaml:3:24: subscriptions[0].events[0]: no event is called "notifcation.like"; did you mean "notification.like"? "imaginebridge schema --list" shows all.`},
		"B14 filter":            {subscriptionAnd("filter: 'data.actor.verfied =='"), nil, `imaginebridge.yaml:6:13: subscriptions[0].filter: column 23: a value is missing after "==".`},
		"B16 channel name":      {sendingTo("discord:#general"), map[string]string{"DISCORD_BOT_TOKEN": botToken}, "imaginebridge.yaml:5:9: subscriptions[0].to: Discord needs the channel's number, not its name. In Discord: Settings → Advanced → Developer Mode, then right-click the channel → Copy Channel ID."},
		"B17 slack name":        {sendingTo("slack:general"), map[string]string{"SLACK_BOT_TOKEN": "xoxb-1"}, "imaginebridge.yaml:5:9: subscriptions[0].to: use the channel's ID (starts with C or G): open the channel's details, it is at the bottom."},
		"B18 private":           {sendingTo("webhook:http://10.0.0.5/x"), nil, "imaginebridge.yaml:5:9: subscriptions[0].to: 10.0.0.5 is a private address, refused to protect this network. If you mean it, set webhooks.allow_private: true."},
		"B18 mapped":            {sendingTo("webhook:https://[::ffff:127.0.0.1]/x"), nil, "imaginebridge.yaml:5:9: subscriptions[0].to: ::ffff:127.0.0.1 is a private address, refused to protect this network. If you mean it, set webhooks.allow_private: true."},
		"B19 scheme":            {sendingTo("webhook:ftp://a.example/x"), nil, `imaginebridge.yaml:5:9: subscriptions[0].to: a webhook address starts with https://, has a host, and carries no password; put secrets in "secret".`},
		"B19 no host":           {sendingTo("webhook:https:///x"), nil, `imaginebridge.yaml:5:9: subscriptions[0].to: a webhook address starts with https://, has a host, and carries no password; put secrets in "secret".`},
		"B19 password":          {sendingTo("webhook:https://u:p@a.example/x"), nil, `imaginebridge.yaml:5:9: subscriptions[0].to: a webhook address starts with https://, has a host, and carries no password; put secrets in "secret".`},
		"B20 secret":            {agentAnd("subscriptions:\n  - {name: t, events: ['*'], to: 'webhook:https://a.example/x', secret: hello}\n"), nil, "imaginebridge.yaml:3:73: subscriptions[0].secret: a signing secret is whsec_ followed by 24 to 64 bytes in base64; leave it empty to have one made."},
		"B21 time":              {subscriptionAnd(`quiet: {from: "25:00", to: "07:00", zone: Europe/Berlin}`), nil, `imaginebridge.yaml:6:19: subscriptions[0].quiet.from: "25:00" is not a time of day (00:00–23:59).`},
		"B21 zone":              {subscriptionAnd(`quiet: {from: "22:00", to: "07:00", zone: Mars/Base}`), nil, `imaginebridge.yaml:6:47: subscriptions[0].quiet.zone: no time zone "Mars/Base"; use names like Europe/Berlin.`},
		"B22 taken":             {agentAnd("subscriptions:\n  - {name: t, events: ['*'], to: console}\n  - {name: t, events: ['*'], to: console}\n"), nil, `imaginebridge.yaml:4:12: subscriptions[1].name: name "t" is taken (line 3).`},
		"B22 name":              {agentAnd("subscriptions:\n  - {name: 'a b.*', events: ['*'], to: console}\n"), nil, `imaginebridge.yaml:3:12: subscriptions[0].name: a name is letters, digits, - and _; "a-b" would do.`},
		"B23 in environment":    {"", with("DISCORD_BOT_TOKEN", "Bot "+botToken), "DISCORD_BOT_TOKEN does not look like a bot token (three parts with dots). Copy it from Developer Portal → Bot → Reset Token."},
		"B23 in file":           {agentAnd("discord: {bot_token: abc}"), nil, "imaginebridge.yaml:2:22: discord.bot_token: does not look like a bot token (three parts with dots). Copy it from Developer Portal → Bot → Reset Token."},
		"B24 key":               {"", with("DISCORD_PUBLIC_KEY", strings.Repeat("a", 63)), "DISCORD_PUBLIC_KEY must be 64 hex digits; this has 63. It is on the application's General Information page."},
		"B25 wrong token":       {"", with("SLACK_BOT_TOKEN", "xapp-1-A"), "SLACK_BOT_TOKEN holds an app-level token (xapp-…). The bot token starts with xoxb- and is under OAuth & Permissions."},
		"B29 path":              {agentAnd("imagineanything: {base_url: 'https://a.example/api'}"), nil, "imaginebridge.yaml:2:29: imagineanything.base_url: base_url is a bare origin such as https://imagineanything.com."},
		"B29 clear":             {agentAnd("imagineanything: {base_url: 'http://a.example'}"), nil, "imaginebridge.yaml:2:29: imagineanything.base_url: http sends your secret in clear; use https."},
		"public URL":            {agentAnd("http: {public_url: bridge.example.com}"), nil, "imaginebridge.yaml:2:20: http.public_url: public_url is a bare origin such as https://bridge.example.com."},
		"B13 half a name":       {agentAnd("subscriptions:\n  - {name: t, events: [like, message], to: console}\n"), nil, "imaginebridge.yaml:3:24: subscriptions[0].events[0]: no event is called \"like\"; did you mean \"notification.like\"? \"imaginebridge schema --list\" shows all.\nimaginebridge.yaml:3:30: subscriptions[0].events[1]: no event is called \"message\"; did you mean \"message.*\"? \"imaginebridge schema --list\" shows all."},
		"a tag too long":        {"agents: [{handle: luna, client_id: a, client_secret: b, watch: ['#" + strings.Repeat("x", 101) + "']}]\n", nil, "imaginebridge.yaml:1:65: agents[0].watch[0]: \"#" + strings.Repeat("x", 101) + "\" is not a tag; a tag is # and letters, digits and _."},
		"watches":               {"agents: [{handle: luna, client_id: a, client_secret: b, watch: ['#a b', '@X', '#orbit', '#Orbit', '']}]\n", nil, "imaginebridge.yaml:1:65: agents[0].watch[0]: \"#a b\" is not a tag; a tag is # and letters, digits and _.\nimaginebridge.yaml:1:73: agents[0].watch[1]: \"@X\" is not a handle; write @ and 3 to 30 of a–z, 0–9 and _, starting with a letter.\nimaginebridge.yaml:1:89: agents[0].watch[3]: \"#Orbit\" is already in this list; remove one.\nimaginebridge.yaml:1:99: agents[0].watch[4]: a search has 1 to 100 characters; this has 0."},
		"hook without a way in": {"agents: [{handle: luna, client_id: a, client_secret: b, hook: true}]\n", nil, "imaginebridge.yaml:1:63: agents[0].hook: ImagineAnything calls an address that starts with https://; set http.public_url to the one that leads to this bridge, or remove hook."},
		"orders too often":      {agentAnd("poll: {orders: 5s}"), nil, "imaginebridge.yaml:2:16: poll.orders: 5s is below the smallest interval 10s; 0s is never."},
		"unclosed variable":     {agentAnd(`nats: {url: "nats://${HOST:4222"}`), nil, "imaginebridge.yaml:2:13: nats.url: a ${ has no } behind it; write ${NAME} or ${file:PATH}."},
		"no group at all":       {"hello\n", oneAgent, `imaginebridge.yaml:1:1: a configuration is a group of keys, such as "imagineanything: …".`},
		"no colon":              {"agents:\n  - handle: luna\n    client_id a\n", nil, `imaginebridge.yaml:3:5: not valid YAML: a key ends with a colon and a space, such as "handle: luna".`},
		"short console token":   {agentAnd(""), map[string]string{"IMAGINEBRIDGE_CONSOLE_TOKEN": "letmein"}, "IMAGINEBRIDGE_CONSOLE_TOKEN is too short; it has to have 16 letters at least. Make one: openssl rand -hex 16."},
		"environment's matter":  {agentAnd("log: debug"), nil, "imaginebridge.yaml:2:1: log: unknown key; the environment decides this: set IMAGINEBRIDGE_LOG."},
		"half a pair":           {"", map[string]string{"IMAGINEANYTHING_CLIENT_ID": "x"}, `IMAGINEANYTHING_CLIENT_SECRET is not set; the other half is. Set both (see README, "Two minutes").`},
		"unknown agent":         {agentAnd("subscriptions:\n  - {name: t, agents: [lunna], events: ['*'], to: console}\n"), nil, `imaginebridge.yaml:3:24: subscriptions[0].agents[0]: no agent "lunna" is configured; did you mean "luna"?`},
		"missing token":         {sendingTo("discord:123456789012345678"), nil, "imaginebridge.yaml:5:9: subscriptions[0].to: discord.bot_token is missing; set DISCORD_BOT_TOKEN or discord.bot_token."},
		"list expected":         {agentAnd("subscriptions:\n  - {name: t, events: message.received, to: console}\n"), nil, "imaginebridge.yaml:3:23: subscriptions[0].events: a list belongs here; write [ ] around it, or one line with - for each."},
		"group expected":        {agentAnd("poll: 10s"), nil, `imaginebridge.yaml:2:7: poll: a group of keys belongs here, such as "notifications: …".`},
		"no truth":              {agentAnd("poll: {feed: yes}"), nil, `imaginebridge.yaml:2:14: poll.feed: "yes" is neither true nor false.`},
		"no size":               {agentAnd("nats: {store: 64}"), nil, `imaginebridge.yaml:2:15: nats.store: "64" has no unit; write 64MiB or 1GiB.`},
		"broken YAML":           {agentAnd("poll: {notifications: 10s"), nil, "imaginebridge.yaml:2:7: not valid YAML: could not find flow mapping end token '}'."},
		"no number":             {agentAnd("access: {daily_generations: many}"), nil, `imaginebridge.yaml:2:29: access.daily_generations: "many" is not a number from 0 to 1000000; write one such as 50.`},
		"no such zone":          {agentAnd("access: {zone: Mars/Base}"), nil, `imaginebridge.yaml:2:16: access.zone: no time zone "Mars/Base"; use names like Europe/Berlin.`},
		"anchor":                {agentAnd("access: &x {write: []}"), nil, "imaginebridge.yaml:2:9: anchors, aliases and tags are not read here; write the value out."},
		"NATS off this machine": {agentAnd("nats: {listen: 0.0.0.0:4222}"), nil, "imaginebridge.yaml:2:16: nats.listen: 0.0.0.0 is not on this machine; the embedded NATS has no TLS. Use 127.0.0.1, or run a NATS server and set nats.url (or change IMAGINEBRIDGE_NATS_LISTEN)."},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, tc.yaml, tc.env)
			report, ok := errors.AsType[*config.ReportError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tc.want, report.Error())
		})
	}
}

func with(name, value string) map[string]string {
	out := map[string]string{name: value}
	maps.Copy(out, oneAgent)
	return out
}

func TestAllProblemsComeInOneReportInTheOrderOfTheFile(t *testing.T) {
	_, err := load(t, agentAnd("poll: {notifications: 10, messages: 1ms}\nsubscriptions:\n  - {name: t, evnts: [], to: nowhere}\n"), nil)
	require.Equal(t, `imaginebridge.yaml:2:23: poll.notifications: "10" has no unit; write 10s or 1m.
imaginebridge.yaml:2:37: poll.messages: 1ms is below the smallest interval 2s; the API allows 100 reads a minute.
imaginebridge.yaml:4:5: subscriptions[0]: events are missing; write for example events: ["notification.*", "message.received"].
imaginebridge.yaml:4:15: subscriptions[0].evnts: unknown key; did you mean "events"?
imaginebridge.yaml:4:30: subscriptions[0].to: "nowhere" is no destination.`, err.Error())
}

func TestAReportPrintsTwentyProblemsAndCountsTheRest(t *testing.T) {
	var b strings.Builder
	for i := range 25 {
		fmt.Fprintf(&b, "k%d: 1\n", i)
	}
	_, err := load(t, agentAnd(b.String()), nil)
	require.Equal(t, 20, strings.Count(err.Error(), "\n"))
	require.True(t, strings.HasSuffix(err.Error(), "\n… and 5 more"))
}

func TestT8_SecretsPrintAsDotsEverywhere(t *testing.T) {
	cfg, err := load(t, "", oneAgent)
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("config", "cfg", cfg, "secret", cfg.Agents[0].ClientSecret)
	asJSON, err := json.Marshal(cfg)
	require.NoError(t, err)
	all := log.String() + string(asJSON) + fmt.Sprintf("%v %+v %#v %s %q", cfg, cfg, cfg, cfg.Agents[0].ClientSecret, cfg.Agents[0].ClientSecret)
	require.NotContains(t, all, "canary")
	require.Contains(t, all, "••••••")
}

func TestARefusedSecretIsNotQuoted(t *testing.T) {
	_, err := load(t, "", with("DISCORD_BOT_TOKEN", "canary token"))
	require.NotContains(t, err.Error(), "canary")
	_, err = load(t, sendingTo("webhook:https://a.example/")+"    secret: canary\n", nil)
	require.NotContains(t, err.Error(), "canary")
}

func FuzzLoad(f *testing.F) {
	f.Add(whole)
	f.Add("a: [1, {b: c}]\n---\nx")
	f.Add("agents: &a [*a]")
	f.Add("? [a]\n: b")
	f.Fuzz(func(t *testing.T, yaml string) {
		_, err := load(t, yaml, oneAgent)
		if err != nil {
			require.NotEmpty(t, err.Error())
		}
	})
}

func TestTwentyWatchesAreTheMost(t *testing.T) {
	for _, n := range []int{20, 21} {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("'#tag%d'", i))
		}
		_, err := load(t, "agents: [{handle: luna, client_id: a, client_secret: b, watch: ["+strings.Join(list, ", ")+"]}]\n", nil)
		if n == 20 {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, "imaginebridge.yaml:1:64: agents[0].watch: 21 watches are too many; 20 is the most for one agent.")
	}
}

// What deploy/kubernetes gives a bridge is a configuration that it takes.
func TestTheShippedConfigurationIsTaken(t *testing.T) {
	t.Parallel()
	file, err := os.Open("../deploy/kubernetes/imaginebridge.yaml")
	require.NoError(t, err)
	defer file.Close()
	secrets := map[string]string{
		"IMAGINEANYTHING_CLIENT_ID": "id", "IMAGINEANYTHING_CLIENT_SECRET": "secret", "DISCORD_BOT_TOKEN": "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.abcdefghijklmnopqrstuvwxyz0123456789ab",
	}
	_, err = config.Load(config.Source{File: file, Name: "imaginebridge.yaml", Env: func(name string) (string, bool) { v, ok := secrets[name]; return v, ok }}, config.Checks{})
	require.NoError(t, err)
}
