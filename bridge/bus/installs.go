package bus

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

const (
	streamInstalls = "KV_" + bucketInstalls
	installsPrefix = "$KV." + bucketInstalls + "."

	// maxInstall bounds a stored installation, in bytes.
	maxInstall = 64 << 10
)

// Installs are the installations of all processes, in IA_INSTALLS under
// <platform>.<enterprise>.<team>. Their secrets are sealed for their row. Every
// change is made by compare-and-set, and what was there before is gone with it.
func (b *Bus) Installs() *Installs { return &Installs{bus: b} }

// Installs keeps installations for all processes.
type Installs struct{ bus *Bus }

func (i *Installs) rows() rows[bridge.Installation] {
	return rows[bridge.Installation]{
		bus: i.bus, stream: streamInstalls, prefix: installsPrefix, decode: i.decode,
		order: func(a, b bridge.Installation) int {
			return cmp.Or(cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Enterprise, b.Enterprise), cmp.Compare(a.Team, b.Team))
		},
	}
}

func (i *Installs) decode(m jetstream.Msg, revision uint64) (bridge.Installation, bool) {
	var r bridge.Installation
	if err := json.Unmarshal(m.Data(), &r); err != nil {
		i.bus.log.Warn("an installation can't be read", "key", m.Subject(), "err", err)
		return r, false
	}
	r = i.bus.openInstall(r)
	r.Rev = revision
	return r, true
}

// InstallPlace is where an installation's record is stored, for its seal.
func InstallPlace(platform, enterprise, team string) (string, error) {
	key, err := installKey(platform, enterprise, team)
	return bucketInstalls + "/" + key, err
}

// installKey is an installation's key in its bucket. No organisation is "-", which
// is no id of one.
func installKey(platform, enterprise, team string) (string, error) {
	var key []string
	for _, part := range []string{platform, cmp.Or(enterprise, "-"), team} {
		token, err := events.Token(part)
		if err != nil {
			return "", fmt.Errorf("installation %q of %q: %w", team, platform, err)
		}
		key = append(key, token)
	}
	return strings.Join(key, "."), nil
}

// secrets are what is sealed of an installation.
type secrets struct {
	Bot     string `json:"bot"`
	Refresh string `json:"refresh,omitempty"`
}

// sealInstall puts an installation's secrets behind its seal. One that this process
// could not open stays as it was stored.
func (b *Bus) sealInstall(r bridge.Installation) (bridge.Installation, error) {
	if r.Bot == "" && r.Refresh == "" {
		return r, nil
	}
	place, err := InstallPlace(r.Platform, r.Enterprise, r.Team)
	if err != nil {
		return r, err
	}
	if b.opts.Seal == nil {
		return r, fmt.Errorf("installation %s: there is no key to seal its tokens with", r)
	}
	data, err := json.Marshal(secrets{Bot: r.Bot, Refresh: r.Refresh})
	if err != nil {
		return r, fmt.Errorf("encode installation %s: %w", r, err)
	}
	r.Sealed = b.opts.Seal.Seal(place, string(data))
	return r, nil
}

// openInstall is an installation with its secrets, where this process has the key.
func (b *Bus) openInstall(r bridge.Installation) bridge.Installation {
	place, err := InstallPlace(r.Platform, r.Enterprise, r.Team)
	if r.Sealed == "" || b.opts.Seal == nil || err != nil {
		return r
	}
	text, err := b.opts.Seal.Open(place, r.Sealed)
	var s secrets
	if err == nil {
		err = json.Unmarshal([]byte(text), &s)
	}
	if err != nil {
		b.log.Warn("an installation's tokens can't be opened with this key", "installation", r.String())
		return r
	}
	r.Bot, r.Refresh, r.Sealed = s.Bot, s.Refresh, ""
	return r
}

// List returns all installations, also ended ones, by platform, organisation and
// workspace. Errors: *StateError.
func (i *Installs) List(ctx context.Context) ([]bridge.Installation, error) {
	return i.rows().list(ctx)
}

// Get returns one; of an absent one only Platform, Enterprise and Team are set.
// Errors: *StateError.
func (i *Installs) Get(ctx context.Context, platform, enterprise, team string) (bridge.Installation, error) {
	absent := bridge.Installation{Platform: platform, Enterprise: enterprise, Team: team}
	key, err := installKey(platform, enterprise, team)
	if err != nil {
		return absent, err
	}
	m, err := i.bus.lookUp(ctx, streamInstalls, installsPrefix+key)
	if err != nil || m.seq == 0 || deleted(m.header) {
		return absent, err
	}
	var r bridge.Installation
	if err := json.Unmarshal(m.data, &r); err != nil {
		return absent, fmt.Errorf("read installation %s: %w", absent, err)
	}
	r = i.bus.openInstall(r)
	r.Rev = m.seq
	return r, nil
}

// Put stores an installation over the one of its revision, or a new one where that
// is 0, and returns it with its new revision. Errors: bridge.ErrFenced when another
// is stored there by now, *StateError.
func (i *Installs) Put(ctx context.Context, r bridge.Installation) (bridge.Installation, error) {
	key, err := installKey(r.Platform, r.Enterprise, r.Team)
	if err != nil {
		return r, err
	}
	kept, err := i.bus.sealInstall(r)
	if err != nil {
		return r, err
	}
	data, err := json.Marshal(kept)
	switch {
	case err != nil:
		return r, fmt.Errorf("encode installation %s: %w", r, err)
	case len(data) > maxInstall:
		return r, fmt.Errorf("installation %s: %d bytes are more than %d", r, len(data), maxInstall)
	}
	subject, over := installsPrefix+key, r.Rev
	if over == 0 { // one may have been there before
		var free bool
		switch over, free, err = i.rows().vacant(ctx, subject); {
		case err != nil:
			return r, err
		case !free:
			return r, fmt.Errorf("store installation %s: %w", r, bridge.ErrFenced)
		}
	}
	r.Rev, err = i.bus.swap(ctx, swap{stream: streamInstalls, subject: subject, stored: subject, data: data, revision: over, mortal: true})
	if err != nil {
		return r, fmt.Errorf("store installation %s: %w", r, err)
	}
	return r, nil
}

// Remove takes an installation out. One that changed meanwhile stays. Errors:
// bridge.ErrFenced, *StateError.
func (i *Installs) Remove(ctx context.Context, r bridge.Installation) error {
	key, err := installKey(r.Platform, r.Enterprise, r.Team)
	if err != nil {
		return err
	}
	if err := i.rows().remove(ctx, installsPrefix+key, r.Rev); err != nil {
		return fmt.Errorf("remove installation %s: %w", r, err)
	}
	return nil
}

// Watch calls changed with all installations, at the start and after every change,
// until ctx ends; it returns ctx's error.
func (i *Installs) Watch(ctx context.Context, changed func([]bridge.Installation)) error {
	return i.rows().watch(ctx, changed)
}
