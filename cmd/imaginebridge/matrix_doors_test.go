package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// answerWait is how long a person waits for an answer here.
const answerWait = 30 * time.Second

// held are arguments that are left out of a line, so that the door asks for them
// in a form: long texts it must have, and keys.
func held(c *square) arguments {
	out := arguments{}
	for _, a := range c.spec.Args {
		if v, ok := c.args[a.Name]; ok && (a.Secret || a.Long && a.Required || a.Long && len(c.args) == 1 && len(c.spec.AnyOf) > 0) {
			out[a.Name] = v
		}
	}
	return out
}

// throughDiscord types a slash command, fills its form and presses its buttons.
func (m *matrix) throughDiscord(c *square) (func() string, error) {
	ctx, cancel := context.WithTimeout(c.Context(), max(answerWait, c.wait))
	defer cancel()
	in, err := m.slash(c, held(c))
	if err != nil {
		return nil, err
	}
	r, err := in.Settled(ctx)
	if err != nil {
		return nil, err
	}
	if r.Modal != nil {
		c.forms = append(c.forms, formOf(r.Modal))
		if in, err = m.discord.Submit(in, held(c)); err != nil {
			return nil, err
		}
		if r, err = in.Settled(ctx); err != nil {
			return nil, err
		}
	}
	asked := ""
	if c.spec.Confirm && r.Message != nil {
		asked = r.Message.Content
		if in, err = m.discord.Click("ann", cmp.Or(c.room, m.channel), r.Message.ID, "Yes, do it"); err != nil {
			return nil, fmt.Errorf("%w: %s", err, r.Message.Content)
		}
	}
	return func() string {
		return c.last(func() string {
			r, err := in.Settled(c.Context())
			if err != nil || r.Message == nil || asked != "" && r.Message.Content == asked {
				return ""
			}
			embeds, _ := json.Marshal(r.Message.Embeds)
			return r.Message.Content + string(embeds)
		})
	}, nil
}

// formOf is a form at Discord as text.
func formOf(f *fakediscord.Modal) string {
	var out strings.Builder
	out.WriteString("== " + f.Title + " ==")
	for _, field := range f.Components {
		out.WriteString("\n" + field.Label + ": " + field.Component.Value)
	}
	return out.String() + "\n"
}

// last waits for something to be shown.
func (c *square) last(look func() string) (seen string) {
	for end := time.After(max(answerWait, c.wait)); seen == ""; {
		seen = look()
		select {
		case <-end:
			return seen
		case <-time.After(5 * time.Millisecond):
		}
	}
	return seen
}

// slash types the command under the name that it is registered by.
func (m *matrix) slash(c *square, without arguments) (in *fakediscord.Interaction, err error) {
	var words []string
	var files []fakediscord.Upload
	for _, name := range slices.Sorted(maps.Keys(c.args)) {
		if _, later := without[name]; !later {
			words = append(words, name+":"+c.args[name])
		}
	}
	if c.file != nil {
		files = append(files, fakediscord.Upload{Name: c.file.name, ContentType: c.file.kind, Data: c.file.data})
		words = append(words, "file:"+c.file.name)
	}
	for _, head := range []string{"/ia " + c.spec.Group, "/ia-" + c.spec.Group, "/ia-admin " + c.spec.Group} {
		in, err = m.discord.Slash("ann", cmp.Or(c.room, m.channel), strings.TrimSpace(head+" "+c.spec.Verb+" "+strings.Join(words, " ")), files...)
		if err == nil || !strings.Contains(err.Error(), "no command") && !strings.Contains(err.Error(), "no such verb") {
			return in, err
		}
	}
	return nil, err
}

// throughSlack types a line, fills the form that it opens and presses its
// buttons.
func (m *matrix) throughSlack(c *square) (func() string, error) {
	ctx, cancel := context.WithTimeout(c.Context(), max(answerWait, c.wait))
	defer cancel()
	channel := c.room
	if channel == "" {
		channel = m.team.AddChannel(c.spec.Group + "-" + c.spec.Verb)
	}
	later, line := held(c), "/ia "+c.spec.Group+" "+c.spec.Verb
	for _, name := range slices.Sorted(maps.Keys(c.args)) {
		if _, left := later[name]; !left {
			line += " " + name + `:"` + c.args[name] + `"`
		}
	}
	if c.file != nil {
		later["file"] = m.team.AddFile(m.ann, c.file.name, c.file.kind, c.file.data)
	}
	before := m.slack.Screen(channel)
	r, err := m.slack.Slash(m.ann, channel, line)
	if err != nil || !r.Acked {
		return nil, fmt.Errorf("typed, but acknowledged %t: %w", r.Acked, err)
	}
	if len(later) > 0 {
		return show(m.slackForm(ctx, c, channel, later))
	}
	answered := func() bool { return m.slack.Screen(channel) != before }
	if err := m.slack.Until(ctx, answered); err != nil || !c.spec.Confirm {
		return func() string { return m.slack.Screen(channel) }, err
	}
	before = m.slack.Screen(channel)
	all := m.slack.Messages(channel)
	if r, err = m.slack.Click(m.ann, channel, all[len(all)-1].TS, "Yes"); err != nil || !r.Acked {
		return nil, fmt.Errorf("pressed, but acknowledged %t: %w", r.Acked, err)
	}
	return func() string {
		return c.last(func() string {
			if answered() {
				return m.slack.Screen(channel)
			}
			return ""
		})
	}, nil
}

// show is for what was seen when the command was sent.
func show(seen string, err error) (func() string, error) {
	return func() string { return seen }, err
}

// slackForm fills the form that is open or about to be, and waits for its end.
func (m *matrix) slackForm(ctx context.Context, c *square, channel string, values arguments) (string, error) {
	if err := m.slack.Until(ctx, func() bool { return m.slack.Form(m.ann) != "" }); err != nil {
		return "", fmt.Errorf("no form, but %s: %w", m.slack.Screen(channel), err)
	}
	c.forms = append(c.forms, m.slack.Form(m.ann))
	fields := map[string][]string{}
	for name, v := range values {
		fields[name] = []string{v}
	}
	r, err := m.slack.SubmitForm(m.ann, fields)
	if err != nil || !r.Acked || len(r.Errors) > 0 {
		return "", fmt.Errorf("sent, but acknowledged %t with %v: %w", r.Acked, r.Errors, err)
	}
	var form string
	err = m.slack.Until(ctx, func() bool {
		form = m.slack.Form(m.ann)
		return !strings.Contains(form, "== Working ==")
	})
	c.forms = append(c.forms, form)
	if _, closing := m.slack.CloseForm(m.ann, true); err == nil {
		err = closing
	}
	return form + m.slack.Screen(channel), err
}

// throughNATS requests, and says yes where it is asked.
func (m *matrix) throughNATS(c *square) (func() string, error) {
	data, err := json.Marshal(payload(c))
	if err != nil {
		return nil, err
	}
	subject := "ia.cmd." + cmp.Or(c.subjectAgent(), "-") + "." + c.spec.Group + "." + c.spec.Verb
	var answer struct {
		OK    bool   `json:"ok"`
		Text  string `json:"text"`
		Error struct{ Status, Message string }
	}
	ask := func(header nats.Header) error {
		reply, err := m.nc.RequestMsg(&nats.Msg{Subject: subject, Data: data, Header: header}, c.wait)
		if err != nil {
			return err
		}
		answer.OK = false
		return json.Unmarshal(reply.Data, &answer)
	}
	if err := ask(nats.Header{}); err != nil {
		return nil, err
	}
	if c.spec.Confirm {
		if answer.Error.Status != "confirmation_required" {
			return nil, fmt.Errorf("it does not ask: %+v", answer)
		}
		if err := ask(nats.Header{"Ia-Confirm": {"yes"}}); err != nil {
			return nil, err
		}
	}
	if !answer.OK {
		return nil, fmt.Errorf("%s: %s", answer.Error.Status, answer.Error.Message)
	}
	return show(answer.Text, nil)
}

// payload is the arguments as a program sends them.
func payload(c *square) map[string]any {
	out := map[string]any{}
	for name, v := range c.args {
		switch a, _ := c.spec.Arg(name); a.Kind {
		case command.Integer, command.Number:
			out[name] = json.Number(v)
		case command.Flag:
			out[name] = v == "true"
		case command.List:
			out[name] = strings.Split(v, ",")
		case command.Text, command.Attachment:
			out[name] = v
		}
	}
	if c.file != nil {
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(c.file.data) }))
		c.Cleanup(site.Close)
		out["file"] = []any{map[string]any{"url": site.URL + "/" + c.file.name}}
	}
	return out
}

// throughTerminal runs "imaginebridge do" beside the running program.
func (m *matrix) throughTerminal(c *square) (func() string, error) {
	dir := c.TempDir()
	args := []string{"do", c.spec.Group, c.spec.Verb, "--config", m.file()}
	if agent := c.subjectAgent(); agent != "" {
		args = append(args, "--agent", agent)
	}
	keep := func(name string, data []byte) (string, error) {
		path := filepath.Join(dir, name)
		return path, os.WriteFile(path, data, 0o600)
	}
	for _, name := range slices.Sorted(maps.Keys(c.args)) {
		if a, _ := c.spec.Arg(name); a.Secret {
			path, err := keep(name, []byte(c.args[name]))
			if err != nil {
				return nil, err
			}
			args = append(args, "--"+name+"-file", path)
			continue
		}
		args = append(args, name+"="+c.args[name])
	}
	if c.file != nil {
		path, err := keep(c.file.name, c.file.data)
		if err != nil {
			return nil, err
		}
		args = append(args, "file="+path)
	}
	if c.spec.Confirm {
		if out, errs, code := m.output(args...); code == 0 || !strings.Contains(errs, "--yes") {
			return nil, fmt.Errorf("it does not ask: %s %s", out, errs)
		}
		args = append(args, "--yes")
	}
	ctx, cancel := context.WithTimeout(c.Context(), max(3*answerWait, c.wait))
	defer cancel()
	out, errs, code := m.outputOf(ctx, args...)
	if code != 0 {
		return nil, errors.New("it ended with " + strconv.Itoa(code) + ": " + errs)
	}
	return show(out, nil)
}
