package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/imaginebridge/imaginebridge/bridge/bus"
)

// backupTimeout bounds a backup, and a restore.
const backupTimeout = time.Hour

func (p *program) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Write the whole state to one file, also while the bridge runs",
		Long: `Writes everything that the bridge keeps to one file, readable by its owner only.
The bridge goes on meanwhile. The secrets in it stay sealed: the key that opens
them is not in it. Keep that apart; without it a restore can't be used.`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), backupTimeout)
			defer cancel()
			return p.backup(ctx, args[0])
		},
	}
}

func (p *program) restoreCommand() *cobra.Command {
	over := false
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Bring the state back that \"imaginebridge backup\" wrote",
		Long: `Brings a backup back into the data folder, or onto the NATS server that is
configured. No bridge may be at work there. The file is looked through whole
before anything is changed.

What happened after the backup was made is read again from ImagineAnything. What
was sent since is found in Discord's and Slack's channels and not sent again.`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), backupTimeout)
			defer cancel()
			return p.restore(ctx, args[0], over)
		},
	}
	c.Flags().BoolVar(&over, "over", false, "put it in the place of what is there")
	return c
}

func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return &usageError{"name one file\nUsage: " + cmd.UseLine()}
}

func (p *program) backup(ctx context.Context, name string) (err error) {
	cfg, err := p.loadForGuest()
	if err != nil {
		return err
	}
	b, err := p.openStore(ctx, cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer closeStore(ctx, b)
	dir := filepath.Dir(name)
	part, err := os.CreateTemp(dir, ".imaginebridge-backup-*") // for its owner only
	if err != nil {
		return fileError(name, err)
	}
	defer func() {
		if err != nil {
			_ = part.Close()
			_ = os.Remove(part.Name())
		}
	}()
	files := map[string]string{}
	if audit := filepath.Join(cfg.Runtime.DataDir, auditFile); cfg.NATS.URL == "" {
		if _, err := os.Stat(audit); err == nil {
			files[auditFile] = audit
		}
	}
	m, err := b.Backup(ctx, part, dir, files)
	if err != nil {
		return err
	}
	if err := errors.Join(part.Sync(), part.Close()); err != nil {
		return fileError(name, err)
	}
	if err := os.Rename(part.Name(), name); err != nil {
		return fileError(name, err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return fileError(name, err)
	}
	if p.json {
		return json.NewEncoder(p.out).Encode(map[string]any{"file": name, "bytes": info.Size(), "made": m.Made, "key": m.Key})
	}
	fmt.Fprintf(p.out, "%s: %d bytes, the state of %s.\n", name, info.Size(), m.Made.Local().Format(time.RFC3339))
	fmt.Fprintf(p.out, "The key that opens the secrets in it (%s) is not in it: keep IMAGINEBRIDGE_KEY, or the file key of the data folder, in another place.\n", m.Key)
	return nil
}

func (p *program) restore(ctx context.Context, name string, over bool) error {
	cfg, err := p.loadForGuest()
	if err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return fileError(name, err)
	}
	defer f.Close()
	m, err := bus.ReadBackup(f)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, 0); err != nil {
		return fileError(name, err)
	}
	o := busOptions(cfg, nil, slog.New(slog.DiscardHandler))
	if err := bus.Restore(ctx, o, f, m, over); err != nil {
		return err
	}
	if p.json {
		return json.NewEncoder(p.out).Encode(map[string]any{"made": m.Made, "made_by": m.MadeBy, "key": m.Key})
	}
	fmt.Fprintf(p.out, "Restored: %s.\n", m)
	if here := p.keyHere(cfg.Runtime.DataDir); m.Key != "" && here != m.Key {
		fmt.Fprintf(p.out, "Its secrets are sealed with key %s, which is not here: set IMAGINEBRIDGE_KEY to it, or put the file key into the data folder, before \"imaginebridge run\".\n", m.Key)
	}
	return nil
}

// keyHere is the id of the key of this place, "" where there is none. It makes none.
func (p *program) keyHere(dataDir string) string {
	cfg, err := p.loadForGuest()
	if err != nil {
		return ""
	}
	if _, err := os.Stat(filepath.Join(dataDir, "key")); err != nil && cfg.Runtime.Key.IsZero() {
		return ""
	}
	if ensureKey(&cfg) != nil {
		return ""
	}
	ring, err := newRing(cfg)
	if err != nil {
		return ""
	}
	return ring.ID()
}

// fileError says why a file can't be used.
func fileError(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &usageError{name + ": no such file or folder."}
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return &usageError{fmt.Sprintf("%s can't be used: %v.", name, err)}
}
