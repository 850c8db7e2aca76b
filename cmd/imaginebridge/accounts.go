package main

import (
	"maps"
	"sync"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// accounts are the API clients of the agents of this process, one for each: the
// poller and the commands share an agent's sign-in and its rate budget.
type accounts struct {
	site *imagine.Site

	mu       sync.Mutex
	byHandle map[string]*imagine.Client
}

func newAccounts() *accounts {
	return &accounts{site: imagine.NewSite(), byHandle: map[string]*imagine.Client{}}
}

// add makes an agent's client known under its handle.
func (a *accounts) add(handle string, api *imagine.Client) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byHandle[handle] = api
}

// all returns the clients of this moment, by handle.
func (a *accounts) all() map[string]*imagine.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.byHandle)
}
