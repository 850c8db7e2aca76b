package main

import (
	"os"
	"strings"
	"time"
	_ "time/tzdata" // machines and images without time zones of their own
)

// zoneName is the name of the time zone of whoever sits at the terminal, as
// commands take it: from TZ, else from where the system keeps its choice. It is ""
// where neither tells, and times then mean UTC unless they name a zone.
func (p *program) zoneName() string {
	if name, set := p.env("TZ"); set {
		return known(strings.TrimPrefix(name, ":"))
	}
	target, err := os.Readlink("/etc/localtime")
	if err != nil {
		return ""
	}
	_, name, _ := strings.Cut(target, "/zoneinfo/")
	return known(name)
}

// known is a zone's name where there is such a zone.
func known(name string) string {
	if _, err := time.LoadLocation(name); err != nil {
		return ""
	}
	return name
}
