package bus

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// DiskFull is the state of an embedded server whose disk takes nothing more.
const DiskFull State = "disk_full"

// probeSize is how much has to go onto the disk before the store is opened again.
const probeSize = 1 << 20

// noteBroken notes what the server says of a store that it gave up: after one
// failed write a stream refuses every further one, also when there is room again,
// until JetStream is started anew (nats-server 2.15, filestore.setWriteErr). It
// tells of that in its log only.
func (l *serverLog) noteBroken(format, text string) {
	if strings.Contains(strings.ToLower(format), "critical write error") {
		l.broken.CompareAndSwap(nil, &text)
	}
}

// diskTrouble is the state of a store that took no write, or nil.
func (h *host) diskTrouble() *StateError {
	text := h.told.broken.Load()
	if text == nil {
		return nil
	}
	return stateOf(DiskFull, nil, "The disk takes nothing more: %s can't be written. Make room there; everything goes on by itself.", h.dir)
}

// reopen starts JetStream anew after a failed write, once the disk takes writes
// again. It reports whether the store is well.
func (b *Bus) reopen(ctx context.Context) bool {
	h := b.host
	if err := tryWrite(h.dir); err != nil {
		b.log.Warn("the disk takes nothing yet", "folder", h.dir, "err", err)
		return false
	}
	h.told.broken.Store(nil)
	if err := h.server.ShutdownJetStream(); err != nil {
		b.log.Warn("jetstream did not end well", "err", err)
	}
	if err := h.revive(); err != nil {
		b.log.Error("jetstream stays off", "err", err)
		return false
	}
	b.log.Info("the disk takes writes again, and jetstream was started anew")
	b.cut()
	s := Status{Component: "nats", State: OK, Reason: "The disk takes writes again."}
	if err := b.Status(ctx, s); err != nil {
		b.log.Warn("status was not stored", "err", err)
	}
	return true
}

// tryWrite writes something of a size to a folder and takes it away again.
func tryWrite(dir string) error {
	name := filepath.Join(dir, fmt.Sprintf("probe-%d", time.Now().UnixNano()))
	defer os.Remove(name)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, probeSize))
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}
