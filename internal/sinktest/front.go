package sinktest

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"sync"
	"syscall"
	"time"
)

const origin = "http://platform.test"

// fate is what happens to one request on its way.
type fate int

const (
	pass   fate = iota // it reaches the platform and the answer comes back
	answer             // the scripted answer comes back, the platform sees nothing
	lose               // it reaches the platform, the answer is lost
	hang               // it reaches the platform, no answer ever comes
	refuse             // no connection is made
)

// front stands before the platform and decides each creating request's fate.
type front struct {
	platform http.Handler
	creates  func(*http.Request) bool

	mu     sync.Mutex // guards all below
	fate   fate
	reply  Answer
	times  []time.Time // of creating requests
	strays []string    // hosts that were asked for besides the platform
}

// set decides the fate of creating requests from now on.
func (f *front) set(to fate, reply Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fate, f.reply = to, reply
}

func (f *front) created() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]time.Time(nil), f.times...)
}

func (f *front) meet(r *http.Request) (fate, Answer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if origin != r.URL.Scheme+"://"+r.URL.Host {
		f.strays = append(f.strays, r.URL.Host)
		return refuse, Answer{}
	}
	if f.creates != nil && !f.creates(r) {
		return pass, Answer{}
	}
	f.times = append(f.times, time.Now())
	return f.fate, f.reply
}

// RoundTrip implements http.RoundTripper in-process, with the trace hooks that
// tell a client whether its request was written.
func (f *front) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	to, reply := f.meet(r)
	if to == refuse {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	inside := r.Clone(r.Context())
	inside.RequestURI, inside.Host, inside.RemoteAddr = r.URL.RequestURI(), r.URL.Host, "192.0.2.1:1"
	if inside.Body == nil {
		inside.Body = http.NoBody
	}
	defer inside.Body.Close()
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.WroteRequest != nil {
		defer trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	rec := httptest.NewRecorder()
	if to == answer {
		_, _ = io.Copy(io.Discard, inside.Body)
		for k, v := range reply.Header {
			rec.Header().Set(k, v)
		}
		rec.WriteHeader(reply.Status)
		_, _ = rec.WriteString(reply.Body)
	} else {
		f.platform.ServeHTTP(rec, inside)
	}
	switch to {
	case lose:
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: errors.Join(syscall.ECONNRESET, io.ErrUnexpectedEOF)}
	case hang:
		<-r.Context().Done()
		return nil, r.Context().Err()
	default:
		out := rec.Result()
		out.Request = r
		return out, nil
	}
}
