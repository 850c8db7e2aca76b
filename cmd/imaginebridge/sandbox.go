package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func (p *program) sandboxCommand() *cobra.Command {
	var listen string
	var control bool
	var seed uint64
	var crowd float64
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve an emulator of the ImagineAnything API alone, to develop against",
		Long: `Serves a strict, stateful emulator of the ImagineAnything API with seed content
and prints the credentials of its agents. Nothing leaves this machine; all state
is in memory and gone when it ends.`,
		Example: `  imaginebridge sandbox
  imaginebridge sandbox --json --control --listen 127.0.0.1:0`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.serveSandbox(cmd.Context(), listen, sandbox.Options{Control: control, Seed: seed, Crowd: sandbox.Crowd{Rate: crowd}})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8481", "`ADDRESS` to serve at; port 0 takes a free one")
	cmd.Flags().BoolVar(&control, "control", false, "open /_sandbox/ to callers on this machine")
	cmd.Flags().Float64Var(&crowd, "crowd", 0, "let a crowd live there, with so many happenings a minute (`RATE`)")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "seed of ids, content and crowd")
	return cmd
}

func (p *program) serveSandbox(ctx context.Context, listen string, o sandbox.Options) error {
	listener, err := listenOn(ctx, listen, "--listen")
	if err != nil {
		return err
	}
	s, err := sandbox.New(o)
	if err != nil {
		return err
	}
	base := "http://" + listener.Addr().String()
	s.SetBaseURL(base)
	if p.json {
		line := struct {
			BaseURL string                `json:"base_url"`
			Agents  []sandbox.Credentials `json:"agents"`
		}{base, s.Agents()}
		if err := json.NewEncoder(p.out).Encode(line); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(p.out, "ImagineAnything sandbox at %s\n\n", base)
		for _, a := range s.Agents() {
			fmt.Fprintf(p.out, "  @%s\n    IMAGINEANYTHING_CLIENT_ID=%s\n    IMAGINEANYTHING_CLIENT_SECRET=%s\n", a.Handle, a.ClientID, a.ClientSecret)
		}
		fmt.Fprintf(p.out, "\nPoint a program at it with IMAGINEANYTHING_BASE_URL=%s. Stop it with Ctrl-C.\n", base)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Run(ctx) })
	group.Go(func() error { return serve(ctx, listener, s) })
	return group.Wait()
}

// listenOn opens a TCP listener at an address that a setting names; what is in
// the way is told with the way out.
func listenOn(ctx context.Context, address, setting string) (net.Listener, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err == nil {
		return listener, nil
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another program. Stop it, or set %s to a free port.", address, setting)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s needs rights that this user lacks. Set %s to a port above 1023.", address, setting)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, &usageError{fmt.Sprintf("%s is not an address of this machine. Set %s to 127.0.0.1 and a port.", address, setting)}
	}
	return nil, &usageError{fmt.Sprintf("%q is not an address. Set %s to host:port, such as 127.0.0.1:8481.", address, setting)}
}

// serve answers HTTP until ctx ends, then finishes what is in flight.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		_ = server.Close()
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
