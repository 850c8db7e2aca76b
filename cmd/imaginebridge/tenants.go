package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

const (
	tryTime  = 20 * time.Second // for signing in with somebody's credentials
	maxTries = 5                // of one workspace, in tryAgain
	tryAgain = 10 * time.Minute
)

// keeper keeps the agents that people bring. It implements command.Accounts.
type keeper struct {
	*wiring

	site *imagine.Site // apart from that of the agents at work: guesses cost them nothing
	mu   sync.Mutex
	try  map[string][]time.Time // when, by workspace
}

func newKeeper(w *wiring) *keeper {
	return &keeper{wiring: w, site: imagine.NewSite(), try: map[string][]time.Time{}}
}

// configured reports an agent that the configuration names: its secret is there.
func (k *keeper) configured(handle string) bool { return slices.Contains(k.configuredAgents(), handle) }

// configuredAgents are the handles that the configuration names.
func (w *wiring) configuredAgents() []string {
	var out []string
	for _, a := range w.now().Agents {
		out = append(out, a.Handle)
	}
	return out
}

// Try implements command.Accounts. A workspace that tries again and again has to
// wait: ImagineAnything counts failed sign-ins of an address.
func (k *keeper) Try(ctx context.Context, p command.Principal, clientID, clientSecret string) (string, error) {
	if !k.mayTry(p.Platform+":"+p.Workspace, time.Now()) {
		return "", command.TooManyTries()
	}
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	api, err := imagine.New(imagine.Options{
		BaseURL: k.cfg.ImagineAnything.BaseURL, ClientID: clientID, ClientSecret: func() string { return clientSecret }, Site: k.site,
		UserAgent: "ImagineBridge/" + k.version + " (+https://github.com/imaginebridge/imaginebridge)", Log: k.log.With("component", "imagine"),
	})
	if err != nil {
		return "", err
	}
	me, err := api.Me(ctx)
	if err != nil {
		return "", err
	}
	return me.Handle, nil
}

// mayTry counts a try, unless there were too many.
func (k *keeper) mayTry(who string, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for other, times := range k.try {
		if k.try[other] = slices.DeleteFunc(times, func(t time.Time) bool { return now.Sub(t) > tryAgain }); len(k.try[other]) == 0 {
			delete(k.try, other)
		}
	}
	if len(k.try[who]) >= maxTries {
		return false
	}
	k.try[who] = append(k.try[who], now)
	return true
}

// Keep implements command.Accounts. An agent that is here already keeps whose it is,
// and gets the newer secret.
func (k *keeper) Keep(ctx context.Context, p command.Principal, r imagine.Registration) error {
	if k.configured(r.Handle) {
		return nil
	}
	ring, err := k.ring()
	if err != nil {
		return fmt.Errorf("seal the secret of %s: %w", r.Handle, err)
	}
	by := p.Platform
	if p.User != "" {
		by += ":user:" + p.User
	}
	return k.change(ctx, r.Handle, func(a *bus.AgentRecord) (bool, error) {
		if a.Sealed == "" {
			a.By, a.At, a.Gone = by, time.Now().UTC(), time.Time{}
		}
		a.Handle, a.ClientID, a.Sealed = r.Handle, r.ClientID, ring.Seal(bus.AgentPlace(r.Handle), r.ClientSecret.Reveal())
		return true, nil
	})
}

// Hold implements command.Accounts: it stores the agent anew as it is, so that who
// wants to let go of it at this moment has to look again.
func (k *keeper) Hold(ctx context.Context, handle string) (bool, error) {
	if k.configured(handle) {
		return true, nil
	}
	there := false
	err := k.change(ctx, handle, func(a *bus.AgentRecord) (bool, error) {
		there = a.Sealed != ""
		return there, nil
	})
	return there, err
}

// Release implements command.Accounts.
func (k *keeper) Release(ctx context.Context, handle string) (erased bool, err error) {
	if k.configured(handle) {
		return false, nil
	}
	err = k.change(ctx, handle, func(a *bus.AgentRecord) (bool, error) {
		erased = a.Sealed != "" && a.FromChat()
		if !erased {
			return false, nil
		}
		all, err := k.bus.Workspaces().List(ctx)
		if err != nil {
			return false, err
		}
		if erased = !slices.ContainsFunc(all, func(r bridge.WorkspaceRecord) bool { _, has := r.Connection(handle); return has }); !erased {
			return false, nil
		}
		a.ClientID, a.Sealed, a.Gone = "", "", time.Now().UTC()
		return true, nil
	})
	return erased, err
}

// change changes what is stored of an agent, again where somebody else was quicker.
func (k *keeper) change(ctx context.Context, handle string, how func(*bus.AgentRecord) (bool, error)) error {
	for {
		a, err := k.bus.Agent(ctx, handle)
		if err != nil {
			return err
		}
		if wanted, err := how(&a); err != nil || !wanted {
			return err
		}
		if _, err = k.bus.SwapAgent(ctx, a); !errors.Is(err, bridge.ErrFenced) {
			return err
		}
	}
}

// keepAgent keeps an agent that was just registered, and connects it to the
// workspace where that was done.
func (k *keeper) keepAgent(ctx context.Context, p command.Principal, r imagine.Registration) error {
	if err := k.Keep(ctx, p, r); err != nil || p.Workspace == "" {
		return err
	}
	_, err := k.bus.Workspaces().Change(ctx, p.Platform, p.Workspace, func(w *bridge.WorkspaceRecord) (bool, error) {
		w.Connect(bridge.Connected{Handle: r.Handle, By: bridge.Person{Platform: p.Platform, ID: p.User, Name: p.Name}, At: time.Now().UTC(), How: bridge.ByRegistration})
		return true, nil
	})
	return err
}

// listed are the access lists of the configuration.
func (w *wiring) listed() command.Lists {
	access := w.now().Access
	return command.Lists{Write: access.Write, Admin: access.Admin}
}

// access is who may do what with an agent, "" for what is about no agent alone:
// the lists of the configuration and those of the principal's workspace together.
// While those are not known, nobody from chat may do anything.
func (c *commands) access(file func() command.Lists) func(p command.Principal, agent string) command.Lists {
	return func(p command.Principal, agent string) command.Lists {
		r, known := c.places.record(p.Platform, p.Workspace)
		if !known {
			nobody := []string{bridge.Nobody}
			return command.Lists{Read: nobody, Write: nobody, Admin: nobody}
		}
		return file().With(r.ListsOf(agent))
	}
}

// person is who somebody is at this moment; false while the platform does not tell.
func (w *wiring) person(ctx context.Context, p command.Principal) (command.Principal, bool) {
	switch {
	case p.Platform == command.Discord && w.discordSink != nil:
		return w.discordSink.Now(ctx, p)
	case p.Platform == command.Slack:
		r, known := w.commands.places.record(command.Slack, p.Workspace)
		p.Manages = known && p.User != "" && r.Installer.ID == p.User
		return p, known
	}
	return p, true
}

// refused tells the audit of a press that no command came of.
func (c *commands) refused(ctx context.Context, p command.Principal, place, status string) {
	c.audit(ctx, command.Entry{At: time.Now(), Principal: p, Door: p.Platform, Place: place, Group: "button", Verb: "press", Outcome: "refused", Status: status})
}
