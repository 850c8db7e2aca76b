package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

const (
	consent  = "/oauth/v2/authorize" // at Slack
	callback = "/slack/oauth/callback"
	redeems  = "oauth.v2.access" // the call that makes an approval an installation
)

// visitor installs the app, in one browser after the other.
type visitor struct {
	*world
	port  string // of the browser's DevTools
	acme  *fakeslack.Workspace
	guild string
	lobby string
}

// step is something that people do, in a browser of its own.
type step struct {
	name string
	do   func(context.Context, *tab) error
}

func newVisitor(w *world, port string) *visitor {
	v := &visitor{world: w, port: port, acme: w.slack.AddEmptyWorkspace("acme"), guild: w.discord.Found("Lab")}
	v.lobby = w.discord.Channel(v.guild, "lobby")
	return v
}

// installs goes through the installations as people do.
func installs(ctx context.Context, w *world, port string) error {
	v := newVisitor(w, port)
	return v.goThrough(ctx, []step{
		{"Discord: added, and welcomed", v.discordAdds},
		{"Slack: cancelled, and begun again", v.cancels},
		{"Slack: somebody else's installation", v.somebodyElses},
		{"Slack: installed, once", v.installs},
		{"Slack: installed in German", v.inGerman},
		{"Slack: installed for a whole organisation", v.organisation},
		{"Discord: welcomed once", v.welcomedOnce},
	})
}

// installsInClear installs where the bridge has no https.
func installsInClear(ctx context.Context, w *world, port string) error {
	v := newVisitor(w, port)
	return v.goThrough(ctx, []step{{"Slack: installed, by http", v.installs}})
}

func (v *visitor) goThrough(ctx context.Context, steps []step) error {
	for _, step := range steps {
		if err := v.inBrowser(ctx, step.do); err != nil {
			return fmt.Errorf("%s: %w\n%s", step.name, err, v.tail())
		}
		fmt.Println("ok:", step.name)
	}
	return nil
}

// inBrowser does something in a browser of its own: no cookie is in it.
func (v *visitor) inBrowser(ctx context.Context, do func(context.Context, *tab) error) error {
	t, err := openFresh(ctx, v.port)
	if err != nil {
		return err
	}
	defer t.close()
	t.patience, t.foreign = 20*time.Second, []string{v.slack.URL(), v.discord.URL()}
	if err := do(ctx, t); err != nil {
		return fmt.Errorf("%w\n  at %s%s", err, t.where(ctx), t.said())
	}
	if said := t.said(); said != "" {
		return errors.New("the browser complains:" + said)
	}
	return nil
}

func (v *visitor) discordAdds(ctx context.Context, t *tab) error {
	if err := t.open(ctx, v.site+"/discord/install"); err != nil {
		return err
	}
	if err := t.until(ctx, `location.pathname === "/oauth2/authorize" && document.querySelector("select")?.textContent === "Lab"`); err != nil {
		return err
	}
	if err := t.eval(ctx, `document.querySelector("button").click()`, nil); err != nil {
		return err
	}
	if err := t.until(ctx, heading("Added to Lab")); err != nil {
		return err
	}
	if v.discord.Await(ctx, v.lobby, 1); v.welcomes() != 1 {
		return fmt.Errorf("the server sees: %s", v.discord.Screen(v.lobby))
	}
	return nil
}

// welcomedOnce looks whether more came while other things were done.
func (v *visitor) welcomedOnce(context.Context, *tab) error {
	if n := len(v.discord.Messages(v.lobby)); n != 1 || v.welcomes() != 1 {
		return fmt.Errorf("the server sees: %s", v.discord.Screen(v.lobby))
	}
	return nil
}

func (v *visitor) welcomes() int { return strings.Count(v.discord.Screen(v.lobby), "Hello!") }

// cancels says no at Slack, and follows the button that begins again.
func (v *visitor) cancels(ctx context.Context, t *tab) error {
	if err := v.begin(ctx, t, v.site); err != nil {
		return err
	}
	if err := v.decide(ctx, t, "cancel"); err != nil {
		return err
	}
	if err := v.reads(ctx, t, "Nothing was installed", "You cancelled at Slack"); err != nil {
		return err
	}
	if err := t.eval(ctx, `document.querySelector("a.button").click()`, nil); err != nil {
		return err
	}
	return t.until(ctx, `location.pathname === "`+consent+`" && document.readyState === "complete"`)
}

// somebodyElses is led to Slack by somebody else's link, and allows: first in a
// browser that began nothing, then in one that began an installation of its own.
// Nothing comes of it, and whoever began it can still end it.
func (v *visitor) somebodyElses(ctx context.Context, t *tab) error {
	if err := v.begin(ctx, t, v.site); err != nil {
		return err
	}
	link := t.where(ctx)
	for _, own := range []bool{false, true} {
		err := v.inBrowser(ctx, func(ctx context.Context, t *tab) error {
			says := "This browser did not begin this installation"
			if own {
				says = "belongs to another browser"
				if err := v.begin(ctx, t, v.site); err != nil {
					return err
				}
			}
			if err := t.open(ctx, link); err != nil {
				return err
			}
			t.refusal = callback
			if err := v.decide(ctx, t, "allow"); err != nil {
				return err
			}
			return v.reads(ctx, t, "Nothing was installed", says)
		})
		if err != nil {
			return err
		}
	}
	if n := len(v.slack.Requests(redeems)); n != 0 {
		return fmt.Errorf("%d approvals were redeemed", n)
	}
	if err := v.decide(ctx, t, "allow"); err != nil {
		return err
	}
	return v.reads(ctx, t, "ImagineBridge is installed in acme", "")
}

// installs begins at another name of the bridge, and tries the same address again in
// the end, in this browser and in another.
func (v *visitor) installs(ctx context.Context, t *tab) error {
	if err := v.begin(ctx, t, v.other); err != nil {
		return err
	}
	if err := v.decide(ctx, t, "allow"); err != nil {
		return err
	}
	if err := v.reads(ctx, t, "ImagineBridge is installed in acme", "type /ia connect agent"); err != nil {
		return err
	}
	if err := t.until(ctx, `document.querySelectorAll("li").length === 3 && !document.querySelector("a")`); err != nil {
		return err
	}
	if err := v.bound(ctx, t, false); err != nil {
		return err
	}
	if err := t.picture(ctx, "slack installed"); err != nil {
		return err
	}
	before := len(v.slack.Requests(redeems))
	link := t.where(ctx)
	again := func(ctx context.Context, t *tab) error {
		t.refusal = callback
		if err := t.open(ctx, link); err != nil {
			return err
		}
		return v.reads(ctx, t, "Nothing was installed", "If you only loaded the page again and see ImagineBridge in Slack, all is well.")
	}
	if err := again(ctx, t); err != nil {
		return fmt.Errorf("once more: %w", err)
	}
	if err := v.inBrowser(ctx, again); err != nil {
		return fmt.Errorf("in another browser: %w", err)
	}
	if n := len(v.slack.Requests(redeems)); n != before {
		return fmt.Errorf("%d approvals more were redeemed", n-before)
	}
	if faults := v.slack.Faults(); len(faults) > 0 {
		return fmt.Errorf("slack objects: %v", faults)
	}
	return nil
}

// inGerman says no, then yes, in a browser that asks for German, on a phone.
func (v *visitor) inGerman(ctx context.Context, t *tab) error {
	if _, err := t.call(ctx, "Network.setExtraHTTPHeaders", map[string]any{"headers": map[string]string{"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}}); err != nil {
		return err
	}
	if err := t.as(ctx, 390, "dark"); err != nil {
		return err
	}
	for _, one := range []struct{ decision, title, text string }{
		{"cancel", "Es wurde nichts installiert", "Du hast bei Slack abgebrochen"}, {"allow", "ImagineBridge ist in acme installiert", "/invite @ImagineBridge"},
	} {
		if err := v.begin(ctx, t, v.site); err != nil {
			return err
		}
		if err := v.decide(ctx, t, one.decision); err != nil {
			return err
		}
		for _, is := range []string{heading(one.title), says(one.text), `document.documentElement.lang === "de"`, `document.documentElement.scrollWidth <= 390`} {
			if err := t.until(ctx, is); err != nil {
				return err
			}
		}
		if err := t.picture(ctx, "slack german "+one.decision); err != nil {
			return err
		}
		if err := t.as(ctx, 390, "dark"); err != nil {
			return err
		}
	}
	return nil
}

// organisation installs the app for all workspaces at once, in a browser of an
// administrator of the organisation.
func (v *visitor) organisation(ctx context.Context, t *tab) error {
	before := len(v.slack.Requests(redeems))
	if err := v.begin(ctx, t, v.site); err != nil {
		return err
	}
	if err := t.eval(ctx, `document.querySelector("[name=org_wide]").checked = true`, nil); err != nil {
		return err
	}
	if err := v.decide(ctx, t, "allow"); err != nil {
		return err
	}
	if err := v.reads(ctx, t, "ImagineBridge is installed in acme", "It is installed for a whole organisation."); err != nil {
		return err
	}
	if n := len(v.slack.Requests(redeems)); n != before+1 {
		return fmt.Errorf("%d approvals were redeemed", n-before)
	}
	if faults := v.slack.Faults(); len(faults) > 0 {
		return fmt.Errorf("slack objects: %v", faults)
	}
	return v.bound(ctx, t, false)
}

// begin opens the bridge's page and comes to Slack's.
func (v *visitor) begin(ctx context.Context, t *tab, site string) error {
	if err := t.open(ctx, site+"/slack/install"); err != nil {
		return err
	}
	if err := t.until(ctx, `location.pathname === "`+consent+`" && document.readyState === "complete"`); err != nil {
		return err
	}
	return v.bound(ctx, t, true)
}

// decide presses a button of Slack's page, and comes back.
func (v *visitor) decide(ctx context.Context, t *tab, what string) error {
	press := fmt.Sprintf(`document.querySelector("[name=workspace]").value = %q; document.querySelector("button[value=%s]").click()`, v.acme.ID, what)
	if err := t.eval(ctx, press, nil); err != nil {
		return err
	}
	return t.until(ctx, fmt.Sprintf(`location.href.startsWith(%q) && document.readyState === "complete"`, v.site+callback+"?"))
}

// reads looks at a page of the bridge: what it says, that its style was let in, and
// that a page that says no leads back to the beginning.
func (v *visitor) reads(ctx context.Context, t *tab, title, text string) error {
	for _, is := range []string{
		heading(title), says(text),
		`getComputedStyle(document.querySelector("main")).maxWidth === "608px"`, `document.documentElement.scrollWidth <= innerWidth`,
		`document.cookie === ""`,
	} {
		if err := t.until(ctx, is); err != nil {
			return err
		}
	}
	if strings.HasPrefix(title, "Nothing") {
		return t.until(ctx, fmt.Sprintf(`document.querySelector("a.button")?.href === %q`, v.site+"/slack/install"))
	}
	return nil
}

// heading is true where a page has that title.
func heading(text string) string {
	return fmt.Sprintf(`document.readyState === "complete" && document.querySelector("h1")?.textContent === %q`, text)
}

// says is true where a page has that text.
func says(text string) string {
	return fmt.Sprintf(`document.querySelector("main").textContent.includes(%q)`, text)
}
