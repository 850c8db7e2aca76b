package poller

import (
	"context"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
)

// Source asks the API once about one thing. It holds no state and starts
// nothing; the loop owns time, retries and the cursor.
type Source interface {
	// Name is part of the cursor's key: "notifications".
	Name() string
	// Poll compares what the API shows with the cursor and returns what follows.
	Poll(ctx context.Context, look Look) (Found, error)
}

// Look is one question to a source.
type Look struct {
	Cursor []byte    // what the last commit stored; nil at the very first start
	Now    time.Time // the API's time as far as it is known
	Deep   bool      // read the whole overlap: at start, after a takeover and once a minute
	Turn   int       // counts the looks of this process, for what is done in turn
}

// Found is what one look found: batches to commit one after the other.
type Found struct {
	Batches []Batch
	Busy    bool // something is under way: look again soon
	More    bool // something is left to read: look again at once
}

// Batch is what goes into one commit.
type Batch struct {
	Events []events.Event // oldest first
	Cursor []byte
}

// maxBatch bounds the events of one commit; JetStream takes 1,000 messages in an
// atomic batch.
const maxBatch = 400
