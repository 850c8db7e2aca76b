package main

import (
	"fmt"

	"github.com/imaginebridge/imaginebridge/config"
)

// handlesFor is how many files and connections a process with this configuration may
// come to have open: the store and its clients, the pages of a console, the requests
// under way for agents and subscriptions.
func handlesFor(cfg config.Config) uint64 {
	return 200 + 4*uint64(len(cfg.Agents)) + 4*uint64(len(cfg.Subscriptions))
}

// fewHandles says what to do where the system allows fewer; "" where it allows enough.
func fewHandles(cfg config.Config, most uint64, known bool) string {
	needed := handlesFor(cfg)
	if !known || most >= needed {
		return ""
	}
	return fmt.Sprintf("the system allows %d open files and connections, and %d may be needed; raise it, with ulimit -n %d or LimitNOFILE=%d.", most, needed, 2*needed, 2*needed)
}
