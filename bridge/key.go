package bridge

import (
	"crypto/sha256"
	"math/big"
	"strconv"
	"strings"
)

// keyLength is how many digits of base 62 a SHA-256 takes.
const keyLength = 43

// Key names one message for ever: 43 letters and digits that any process makes
// alike from what is sent where. Part counts the messages that one delivery is
// split into, from 0; generation is that of the replay. A platform that takes
// less uses the first characters.
func Key(subscription, eventID string, to Destination, part, generation int) string {
	h := sha256.New()
	for _, field := range []string{subscription, eventID, to.String(), strconv.Itoa(part), strconv.Itoa(generation)} {
		// The length before each field keeps two different lists apart.
		_, _ = h.Write([]byte(strconv.Itoa(len(field)) + ":" + field)) // a hash never fails
	}
	digits := new(big.Int).SetBytes(h.Sum(nil)).Text(62)
	return strings.Repeat("0", keyLength-len(digits)) + digits
}
