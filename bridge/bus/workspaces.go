package bus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

const (
	workspacesPrefix = "$KV." + bucketConfig + ".workspace."

	// maxWorkspace bounds a stored workspace, in bytes.
	maxWorkspace = 256 << 10
)

// Workspaces are the servers and workspaces that the app was added to, or that an
// agent was connected to, in IA_CONFIG under workspace.<platform>.<id>. Every change
// is made by compare-and-set.
func (b *Bus) Workspaces() *Workspaces { return &Workspaces{bus: b} }

// Workspaces keeps workspaces for all processes.
type Workspaces struct{ bus *Bus }

func (w *Workspaces) rows() rows[bridge.WorkspaceRecord] {
	return rows[bridge.WorkspaceRecord]{
		bus: w.bus, stream: streamConfig, prefix: workspacesPrefix, decode: w.decode,
		order: func(a, b bridge.WorkspaceRecord) int {
			return cmp.Or(cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.ID, b.ID))
		},
	}
}

func (w *Workspaces) decode(m jetstream.Msg, revision uint64) (bridge.WorkspaceRecord, bool) {
	var r bridge.WorkspaceRecord
	if err := json.Unmarshal(m.Data(), &r); err != nil {
		w.bus.log.Warn("a workspace can't be read", "key", m.Subject(), "err", err)
		return r, false
	}
	r.Rev = revision
	return r, true
}

// List returns all of them, by platform and id. Errors: *StateError.
func (w *Workspaces) List(ctx context.Context) ([]bridge.WorkspaceRecord, error) {
	return w.rows().list(ctx)
}

// Get returns one; of an absent one only Platform and ID are set, and Rev is 0.
// Errors: *StateError.
func (w *Workspaces) Get(ctx context.Context, platform, id string) (bridge.WorkspaceRecord, error) {
	subject, err := workspaceSubject(platform, id)
	if err != nil {
		return bridge.WorkspaceRecord{}, err
	}
	r, _, err := w.get(ctx, subject, platform, id)
	return r, err
}

// get also returns the revision to store over, which an absent one may have too:
// another was there before.
func (w *Workspaces) get(ctx context.Context, subject, platform, id string) (bridge.WorkspaceRecord, uint64, error) {
	absent := bridge.WorkspaceRecord{Platform: platform, ID: id}
	m, err := w.bus.lookUp(ctx, streamConfig, subject)
	if err != nil || m.seq == 0 || deleted(m.header) {
		return absent, m.seq, err
	}
	var r bridge.WorkspaceRecord
	if err := json.Unmarshal(m.data, &r); err != nil {
		return absent, m.seq, fmt.Errorf("read workspace %s %s: %w", platform, id, err)
	}
	r.Rev = m.seq
	return r, m.seq, nil
}

// Change reads a workspace, lets change edit it, stores it by compare-and-set, and
// begins again where another was quicker. change returns false to leave it as it
// is; it may be called several times and must not change what the record points
// at. The workspace as it is then stored is returned. Errors: those of change,
// *StateError.
func (w *Workspaces) Change(ctx context.Context, platform, id string, change func(*bridge.WorkspaceRecord) (bool, error)) (bridge.WorkspaceRecord, error) {
	subject, err := workspaceSubject(platform, id)
	if err != nil {
		return bridge.WorkspaceRecord{}, err
	}
	for attempt := 0; ; attempt++ {
		r, over, err := w.get(ctx, subject, platform, id)
		if err != nil {
			return r, err
		}
		if wanted, err := change(&r); err != nil || !wanted {
			return r, err
		}
		r.Platform, r.ID = platform, id
		data, err := json.Marshal(r)
		switch {
		case err != nil:
			return r, fmt.Errorf("encode workspace %s %s: %w", platform, id, err)
		case len(data) > maxWorkspace:
			return r, fmt.Errorf("workspace %s %s: %d bytes are more than %d", platform, id, len(data), maxWorkspace)
		}
		r.Rev, err = w.bus.swap(ctx, swap{stream: streamConfig, subject: subject, stored: subject, data: data, revision: over, mortal: true})
		if !errors.Is(err, bridge.ErrFenced) {
			return r, err
		}
		if !wait(ctx, backoff(attempt)) {
			return r, fmt.Errorf("store workspace %s %s: %w", platform, id, ctx.Err())
		}
	}
}

// Watch calls changed with all workspaces, at the start and after every change,
// until ctx ends; it returns ctx's error.
func (w *Workspaces) Watch(ctx context.Context, changed func([]bridge.WorkspaceRecord)) error {
	return w.rows().watch(ctx, changed)
}

// workspaceSubject is where a workspace is kept, with any text for its id.
func workspaceSubject(platform, id string) (string, error) {
	on, err := events.Token(platform)
	if err != nil {
		return "", fmt.Errorf("workspace %q of %q: %w", id, platform, err)
	}
	key, err := events.Token(id)
	if err != nil {
		return "", fmt.Errorf("workspace %q of %q: %w", id, platform, err)
	}
	return workspacesPrefix + on + "." + key, nil
}

// Remove takes a workspace out. One that changed meanwhile stays. Errors:
// bridge.ErrFenced, *StateError.
func (w *Workspaces) Remove(ctx context.Context, r bridge.WorkspaceRecord) error {
	subject, err := workspaceSubject(r.Platform, r.ID)
	if err != nil {
		return err
	}
	if err := w.rows().remove(ctx, subject, r.Rev); err != nil {
		return fmt.Errorf("remove workspace %s %s: %w", r.Platform, r.ID, err)
	}
	return nil
}
