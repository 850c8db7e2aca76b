package main

import (
	"cmp"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	maxForged    = 60               // requests a minute from one address that nobody vouches for
	trustTime    = 10 * time.Minute // that an address which sent something genuine is heard whatever else comes from it
	maxStrangers = 10000            // addresses that are kept in mind
)

// strangers keep whoever only sends what is not signed, or not rightly, from
// having it looked at for ever: after so many in a minute they get 429, unread.
// Where a proxy stands before the bridge all come from its address; what the
// platforms send by it vouches for it.
type strangers struct {
	mu sync.Mutex
	at map[netip.Prefix]*stranger
}

type stranger struct {
	since   time.Time // when its minute began
	forged  int       // in that minute
	genuine time.Time // the newest
}

// guard is next for whoever may be heard. 401 is next's word for a forgery, 2xx
// for something genuine.
func (s *strangers) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := network(r.RemoteAddr)
		if !s.heard(from, time.Now()) {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		told := &statusWriter{ResponseWriter: w}
		next.ServeHTTP(told, r)
		s.note(from, cmp.Or(told.status, http.StatusOK), time.Now())
	})
}

// network is who counts as one: an address, or the /64 that IPv6 gives to one
// machine.
func network(remote string) netip.Prefix {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	at, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	at = at.Unmap()
	bits := at.BitLen()
	if at.Is6() {
		bits = 64
	}
	prefix, _ := at.Prefix(bits) // so many bits each of them has
	return prefix
}

func (s *strangers) heard(from netip.Prefix, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.at[from]
	return k == nil || k.forged < maxForged || now.Sub(k.since) >= time.Minute || now.Sub(k.genuine) < trustTime
}

func (s *strangers) note(from netip.Prefix, status int, now time.Time) {
	forged, genuine := status == http.StatusUnauthorized, status >= 200 && status < 300
	if !forged && !genuine {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.at[from]
	if k == nil {
		s.makeRoom(now)
		k = &stranger{since: now}
		s.at[from] = k
	}
	if genuine {
		k.genuine = now
		return
	}
	if now.Sub(k.since) >= time.Minute {
		k.since, k.forged = now, 0
	}
	k.forged++
}

// makeRoom forgets addresses that nothing depends on any more, and all of them
// where there are too many.
func (s *strangers) makeRoom(now time.Time) {
	if s.at == nil {
		s.at = map[netip.Prefix]*stranger{}
	}
	if len(s.at) < maxStrangers {
		return
	}
	for from, k := range s.at {
		if now.Sub(k.since) >= time.Minute && now.Sub(k.genuine) >= trustTime {
			delete(s.at, from)
		}
	}
	if len(s.at) >= maxStrangers {
		clear(s.at)
	}
}

// statusWriter remembers how a request was answered.
type statusWriter struct {
	http.ResponseWriter

	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach what it wraps.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
