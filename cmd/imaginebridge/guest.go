package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/config"
)

// errNotRunning is returned where a running bridge is needed and none is found.
var errNotRunning = errors.New("No bridge is running here. Start it with \"imaginebridge run\", or name its store with NATS_URL or IMAGINEBRIDGE_DATA_DIR.")

// errNoPort is returned where the running bridge can't be reached by others.
var errNoPort = errors.New("The running bridge opens no NATS port (nats.listen: off). Set nats.listen to 127.0.0.1:4222 and restart it.")

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
func (p *program) openGuest(ctx context.Context, cfg config.Config, log *slog.Logger) (*bus.Bus, error) {
	return p.openGuestWith(ctx, cfg, bus.Options{URL: cfg.NATS.URL, Creds: cfg.NATS.Creds, Guest: true, Version: versionText(), Name: "imaginebridge guest", Log: log})
}

// openGuestWith is openGuest with options of the caller's.
func (p *program) openGuestWith(ctx context.Context, cfg config.Config, o bus.Options) (*bus.Bus, error) {
	if o.URL == "" {
		o.Creds = filepath.Join(cfg.Runtime.DataDir, "nats", bus.AdminFile)
		c, err := bus.ReadCredentials(o.Creds)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, errNotRunning
		case err != nil:
			return nil, err
		case c.URL == "":
			return nil, errNoPort
		}
		if !answers(ctx, c.URL) {
			return nil, errNotRunning // a server of this machine needs no patience
		}
		o.URL = c.URL
	}
	b, err := bus.Open(ctx, o)
	if e, ok := errors.AsType[*bus.StateError](err); ok && cfg.NATS.URL == "" && (e.State == bus.Unreachable || e.State == bus.Forbidden) {
		return nil, errNotRunning // its port is another program's now
	}
	return b, err
}

// answers reports whether anybody listens at the address of a URL.
func answers(ctx context.Context, address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
