package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
)

// mine kills the program when what it waits for comes by: at the sight of it, or
// at the first sign that it was done. It springs once.
type mine struct {
	wants func(frame) bool
	after bool // at the answer, which is then lost; otherwise what it saw is
	skip  int  // lets so many pass first

	mu      sync.Mutex
	target  *child
	passed  int
	hits    int
	sprung  chan struct{}
	sprungs sync.Once
}

// frame is what a gate sees: a message published to NATS, or an HTTP request
// with its path as the subject.
type frame struct {
	subject string
	reply   string
	data    string // headers and body
}

// aim says whom to kill. Nothing happens before.
func (m *mine) aim(c *child) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.target = c
}

// sees reports that the frame is the one waited for.
func (m *mine) sees(f frame) bool {
	if m == nil || !m.wants(f) {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.target == nil || m.hits > 0 {
		return false
	}
	m.passed++
	if m.passed <= m.skip {
		return false
	}
	m.hits++
	return true
}

// spring kills the program and returns when it is dead.
func (m *mine) spring() {
	m.sprungs.Do(func() {
		m.target.kill()
		close(m.sprung)
	})
}

// natsServer runs a NATS server outside of the program.
func natsServer(t *testing.T, change ...func(*server.Options)) *server.Server {
	t.Helper()
	o := &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(),
		JetStreamMaxStore: 1 << 30, NoLog: true, NoSigs: true, ServerName: "outside",
	}
	for _, c := range change {
		c(o)
	}
	s, err := server.NewServer(o)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(10*time.Second))
	return s
}

// natsGate stands before a NATS server and lets everything pass that the mine
// does not want.
func natsGate(t *testing.T, s *server.Server, m *mine) string {
	t.Helper()
	to := s.Addr().String()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	t.Cleanup(func() { cancel(); _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := new(net.Dialer).DialContext(ctx, "tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			line := &natsLine{mine: m, waiting: map[string]bool{}}
			both := context.AfterFunc(ctx, func() { _ = in.Close(); _ = out.Close() })
			shut := func() { both(); _ = in.Close(); _ = out.Close() }
			wg.Go(func() { defer shut(); _ = carry(out, in, line.up) })
			wg.Go(func() { defer shut(); _ = carry(in, out, line.down) })
		}
	})
	return "nats://" + l.Addr().String()
}

// natsLine is one connection through a gate.
type natsLine struct {
	mine    *mine
	mu      sync.Mutex
	waiting map[string]bool // replies to what was seen
}

var errSprung = errors.New("the mine sprung")

// up looks at what the program says.
func (l *natsLine) up(f frame) error {
	if f.subject == "" || !l.mine.sees(f) {
		return nil
	}
	if l.mine.after {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.waiting[f.reply] = true
		return nil
	}
	l.mine.spring()
	return errSprung
}

// down looks at what the server says.
func (l *natsLine) down(f frame) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.waiting[f.subject] {
		return nil
	}
	l.mine.spring()
	return errSprung
}

// carry copies the NATS protocol message by message, while look lets it. What a
// closed line still holds is lost.
func carry(to io.Writer, from io.Reader, look func(frame) error) error {
	r := bufio.NewReaderSize(from, 64<<10)
	for {
		head, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		whole := bytes.Clone(head)
		var f frame
		words := strings.Fields(string(whole))
		if len(words) > 2 {
			switch op := strings.ToUpper(words[0]); op {
			case "PUB", "HPUB", "MSG", "HMSG":
				size, err := strconv.Atoi(words[len(words)-1])
				if err != nil {
					return err
				}
				body := make([]byte, size+2)
				if _, err := io.ReadFull(r, body); err != nil {
					return err
				}
				f = frame{subject: words[1], data: string(body)}
				if op == "PUB" && len(words) == 4 || op == "HPUB" && len(words) == 5 {
					f.reply = words[2]
				}
				whole = append(whole, body...)
			}
		}
		if err := look(f); err != nil {
			return err
		}
		if _, err := to.Write(whole); err != nil {
			return err
		}
	}
}

// httpGate stands before a platform.
func httpGate(t *testing.T, to string, m *mine) string {
	t.Helper()
	target, err := url.Parse(to)
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: target.Scheme, Host: target.Host}) },
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Context().Value(seen{}) == nil {
				return nil
			}
			m.spring()
			return errSprung
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { hangUp(w) },
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.sees(frame{subject: r.Method + " " + r.URL.Path}) {
			if !m.after {
				m.spring()
				hangUp(w)
				return
			}
			// The platform finishes what it took, whoever still listens.
			r = r.WithContext(context.WithValue(context.WithoutCancel(r.Context()), seen{}, true))
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + target.Path
}

// seen marks a request that the mine waits for.
type seen struct{}

// hangUp ends a connection without an answer.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func (f frame) String() string { return fmt.Sprintf("%s (%d bytes)", f.subject, len(f.data)) }
