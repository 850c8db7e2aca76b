package fakediscord

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// Transport reaches the REST API without a socket, for tests inside a synctest
// bubble. Where an effect cuts the connection, RoundTrip gives [io.ErrUnexpectedEOF].
func (s *Server) Transport() http.RoundTripper { return inProcess{s} }

type inProcess struct{ server *Server }

// RoundTrip implements [http.RoundTripper].
func (p inProcess) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	rec := &recorder{header: http.Header{}}
	defer func() {
		switch v := recover(); {
		case v == nil:
		case errors.Is(asError(v), http.ErrAbortHandler):
			resp, err = nil, io.ErrUnexpectedEOF
		default:
			panic(v)
		}
	}()
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	p.server.ServeHTTP(rec, in)
	_ = in.Body.Close() // as a transport must
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{
		Status: http.StatusText(rec.status), StatusCode: rec.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: rec.header, Body: io.NopCloser(&rec.body), ContentLength: int64(rec.body.Len()), Request: r,
	}, nil
}

func asError(v any) error {
	err, _ := v.(error)
	return err
}

// recorder is an [http.ResponseWriter] that keeps what is written.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}
