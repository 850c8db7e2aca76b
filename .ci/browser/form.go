package main

import (
	"context"
	"fmt"
)

// form makes a subscription, changes it and removes it, with the mistakes that
// people make.
func form(ctx context.Context, t *tab, base string) error {
	t.refusal = "/console/do"
	defer func() { t.refusal = "" }()
	if err := t.open(ctx, base+"subscriptions"); err != nil {
		return err
	}
	for _, step := range []struct{ name, do, then string }{
		{"a page with a form", click(`a[href="/console/add"]`), at("add") + ` && !document.querySelector("[aria-invalid]")`},
		{"an empty field is told by the browser", click("button.primary"), `document.querySelector("#f-to:invalid") === document.activeElement`},
		{"a destination that is none", fill("to", "elsewhere") + fill("name", "seen") + click("button.primary"), wrong("to")},
		{"what was typed is there still", "", `document.querySelector("#f-name").value === "seen" && document.querySelector("#f-to") === document.activeElement`},
		{"a filter that is none, found by a dry run", fill("to", "console") + fill("preset", "all") + fill("filter", "data.nobody ==") + click("[name=dry]"), wrong("filter")},
		{"a dry run", fill("filter", "") + click("[name=dry]"), `!!document.querySelector("#draft .d-embed") && !!document.querySelector("#draft .s-msg") && !document.querySelector("[aria-invalid]")`},
		{"two ways to say what", fill("events", "notification.*") + click("button.primary"), wrong("events")},
		{"added", fill("preset", "") + click("button.primary"), at("subscription") + ` && document.querySelector(".alert.ok")?.textContent.includes("Subscribed: seen.")`},
		{"its form", click(`a[href^="/console/edit"]`), at("edit") + ` && document.querySelector("#f-events").value === "notification.*"`},
		{"changed", fill("digest", "1h") + click("button.primary"), `document.querySelector(".alert.ok")?.textContent.includes("Changed: seen.") && document.querySelector(".facts").textContent.includes("1h")`},
		{"asked before it is removed", click("button.danger"), `!!document.querySelector(".question")`},
		{"removed", click("button.danger"), at("subscriptions") + ` && !!document.querySelector(".alert.ok") && !document.querySelector("[aria-label='More about seen']")`},
	} {
		if err := t.eval(ctx, step.do, nil); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if err := t.until(ctx, `document.readyState === "complete" && `+step.then); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if step.name == "a dry run" || step.name == "two ways to say what" || step.name == "changed" {
			if err := t.picture(ctx, "form "+step.name); err != nil {
				return err
			}
		}
	}
	return nil
}

func click(css string) string { return fmt.Sprintf("document.querySelector(%q).click();", css) }

func fill(name, value string) string {
	return fmt.Sprintf("document.querySelector(%q).value = %q;", "#f-"+name, value)
}

func at(page string) string { return fmt.Sprintf("location.pathname === %q", "/console/"+page) }

// wrong is true where one field is marked, with its sentence, and nothing is saved.
func wrong(name string) string {
	return fmt.Sprintf(`document.querySelectorAll("[aria-invalid]").length === 1 && !!document.querySelector("#f-%[1]s[aria-invalid]") && document.querySelector("#wrong-%[1]s").textContent.length > 5 && !!document.querySelector(".alert.down")`, name)
}
