package fakediscord

import "fmt"

// componentRules holds what the component tables can't: which types go
// together, which fields a button's style wants, unique custom_ids, and the
// sums of V2. Docs "Component Reference"; discord-api-docs #8562 for the
// 4,000 of text displays.
func componentRules(r *report, path string, top []Component, v2 bool) {
	w := componentWalk{r: r, ids: map[string]bool{}, v2: v2}
	if !v2 && len(top) > 5 {
		r.add(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
	}
	for i, c := range top {
		if !v2 && c.Type != typeRow {
			r.add(at(path, i), "UNION_TYPE_CHOICES", "Only action rows without MessageFlags.IS_COMPONENTS_V2")
		}
		w.visit(at(path, i), c)
	}
	if w.count > 40 {
		r.add(path, "COMPONENT_MAX_TOTAL_EXCEEDED", "The total number of components must be 40 or fewer")
	}
	if w.text > 4000 {
		r.add(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", "The text of all components must be 4000 or fewer in length")
	}
}

type componentWalk struct {
	r     *report
	ids   map[string]bool
	v2    bool
	count int
	text  int
}

func (w *componentWalk) visit(path string, c Component) {
	if w.v2 || c.Type != typeRow {
		w.count++
	}
	if c.CustomID != "" {
		if w.ids[c.CustomID] {
			w.r.add(at(path, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
		}
		w.ids[c.CustomID] = true
	}
	switch c.Type {
	case typeRow:
		w.row(path, c)
	case typeButton:
		buttonRules(w.r, path, c)
	case typeTextDisplay:
		w.text += units(c.Content)
	case typeStringSelect, typeUserSelect, typeRoleSelect, typeMentionable, typeChannel:
		selectRules(w.r, path, c)
	}
	for i, child := range c.Components {
		w.visit(at(at(path, "components"), i), child)
	}
	if c.Accessory != nil {
		w.visit(at(path, "accessory"), *c.Accessory)
	}
	if c.Component != nil {
		w.visit(at(path, "component"), *c.Component)
	}
}

// row: five buttons or one menu.
func (w *componentWalk) row(path string, c Component) {
	buttons := 0
	for _, child := range c.Components {
		if child.Type == typeButton {
			buttons++
		}
	}
	if n := len(c.Components); buttons != n && n > 1 {
		w.r.add(at(path, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "A row holds five buttons or one menu")
	}
}

func buttonRules(r *report, path string, c Component) {
	require := func(field, value string, wanted bool) {
		switch {
		case wanted && value == "":
			r.add(at(path, field), "BASE_TYPE_REQUIRED", fmt.Sprintf("A button of style %d needs %s", c.Style, field))
		case !wanted && value != "":
			r.add(at(path, field), "BUTTON_COMPONENT_INVALID_FIELD", fmt.Sprintf("A button of style %d can't have %s", c.Style, field))
		}
	}
	require("custom_id", c.CustomID, c.Style <= 4)
	require("url", c.URL, c.Style == 5)
	require("sku_id", c.SKU, c.Style == 6)
	if c.Style != 6 && c.Label == "" && c.Emoji == nil {
		r.add(at(path, "label"), "BASE_TYPE_REQUIRED", "A button needs a label or an emoji")
	}
}

func selectRules(r *report, path string, c Component) {
	least, most := 1, 1
	if c.MinValues != nil {
		least = *c.MinValues
	}
	if c.MaxValues != nil {
		most = *c.MaxValues
	}
	if least > most {
		r.add(at(path, "min_values"), "SELECT_COMPONENT_MIN_VALUES_TOO_LARGE", "min_values is larger than max_values")
	}
	defaults, seen := len(c.DefaultValues), map[string]bool{}
	for i, o := range c.Options {
		if o.Default {
			defaults++
		}
		if seen[o.Value] {
			r.add(at(at(at(path, "options"), i), "value"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used")
		}
		seen[o.Value] = true
	}
	if defaults > most {
		r.add(path, "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES", "More default values than max_values")
	}
	if c.Type == typeStringSelect && most > len(c.Options) {
		r.add(at(path, "max_values"), "SELECT_COMPONENT_MAX_VALUES_TOO_LARGE", "max_values is larger than the number of options")
	}
}
