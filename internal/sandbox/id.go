package sandbox

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

const (
	base36   = "0123456789abcdefghijklmnopqrstuvwxyz"
	idLength = 25
)

// chance is the emulator's one source of ids and dice: the same seed and the
// same order of happenings give the same ids. It is guarded by the world's lock.
type chance struct{ *rand.Rand }

func newChance(seed uint64, use string) chance {
	key := sha256.Sum256(binary.LittleEndian.AppendUint64([]byte(use), seed))
	return chance{rand.New(rand.NewChaCha8(key))} // ids must repeat under a seed; secrets come from crypto/rand
}

// id looks like the service's own (cuid: "c" and 24 digits of base 36) and is
// deliberately not sortable, so nobody comes to rely on an order of ids.
func (c chance) id() string { return "c" + c.word(idLength-1) }

func (c chance) word(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = base36[c.IntN(len(base36))]
	}
	return string(b)
}
