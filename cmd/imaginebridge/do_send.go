package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

// doTime is a little more than a command may take.
const doTime = 10*time.Minute + 30*time.Second

// outcome is what became of a command, in the form in which NATS carries it.
type outcome struct {
	OK     bool              `json:"ok"`
	Result json.RawMessage   `json:"result,omitempty"`
	Text   string            `json:"text,omitempty"`
	Next   map[string]string `json:"next,omitempty"` // arguments of the further page
	Job    string            `json:"job,omitempty"`  // the generation to follow
	Error  *doProblem        `json:"error,omitempty"`

	undo  *bridge.Action
	steps []bridge.Action // what may be done after a failure
}

// doProblem is why a command was not done.
type doProblem struct {
	Code       int    `json:"code"`
	Status     string `json:"status"`
	Field      string `json:"field,omitempty"`
	Message    string `json:"message"`
	Hint       string `json:"hint,omitempty"`
	Unknown    bool   `json:"unknown,omitempty"`
	RetryAfter int    `json:"retry_after,omitempty"`
}

// needsYes is the status of a command that asks before it is done.
const needsYes = "confirmation_required"

// worker does commands: a running bridge, or this process.
type worker interface {
	do(ctx context.Context, a *action, yes bool) (outcome, error)
	where() (base, agent string) // the site's address, and who acts there where that is known
	close(ctx context.Context)
}

// run does the command and shows what became of it.
func (a *action) run(cmd *cobra.Command) error {
	if a.keyTyped {
		return &usageError{keyInLine}
	}
	if err := a.check(cmd); err != nil {
		return err
	}
	if _, ok := a.spec.Arg(waitFlag); ok && a.wait {
		a.values[waitFlag] = "on"
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), doTime)
	defer cancel()
	w, err := a.worker(ctx)
	if err != nil {
		return err
	}
	defer func() { w.close(ctx) }()
	out, err := a.ask(ctx, &w)
	if err != nil {
		return err
	}
	if out.OK && a.wait {
		if out, err = a.follow(ctx, w, out); err != nil {
			return err
		}
	}
	return a.show(out)
}

// ask has the command done, asks back where it asks, and goes to the API itself
// where NATS answers and no bridge is behind it. A question that is answered with
// no ends without a word more.
func (a *action) ask(ctx context.Context, w *worker) (outcome, error) {
	for yes := a.p.yes; ; yes = true {
		out, err := (*w).do(ctx, a, yes)
		if errors.Is(err, bus.ErrNobody) {
			(*w).close(ctx)
			if *w, err = a.direct(ctx, nil); err != nil {
				return out, err
			}
			out, err = (*w).do(ctx, a, yes)
		}
		switch {
		case errors.Is(err, bus.ErrNoAnswer):
			return out, errors.New(err.Error() + " Look before you do it again.")
		case err != nil, out.OK, yes, out.Error == nil, out.Error.Status != needsYes:
			return out, err
		case !a.p.terminal():
			return out, a.withJSON(out, &usageError{out.Error.Message + " Nothing was done; add --yes to do it."})
		case !a.p.consents(plainText(out.Error.Message)):
			return out, a.withJSON(out, errors.New("Nothing was done."))
		}
	}
}

// withJSON prints a failure for programs too.
func (a *action) withJSON(out outcome, err error) error {
	if a.p.json {
		if broken := a.p.printJSON(out); broken != nil {
			return broken
		}
	}
	return err
}

// worker finds who does it: the running bridge where there is one. Keys and
// files go to the API directly, since NATS would show them to its subscribers, or
// not carry them; the running bridge hears of them for its audit. What only the
// bridge can do goes there with its keys: the operator's own credentials are needed
// to listen.
func (a *action) worker(ctx context.Context) (worker, error) {
	keys, err := a.takeKeys()
	if err != nil {
		return nil, err
	}
	cfg, err := a.p.loadForGuest()
	if err != nil {
		return nil, err
	}
	b, err := a.p.openGuest(ctx, cfg, a.log(cfg))
	switch {
	case (keys || len(a.files) > 0) && a.spec.House == nil:
		return a.direct(ctx, b) // nil where no bridge runs
	case err == nil:
		return a.over(ctx, cfg, b)
	case a.spec.House != nil:
		return nil, err // only a running bridge can do that
	}
	_, state := errors.AsType[*bus.StateError](err)
	switch {
	case errors.Is(err, errNotRunning), errors.Is(err, errNoPort):
		return a.direct(ctx, nil)
	case state && len(cfg.Agents) > 0:
		fmt.Fprintln(a.p.errs, err.Error()+" Asking the API directly.")
		return a.direct(ctx, nil)
	}
	return nil, err
}

// log tells only what a person needs beside the answer: defects.
func (a *action) log(cfg config.Config) *slog.Logger {
	if cfg.Runtime.LogLevel != "debug" {
		cfg.Runtime.LogLevel = "error"
	}
	return a.p.logger(cfg.Runtime)
}

// bridgeWorker is a running bridge, over NATS.
type bridgeWorker struct {
	bus         *bus.Bus
	base, agent string
}

func (a *action) over(ctx context.Context, cfg config.Config, b *bus.Bus) (worker, error) {
	w := &bridgeWorker{bus: b, base: cfg.ImagineAnything.BaseURL, agent: strings.TrimPrefix(a.p.agent, "@")}
	if w.agent != "" || len(cfg.Agents) == 0 || a.spec.House != nil {
		return w, nil // the bridge knows who it is, where there is one
	}
	if w.agent = cfg.Agents[0].Handle; len(cfg.Agents) > 1 {
		w.close(ctx)
		return nil, severalAgents(handlesOf(cfg))
	}
	return w, nil
}

func handlesOf(cfg config.Config) []string {
	var handles []string
	for _, agent := range cfg.Agents {
		handles = append(handles, agent.Handle)
	}
	return handles
}

func severalAgents(handles []string) error {
	return &usageError{fmt.Sprintf("There are several agents: %s. Say which one is meant: --agent %s.", strings.Join(handles, ", "), handles[0])}
}

func (w *bridgeWorker) do(ctx context.Context, a *action, yes bool) (outcome, error) {
	answer, err := w.bus.Ask(ctx, command.Request{ID: "do-" + rand.Text(), Agent: w.agent, Group: a.spec.Group, Verb: a.spec.Verb, Values: a.values, Confirmed: yes, Door: command.Terminal, Zone: a.p.zoneName(), Locale: a.p.locale()})
	if err != nil {
		return outcome{}, err
	}
	return outcomeOf(answer)
}

func (w *bridgeWorker) where() (base, agent string) { return w.base, w.agent }

func (w *bridgeWorker) close(ctx context.Context) {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = w.bus.Close(ending)
}

// directWorker asks the API itself.
type directWorker struct {
	runner *command.Runner
	diary  *diary
	api    *imagine.Client
	site   *imagine.Site
	agent  string
}

// direct makes one; beside is the running bridge whose audit hears of it, nil
// for none.
func (a *action) direct(ctx context.Context, beside *bus.Bus) (w worker, err error) {
	t := &diary{bus: beside, errs: a.p.errs}
	defer func() {
		if err != nil {
			t.close(ctx)
		}
	}()
	return a.directly(ctx, t)
}

func (a *action) directly(ctx context.Context, t *diary) (worker, error) {
	cfg, err := a.p.load()
	if err != nil {
		return nil, err
	}
	if len(cfg.Agents) == 0 {
		return nil, config.ErrNothing
	}
	account, err := a.account(cfg)
	if err != nil {
		return nil, err
	}
	t.folder = cfg.Runtime.DataDir
	w := &directWorker{site: imagine.NewSite(), agent: account.Handle, diary: t}
	wire := wiring{cfg: cfg, log: a.log(cfg), version: versionText()}
	if w.api, err = wire.client(w.site, account); err != nil {
		return nil, err
	}
	if w.agent == "" {
		me, err := w.api.Me(ctx)
		if err != nil {
			return nil, errors.New(doSentence(problemOf(command.Explain(language.Match(a.p.locale()), err))))
		}
		w.agent = me.Handle
	}
	if wish := strings.TrimPrefix(a.p.agent, "@"); wish != "" && wish != w.agent {
		return nil, unknownAgent(wish, []string{w.agent})
	}
	w.runner = command.NewRunner(command.RunnerOptions{
		Agents: func() map[string]*imagine.Client { return map[string]*imagine.Client{w.agent: w.api} }, Audit: t.note, Log: a.log(cfg),
	})
	return w, nil
}

// account is the configured agent that is meant.
func (a *action) account(cfg config.Config) (config.Agent, error) {
	wish := strings.TrimPrefix(a.p.agent, "@")
	for _, agent := range cfg.Agents {
		if agent.Handle == wish || len(cfg.Agents) == 1 && (wish == "" || agent.Handle == "") {
			return agent, nil
		}
	}
	if wish == "" {
		return config.Agent{}, severalAgents(handlesOf(cfg))
	}
	return config.Agent{}, unknownAgent(wish, handlesOf(cfg))
}

func unknownAgent(wish string, handles []string) error {
	text := fmt.Sprintf("no agent %q is configured here", wish)
	if near := config.Nearest(wish, handles); near != "" {
		return &usageError{text + fmt.Sprintf("; did you mean %q?", near)}
	}
	return &usageError{text + "; there is " + strings.Join(handles, ", ") + "."}
}

func (w *directWorker) do(ctx context.Context, a *action, yes bool) (outcome, error) {
	answer := w.runner.Do(ctx, command.Request{
		Principal: command.Principal{Platform: command.Terminal}, Agent: w.agent, Group: a.spec.Group, Verb: a.spec.Verb,
		Values: a.values, Files: a.files, Confirmed: yes, Door: command.Terminal, Zone: a.p.zoneName(), Tell: a.tell, Locale: a.p.locale(),
	})
	return outcomeOf(answer)
}

// outcomeOf is an answer as it is printed.
func outcomeOf(a command.Answer) (outcome, error) {
	if !a.OK {
		return refusal(a), nil
	}
	data, err := json.Marshal(a.Reply.Data)
	if err != nil {
		return outcome{}, fmt.Errorf("encode the result: %w", err)
	}
	return outcome{OK: true, Result: data, Text: a.Reply.Text, Next: a.Reply.More, Job: a.Reply.Job, undo: a.Reply.Undo}, nil
}

// refusal is an answer that says no, or asks.
func refusal(a command.Answer) outcome {
	if a.NeedsConfirm {
		return outcome{Error: &doProblem{Code: 409, Status: needsYes, Message: a.Question, Hint: "Add --yes to do it."}}
	}
	return outcome{Error: problemOf(a.Problem), steps: a.Problem.Buttons}
}

// tell shows how far slow work has come.
func (a *action) tell(r command.Reply) {
	if r.Text != "" && !a.p.json {
		fmt.Fprintln(a.p.errs, plainText(r.Text))
	}
}

func (w *directWorker) where() (base, agent string) { return w.api.BaseURL(), w.agent }

func (w *directWorker) close(ctx context.Context) {
	w.site.CloseIdle()
	w.diary.close(ctx)
}

func problemOf(p *command.Problem) *doProblem {
	return &doProblem{Code: p.Code, Status: p.Status, Field: p.Field, Message: p.Message, Hint: p.Hint, Unknown: p.Unknown}
}
