package bus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

var _ bridge.Ledger = (*Bus)(nil)

// Receipt returns what was kept under the key, or the zero Receipt.
func (b *Bus) Receipt(ctx context.Context, key string) (bridge.Receipt, error) {
	var r bridge.Receipt
	m, err := b.lookUp(ctx, "KV_"+bucketReceipts, receiptSubject(key))
	if err != nil || m.seq == 0 || m.header.Get("KV-Operation") != "" {
		return r, err
	}
	if err := json.Unmarshal(m.data, &r); err != nil {
		return bridge.Receipt{}, fmt.Errorf("receipt %s: %w", key, err)
	}
	newer, err := bridge.NewerThan[bridge.Receipt](m.data)
	if err != nil {
		return bridge.Receipt{}, fmt.Errorf("receipt %s: %w", key, err)
	}
	if !newer.IsZero() {
		r.Newer = &newer
	}
	return r, nil
}

// Keep stores the receipt under the key for 30 days. Keys are any text.
func (b *Bus) Keep(ctx context.Context, key string, r bridge.Receipt) error {
	var newer bridge.Newer
	if r.Newer != nil {
		newer = *r.Newer
	}
	data, err := newer.Onto(r)
	if err != nil {
		return fmt.Errorf("encode receipt %s: %w", key, err)
	}
	return b.put(ctx, &nats.Msg{Subject: receiptSubject(key), Data: data})
}

func receiptSubject(key string) string { return "$KV." + bucketReceipts + "." + keyToken(key) }

// keyToken is any text as the token of a key: readable where the escaped form
// keeps all of it, else a hash.
func keyToken(key string) string {
	token, err := events.Token(key)
	if err != nil || key != strings.ToLower(key) || strings.HasPrefix(token, "=H") {
		sum := sha256.Sum256([]byte(key))
		token = "=S" + hex.EncodeToString(sum[:16])
	}
	return token
}

// put stores a message that replaces nothing or may be stored twice, trying until
// the store answers.
func (b *Bus) put(ctx context.Context, m *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for attempt := 0; ; attempt++ {
		err := b.putOnce(ctx, m)
		if err == nil {
			return nil
		}
		switch codeOf(err) {
		case 0, codeUnavailable:
		default:
			return b.explain("store "+m.Subject, err)
		}
		if !wait(ctx, backoff(attempt)) {
			return b.explain("store "+m.Subject, err)
		}
	}
}

func (b *Bus) putOnce(ctx context.Context, m *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := b.js.PublishMsg(ctx, m)
	return err
}
