package fakeslack

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// top is a person's topmost form, nil for none. The caller holds mu.
func (s *Server) top(userID string) *view {
	stack := s.stack(userID)
	if len(stack) == 0 {
		return nil
	}
	return stack[len(stack)-1]
}

// Form is the person's topmost form as text, for golden files; empty where none is open.
func (s *Server) Form(userID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return pictureView(s.top(userID))
}

// Home is the person's App Home as text; empty before the first publication.
func (s *Server) Home(userID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return pictureView(s.homeOf(userID))
}

// ViewID is the id of the person's topmost form, empty where none is open.
func (s *Server) ViewID(userID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.top(userID); v != nil {
		return v.id
	}
	return ""
}

// Carries is what the person's topmost form sends besides what is entered: its callback_id and private_metadata.
func (s *Server) Carries(userID string) (callback, meta string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.top(userID); v != nil {
		callback, meta = args(v.body).str("callback_id"), args(v.body).str("private_metadata")
	}
	return callback, meta
}

func pictureView(v *view) string {
	if v == nil {
		return ""
	}
	var b strings.Builder
	body := args(v.body)
	if body.str("type") == "modal" {
		fmt.Fprintf(&b, "== %s ==\n", body.object("title").str("text"))
	}
	blocks := body.list("blocks")
	pictureBlocks(blocks, func(format string, a ...any) {
		b.WriteString(strings.TrimRight(fmt.Sprintf(format, a...), " ") + "\n")
	})
	for _, key := range []string{"submit", "close"} {
		if t := body.object(key).str("text"); t != "" {
			fmt.Fprintf(&b, "(%s) ", t)
		}
	}
	return strings.TrimRight(b.String(), " \n") + "\n"
}

// Query types into an external select of the person's topmost form, or App Home, and returns what the app offers.
func (s *Server) Query(userID, actionID, typed string) ([]Choice, Result, error) {
	s.mu.Lock()
	u, err := s.person(userID)
	if err != nil {
		s.mu.Unlock()
		return nil, Result{}, err
	}
	v := s.top(userID)
	if v == nil {
		v = s.homeOf(userID)
	}
	if v == nil {
		s.mu.Unlock()
		return nil, Result{}, errors.New("no form is open")
	}
	blocks, _ := v.body["blocks"].([]any)
	action, err := s.find(blocks, func(a args) (map[string]any, bool) {
		external := a.str("type") == "external_select" || a.str("type") == "multi_external_select"
		return map[string]any{}, external && a.str("action_id") == actionID && utf8.RuneCountInString(typed) >= a.number("min_query_length", 3)
	})
	if err != nil {
		s.mu.Unlock()
		return nil, Result{}, fmt.Errorf("query %s: %w", actionID, err)
	}
	payload := s.interaction("block_suggestion", u, v)
	delete(payload, "trigger_id")
	payload["view"], payload["container"] = v.wire(), map[string]any{"type": "view", "view_id": v.id}
	payload["action_id"], payload["block_id"], payload["value"] = actionID, action["block_id"], typed
	s.mu.Unlock()
	r := s.act(outgoing{kind: "interactive", id: actionID, name: "block_suggestion", payload: payload, accepts: true})
	if !r.Acked {
		return nil, r, errors.New("query was not answered")
	}
	options, err := parseOptions(r.Body)
	if err != nil {
		s.mu.Lock()
		s.fault(Fault{Method: "delivery", Code: "bad_options", Detail: err.Error()})
		s.mu.Unlock()
	}
	return options, r, err
}

// Fill types values into the person's topmost form, by block_id. Several values are for inputs that take several.
func (s *Server) Fill(userID string, values map[string][]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.top(userID)
	if v == nil {
		return errors.New("no form is open")
	}
	return v.fill(values)
}

func (v *view) fill(values map[string][]string) error {
	fields := inputsOf(v.body)
	for block, given := range values {
		i := slices.IndexFunc(fields, func(in inputField) bool { return in.block == block })
		if i < 0 {
			return fmt.Errorf("the form has no input %q", block)
		}
		in := fields[i]
		element := args(in.element)
		value, err := chosen(element, given)
		if err == nil && element.str("type") == "file_input" {
			value["files"], err = v.home.s.attach(v.user, element, given)
		}
		if err != nil {
			return fmt.Errorf("input %s: %w", block, err)
		}
		if most := element.number("max_length", 3000); len(given) == 1 && utf8.RuneCountInString(given[0]) > most {
			return fmt.Errorf("input %s takes %d characters", block, most)
		}
		value["type"] = element.str("type")
		if v.state == nil {
			v.state = map[string]map[string]any{}
		}
		v.state[block] = map[string]any{in.action: value}
	}
	return nil
}

// initial is what an untouched input holds.
func (in inputField) initial() map[string]any {
	e := args(in.element)
	out := map[string]any{"type": e.str("type")}
	key := stateKeys[e.str("type")]
	from := strings.Replace(key, "selected_", "initial_", 1)
	if key == "value" {
		from = "initial_value"
	}
	out[key] = clone(e[from])
	return out
}

// SubmitForm fills the person's topmost form and presses its submit button. Missing required inputs keep Slack from
// sending it, which is the error; Result.Errors holds what the app refused.
func (s *Server) SubmitForm(userID string, values map[string][]string) (Result, error) {
	s.mu.Lock()
	u, err := s.person(userID)
	v := s.top(userID)
	if err != nil || v == nil {
		s.mu.Unlock()
		return Result{}, errors.New("no form is open")
	}
	if err := v.ready(values); err != nil {
		s.mu.Unlock()
		return Result{}, err
	}
	payload := s.interaction("view_submission", u, v)
	payload["view"], payload["response_urls"] = v.wire(), []any{}
	s.mu.Unlock()
	r := s.act(outgoing{kind: "interactive", id: v.id, name: "view_submission", payload: payload, accepts: true})
	if r.Acked {
		s.mu.Lock()
		r.Errors = s.submitted(v, r.Body)
		s.mu.Unlock()
	}
	return r, nil
}

// ready fills in and looks for required inputs left empty.
func (v *view) ready(values map[string][]string) error {
	if err := v.fill(values); err != nil {
		return err
	}
	if v.body["submit"] == nil {
		return errors.New("the form has no submit button")
	}
	for _, in := range inputsOf(v.body) {
		state := v.state[in.block][in.action]
		if state == nil {
			state = in.initial()
			if v.state == nil {
				v.state = map[string]map[string]any{}
			}
			v.state[in.block] = map[string]any{in.action: state}
		}
		held, _ := state.(map[string]any)
		value := held[stateKeys[args(in.element).str("type")]]
		if list, ok := value.([]any); !in.optional && (value == nil || value == "" || ok && len(list) == 0) {
			return fmt.Errorf("input %s is required", in.block)
		}
	}
	return nil
}

// submitted does what a submission was acknowledged with. The caller holds mu.
func (s *Server) submitted(v *view, body []byte) map[string]string {
	bad := func(format string, a ...any) {
		s.fault(Fault{Method: "delivery", Workspace: v.home.ID, Code: "bad_submission_ack", Detail: fmt.Sprintf(format, a...)})
	}
	text := strings.TrimSpace(string(body))
	if text == "" || text == "null" || text == "{}" {
		v.gone = true
		return nil
	}
	given, err := decodeObject(body)
	if err != nil {
		bad("%v", err)
		return nil
	}
	switch given.str("response_action") {
	case "clear":
		for _, open := range s.stack(v.user) {
			open.gone = true
		}
	case "errors":
		return s.inlineErrors(v, given.object("errors"), bad)
	case "update", "push":
		c := &call{s: s, method: "view_submission", args: args{"view": given["view"]}, now: s.opt.Now(), tok: v.home.bot}
		next, no := c.viewArg("modal")
		switch {
		case no != nil:
			bad("%s", no.err.detail)
		case given.str("response_action") == "update":
			v.replace(next)
			c.rendered(v)
		case len(s.stack(v.user)) >= maxStack:
			bad("push_limit_reached")
		default:
			c.show(v.user, next, v)
		}
	default:
		bad("response_action %q", given.str("response_action"))
	}
	s.touch()
	return nil
}

// inlineErrors shows errors under their inputs; a key that names none makes Slack show a general failure.
func (s *Server) inlineErrors(v *view, given args, bad func(string, ...any)) map[string]string {
	out := map[string]string{}
	fields := inputsOf(v.body)
	for _, block := range sortedKeys(given) {
		if !slices.ContainsFunc(fields, func(in inputField) bool { return in.block == block }) {
			bad("no input block %q", block)
		}
		out[block] = given.str(block)
	}
	if len(out) == 0 {
		bad("no errors in errors")
	}
	return out
}

// CloseForm closes the person's topmost form, or all of them. The app hears of it where the form asked for that.
func (s *Server) CloseForm(userID string, all bool) (Result, error) {
	s.mu.Lock()
	u, err := s.person(userID)
	v := s.top(userID)
	if err != nil || v == nil {
		s.mu.Unlock()
		return Result{}, errors.New("no form is open")
	}
	for _, open := range s.stack(userID) {
		if all || open == v || v.body["clear_on_close"] == true {
			open.gone = true
		}
	}
	s.touch()
	if v.body["notify_on_close"] != true {
		s.mu.Unlock()
		return Result{}, nil
	}
	payload := s.interaction("view_closed", u, nil)
	delete(payload, "trigger_id")
	payload["view"], payload["is_cleared"] = v.wire(), all
	s.mu.Unlock()
	return s.act(outgoing{kind: "interactive", id: v.id, name: "view_closed", payload: payload}), nil
}
