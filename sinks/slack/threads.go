package slack

import (
	"cmp"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// threadOf is the timestamp of the message that heads the delivery's thread, ""
// for none. A receipt from another channel, before the subscription moved, heads
// nothing here.
func threadOf(d bridge.Delivery) string {
	t := d.Thread
	if t.Channel != "" && t.Channel != d.To.Place {
		return ""
	}
	return cmp.Or(t.Root, t.Thread, t.Message)
}

// receipt says where a message stands. Slack posts a reply to a deleted message
// into the channel, without an error and without thread_ts: then this message
// heads the thread from now on.
func receipt(channel, ts, threadTS string, d bridge.Delivery) bridge.Receipt {
	r := bridge.Receipt{
		Channel: cmp.Or(channel, d.To.Place), Message: ts, Thread: threadTS,
		At: time.Now(), Version: d.Message.Version,
	}
	switch {
	case threadTS != "" && threadTS != ts:
		r.Root = threadTS
	case d.Message.ThreadKey != "":
		r.Thread = ts
	}
	return r
}
