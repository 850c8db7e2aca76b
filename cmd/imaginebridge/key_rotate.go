package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/internal/seal"
)

// rotateTimeout bounds a rotation.
const rotateTimeout = 10 * time.Minute

func (p *program) keyCommand() *cobra.Command {
	key := &cobra.Command{
		Use:   "key",
		Short: "Look at, and change, the key that seals secrets",
		Args:  unknownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	key.AddCommand(
		&cobra.Command{
			Use: "new", Short: "Print a fresh key for IMAGINEBRIDGE_KEY", Args: noArgs,
			RunE: func(*cobra.Command, []string) error {
				_, err := fmt.Fprintln(p.out, freshKey())
				return err
			},
		},
		&cobra.Command{
			Use: "check", Short: "Say which key the store is sealed with, and whether it is the one here", Args: noArgs,
			RunE: func(cmd *cobra.Command, _ []string) error { return p.keyCheck(cmd.Context()) },
		},
		&cobra.Command{
			Use:   "rotate",
			Short: "Seal everything with a new key while the bridge runs",
			Long: `Seals everything that is stored with a new key. The former one opens nothing
afterwards. The bridge goes on meanwhile.

With a key file in the data folder this is all: the file is rewritten.

With IMAGINEBRIDGE_KEY: make a key with "imaginebridge key new", start every
process anew with both in IMAGINEBRIDGE_KEY, "NEW OLD", run this with the same,
and take OLD out at the next start.

Webhooks whose signing secret is made from the key carry both signatures for 24
hours: give their receivers the new one ("imaginebridge subscriptions secret").`,
			Args: noArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				ctx, cancel := context.WithTimeout(cmd.Context(), rotateTimeout)
				defer cancel()
				return p.keyRotate(ctx)
			},
		},
	)
	return key
}

// openStore opens the store for looking after it: that of a running bridge, or the
// one in the data folder that nobody uses now. It changes no stream.
func (p *program) openStore(ctx context.Context, cfg config.Config, ring *seal.Ring, log *slog.Logger) (*bus.Bus, error) {
	o := busOptions(cfg, ring, log)
	o.Guest, o.Name = true, "imaginebridge keeper"
	b, err := p.openGuestWith(ctx, cfg, o)
	if !errors.Is(err, errNotRunning) || cfg.NATS.URL != "" || !bus.HasStore(cfg.Runtime.DataDir) {
		return b, err
	}
	return bus.Open(ctx, o)
}

// keyed reads the configuration and the keys.
func (p *program) keyed() (config.Config, *seal.Ring, error) {
	cfg, err := p.loadForGuest()
	if err != nil {
		return cfg, nil, err
	}
	if err := ensureKey(&cfg); err != nil {
		return cfg, nil, err
	}
	ring, err := newRing(cfg)
	return cfg, ring, err
}

func (p *program) keyCheck(ctx context.Context) error {
	cfg, ring, err := p.keyed()
	if err != nil {
		return err
	}
	b, err := p.openStore(ctx, cfg, ring, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer closeStore(ctx, b)
	in, err := b.Key(ctx)
	if err != nil {
		return err
	}
	if p.json {
		return json.NewEncoder(p.out).Encode(map[string]any{"key": in.ID, "others": in.Entries})
	}
	fmt.Fprintf(p.out, "The store is sealed with key %s, and the key here opens it.\n", in.ID)
	if len(in.Entries) > 0 {
		fmt.Fprintf(p.out, "Still sealed with another: %s. \"imaginebridge key rotate\" seals them anew.\n", strings.Join(in.Entries, ", "))
	}
	return nil
}

func (p *program) keyRotate(ctx context.Context) error {
	cfg, _, err := p.keyed()
	if err != nil {
		return err
	}
	keys := strings.Fields(cfg.Runtime.Key.Reveal())
	file := cfg.Runtime.KeyFile
	switch {
	case len(keys) > 1: // the new one stands first
	case file == "":
		return &usageError{`IMAGINEBRIDGE_KEY holds one key. Make another with "imaginebridge key new", start every process anew with both, "NEW OLD", and run this with the same.`}
	default:
		keys = append([]string{freshKey()}, keys...)
		// Whoever meets the new key from now on finds it in the file.
		if err := writeKeys(file, keys...); err != nil {
			return folderError(cfg.Runtime.DataDir)
		}
	}
	cfg.Runtime.Key = config.NewSecret(strings.Join(keys, " "))
	done, err := p.rotate(ctx, cfg)
	if err != nil && done.To == "" && file != "" { // nothing was sealed with it
		err = errors.Join(err, writeKeys(file, keys[1:]...))
	}
	if err == nil && file != "" {
		err = writeKeys(file, keys[0])
	}
	if err != nil {
		return err
	}
	if p.json {
		return json.NewEncoder(p.out).Encode(map[string]any{"from": done.From, "to": done.To, "entries": done.Entries, "signatures_until": done.Until})
	}
	fmt.Fprintf(p.out, "Everything is sealed with key %s now: %s sealed anew. Key %s opens nothing any more.\n", done.To, entries(done.Entries), done.From)
	fmt.Fprintf(p.out, "Webhooks signed with a secret made from the key carry both signatures until %s; \"imaginebridge subscriptions secret NAME\" shows the new one.\n", done.Until.Format(time.RFC3339))
	if file == "" {
		fmt.Fprintln(p.out, "Take the former key out of IMAGINEBRIDGE_KEY of every process at its next start.")
	}
	return nil
}

func (p *program) rotate(ctx context.Context, cfg config.Config) (bus.Rotation, error) {
	ring, err := newRing(cfg)
	if err != nil {
		return bus.Rotation{}, err
	}
	to := ring.ID() // before the store says which key is its own
	b, err := p.openStore(ctx, cfg, ring, slog.New(slog.DiscardHandler))
	if err != nil {
		return bus.Rotation{}, err
	}
	defer closeStore(ctx, b)
	return b.Rotate(ctx, to)
}

// closeStore lets go of a store that was looked after.
func closeStore(ctx context.Context, b *bus.Bus) {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = b.Close(ending)
}

func entries(n int) string {
	if n == 1 {
		return "1 entry was"
	}
	return fmt.Sprintf("%d entries were", n)
}
