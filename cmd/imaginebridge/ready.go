package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imaginebridge/imaginebridge/sinks/web"
)

const (
	readyTimeout = 4 * time.Second
	readyBody    = 1 << 20 // bytes of an answer that are read
)

func (p *program) readyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ready",
		Short: "Ask a running bridge whether it is ready",
		Long: `Asks the bridge that runs on this machine's http.listen whether it is ready,
and prints what is not well. Ends with 0 when it is, else with 1: for health
checks of containers, which have no other program at hand.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.ready(cmd.Context()) },
	}
}

func (p *program) ready(ctx context.Context) error {
	cfg, err := p.loadForGuest()
	if err != nil {
		return err
	}
	if cfg.HTTP.Listen == "off" {
		return errors.New("The bridge opens no HTTP port (http.listen: off). Set http.listen to 127.0.0.1:8480 and restart it.")
	}
	host, port, err := net.SplitHostPort(cfg.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("http.listen: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	address := net.JoinHostPort(host, port)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", address, err)
	}
	request.Header.Set("Accept", "application/json")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy: it is this machine
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("No bridge answers at %s. Start it with \"imaginebridge run\", or name its address with IMAGINEBRIDGE_LISTEN.", address)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, readyBody))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", address, err)
	}
	var body struct {
		Ready      bool            `json:"ready"`
		Components []web.Condition `json:"components"`
	}
	if json.Unmarshal(raw, &body) != nil {
		return fmt.Errorf("%s is another program's: it answers %s to /readyz. Name the bridge's address with IMAGINEBRIDGE_LISTEN.", address, answer.Status)
	}
	p.tellReady(raw, body.Ready, body.Components)
	if !body.Ready {
		return errSilent
	}
	return nil
}

// tellReady prints the whole answer for programs, and for people what is not well.
func (p *program) tellReady(raw []byte, ready bool, components []web.Condition) {
	if p.json {
		_, _ = p.out.Write(raw)
		return
	}
	for _, c := range components {
		if c.State != web.StateOK {
			words := strings.Fields(strings.Join([]string{c.Component, c.Agent, c.State + ":", c.Reason, c.Next}, " "))
			fmt.Fprintln(p.out, strings.TrimSuffix(strings.Join(words, " "), ":"))
		}
	}
	if ready {
		fmt.Fprintln(p.out, "ready")
	} else {
		fmt.Fprintln(p.out, "not ready yet")
	}
}
