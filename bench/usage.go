package main

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// tick is the kernel's unit of CPU time in /proc (USER_HZ, 100 a second on every
// platform that Go runs on).
const tick = 10 * time.Millisecond

// parseUsage reads /proc/PID/status and /proc/PID/stat (proc(5)).
func parseUsage(status, stat string) (usage, error) {
	var u usage
	fields := map[string]*float64{"VmRSS": &u.resident, "RssAnon": &u.anonymous, "VmHWM": &u.peak}
	for lines := bufio.NewScanner(strings.NewReader(status)); lines.Scan(); {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		if into := fields[name]; into != nil {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 64)
			if err != nil {
				return u, fmt.Errorf("read %s: %w", name, err)
			}
			*into = kib / 1024
		}
	}
	// The name of the program, in brackets, may hold anything; the fields count
	// from behind it. The 12th and 13th from there are utime and stime.
	after := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(after) < 13 {
		return u, fmt.Errorf("read stat: %d fields", len(after))
	}
	for _, text := range after[11:13] {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return u, fmt.Errorf("read stat: %w", err)
		}
		u.cpu += time.Duration(n) * tick
	}
	return u, nil
}
