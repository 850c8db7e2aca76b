package sandbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
)

// Transport reaches the emulator without a socket, so it also works inside a
// testing/synctest bubble, where a socket would hold up the clock. A handler
// that aborts shows as a broken connection.
func (s *Sandbox) Transport() http.RoundTripper { return transport{s} }

type transport struct{ handler http.Handler }

// noSocket is the caller's address on requests that came without a socket.
const noSocket = "127.0.0.1:0"

var errCut = errors.New("connection closed by the emulator")

// RoundTrip runs the handler in a goroutine that ends with the reply's body or
// the request's context.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	in := req.Clone(ctx)
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	in.RemoteAddr, in.RequestURI = noSocket, req.URL.RequestURI()
	out, body := io.Pipe()
	w := &pipeWriter{header: http.Header{}, body: body, ready: make(chan struct{})}
	go func() {
		defer in.Body.Close()
		w.finish(serve(t.handler, w, in))
	}()
	select {
	case <-w.ready:
	case <-ctx.Done():
		cancel()
		_ = out.CloseWithError(ctx.Err())
		return nil, context.Cause(ctx)
	}
	if w.err != nil {
		cancel()
		return nil, w.err
	}
	stop := context.AfterFunc(ctx, func() { _ = out.CloseWithError(ctx.Err()) })
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: &pipeBody{PipeReader: out, end: func() { stop(); cancel() }},
		ContentLength: -1, Request: req,
	}, nil
}

// serve turns the panic net/http has for "close the connection" into an error.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			err = errCut
		default:
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

type pipeWriter struct {
	header http.Header
	body   *io.PipeWriter
	once   sync.Once
	ready  chan struct{}
	status int
	sent   http.Header
	err    error
}

// Header is the reply's header until it is sent.
func (w *pipeWriter) Header() http.Header { return w.header }

// WriteHeader hands the reply to the caller.
func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.ready)
	})
}

// Write waits until the caller reads.
func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush hands over the header, as net/http's writer does.
func (w *pipeWriter) Flush() { w.WriteHeader(http.StatusOK) }

func (w *pipeWriter) finish(err error) {
	if err != nil {
		w.once.Do(func() {
			w.err = err
			close(w.ready)
		})
		_ = w.body.CloseWithError(io.ErrUnexpectedEOF)
		return
	}
	w.WriteHeader(http.StatusOK)
	_ = w.body.Close()
}

type pipeBody struct {
	*io.PipeReader

	end func()
}

// Close ends the handler's goroutine too.
func (b *pipeBody) Close() error {
	err := b.PipeReader.Close()
	b.end()
	return err
}
