package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// desktop is an emulated Slack as the owner of a workspace uses it in a script.
type desktop struct {
	ts      *testscript.TestScript
	fake    *fakeslack.Server
	team    *fakeslack.Workspace
	channel string
}

// slackCommands lets scripts use an emulated Slack:
//
//	slack serve             its address is in the environment
//	slack paste FILE        an app is made from the manifest and installed: its bot
//	                        token is in the environment as $BOT_TOKEN, its app-level
//	                        token as $APP_TOKEN, the id of a channel as $CHANNEL_ID,
//	                        the person's own as $MEMBER_ID
//	slack invite            the app into that channel
//	slack home              opens the app's Home
//	slack press LABEL       of the form that is open, or at Home
//	slack types N=V ...     into the form that is open, and sends it
//	slack close             the form that is open
//	slack reads PATTERN     in the form that is open, or at Home
//	slack sees PATTERN      in the channel
//	slack faultless         nothing was done that Slack forbids
func slackCommands() func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) == 0 {
			ts.Fatalf("usage: slack VERB ARG...")
		}
		d, _ := ts.Value(desktop{}).(*desktop)
		d.ts = ts
		verb, ok := map[string]func([]string){
			"serve": d.serve, "paste": d.paste, "invite": d.invite, "home": d.home, "press": d.press, "types": d.types, "close": d.close, "reads": d.reads, "sees": d.sees,
			"faultless": d.faultless,
		}[args[0]]
		if !ok {
			ts.Fatalf("slack has no verb %s", args[0])
		}
		verb(args[1:])
	}
}

func (d *desktop) serve([]string) {
	fake, err := fakeslack.New(fakeslack.Options{})
	d.ts.Check(err)
	d.ts.Defer(fake.Close)
	d.fake = fake
	d.ts.Setenv("SLACK_API_URL", fake.URL())
}

func (d *desktop) paste(args []string) {
	text, err := os.ReadFile(args[0])
	d.ts.Check(err)
	if problems := fakeslack.ValidateManifest(text); len(problems) > 0 {
		d.ts.Fatalf("Slack refuses the manifest: %v", problems)
	}
	var m struct {
		OAuth struct {
			Scopes struct {
				Bot      []string `json:"bot"`
				Optional []string `json:"bot_optional"`
			} `json:"scopes"`
		} `json:"oauth_config"`
	}
	d.ts.Check(json.Unmarshal(text, &m))
	scopes := slices.Concat(m.OAuth.Scopes.Bot, m.OAuth.Scopes.Optional)
	slices.Sort(scopes)
	d.team = d.fake.AddWorkspace("acme", slices.Compact(scopes)...)
	d.channel = d.team.AddForeignChannel("alerts")
	d.ts.Setenv("BOT_TOKEN", d.team.BotToken())
	d.ts.Setenv("APP_TOKEN", d.fake.AppToken())
	d.ts.Setenv("CHANNEL_ID", d.channel)
	d.ts.Setenv("MEMBER_ID", d.team.Owner)
}

func (d *desktop) invite([]string) { d.fake.Invite(d.channel) }

// home opens it until it shows something: nobody else has to know when the bridge
// listens.
func (d *desktop) home([]string) {
	d.until("the app's Home", func() bool {
		_, err := d.fake.OpenHome(d.team.Owner)
		d.ts.Check(err)
		return d.fake.Home(d.team.Owner) != ""
	})
}

func (d *desktop) press(args []string) {
	_, err := d.fake.Press(d.team.Owner, args[0])
	d.ts.Check(err)
}

func (d *desktop) types(args []string) {
	values := map[string][]string{}
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		values[name] = []string{value}
	}
	r, err := d.fake.SubmitForm(d.team.Owner, values)
	d.ts.Check(err)
	if len(r.Errors) > 0 {
		d.ts.Fatalf("the form is refused: %v", r.Errors)
	}
}

func (d *desktop) close([]string) {
	_, err := d.fake.CloseForm(d.team.Owner, true)
	d.ts.Check(err)
}

func (d *desktop) reads(args []string) {
	pattern := regexp.MustCompile(args[0])
	d.until(args[0], func() bool { return pattern.MatchString(d.page()) })
}

// page is what the person has before them.
func (d *desktop) page() string {
	if form := d.fake.Form(d.team.Owner); form != "" {
		return form
	}
	return d.fake.Home(d.team.Owner)
}

func (d *desktop) sees(args []string) {
	pattern := regexp.MustCompile(args[0])
	d.until(args[0], func() bool { return pattern.MatchString(d.fake.Screen(d.channel)) })
}

func (d *desktop) faultless([]string) {
	if faults := d.fake.Faults(); len(faults) > 0 {
		d.ts.Fatalf("Slack forbids: %v", faults)
	}
}

func (d *desktop) until(what string, look func() bool) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(scriptWait); !look(); {
		select {
		case <-tick.C:
		case <-deadline:
			d.ts.Fatalf("%s never came; the channel shows:\n%s\nand the person has before them:\n%s", what, d.fake.Screen(d.channel), d.page())
		}
	}
}
