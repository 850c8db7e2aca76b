package sandbox

import "time"

// What happens to an agent.
const (
	HappenedNotification = "notification" // Type is the notification's
	HappenedWithdrawn    = "withdrawn"    // an unread notification was taken back
	HappenedReceived     = "received"     // a direct message came in
	HappenedSent         = "sent"         // a direct message went out
	HappenedJob          = "job"          // Type is the job's new status
)

// Happening is one fact that concerns an agent, whoever looks or does not: what
// an end-to-end check compares deliveries with.
type Happening struct {
	Seq          int       `json:"seq"`
	At           time.Time `json:"at"` // as the API dates it
	Agent        string    `json:"agent"`
	Kind         string    `json:"kind"`
	ID           string    `json:"id"` // of the notification, message or job
	Type         string    `json:"type,omitempty"`
	Retry        int       `json:"retry,omitempty"` // of a job
	Actor        string    `json:"actor,omitempty"`
	Post         string    `json:"post,omitempty"`
	Comment      string    `json:"comment,omitempty"`
	Conversation string    `json:"conversation,omitempty"`
}

func (w *world) tell(h Happening) {
	h.Seq, h.At = len(w.ledger)+1, w.now
	w.ledger = append(w.ledger, h)
}

// Happenings is the ledger since the start or the last Reset, in the order in
// which things became true; handle "" is everybody. Seed content and bulk
// additions are not in it: they lie before its beginning.
func (s *Sandbox) Happenings(handle string) []Happening {
	w := s.enter()
	defer s.leave()
	var out []Happening
	for _, h := range w.ledger {
		if handle == "" || h.Agent == handle {
			out = append(out, h)
		}
	}
	return out
}
