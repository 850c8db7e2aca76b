package main

import (
	"context"
	"fmt"
	"strings"
)

// pages are those of the navigation, with what has to be there.
var pages = []struct{ path, has string }{
	{"overview", ".tile"}, {"agents", "[data-id=notifications]"}, {"subscriptions", "[data-row]"}, {"stream", "[data-row]"},
	{"dead", ".empty"}, {"workspaces", "#body"}, {"audit", "#body"}, {"subscription?id=demo", ".ask"},
}

// look goes through the console as a person does; token signs in from elsewhere.
func look(ctx context.Context, t *tab, base, token string) error {
	signIn := func(ctx context.Context, t *tab, base string) error { return signIn(ctx, t, base, token) }
	for _, step := range []struct {
		name string
		do   func(context.Context, *tab, string) error
	}{
		{"a card appears by itself", liveCard}, {"every page", everyPage}, {"an event on both platforms", event},
		{"keys", keys}, {"pause and resume", pause}, {"a subscription by its form", form}, {"in German", inGerman}, {"phone and dark", phone}, {"sign in and out", signIn},
	} {
		if err := step.do(ctx, t, base); err != nil {
			return fmt.Errorf("%s: %w%s", step.name, err, t.said())
		}
		if said := t.said(); said != "" {
			return fmt.Errorf("%s: the browser complains:%s", step.name, said)
		}
		fmt.Println("ok:", step.name)
	}
	return nil
}

// liveCard waits for a card that was not there when the page was loaded.
func liveCard(ctx context.Context, t *tab, base string) error {
	if err := t.open(ctx, base); err != nil {
		return err
	}
	if err := t.until(ctx, `document.querySelector("#link").dataset.state === "live" && !!document.querySelector("#discord .row.fresh, #discord .row.moved") && !!document.querySelector("#slack .row.fresh, #slack .row.moved")`); err != nil {
		return err
	}
	return t.picture(ctx, "live")
}

func everyPage(ctx context.Context, t *tab, base string) error {
	for _, p := range pages {
		if err := t.open(ctx, base+p.path); err != nil {
			return err
		}
		if err := t.until(ctx, fmt.Sprintf(`document.querySelector("#link").dataset.state === "live" && !!document.querySelector(%q)`, p.has)); err != nil {
			return fmt.Errorf("%s: %w", p.path, err)
		}
		name, _, _ := strings.Cut(p.path, "?")
		if err := t.picture(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func event(ctx context.Context, t *tab, base string) error {
	if err := t.open(ctx, base+"stream"); err != nil {
		return err
	}
	if err := t.until(ctx, `!!document.querySelector("[data-row] a")`); err != nil {
		return err
	}
	if err := t.eval(ctx, `document.querySelector("[data-row] a").click()`, nil); err != nil {
		return err
	}
	if err := t.until(ctx, `location.pathname === "/console/event" && !!document.querySelector(".discord .d-embed") && !!document.querySelector(".slack .s-msg")`); err != nil {
		return err
	}
	return t.picture(ctx, "event")
}

func keys(ctx context.Context, t *tab, base string) error {
	if err := t.open(ctx, base); err != nil {
		return err
	}
	if err := t.press(ctx, "5"); err != nil {
		return err
	}
	if err := t.until(ctx, `location.pathname === "/console/stream" && document.readyState === "complete"`); err != nil {
		return err
	}
	if err := t.press(ctx, "/"); err != nil {
		return err
	}
	return t.until(ctx, `document.activeElement.name === "q"`)
}

// pause presses a button, and sees that the page says what became of it.
func pause(ctx context.Context, t *tab, base string) error {
	for _, one := range []struct{ label, says string }{{"Pause demo", "Paused: demo"}, {"Resume demo", "It goes on: demo"}} {
		if err := t.open(ctx, base+"subscriptions"); err != nil {
			return err
		}
		button := fmt.Sprintf(`document.querySelector("button[aria-label='%s']")`, one.label)
		if err := t.until(ctx, "!!"+button); err != nil {
			return err
		}
		if err := t.eval(ctx, button+".click()", nil); err != nil {
			return err
		}
		if err := t.until(ctx, fmt.Sprintf(`document.querySelector(".alert.ok")?.textContent.includes(%q)`, one.says)); err != nil {
			return err
		}
	}
	return nil
}

// phone looks whether every page fits a phone, in the dark.
func phone(ctx context.Context, t *tab, base string) error {
	if _, err := t.call(ctx, "Emulation.setDeviceMetricsOverride", map[string]any{"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true}); err != nil {
		return err
	}
	if _, err := t.call(ctx, "Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": "dark"}}}); err != nil {
		return err
	}
	var wide []string
	for _, path := range []string{"", "add", "overview", "agents", "subscriptions", "stream", "dead", "workspaces", "audit", "subscription?id=demo"} {
		if err := t.open(ctx, base+path); err != nil {
			return err
		}
		var width int
		if err := t.eval(ctx, `document.documentElement.scrollWidth`, &width); err != nil {
			return err
		}
		if width > 390 {
			wide = append(wide, fmt.Sprintf("%q is %d wide", path, width))
		}
		var dark bool
		if err := t.eval(ctx, `getComputedStyle(document.body).backgroundColor === "rgb(16, 16, 22)"`, &dark); err != nil {
			return err
		}
		if !dark {
			wide = append(wide, fmt.Sprintf("%q is not dark", path))
		}
	}
	if len(wide) > 0 {
		return fmt.Errorf("%s", strings.Join(wide, ", "))
	}
	return nil
}

// inGerman looks at the pages in a browser that asks for German: what was loaded, what
// the scripts say, and what comes by itself.
func inGerman(ctx context.Context, t *tab, base string) error {
	speak := func(headers map[string]string) error {
		_, err := t.call(ctx, "Network.setExtraHTTPHeaders", map[string]any{"headers": headers})
		return err
	}
	if err := speak(map[string]string{"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}); err != nil {
		return err
	}
	for _, one := range []struct{ path, is string }{
		{"", `document.querySelector("#pause").textContent === "Anhalten" && document.querySelector("#status").textContent.includes("zugestellt") && document.querySelector("#link").dataset.state === "live"`},
		{"overview", `document.querySelector("h1").textContent === "Überblick" && document.querySelector("#link").dataset.state === "live"`},
		{"subscriptions", `document.querySelector("button[aria-label='Anhalten demo']") !== null`},
		{"agents", `document.body.textContent.includes("Abgefragt von")`}, {"add", `document.querySelector("button.primary").textContent === "Anlegen"`},
	} {
		if err := t.open(ctx, base+one.path); err != nil {
			return err
		}
		if err := t.until(ctx, `document.documentElement.lang === "de" && `+one.is); err != nil {
			return fmt.Errorf("%q: %w", one.path, err)
		}
		if err := t.picture(ctx, "german "+one.path); err != nil {
			return err
		}
	}
	return speak(map[string]string{})
}

// signIn comes as through a proxy: the console asks for its token.
func signIn(ctx context.Context, t *tab, base, token string) error {
	if _, err := t.call(ctx, "Network.setExtraHTTPHeaders", map[string]any{"headers": map[string]string{"X-Forwarded-For": "192.0.2.7"}}); err != nil {
		return err
	}
	if err := t.open(ctx, base+"audit"); err != nil {
		return err
	}
	if err := t.until(ctx, `location.pathname === "/console/login" && !document.querySelector("nav")`); err != nil {
		return err
	}
	if err := t.eval(ctx, fmt.Sprintf(`document.querySelector("#token").value = %q; document.querySelector(".login button").click()`, token), nil); err != nil {
		return err
	}
	if err := t.until(ctx, `location.pathname === "/console/audit" && document.querySelector("#link")?.dataset.state === "live" && document.body.textContent.includes("subscribe pause")`); err != nil {
		return err
	}
	if err := t.eval(ctx, `document.querySelector(".nav form button").click()`, nil); err != nil {
		return err
	}
	return t.until(ctx, `location.pathname === "/console/login" && !!document.querySelector("#token")`)
}
