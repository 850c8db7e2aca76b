package events

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// SubjectPrefix is what the NATS subject of every stored event starts with; the
// whole is ia.event.<agent>.<family>.<type>, always five tokens.
const SubjectPrefix = "ia.event."

// maxToken bounds an escaped token in bytes; what is longer becomes a hash.
const maxToken = 100

// Subject returns the NATS subject of the event, ia.event.<agent>.<family>.<type>.
func (e Event) Subject() (string, error) {
	agent, err := Token(e.Agent())
	if err != nil {
		return "", fmt.Errorf("subject of event %s: %w", e.ID, err)
	}
	if e.Data == nil {
		return "", fmt.Errorf("subject of event %s: no data", e.ID)
	}
	return SubjectPrefix + agent + "." + e.Name(), nil
}

// Token turns any text into one token that is legal in NATS subjects and in
// JetStream KV keys: lower case, every byte outside [a-z0-9_-] as =XX with
// upper-case hex. What would be longer than 100 bytes becomes "=H" and 24 hex
// digits of its SHA-256. The empty text is an error.
func Token(text string) (string, error) {
	if text == "" {
		return "", errors.New("an empty text can be no subject token")
	}
	lower := strings.ToLower(text)
	var b strings.Builder
	for i := range len(lower) {
		if c := lower[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	if b.Len() > maxToken {
		sum := sha256.Sum256([]byte(lower))
		return "=H" + hex.EncodeToString(sum[:12]), nil
	}
	return b.String(), nil
}

// Untoken returns the lower-cased text a token was made of, or false for a
// hashed or malformed one.
func Untoken(token string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(token); i++ {
		switch c := token[i]; {
		case plain(c):
			b.WriteByte(c)
		case c == '=' && i+2 < len(token):
			raw, err := hex.DecodeString(token[i+1 : i+3])
			if err != nil || strings.ToUpper(token[i+1:i+3]) != token[i+1:i+3] {
				return "", false
			}
			b.Write(raw)
			i += 2
		default:
			return "", false
		}
	}
	return b.String(), b.Len() > 0
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}
