package main

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// These bound what one request from outside may take of this process.
const (
	maxBody  = 1 << 20
	readTime = 5 * time.Second // for a body; a header has as long
)

// bounded cuts off requests whose body is too large or comes too slowly. Replies
// may take as long as they like: pages are streamed.
func bounded(h http.Handler, most int64, within time.Duration) http.Handler {
	limited := http.MaxBytesHandler(h, most)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &timedBody{r.Body, http.NewResponseController(w), within}
		}
		limited.ServeHTTP(w, r)
	})
}

// timedBody is a body that has to come within a time, from its first read on.
// Where the connection takes no deadline, the limit on its size remains.
type timedBody struct {
	io.ReadCloser
	conn   *http.ResponseController
	within time.Duration // 0 once the deadline is set
}

func (b *timedBody) Read(p []byte) (int, error) {
	if b.within > 0 {
		_ = b.conn.SetReadDeadline(time.Now().Add(b.within))
		b.within = 0
	}
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.conn.SetReadDeadline(time.Time{}) // else it would end the handler's work
	}
	return n, err
}
