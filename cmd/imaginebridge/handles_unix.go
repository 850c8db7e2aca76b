//go:build unix

package main

import "syscall"

// openFiles is how many files and connections the system lets this process have open
// at a time; known is false where it does not tell.
func openFiles() (most uint64, known bool) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, false
	}
	return uint64(l.Cur), true //nolint:unconvert // it has another type on some systems
}
