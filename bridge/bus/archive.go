package bus

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// ArchiveFormat is the form of a backup that this version writes, and the newest
// that it reads.
const ArchiveFormat = 1

// manifestName is the last entry of a backup; all others are named in it.
const manifestName = "manifest.json"

// maxManifest bounds it, in bytes.
const maxManifest = 4 << 20

// Manifest says what a backup holds and what it was made of.
type Manifest struct {
	Format  int       `json:"format"`
	MadeBy  string    `json:"made_by"` // the version of ImagineBridge
	Made    time.Time `json:"made"`    // before the first of its parts was copied
	Store   int       `json:"store"`   // StoreFormat of what it was made of
	Key     string    `json:"key"`     // id of the key that sealed the secrets in it; the key is not in it
	Entries []Part    `json:"entries"`
}

// Part is one file of a backup.
type Part struct {
	Name   string    `json:"name"`
	Bytes  int64     `json:"bytes"`
	SHA256 string    `json:"sha256"`
	Stream *snapshot `json:"stream,omitempty"` // of a copy of a stream
}

// archiveWriter writes a backup: a tar file, compressed by gzip.
type archiveWriter struct {
	gz       *gzip.Writer
	tar      *tar.Writer
	manifest Manifest
}

func newArchive(to io.Writer, m Manifest) *archiveWriter {
	gz := gzip.NewWriter(to)
	return &archiveWriter{gz: gz, tar: tar.NewWriter(gz), manifest: m}
}

// add stores what fill writes, by way of a file in dir: an archive wants to know a
// length before the content.
func (a *archiveWriter) add(name, dir string, fill func(io.Writer) (*snapshot, error)) (err error) {
	spool, err := os.CreateTemp(dir, ".imaginebridge-backup-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, spool.Close(), os.Remove(spool.Name())) }()
	sum := sha256.New()
	s, err := fill(io.MultiWriter(spool, sum))
	if err != nil {
		return err
	}
	size, err := spool.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := a.write(name, size, spool); err != nil {
		return err
	}
	a.manifest.Entries = append(a.manifest.Entries, Part{Name: name, Bytes: size, SHA256: hex.EncodeToString(sum.Sum(nil)), Stream: s})
	return nil
}

func (a *archiveWriter) write(name string, size int64, from io.Reader) error {
	header := &tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: a.manifest.Made, Format: tar.FormatPAX}
	if err := a.tar.WriteHeader(header); err != nil {
		return err
	}
	_, err := io.Copy(a.tar, from)
	return err
}

// close ends the archive with its manifest.
func (a *archiveWriter) close() error {
	text, err := json.MarshalIndent(a.manifest, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(a.write(manifestName, int64(len(text)), bytes.NewReader(text)), a.tar.Close(), a.gz.Close())
}

// errNoBackup is what is wrong with a file that is not a backup, or not all of one.
var errNoBackup = errors.New("it is not a backup of ImagineBridge, or not all of one")

// readArchive hands over each entry but the manifest, which it returns.
func readArchive(from io.Reader, each func(name string, content io.Reader) error) (Manifest, error) {
	var m Manifest
	gz, err := gzip.NewReader(from)
	if err != nil {
		return m, errNoBackup
	}
	for entries := tar.NewReader(gz); ; {
		header, err := entries.Next()
		switch {
		case err != nil:
			return m, errNoBackup // also at the end: the manifest is last
		case header.Name != manifestName:
			if err := each(header.Name, entries); err != nil {
				return m, err
			}
			continue
		}
		text, err := io.ReadAll(io.LimitReader(entries, maxManifest))
		if err != nil || json.Unmarshal(text, &m) != nil || m.Format < 1 {
			return m, errNoBackup
		}
		if _, err := io.Copy(io.Discard, gz); err != nil { //nolint:gosec // it is thrown away; its checksum is at its end
			return m, errNoBackup
		}
		return m, nil
	}
}

// ReadBackup reads a whole backup and holds it against its checksums. What is wrong
// is a *StateError of Damaged, or of TooNew where a newer version made it.
func ReadBackup(from io.Reader) (Manifest, error) {
	type found struct {
		size int64
		sum  string
	}
	have := map[string]found{}
	m, err := readArchive(from, func(name string, content io.Reader) error {
		sum := sha256.New()
		n, err := io.Copy(sum, content)
		have[name] = found{n, hex.EncodeToString(sum.Sum(nil))}
		if err != nil {
			return errNoBackup
		}
		return nil
	})
	switch {
	case err != nil:
		return m, stateOf(Damaged, err, "The backup can't be used: %s. Nothing was changed.", err)
	case m.Format > ArchiveFormat || m.Store > StoreFormat:
		return m, stateOf(TooNew, nil, "The backup was made by ImagineBridge %s in a form that this one does not know (%d, store %d; it knows %d, %d). Use that version or a later one. Nothing was changed.",
			m.MadeBy, m.Format, m.Store, ArchiveFormat, StoreFormat)
	}
	for _, p := range m.Entries {
		if have[p.Name] != (found{p.Bytes, p.SHA256}) {
			return m, stateOf(Damaged, nil, "The backup can't be used: %s in it is damaged. Nothing was changed.", p.Name)
		}
		delete(have, p.Name)
	}
	for name := range have {
		return m, stateOf(Damaged, nil, "The backup can't be used: its list does not name %s. Nothing was changed.", fmt.Sprintf("%q", name))
	}
	return m, nil
}
