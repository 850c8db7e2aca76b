package sandbox

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// pause waits, or until the client is gone.
func (x *exchange) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-x.req.Context().Done():
	}
}

func delay(k *strike) (happened, ends bool) {
	k.pause(k.wait(time.Second))
	return true, false
}

// abort ends the connection without a reply.
func abort(http.ResponseWriter) { panic(http.ErrAbortHandler) }

func hang(k *strike) (happened, ends bool) {
	_, _ = io.CopyN(io.Discard, k.req.Body, drained) // net/http sees a client go only when the body is read
	<-k.req.Context().Done()
	k.lost, k.send = true, abort
	return true, true
}

func hangAfter(k *strike) bool {
	k.lost = true
	k.send = func(w http.ResponseWriter) {
		<-k.req.Context().Done()
		abort(w)
	}
	return true
}

func closeBefore(k *strike) (happened, ends bool) {
	k.lost, k.send = true, abort
	return true, true
}

func closeAfterEffect(k *strike) bool {
	k.lost, k.send = true, abort
	return true
}

func closeWithin(k *strike) bool {
	if len(k.body) < 2 {
		return false
	}
	k.lost = true
	k.send = func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", strconv.Itoa(len(k.body)))
		w.WriteHeader(k.status)
		_, _ = w.Write(k.body[:len(k.body)/2])
		flush(w)
		abort(w)
	}
	return true
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

func closeAfter(k *strike) bool {
	k.header.Set("Connection", "close")
	return true
}

func slowBody(k *strike) bool {
	if len(k.body) == 0 {
		return false
	}
	const pieces = 8
	k.send = func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", strconv.Itoa(len(k.body)))
		w.WriteHeader(k.status)
		for i := range pieces {
			k.pause(k.wait(2*time.Second) / pieces)
			_, _ = w.Write(k.body[i*len(k.body)/pieces : (i+1)*len(k.body)/pieces])
			flush(w)
		}
	}
	return true
}

func compress(k *strike) bool {
	if len(k.body) == 0 || !strings.Contains(k.req.Header.Get("Accept-Encoding"), "gzip") {
		return false
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(k.body)
	_ = z.Close()
	k.body = b.Bytes()
	k.header.Set("Content-Encoding", "gzip")
	return true
}
