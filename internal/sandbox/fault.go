package sandbox

// fault is the seam of the fault injector in the way of a request. Both halves
// run without any lock held and may wait (on x.req.Context() too).
//
// before runs when the caller is known and nothing has happened yet: true ends
// the request with what the fault has put into x (status, header, body, lost,
// send); it is not counted in any rate window then. after runs when the effect
// is done and the reply is ready in x: it may rewrite it, set lost (the journal
// then knows that the client cannot know), or set send, which writes the reply
// in the fault's own way.
type fault interface {
	before(x *exchange) bool
	after(x *exchange)
}

// noFault is the emulator at its best.
type noFault struct{}

func (noFault) before(*exchange) bool { return false }
func (noFault) after(*exchange)       {}
