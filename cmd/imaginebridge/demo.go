package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// hint are the last words of the demo: how to get the same for oneself.
var hint = []string{
	"To get this in your own Discord server or Slack workspace: set IMAGINEANYTHING_CLIENT_ID and IMAGINEANYTHING_CLIENT_SECRET,",
	"then DISCORD_BOT_TOKEN and DISCORD_CHANNEL_ID, or SLACK_BOT_TOKEN and SLACK_CHANNEL_ID, and start: imaginebridge run",
}

func (p *program) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show everything at work on this machine: no account, no set-up",
		Long: `Starts an emulator of ImagineAnything with a lively crowd, an embedded NATS
server, the pollers, and a page that shows each message as Discord and as Slack
show it. Nothing leaves this machine. Stop it with Ctrl-C; what it stores lies
under demo/ in the data folder.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.demo(cmd.Context()) },
	}
}

// demo runs the bridge on a sandbox of its own.
func (p *program) demo(ctx context.Context) error {
	cfg, err := p.demoConfig()
	if err != nil {
		return err
	}
	if err := forget(cfg.Runtime.DataDir); err != nil {
		return err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("open a port on this machine: %w", err)
	}
	s, err := sandbox.New(sandbox.Options{Control: true, Crowd: sandbox.Crowd{Rate: 20}})
	if err != nil {
		return err
	}
	base := "http://" + listener.Addr().String()
	s.SetBaseURL(base)
	cfg.ImagineAnything.BaseURL = base
	star := s.Agents()[0]
	cfg.Agents = []config.Agent{{Handle: star.Handle, ClientID: star.ClientID, ClientSecret: config.NewSecret(star.ClientSecret)}}

	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Run(running) })
	group.Go(func() error { return serve(running, listener, s) })
	group.Go(func() error {
		return p.bridge(running, cfg, hint, func(pr *process) { p.introduce(pr, star.Handle) })
	})
	if err := group.Wait(); err != nil {
		return err
	}
	fmt.Fprintln(p.out)
	p.sayHint()
	return nil
}

// forget removes what an earlier demo stored: the sandbox begins anew each time,
// and its beginnings would look like news. A demo that runs there is left alone,
// and told of when the store is opened.
func forget(dir string) error {
	store := filepath.Join(dir, "nats")
	if err := os.MkdirAll(store, 0o700); err != nil {
		return folderError(dir)
	}
	lock := flock.New(filepath.Join(store, "lock"))
	free, err := lock.TryLock()
	if err != nil || !free {
		return nil
	}
	defer func() { _ = lock.Unlock() }()
	return os.RemoveAll(filepath.Join(store, "jetstream"))
}

// sayHint says how to get the same for oneself.
func (p *program) sayHint() {
	for _, line := range hint {
		fmt.Fprintln(p.out, line)
	}
}

// demoConfig takes addresses, data folder and log settings as run does, and
// nothing else: no file, no credentials, no channel.
func (p *program) demoConfig() (config.Config, error) {
	env := func(name string) (string, bool) {
		if strings.HasPrefix(name, "IMAGINEBRIDGE_") && name != "IMAGINEBRIDGE_KEY" {
			return p.env(name)
		}
		if name == "IMAGINEANYTHING_CLIENT_ID" || name == "IMAGINEANYTHING_CLIENT_SECRET" {
			return "demo", true
		}
		return "", false
	}
	cfg, err := config.Load(config.Source{Name: "demo", Env: env}, config.Checks{})
	if err != nil {
		return cfg, err
	}
	cfg.Runtime.DataDir = filepath.Join(cfg.Runtime.DataDir, "demo")
	if _, set := p.env("IMAGINEBRIDGE_LOG"); !set {
		cfg.Runtime.LogLevel = "warn" // the messages themselves are what is to be seen
	}
	cfg.Poll.Notifications, cfg.Poll.Messages, cfg.Poll.Generations = seconds(2), seconds(2), seconds(2)
	cfg.Poll.Ceiling = seconds(4)
	cfg.Subscriptions = []config.Subscription{{
		Name: "demo", Agents: []string{"*"}, Events: []string{"notification.*", "message.received", "generation.*"}, To: "console", Start: "new",
	}}
	return cfg, nil
}

func seconds(n int) config.Duration { return config.Duration(time.Duration(n) * time.Second) }

// introduce says what is to be seen, and at last how to get the same.
func (p *program) introduce(pr *process, handle string) {
	fmt.Fprintf(p.out, "ImagineBridge demo: @%s lives in a sandbox on this machine; nothing leaves it.\n\n", handle)
	if pr.listener != nil {
		fmt.Fprintf(p.out, "  See it as Discord and Slack show it:  http://%s/console/\n", pr.listener.Addr())
		if reachable(pr.listener, pr.cfg.HTTP.PublicURL) {
			fmt.Fprintf(p.out, "  It asks for the token that stands in: %s\n", filepath.Join(pr.cfg.Runtime.DataDir, tokenFile))
		}
	}
	fmt.Fprintf(p.out, "  Subscribe over NATS with:             %s\n\n", filepath.Join(pr.cfg.Runtime.DataDir, "nats", bus.SubscriberFile))
	p.sayHint()
	fmt.Fprintln(p.out)
}
