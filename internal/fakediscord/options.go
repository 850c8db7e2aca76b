package fakediscord

import (
	"cmp"
	"time"
)

// DefaultToken is the bot token an emulator takes when Options names none. It
// has the form of a real one, three parts with dots.
const DefaultToken = "MTEwMDAwMDAwMDAwMDAwMDA0Mg.Gfake1.not-a-secret-of-anybody-0000000000000"

// DefaultApplicationID is the application's and the bot user's id when Options
// names none.
const DefaultApplicationID = "1100000000000000042"

// Options configures an emulator. The zero value is a working default.
type Options struct {
	Addr          string           // listen address, default "127.0.0.1:0"
	Token         string           // bot token, default DefaultToken
	ApplicationID string           // snowflake, default DefaultApplicationID; also the bot user's id
	BotName       string           // default "ImagineBridge"
	Now           func() time.Time // default time.Now
	OpenAPI       string           // path of Discord's OpenAPI document; bodies are checked by it too when set

	// Limits replaces rate limits by route, such as
	// "POST /channels/{channel_id}/messages". A zero Limit lifts it.
	Limits          map[string]Limit
	GlobalPerSecond int           // default 50; negative: none
	BanAfter        int           // invalid requests in 10 min until the edge ban, default 10,000
	OldEdits        Limit         // edits of messages older than an hour, per channel, default 5 a minute
	NonceWindow     time.Duration // how long a nonce is remembered, default 3 min
	ActiveThreads   int           // active threads a guild may have, default 1,000
	FileLimit       int64         // bytes a file may have, default 10 MiB

	// AnswerWithin is the time from the click to the first response, default 3 s.
	// Tests that hold the application to nothing but its answers may grant more.
	AnswerWithin time.Duration

	// Heartbeat is the interval told in Hello, default 41.25 s.
	Heartbeat time.Duration
	// IdentifyEvery is the least time between two identifies of one bucket of
	// shards, default 5 s. Negative: none, for tests that restart often.
	IdentifyEvery time.Duration
	// Identifies is the daily identify budget, default 1,000.
	Identifies int
	// Shards is the number told by /gateway/bot and wanted of Identify, default 1.
	Shards int
	// MaxConcurrency is the number of buckets that shards identify in, default 1.
	MaxConcurrency int
	// MessageContent says whether the privileged intent is switched on in the
	// portal; without it Identify with that intent is closed with 4014.
	MessageContent bool
}

func (o Options) withDefaults() Options {
	o.Addr = cmp.Or(o.Addr, "127.0.0.1:0")
	o.Token = cmp.Or(o.Token, DefaultToken)
	o.ApplicationID = cmp.Or(o.ApplicationID, DefaultApplicationID)
	o.BotName = cmp.Or(o.BotName, "ImagineBridge")
	if o.Now == nil {
		o.Now = time.Now
	}
	o.GlobalPerSecond = cmp.Or(o.GlobalPerSecond, 50)
	o.BanAfter = cmp.Or(o.BanAfter, 10_000)
	o.OldEdits = cmp.Or(o.OldEdits, Limit{Count: 5, Per: time.Minute})
	o.AnswerWithin = cmp.Or(o.AnswerWithin, 3*time.Second)
	o.NonceWindow = cmp.Or(o.NonceWindow, 3*time.Minute)
	o.ActiveThreads = cmp.Or(o.ActiveThreads, 1000)
	o.FileLimit = cmp.Or(o.FileLimit, 10<<20)
	o.Heartbeat = cmp.Or(o.Heartbeat, 41250*time.Millisecond)
	o.IdentifyEvery = cmp.Or(o.IdentifyEvery, 5*time.Second)
	o.Identifies = cmp.Or(o.Identifies, 1000)
	o.Shards = cmp.Or(o.Shards, 1)
	o.MaxConcurrency = cmp.Or(o.MaxConcurrency, 1)
	return o
}
