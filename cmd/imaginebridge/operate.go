package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/sinks/slack"
	"github.com/imaginebridge/imaginebridge/sinks/web"
)

// operator is what the console's pages look at, and how they act.
func (pr *process) operator() *web.Operator {
	history := pr.bus.History()
	return &web.Operator{
		Do: func(ctx context.Context, q command.Request) command.Answer { return pr.commands.Do(ctx, q) },
		Subscriptions: func(ctx context.Context) ([]command.SubscriptionView, error) {
			return command.Views(ctx, pr.bus.Subscriptions(), history)
		},
		Agents: pr.agents, Workspaces: pr.bus.Workspaces().List, Installs: pr.bus.Installs().List, NotGranted: slack.NotGranted, Store: pr.store, History: history, Dead: pr.bus.Dead(), Journal: pr.bus.Journal,
	}
}

// agentsTopic is what processes ask each other: how the agents go that they poll.
const agentsTopic = "agents"

// surveyTime is how long the console waits for processes that are slow to tell.
const surveyTime = time.Second

// agentsHere is how the agents go that this process polls, and what it knows of
// the others.
func (pr *process) agentsHere() []web.Agent {
	pr.polling.Lock()
	p := pr.poller
	pr.polling.Unlock()
	conditions := map[string]web.Condition{}
	for _, c := range pr.health.all() {
		if c.Component == "poller" {
			conditions[c.Agent] = c
		}
	}
	clients := pr.accounts.all()
	var out []web.Agent
	for handle, client := range clients {
		a := web.Agent{Handle: handle, State: web.StateStarting, Budgets: budgetsOf(client)}
		if c, ok := conditions[handle]; ok {
			a.State, a.Reason, a.Next, a.Since = c.State, c.Reason, c.Next, c.Since
		}
		if p != nil {
			for _, s := range p.Sources()[handle] {
				a.Process = pr.bus.Member()
				a.Sources = append(a.Sources, web.Source{Name: s.Source, Last: s.Last, Failures: s.Failures, Problem: s.Problem})
			}
		}
		out = append(out, a)
	}
	return out
}

func budgetsOf(client *imagine.Client) []web.Budget {
	var out []web.Budget
	for _, class := range []imagine.Class{imagine.Read, imagine.Write, imagine.Upload, imagine.Auth} {
		if b := client.Budget(class); b.Limit > 0 {
			out = append(out, web.Budget{Class: string(class), Limit: b.Limit, Remaining: b.Remaining, Wait: b.Wait})
		}
	}
	return out
}

// agents is how all agents go, in the order of their handles: of each what the
// process says that polls it, since only that one knows.
func (pr *process) agents(ctx context.Context) ([]web.Agent, error) {
	known := map[string]web.Agent{}
	note := func(all []web.Agent) {
		for _, a := range all {
			if had, ok := known[a.Handle]; !ok || had.Process == "" && a.Process != "" {
				known[a.Handle] = a
			}
		}
	}
	err := pr.bus.Survey(ctx, agentsTopic, surveyTime, func(data []byte) {
		var all []web.Agent
		if json.Unmarshal(data, &all) == nil {
			note(all)
		}
	})
	note(pr.agentsHere())
	out := make([]web.Agent, 0, len(known))
	for _, a := range known {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b web.Agent) int { return cmp.Compare(a.Handle, b.Handle) })
	return out, err
}

// store is how the store goes.
func (pr *process) store(ctx context.Context) (web.Store, error) {
	in, err := pr.bus.Info(ctx)
	out := web.Store{Version: in.Version, URL: in.URL, Embedded: in.Embedded, Members: in.Members}
	for _, s := range in.Streams {
		out.Streams = append(out.Streams, web.Stream{Name: s.Name, Messages: s.Messages, Bytes: s.Bytes, Share: s.Share()})
	}
	return out, err
}

// tokenFile holds what signs in to the console, for its owner only.
const tokenFile = "console.token"

// consoleToken is what signs in to the console: as configured, else as it was made
// once in the data folder.
func consoleToken(configured, dir string) (string, error) {
	if configured != "" {
		return configured, nil
	}
	path := filepath.Join(dir, tokenFile)
	if content, err := os.ReadFile(path); err == nil && len(strings.TrimSpace(string(content))) >= minToken {
		return strings.TrimSpace(string(content)), nil
	}
	token := rand.Text()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", folderError(dir)
	}
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		return "", folderError(dir)
	}
	return token, os.Chmod(path, 0o600) // it may have been there, empty and open to all
}

// minToken is how many letters a token has at least.
const minToken = 16

// reachable reports that people elsewhere can reach the web server: by the address
// it listens on, or by the one that leads to it.
func reachable(listener net.Listener, publicURL string) bool {
	at, err := netip.ParseAddrPort(listener.Addr().String())
	if err != nil || !at.Addr().Unmap().IsLoopback() {
		return true
	}
	u, err := url.Parse(publicURL)
	if err != nil || u.Hostname() == "" {
		return err != nil
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() != "localhost" && (err != nil || !ip.IsLoopback())
}
