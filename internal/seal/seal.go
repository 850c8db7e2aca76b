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
	"strings"

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

// Ring seals with its first key and opens with any of them. It is safe for
// concurrent use.
type Ring struct {
	keys []key
}

type key struct {
	id   string
	aead cipher.AEAD
}

// New makes a ring of secrets of high entropy, the newest first: they are not
// passwords, and nothing slows down who guesses. Errors: ErrNoKey.
func New(secrets ...string) (*Ring, error) {
	r := &Ring{}
	for _, secret := range secrets {
		if secret == "" {
			return nil, ErrNoKey
		}
		id, err := hkdf.Key(sha256.New, []byte(secret), nil, "imaginebridge seal key id", 4)
		if err != nil {
			return nil, fmt.Errorf("derive a key: %w", err)
		}
		raw, err := hkdf.Key(sha256.New, []byte(secret), nil, "imaginebridge seal", chacha20poly1305.KeySize)
		if err != nil {
			return nil, fmt.Errorf("derive a key: %w", err)
		}
		aead, err := chacha20poly1305.NewX(raw)
		if err != nil {
			return nil, fmt.Errorf("derive a key: %w", err)
		}
		r.keys = append(r.keys, key{id: hex.EncodeToString(id), aead: aead})
	}
	if len(r.keys) == 0 {
		return nil, ErrNoKey
	}
	return r, nil
}

// Seal seals a secret for the place it is stored in, such as a bucket and a key:
// moved to another place it does not open.
func (r *Ring) Seal(place, secret string) string {
	k := r.keys[0]
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
	for _, k := range r.keys {
		if k.id != id {
			continue
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
	return "", ErrKey
}

// Stale reports that a text should be sealed anew: its key is not the newest.
func (r *Ring) Stale(sealed string) bool {
	id, _, ok := split(sealed)
	return !ok || id != r.keys[0].id
}

func split(sealed string) (id, text string, ok bool) {
	form, rest, _ := strings.Cut(sealed, ".")
	id, text, ok = strings.Cut(rest, ".")
	return id, text, ok && form == version
}

// bound is what is sealed along without being stored: all that a text belongs to.
func bound(id, place string) []byte { return []byte(version + "." + id + "." + place) }
