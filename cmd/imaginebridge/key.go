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
)

// ensureKey fills in the bridge's key: from the environment, else from the data
// folder, where it is made once and readable by its owner only.
func ensureKey(cfg *config.Config) error {
	if !cfg.Runtime.Key.IsZero() {
		return nil
	}
	path := filepath.Join(cfg.Runtime.DataDir, "key")
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
	key := rand.Text() + rand.Text()
	if err := os.MkdirAll(cfg.Runtime.DataDir, 0o700); err != nil {
		return folderError(cfg.Runtime.DataDir)
	}
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		return folderError(cfg.Runtime.DataDir)
	}
	cfg.Runtime.Key = config.NewSecret(key)
	return nil
}

func folderError(dir string) error {
	return &usageError{fmt.Sprintf("The data folder %s can't be used: it must be a folder that this user may write. Mend it, or set IMAGINEBRIDGE_DATA_DIR to another folder.", dir)}
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
