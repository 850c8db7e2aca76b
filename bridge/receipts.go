package bridge

import (
	"context"
	"strconv"
	"time"
)

// updateKey is where the receipt of the message that m replaces is kept, "" for
// none. A replay shows its messages anew.
func (w *Worker) updateKey(m Message) string {
	if m.UpdateKey == "" {
		return ""
	}
	key := ledgerPlace(w.Subscription.To) + "|" + m.UpdateKey
	if w.record.Generation > 0 {
		key += "|" + strconv.Itoa(w.record.Generation)
	}
	return key
}

// threadKey is where the receipt of the head of m's thread is kept, "" for none.
func (w *Worker) threadKey(m Message) string {
	if m.ThreadKey == "" {
		return ""
	}
	return ledgerPlace(w.Subscription.To) + "|" + m.ThreadKey
}

// ledgerPlace is a destination as keys of the ledger hold it, which everybody who
// reads the store can see: of an address the host and a digest, since the rest may
// hold a secret.
func ledgerPlace(to Destination) string {
	if label := to.Label(); label != to.String() {
		return label + "#" + Key("", "", to, 0, 0)[:16]
	}
	return to.String()
}

func (w *Worker) receipt(ctx context.Context, key string) (r Receipt, err error) {
	if key == "" {
		return r, nil
	}
	err = w.insist(ctx, "receipt", func(ctx context.Context) (err error) {
		r, err = w.Ledger.Receipt(ctx, key)
		return err
	})
	return r, err
}

// keep stores where the message now lives, so that later ones can replace it or
// join its thread.
func (w *Worker) keep(ctx context.Context, p *parcel, d Delivery, r Receipt) error {
	if r.Message == "" {
		return nil // nothing to remember
	}
	if r.At.IsZero() {
		r.At = time.Now().UTC()
	}
	r.Delivery, r.Fold = d.Key, p.told
	if key := w.updateKey(d.Message); key != "" {
		r.Version = d.Message.Version
		if err := w.keepAt(ctx, key, r); err != nil {
			return err
		}
	}
	r.Fold = nil
	if key := w.threadKey(d.Message); key != "" {
		if head := headOf(d.Thread, r); head != d.Thread {
			return w.keepAt(ctx, key, head)
		}
	}
	return nil
}

func (w *Worker) keepAt(ctx context.Context, key string, r Receipt) error {
	return w.insist(ctx, "keep", func(ctx context.Context) error { return w.Ledger.Keep(ctx, key, r) })
}

// headOf is the head of the thread that a sent message stands in: the known one,
// perhaps with the thread that was opened under it just now, or the message
// itself where the former head is gone.
func headOf(known, sent Receipt) Receipt {
	switch {
	case known.IsZero():
		return sent
	case sent.Thread == "" || sent.Thread == known.Thread:
		return known
	case sent.Root == "":
		return sent
	}
	known.Thread, known.Message = sent.Thread, sent.Root
	return known
}
