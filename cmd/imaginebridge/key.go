package main

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/internal/seal"
)

// ensureKey fills in the bridge's key: from the environment, else from the data
// folder, where it is made once and readable by its owner only.
func ensureKey(cfg *config.Config) error {
	if !cfg.Runtime.Key.IsZero() {
		return nil
	}
	path := filepath.Join(cfg.Runtime.DataDir, "key")
	cfg.Runtime.KeyFile = path
	content, err := os.ReadFile(path)
	if err == nil && strings.TrimSpace(string(content)) != "" {
		cfg.Runtime.Key = config.NewSecret(strings.TrimSpace(string(content)))
		return nil
	}
	if errors.Is(err, syscall.ENOTDIR) {
		return folderError(cfg.Runtime.DataDir)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &usageError{fmt.Sprintf("%s can't be read by this user. Change its owner, or set IMAGINEBRIDGE_KEY.", path)}
	}
	key := freshKey()
	if err := os.MkdirAll(cfg.Runtime.DataDir, 0o700); err != nil {
		return folderError(cfg.Runtime.DataDir)
	}
	if err := writeKeys(path, key); err != nil {
		return folderError(cfg.Runtime.DataDir)
	}
	cfg.Runtime.Key = config.NewSecret(key)
	return nil
}

func freshKey() string { return rand.Text() + rand.Text() }

// writeKeys stores keys in a file, the newest first, whole or not at all.
func writeKeys(path string, keys ...string) error {
	next, err := os.CreateTemp(filepath.Dir(path), ".key-*") // for its owner only
	if err != nil {
		return err
	}
	_, err = next.WriteString(strings.Join(keys, "\n") + "\n")
	if err == nil {
		err = next.Sync()
	}
	if err := errors.Join(err, next.Close()); err != nil {
		return errors.Join(err, os.Remove(next.Name()))
	}
	return os.Rename(next.Name(), path)
}

// newRing makes the ring of the keys that are configured, the newest first. Where
// they are from a file, it is read again when one is missing.
func newRing(cfg config.Config) (*seal.Ring, error) {
	var more func() []string
	if path := cfg.Runtime.KeyFile; path != "" {
		more = func() []string {
			content, err := os.ReadFile(path)
			if err != nil {
				return nil
			}
			return strings.Fields(string(content))
		}
	}
	ring, err := seal.Growing(more, strings.Fields(cfg.Runtime.Key.Reveal())...)
	if err != nil {
		return nil, fmt.Errorf("make the ring of keys: %w", err)
	}
	return ring, nil
}

// keySource names the file that keys are read from, so that processes can tell
// whether it is the same; "" for the environment.
func keySource(cfg config.Config) string {
	path, err := filepath.Abs(cfg.Runtime.KeyFile)
	host, named := os.Hostname()
	if cfg.Runtime.KeyFile == "" || err != nil || named != nil {
		return ""
	}
	return "file://" + host + path
}

func folderError(dir string) error {
	return &usageError{fmt.Sprintf("The data folder %s can't be used: it must be a folder that this user may write. Mend it, or set IMAGINEBRIDGE_DATA_DIR to another folder.", dir)}
}

// derivedSecrets are the signing secrets of a webhook subscription without its own:
// made from the key, and for a day after a rotation from the one before too.
func (w *wiring) derivedSecrets(subscription string) []string {
	out := []string{derivedSecret(w.keys.Secret(), subscription)}
	if w.bus == nil {
		return out
	}
	if former := w.bus.FormerKey(); former != "" && former != w.keys.Secret() {
		out = append(out, derivedSecret(former, subscription))
	}
	return out
}

// derivedSecret makes the signing secret of a webhook subscription from the
// bridge's key (HKDF, RFC 5869), in the form of Standard Webhooks 1.0.
func derivedSecret(key, subscription string) string {
	raw, err := hkdf.Key(sha256.New, []byte(key), nil, "imaginebridge webhook "+subscription, 32)
	if err != nil {
		panic(err) // 32 bytes are within the bounds of HKDF
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(raw)
}
