package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/sinks/web"
)

// lookAtFilesEvery is how often the configuration's files are looked at. Asking
// for their time finds what a notice of the kernel may miss: network folders,
// files that are put in place by a link, and secrets beside the file.
const lookAtFilesEvery = 2 * time.Second

// keepConfigured reads the configuration again when its files change or SIGHUP
// asks for it, until ctx ends.
func (pr *process) keepConfigured(ctx context.Context) error {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGHUP)
	defer signal.Stop(asked)
	tick := time.NewTicker(lookAtFilesEvery)
	defer tick.Stop()
	read := stampOf(pr.files)
	for seen := read; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-asked:
		case <-tick.C:
			now := stampOf(pr.files)
			if now == read || now != seen { // the same, or still being written
				seen = now
				continue
			}
		}
		seen = stampOf(pr.files)
		pr.reload(ctx)
		if read = stampOf(pr.files); read != seen { // files that it names now, or a write meanwhile
			seen = read
		}
	}
}

// stampOf tells whether files changed.
func stampOf(files []string) string {
	var b strings.Builder
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			fmt.Fprintf(&b, "%s absent\n", name)
			continue
		}
		fmt.Fprintf(&b, "%s %d %d\n", name, info.ModTime().UnixNano(), info.Size())
	}
	return b.String()
}

// reload reads the configuration again and applies it, or says what is wrong with
// it and leaves everything as it is.
func (pr *process) reload(ctx context.Context) {
	next, err := pr.reread()
	pr.files = next.files
	if err == nil && pr.fromFile && !next.fromFile {
		err = &usageError{next.files[0] + " is gone; put it back, or restart the bridge to run without it."}
	}
	var later []string
	if err == nil {
		later, err = pr.apply(ctx, next.cfg)
	}
	c := web.Condition{Component: "configuration", State: web.StateOK}
	switch {
	case err != nil:
		for _, problem := range problemsOf(err) {
			pr.log.ErrorContext(ctx, "configuration not applied", "problem", problem)
		}
		c.State, c.Reason = web.StateDegraded, strings.Join(problemsOf(err), "\n")
		c.Next = "Nothing was changed. Mend the file: it is read again when it changes, and on SIGHUP."
	case len(later) > 0:
		c.Reason = "Changed, but used from the next start on: " + strings.Join(later, ", ") + "."
	}
	pr.health.set(c)
}

// problemsOf are the lines of a report.
func problemsOf(err error) []string {
	report, ok := errors.AsType[*config.ReportError](err)
	if !ok {
		return []string{err.Error()}
	}
	return strings.Split(report.Error(), "\n")
}

// apply puts a checked configuration in force, whole or not at all, but for what
// only a start can change: the keys of that are returned.
func (pr *process) apply(ctx context.Context, next config.Config) (later []string, err error) {
	before := pr.now()
	changed := config.Differences(before, next)
	live := before
	live.Agents, live.Poll, live.Access, live.Subscriptions = next.Agents, next.Poll, next.Access, next.Subscriptions
	later = config.Differences(live, next)
	moved, err := pr.applyAgents(&live, next.Agents)
	if err != nil {
		return nil, err
	}
	if pr.has("deliver") {
		seed(ctx, pr.bus.Subscriptions(), fileRecords(next), pr.log)
	}
	for _, n := range next.Notices {
		if n.Warning {
			pr.log.WarnContext(ctx, "configuration", "notice", n.Text)
		}
	}
	pr.log.InfoContext(ctx, "configuration applied", "changed", strings.Join(changed, " "), "used_after_a_restart", strings.Join(later, " "),
		"agents_added", strings.Join(moved.added, " "), "agents_removed", strings.Join(moved.removed, " "), "secrets_rotated", strings.Join(moved.rotated, " "))
	return later, nil
}

// applyAgents puts the agents and intervals of a changed configuration in force.
func (pr *process) applyAgents(live *config.Config, agents []config.Agent) (moves, error) {
	pr.polling.Lock()
	defer pr.polling.Unlock()
	return pr.setAgents(live, agents)
}

// setAgents is applyAgents for who holds polling. Those that commands added stay.
func (pr *process) setAgents(live *config.Config, agents []config.Agent) (moves, error) {
	agents = slices.Clone(agents)
	if err := pr.accounts.name(agents); err != nil {
		return moves{}, err
	}
	agents = append(agents, pr.registered.besides(agents)...)
	m, err := pr.accounts.plan(agents, func(a config.Agent) (account, error) { return pr.open(pr.accounts.site, a) })
	if err != nil {
		return moves{}, err
	}
	pr.accounts.move(m, agents)
	pr.live.Store(live)
	pr.commands.places.note(nil)
	select {
	case pr.hooks.changed <- struct{}{}:
	default:
	}
	if !pr.has("poll") {
		return m, nil
	}
	for _, handle := range m.added {
		pr.health.expect("poller", handle)
	}
	if pr.poller != nil { // otherwise it begins with these
		if err := pr.poller.Set(pr.watched(), planOf(live.Poll)); err != nil {
			return m, fmt.Errorf("watch the agents: %w", err)
		}
		for _, handle := range m.rotated {
			pr.poller.Hint(handle)
		}
	}
	for _, handle := range m.removed {
		pr.health.forget("poller", handle)
	}
	return m, nil
}

// name gives the one agent without a handle the one that the API told.
func (a *accounts) name(agents []config.Agent) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(agents) != 1 || agents[0].Handle != "" {
		if a.nameless != nil && len(a.byHandle) == 0 {
			return errors.New("agents: the handle of the agent is still asked from ImagineAnything; restart the bridge to name it otherwise.")
		}
		return nil
	}
	for handle, one := range a.byHandle {
		if a.nameless != nil && a.nameless.id == agents[0].ClientID && one.id == a.nameless.id {
			agents[0].Handle = handle
			return nil
		}
	}
	return errors.New("agents[0]: handle is missing; without it the bridge has to be restarted.")
}
