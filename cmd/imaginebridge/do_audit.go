package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"

	"github.com/imaginebridge/imaginebridge/bridge/bus"
	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// auditFile is where commands are noted that were done with no bridge running:
// one JSON object a line, as on ia.audit, for its owner only.
const auditFile = "audit.jsonl"

// diary notes what was done at the API directly: in the audit of the bridge that
// runs beside, else in the data folder.
type diary struct {
	bus    *bus.Bus // nil where no bridge runs
	folder string
	errs   io.Writer
}

// note is a command.RunnerOptions.Audit. What can't be noted is said: it is done
// all the same.
func (t *diary) note(ctx context.Context, e command.Entry) {
	if u, err := user.Current(); err == nil {
		e.Principal.Name = u.Username
	}
	if t.bus != nil && t.bus.WriteAudit(ctx, e) == nil {
		return
	}
	if err := t.write(e); err != nil {
		fmt.Fprintf(t.errs, "%s %s is not in the audit: %v.\n", e.Group, e.Verb, err)
	}
}

// write adds a line to the file.
func (t *diary) write(e command.Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode the entry: %w", err)
	}
	if err := os.MkdirAll(t.folder, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(t.folder, auditFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

func (t *diary) close(ctx context.Context) {
	if t.bus != nil {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = t.bus.Close(ending)
	}
}
