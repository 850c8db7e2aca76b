package main

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// accounts are the API clients of the agents of this process, one for each: the
// poller and the commands share an agent's sign-in and its rate budget.
type accounts struct {
	site *imagine.Site

	mu       sync.Mutex
	byHandle map[string]account
	nameless *account // of the one agent whose handle is asked from the API
}

// account is an agent's client with the credentials that it signs in by.
type account struct {
	api    *imagine.Client
	id     string
	secret *atomic.Pointer[config.Secret] // may be rotated
}

func newAccounts() *accounts {
	return &accounts{site: imagine.NewSite(), byHandle: map[string]account{}}
}

// open makes an agent's account.
func (w *wiring) open(site *imagine.Site, a config.Agent) (account, error) {
	out := account{id: a.ClientID, secret: &atomic.Pointer[config.Secret]{}}
	out.secret.Store(&a.ClientSecret)
	var err error
	out.api, err = imagine.New(imagine.Options{
		BaseURL: w.cfg.ImagineAnything.BaseURL, ClientID: a.ClientID, ClientSecret: func() string { return out.secret.Load().Reveal() }, Site: site,
		UserAgent: "ImagineBridge/" + w.version + " (+https://github.com/imaginebridge/imaginebridge)",
		Log:       w.log.With("component", "imagine", "agent", a.Handle),
		Trace:     w.seen.tracer(), Asked: w.seen.asked("imagineanything"),
	})
	return out, err
}

// client makes the API client of one agent, for a program that soon ends.
func (w *wiring) client(site *imagine.Site, a config.Agent) (*imagine.Client, error) {
	one, err := w.open(site, a)
	return one.api, err
}

// learned gives the nameless account the handle that the API told.
func (a *accounts) learned(handle string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byHandle[handle] = *a.nameless
}

// all returns the clients of this moment, by handle.
func (a *accounts) all() map[string]*imagine.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make(map[string]*imagine.Client, len(a.byHandle))
	for handle, one := range a.byHandle {
		out[handle] = one.api
	}
	return out
}

// moves are what a changed list of agents means for the accounts.
type moves struct {
	next                    map[string]account
	added, removed, rotated []string
}

// plan compares the accounts with a changed list of agents: whoever keeps the
// client id keeps the client, with its tokens and its rate budget, and gets the
// new secret. It changes nothing.
func (a *accounts) plan(agents []config.Agent, open func(config.Agent) (account, error)) (moves, error) {
	a.mu.Lock()
	before := maps.Clone(a.byHandle)
	a.mu.Unlock()
	m := moves{next: map[string]account{}}
	for _, c := range agents {
		had, known := before[c.Handle]
		switch {
		case known && had.id == c.ClientID:
			if had.secret.Load().Reveal() != c.ClientSecret.Reveal() {
				m.rotated = append(m.rotated, c.Handle)
			}
			m.next[c.Handle] = had
		default:
			one, err := open(c)
			if err != nil {
				return moves{}, err
			}
			m.next[c.Handle], m.added = one, append(m.added, c.Handle)
		}
	}
	for handle := range before {
		if _, stays := m.next[handle]; !stays {
			m.removed = append(m.removed, handle)
		}
	}
	return m, nil
}

// move does what was planned.
func (a *accounts) move(m moves, agents []config.Agent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byHandle = m.next
	for _, c := range agents {
		m.next[c.Handle].secret.Store(new(c.ClientSecret))
	}
}
