// Package seal keeps secrets at rest: text that can be stored anywhere and opened
// only with the bridge's key, and only in the place it was sealed for.
//
// The cipher is XChaCha20-Poly1305 of golang.org/x/crypto, whose nonces are long
// enough to be drawn at random for ever; its keys are derived with HKDF (RFC 5869).
// What is sealed names its key, so that a ring of several keys opens what an older
// one sealed while everything is sealed anew.
package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// version begins what this package seals.
const version = "v1"

var (
	// ErrKey says that a text was sealed with a key that is not in the ring.
	ErrKey = errors.New("sealed with another key")
	// ErrBroken says that a text is not whole, was changed, or was sealed for another place.
	ErrBroken = errors.New("not sealed here, or changed since")
	// ErrNoKey says that a ring was asked for without a key.
	ErrNoKey = errors.New("no key to seal with")
)

// Ring seals with one key, its first until another is preferred, and opens with
// any of them. It is safe for concurrent use.
type Ring struct {
	more func() []string // looks for further keys; nil for nowhere

	mu   sync.Mutex
	keys []key // the one that seals first
}

type key struct {
	id     string
	secret string
	aead   cipher.AEAD
}

// New makes a ring of secrets of high entropy, the newest first: they are not
// passwords, and nothing slows down who guesses. Errors: ErrNoKey.
func New(secrets ...string) (*Ring, error) { return Growing(nil, secrets...) }

// Growing is New of a ring that asks more for the secrets there are by now when a
// text names a key that it does not have: while keys change, what is sealed with a
// new one may be read before anybody told of it.
func Growing(more func() []string, secrets ...string) (*Ring, error) {
	r := &Ring{more: more}
	for _, secret := range secrets {
		k, err := newKey(secret)
		if err != nil {
			return nil, err
		}
		r.keys = append(r.keys, k)
	}
	if len(r.keys) == 0 {
		return nil, ErrNoKey
	}
	return r, nil
}

func newKey(secret string) (key, error) {
	if secret == "" {
		return key{}, ErrNoKey
	}
	id, err := hkdf.Key(sha256.New, []byte(secret), nil, "imaginebridge seal key id", 4)
	if err != nil {
		return key{}, fmt.Errorf("derive a key: %w", err)
	}
	raw, err := hkdf.Key(sha256.New, []byte(secret), nil, "imaginebridge seal", chacha20poly1305.KeySize)
	if err != nil {
		return key{}, fmt.Errorf("derive a key: %w", err)
	}
	aead, err := chacha20poly1305.NewX(raw)
	if err != nil {
		return key{}, fmt.Errorf("derive a key: %w", err)
	}
	return key{id: hex.EncodeToString(id), secret: secret, aead: aead}, nil
}

// first is the key that seals.
func (r *Ring) first() key {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys[0]
}

// find is the key of an id, looked for further where it is not in the ring.
func (r *Ring) find(id string) (key, bool) {
	if k, ok := r.known(id); ok || r.more == nil {
		return k, ok
	}
	for _, secret := range r.more() {
		k, err := newKey(secret)
		if err != nil {
			continue
		}
		if _, ok := r.known(k.id); !ok {
			r.mu.Lock()
			r.keys = append(r.keys, k)
			r.mu.Unlock()
		}
	}
	return r.known(id)
}

func (r *Ring) known(id string) (key, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.IndexFunc(r.keys, func(k key) bool { return k.id == id }); i >= 0 {
		return r.keys[i], true
	}
	return key{}, false
}

// ID names the key that seals, without telling anything of it.
func (r *Ring) ID() string { return r.first().id }

// IDs names all keys of the ring, the one that seals first.
func (r *Ring) IDs() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, k := range r.keys {
		out = append(out, k.id)
	}
	return out
}

// Prefer makes the key of an id the one that seals, so that all processes seal with
// the same one while they know several. It reports whether there is such a key.
func (r *Ring) Prefer(id string) bool {
	if _, ok := r.find(id); !ok {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.keys, func(k key) bool { return k.id == id })
	keys := []key{r.keys[i]}
	r.keys = append(append(keys, r.keys[:i]...), r.keys[i+1:]...)
	return true
}

// Secret is the text that the key which seals was made of, for what else is made
// of it.
func (r *Ring) Secret() string { return r.first().secret }

// Seal seals a secret for the place it is stored in, such as a bucket and a key:
// moved to another place it does not open.
func (r *Ring) Seal(place, secret string) string {
	k := r.first()
	nonce := make([]byte, k.aead.NonceSize(), k.aead.NonceSize()+len(secret)+k.aead.Overhead())
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	box := k.aead.Seal(nonce, nonce, []byte(secret), bound(k.id, place))
	return version + "." + k.id + "." + base64.RawURLEncoding.EncodeToString(box)
}

// Open gives the secret that was sealed for a place. Errors: ErrKey, ErrBroken.
func (r *Ring) Open(place, sealed string) (string, error) {
	id, text, ok := split(sealed)
	if !ok {
		return "", ErrBroken
	}
	box, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", ErrBroken
	}
	k, ok := r.find(id)
	if !ok {
		return "", ErrKey
	}
	if len(box) < k.aead.NonceSize() {
		return "", ErrBroken
	}
	secret, err := k.aead.Open(nil, box[:k.aead.NonceSize()], box[k.aead.NonceSize():], bound(k.id, place))
	if err != nil {
		return "", ErrBroken
	}
	return string(secret), nil
}

// Stale reports that a text should be sealed anew: its key is not the one that
// seals.
func (r *Ring) Stale(sealed string) bool {
	id, _, ok := split(sealed)
	return !ok || id != r.first().id
}

// KeyOf is the id of the key that a text was sealed with; "" where it is no sealed
// text.
func KeyOf(sealed string) string {
	id, text, ok := split(sealed)
	if raw, err := hex.DecodeString(id); !ok || err != nil || len(raw) != 4 || len(text) < 54 {
		return ""
	}
	return id
}

func split(sealed string) (id, text string, ok bool) {
	form, rest, _ := strings.Cut(sealed, ".")
	id, text, ok = strings.Cut(rest, ".")
	return id, text, ok && form == version
}

// bound is what is sealed along without being stored: all that a text belongs to.
func bound(id, place string) []byte { return []byte(version + "." + id + "." + place) }
