package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/imaginebridge/imaginebridge/internal/seal"
)

// copied are the streams of a backup in the order in which they are copied. Lanes
// come first and events last: a lane of the copy stands at or before what it stood
// at in life, so that nothing is passed over, and points at events that are in it.
// What lanes know of messages and replays is at least as new as they are. Who was
// alive and who owned what is nothing to be brought back.
var copied = []string{
	streamDelivery, "KV_" + bucketReceipts, streamLedger, streamConfig, "KV_" + bucketInstalls, streamAudit, streamEvents,
}

// Backup writes a copy of the whole store to a file while everything goes on. Files
// of the data folder may be named that go along, by their names in the backup.
// dir takes parts for a moment, each as large as a stream. Errors: *StateError.
func (b *Bus) Backup(ctx context.Context, to io.Writer, dir string, files map[string]string) (Manifest, error) {
	r, err := b.readStore(ctx)
	if err != nil {
		return Manifest{}, err
	}
	made, err := b.serverTime(ctx)
	if err != nil {
		return Manifest{}, err
	}
	a := newArchive(to, Manifest{Format: ArchiveFormat, MadeBy: b.opts.Version, Made: made, Store: r.Format, Key: seal.KeyOf(r.Key)})
	for _, stream := range copied {
		err := a.add("streams/"+stream, dir, func(w io.Writer) (*snapshot, error) {
			s, err := b.copyOut(ctx, stream, w)
			return &s, err
		})
		if err != nil {
			return a.manifest, plainFileError(err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := a.add("files/"+name, dir, func(w io.Writer) (*snapshot, error) {
			f, err := os.Open(files[name])
			if err != nil {
				return nil, err
			}
			defer f.Close()
			_, err = io.Copy(w, f)
			return nil, err
		})
		if err != nil {
			return a.manifest, plainFileError(err)
		}
	}
	return a.manifest, plainFileError(a.close())
}

// plainFileError says in a sentence why a file could not be read or written.
func plainFileError(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return stateOf(BadFolder, err, "%s: %s.", e.Path, e.Err)
	}
	return err
}

// serverTime is the store's own clock, which is what times of messages are by.
func (b *Bus) serverTime(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s, err := b.js.Stream(ctx, streamDelivery)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return time.Time{}, stateOf(Mismatch, err, "%s holds no stream %s: no bridge has run on it yet.", b.where(), streamDelivery)
	}
	if err != nil {
		return time.Time{}, b.explain("look at stream "+streamDelivery, err)
	}
	return s.CachedInfo().TimeStamp, nil
}

// HasStore reports whether a data folder holds the store of an embedded server.
func HasStore(dataDir string) bool {
	names, err := filepath.Glob(filepath.Join(dataDir, "nats", "jetstream", "*", "streams", "*"))
	return err == nil && len(names) > 0
}

// streamRestoring is there while a restore is under way, and stays where one was
// broken off.
const streamRestoring = "IA_RESTORING"

// Restore brings a backup into the store that the options name: an empty one, or
// over what is there where over says so. No bridge may be at work on it. The backup
// must have been found whole by ReadBackup. Errors: *StateError; where nothing could
// be begun, nothing was changed.
func Restore(ctx context.Context, o Options, from io.Reader, m Manifest, over bool) (err error) {
	o.Guest = true
	if o, err = o.filled(); err != nil {
		return err
	}
	b := newBus(o)
	if err := b.connect(ctx); err != nil {
		return errors.Join(err, b.abandon(ctx))
	}
	defer func() { err = errors.Join(err, b.shut(context.WithoutCancel(ctx))) }()
	if err := b.checkServer(ctx); err != nil {
		return err
	}
	b.members = newMembers(b.me)
	if err := b.clear(ctx, over); err != nil {
		return err
	}
	streams := map[string]*snapshot{}
	for _, p := range m.Entries {
		streams[p.Name] = p.Stream
	}
	_, err = readArchive(from, func(name string, content io.Reader) error {
		if stream, ok := strings.CutPrefix(name, "streams/"); ok && streams[name] != nil && slices.Contains(copied, stream) {
			return b.copyIn(ctx, stream, *streams[name], content)
		}
		if file, ok := strings.CutPrefix(name, "files/"); ok && filepath.IsLocal(file) && o.DataDir != "" {
			return plainFileError(bring(filepath.Join(o.DataDir, file), content))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return b.restored(ctx, m)
}

// bring writes a file of the data folder, unless there is one.
func bring(path string, content io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// clear makes room for a restore.
func (b *Bus) clear(ctx context.Context, over bool) error {
	alive := 0
	if there, err := b.hasStream(ctx, "KV_"+bucketMembers); err != nil {
		return err
	} else if there {
		if err := b.eachMember(ctx, func(member) { alive++ }); err != nil {
			return err
		}
	}
	if alive > 0 && b.host == nil {
		return stateOf(InUse, nil, "%s: a bridge is at work there (%d processes). Stop all of them first; one that was killed counts for %s more. Nothing was changed.", b.where(), alive, memberTTL)
	}
	var there []string
	for _, a := range append(b.opts.assets(), jetstream.StreamConfig{Name: streamRestoring}) {
		has, err := b.hasStream(ctx, a.Name)
		if err != nil {
			return err
		}
		if has {
			there = append(there, a.Name)
		}
	}
	if len(there) > 0 && !over {
		return stateOf(Mismatch, nil, `%s holds a store already. To put the backup in its place, which removes what is there, say --over. Nothing was changed.`, b.where())
	}
	call, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	mark := jetstream.StreamConfig{Name: streamRestoring, Subjects: []string{"ia.restoring"}, Storage: jetstream.FileStorage, MaxBytes: 1 << 20}
	if _, err := b.js.CreateOrUpdateStream(call, mark); err != nil {
		return b.explain("create stream "+streamRestoring, err)
	}
	for _, name := range there {
		if name == streamRestoring {
			continue
		}
		if err := b.js.DeleteStream(call, name); err != nil {
			return b.explain("remove stream "+name, err)
		}
	}
	return nil
}

// restored notes that the store is a copy, settles what may have been done since it
// was made, and opens it for bridges.
func (b *Bus) restored(ctx context.Context, m Manifest) error {
	if err := b.noteCopy(ctx, m.Made); err != nil {
		return err
	}
	if err := b.doubtCommands(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := b.js.DeleteStream(ctx, streamRestoring); err != nil {
		return b.explain("remove stream "+streamRestoring, err)
	}
	return nil
}

// String names what a backup is, for people.
func (m Manifest) String() string {
	return fmt.Sprintf("made by ImagineBridge %s on %s", m.MadeBy, m.Made.UTC().Format("2006-01-02 15:04:05 MST"))
}
