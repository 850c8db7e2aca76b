package sandbox

import "net/http"

// controlPrefix is where the emulator is driven from outside; never under /api.
const controlPrefix = "/_sandbox/"

// serveControl answers the control routes, which are off unless asked for.
func (s *Sandbox) serveControl(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, `{"error":"not_found","message":"No such endpoint"}`, http.StatusNotFound)
}
