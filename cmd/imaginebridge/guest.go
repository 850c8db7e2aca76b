package main

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/config"
)

// errNotRunning is returned where a running bridge is needed and none is found.
var errNotRunning = errors.New("No bridge is running here. Start it with \"imaginebridge run\", or name its store with NATS_URL or IMAGINEBRIDGE_DATA_DIR.") //nolint:staticcheck,revive // a sentence for people

// loadForGuest reads the configuration for looking at a running bridge: agents
// and destinations need not be in it.
func (p *program) loadForGuest() (config.Config, error) {
	cfg, err := p.load()
	if errors.Is(err, config.ErrNothing) {
		err = nil
	}
	return cfg, err
}

// openGuest connects to the store of a running bridge: the server that is
// configured, else the embedded one by the credentials in its data folder.
func (p *program) openGuest(ctx context.Context, cfg config.Config) (*bus.Bus, error) {
	o := bus.Options{URL: cfg.NATS.URL, Creds: cfg.NATS.Creds, Guest: true, Name: "imaginebridge guest", Log: p.logger(cfg.Runtime)}
	if o.URL == "" {
		o.Creds = filepath.Join(cfg.Runtime.DataDir, "nats", bus.AdminFile)
		c, err := bus.ReadCredentials(o.Creds)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, errNotRunning
		case err != nil:
			return nil, err
		case c.URL == "":
			return nil, errors.New("the running bridge opens no NATS port (nats.listen: off); set nats.listen to an address of this machine and restart it")
		}
		o.URL = c.URL
	}
	b, err := bus.Open(ctx, o)
	if e, ok := errors.AsType[*bus.StateError](err); ok && e.State == bus.Unreachable && cfg.NATS.URL == "" {
		return nil, errNotRunning
	}
	return b, err
}
