package discord

import (
	"crypto/sha256"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

const (
	nonceSize  = 25 // the most that Discord takes as nonce
	markSize   = 8
	markPrefix = "ib-"
)

// nonceOf names a delivery so that any process may repeat its message: Discord
// answers a repeated nonce with the first message for a few minutes (docs,
// "Create Message", enforce_nonce).
func nonceOf(d bridge.Delivery) string {
	h := sha256.New()
	for _, part := range []string{d.Key, d.To.String(), strconv.Itoa(d.Generation)} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part)) // lengths keep the parts apart
	}
	text := new(big.Int).SetBytes(h.Sum(nil)).Text(62)
	return (strings.Repeat("0", nonceSize) + text)[len(text):][:nonceSize]
}

// markOf is the fragment by which a message is known again when its nonce is no
// longer remembered: fetched messages do not carry their nonce.
func markOf(nonce string) string { return markPrefix + nonce[:min(markSize, len(nonce))] }

// mark is the job's own: of a message that is edited through its states, the same
// for all of them.
func (j *job) mark() string {
	if j.d.Message.UpdateKey == "" {
		return markOf(j.nonce)
	}
	d := j.d
	d.Key = bridge.Key(d.Subscription, d.Message.UpdateKey, d.To, 0, d.Generation)
	return markOf(nonceOf(d))
}

// sign is the mark as a card carries it, with what a later run can't know otherwise:
// which state the card shows, and which events it tells of.
func (j *job) sign() string {
	sign := j.mark()
	if j.d.Message.UpdateKey != "" {
		sign += "." + strconv.Itoa(j.d.Message.Version)
	}
	if told := j.d.Told.String(); told != "" {
		sign += "~" + told
	}
	return sign
}

// discordEpoch is where snowflakes begin to count milliseconds.
const discordEpoch = 1420070400000

// snowflakeAt is the smallest id that anything made at t can have.
func snowflakeAt(t time.Time) string {
	return strconv.FormatInt(max(0, t.UnixMilli()-discordEpoch)<<22, 10)
}

// isSnowflake reports whether s has the form of an id.
func isSnowflake(s string) bool {
	n, err := strconv.ParseUint(s, 10, 64)
	return err == nil && n > 0
}

// timeOf is when the thing with this id was made, or the zero time.
func timeOf(id string) time.Time {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(n>>22) + discordEpoch).UTC()
}
