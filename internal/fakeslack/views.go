package fakeslack

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// view is an open modal, or a published App Home.
type view struct {
	id, hash string
	home     *Workspace
	user     string
	body     map[string]any
	root     string
	previous string
	state    map[string]map[string]any // what the person typed: by block_id, action_id
	gone     bool
}

// trigger allows one views.open or views.push (three seconds, once).
type trigger struct {
	home    *Workspace
	user    string
	view    *view // the modal the person acted in, nil outside one
	expires time.Time
	used    bool
}

const (
	triggerLife = 3 * time.Second
	maxStack    = 3
)

// newTrigger makes one. The caller holds mu.
func (s *Server) newTrigger(home *Workspace, userID string, in *view) string {
	s.seq++
	id := fmt.Sprintf("%d.%d.fake", 1000+s.seq, s.opt.Now().UnixMilli())
	s.triggers[id] = &trigger{home: home, user: userID, view: in, expires: s.opt.Now().Add(cmp.Or(s.opt.Limits.TriggerLife, triggerLife))}
	return id
}

func (c *call) exchange() (*trigger, *answer) {
	id := c.args.str("trigger_id")
	t := c.s.triggers[id]
	switch {
	case t == nil || t.home != c.tok.home:
		return nil, new(refuse("invalid_trigger_id", "%q", id))
	case t.used:
		return nil, new(refuse("exchanged_trigger_id", "%s", id))
	case c.now.After(t.expires):
		return nil, new(refuse("expired_trigger_id", "%v late", c.now.Sub(t.expires).Round(time.Millisecond)))
	}
	return t, nil
}

// viewArg reads and checks the view. kind is "modal" or "home".
func (c *call) viewArg(kind string) (map[string]any, *answer) {
	v, ok := c.args.json("view")
	if !ok || v == nil {
		return nil, new(refuse("invalid_arguments", "no view"))
	}
	if obj, isObject := v.(map[string]any); isObject {
		if size := len(answer{fields: obj}.body()); size > maxViewBytes {
			return nil, new(refuse("view_too_large", "%d bytes", size))
		}
		if obj["type"] != kind {
			return nil, new(refuse("invalid_arguments", "type %v, not %s", obj["type"], kind))
		}
	}
	if found := validateView(v); len(found) > 0 {
		return nil, new(refuseProblems(found))
	}
	body := v.(map[string]any)
	for i, b := range body["blocks"].([]any) {
		block := b.(map[string]any)
		if block["block_id"] == nil {
			block["block_id"] = fmt.Sprintf("b%d", i)
		}
		if element, ok := block["element"].(map[string]any); ok {
			if element["action_id"] == nil {
				element["action_id"] = fmt.Sprintf("a%d", i)
			}
			if element["type"] == "file_input" && c.tok.missing([]string{"files:read"}) {
				c.badManners("file_input_without_scope", "files:read")
			}
		}
	}
	return body, nil
}

func (c *call) uniqueExternal(body map[string]any, except *view) *answer {
	id, _ := body["external_id"].(string)
	if id == "" {
		return nil
	}
	for _, v := range c.s.views {
		if v != except && v.home == c.tok.home && !v.gone && v.body["external_id"] == id {
			return new(refuse("duplicate_external_id", "%s", id))
		}
	}
	return nil
}

// show makes the view and answers with it.
func (c *call) show(userID string, body map[string]any, under *view) answer {
	v := &view{id: c.s.id("V"), home: c.tok.home, user: userID, body: body}
	v.root = v.id
	if under != nil {
		v.root, v.previous = under.root, under.id
	}
	c.s.views[v.id] = v
	return c.rendered(v)
}

func (c *call) rendered(v *view) answer {
	c.s.seq++
	v.hash = fmt.Sprintf("%d.fake%d", c.now.Unix(), c.s.seq)
	return answer{fields: map[string]any{"view": v.wire()}}
}

func (v *view) wire() map[string]any {
	out, _ := clone(v.body).(map[string]any)
	values := map[string]any{}
	for block, actions := range v.state {
		values[block] = clone(actions)
	}
	out["id"], out["hash"], out["team_id"], out["app_id"], out["bot_id"] = v.id, v.hash, v.home.ID, appID, v.home.BotID
	out["state"], out["root_view_id"] = map[string]any{"values": values}, v.root
	out["previous_view_id"] = nil
	if v.previous != "" {
		out["previous_view_id"] = v.previous
	}
	for _, key := range []string{"private_metadata", "callback_id", "external_id"} {
		if out[key] == nil {
			out[key] = ""
		}
	}
	return out
}

// stack is a person's open modals, the lowest first. The caller holds mu.
func (s *Server) stack(userID string) []*view {
	var out []*view
	for _, v := range s.views {
		if v.user == userID && !v.gone && v.body["type"] == "modal" {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b *view) int { return cmp.Compare(a.id, b.id) })
	return out
}

func (c *call) viewOpen() answer {
	t, no := c.exchange()
	if no != nil {
		return *no
	}
	body, no := c.viewArg("modal")
	if no != nil {
		return *no
	}
	if no := c.uniqueExternal(body, nil); no != nil {
		return *no
	}
	t.used = true
	for _, old := range c.s.stack(t.user) { // a new modal takes the place of what was open
		old.gone = true
	}
	return c.show(t.user, body, nil)
}

func (c *call) viewPush() answer {
	t, no := c.exchange()
	if no != nil {
		return *no
	}
	body, no := c.viewArg("modal")
	if no != nil {
		return *no
	}
	if no := c.uniqueExternal(body, nil); no != nil {
		return *no
	}
	if t.view == nil || t.view.gone {
		return refuse("invalid_arguments", "no modal to push upon")
	}
	if len(c.s.stack(t.user)) >= maxStack {
		return refuse("push_limit_reached", "%d views", maxStack)
	}
	t.used = true
	return c.show(t.user, body, t.view)
}

func (c *call) viewUpdate() answer {
	v := c.s.views[c.args.str("view_id")]
	if id := c.args.str("external_id"); v == nil && id != "" {
		for _, other := range c.s.views {
			if other.home == c.tok.home && !other.gone && other.body["external_id"] == id {
				v = other
			}
		}
	}
	if v == nil || v.gone || v.home != c.tok.home || v.body["type"] != "modal" {
		return refuse("not_found", "view %s%s", c.args.str("view_id"), c.args.str("external_id"))
	}
	if hash := c.args.str("hash"); hash != "" && hash != v.hash {
		return refuse("hash_conflict", "%s, now %s", hash, v.hash)
	}
	body, no := c.viewArg("modal")
	if no != nil {
		return *no
	}
	if no := c.uniqueExternal(body, v); no != nil {
		return *no
	}
	v.replace(body)
	return c.rendered(v)
}

// replace puts another body in; what was typed stays where block and action are the same.
func (v *view) replace(body map[string]any) {
	v.body = body
	keep := map[string]map[string]any{}
	for _, in := range inputsOf(body) {
		if typed, ok := v.state[in.block][in.action]; ok {
			keep[in.block] = map[string]any{in.action: typed}
		}
	}
	v.state = keep
}

func (c *call) viewPublish() answer {
	userID := c.args.str("user_id")
	u := c.s.users[userID]
	if u == nil || u.home != c.tok.home {
		return refuse("user_not_found", "%s", userID)
	}
	body, no := c.viewArg("home")
	if no != nil {
		return *no
	}
	v := c.s.homeOf(userID)
	if hash := c.args.str("hash"); hash != "" && v != nil && hash != v.hash {
		return refuse("hash_conflict", "%s, now %s", hash, v.hash)
	}
	if v == nil {
		return c.show(userID, body, nil)
	}
	v.replace(body)
	return c.rendered(v)
}

// homeOf is a person's App Home, nil before the first publication. The caller holds mu.
func (s *Server) homeOf(userID string) *view {
	for _, v := range s.views {
		if v.user == userID && v.body["type"] == "home" {
			return v
		}
	}
	return nil
}

type inputField struct {
	block, action, label string
	element              map[string]any
	optional             bool
}

// inputsOf lists the input blocks of a view.
func inputsOf(body map[string]any) []inputField {
	var out []inputField
	blocks, _ := body["blocks"].([]any)
	for _, b := range blocks {
		block, _ := b.(map[string]any)
		if block["type"] != "input" {
			continue
		}
		element, _ := block["element"].(map[string]any)
		label, _ := block["label"].(map[string]any)
		in := inputField{element: element, optional: block["optional"] == true}
		in.block, _ = block["block_id"].(string)
		in.action, _ = element["action_id"].(string)
		in.label, _ = label["text"].(string)
		out = append(out, in)
	}
	return out
}
