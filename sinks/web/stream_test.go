package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
)

// pipes is a listener in memory, so that servers and browsers live in a bubble of
// virtual time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.done)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// site is a server at work in a bubble. Leaving the bubble with a goroutine left
// behind fails the test.
type site struct {
	*Server
	pipes  *pipes
	http   *http.Server
	events chan events.Event
	since  chan time.Time
	end    context.CancelFunc // of Run's context
	ended  chan error
	open   []*browser
}

// happen lets the server take events.
func (s *site) happen(all ...events.Event) {
	for _, e := range all {
		s.events <- e
	}
	synctest.Wait()
}

func open(t *testing.T, o Options) *site {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &site{
		pipes: &pipes{conns: make(chan net.Conn), done: make(chan struct{})}, events: make(chan events.Event), since: make(chan time.Time, 9),
		end: cancel, ended: make(chan error, 1),
	}
	if o.Tail == nil {
		o.Tail = func(ctx context.Context, since time.Time, fn func(events.Event, time.Time)) error {
			s.since <- since
			for {
				select {
				case e := <-s.events:
					fn(e, time.Now())
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
	}
	s.Server = server(t, o)
	s.http = &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	go func() { _ = s.http.Serve(s.pipes) }()
	go func() { s.ended <- s.Run(ctx) }()
	synctest.Wait()
	return s
}

// stop ends Run, then the server, and returns how long that took. What the
// browsers did not read is read, since a pipe holds nothing.
func (s *site) stop(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	s.end()
	require.NoError(t, <-s.ended)
	for _, b := range s.open {
		go func() { _, _ = io.Copy(io.Discard, b.conn) }()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	require.NoError(t, s.http.Shutdown(ctx))
	took := time.Since(began)
	for _, b := range s.open {
		require.NoError(t, b.conn.Close())
	}
	return took
}

// browser reads a stream of events.
type browser struct {
	conn net.Conn
	res  *http.Response
	r    *bufio.Reader
}

type message struct{ name, id, data string }

func (s *site) browse(t *testing.T, target string, header ...string) *browser {
	t.Helper()
	here, there := net.Pipe()
	s.pipes.conns <- there
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+target, nil)
	require.NoError(t, err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	require.NoError(t, req.Write(here))
	r := bufio.NewReader(here)
	res, err := http.ReadResponse(r, req)
	require.NoError(t, err)
	b := &browser{conn: here, res: res, r: bufio.NewReader(res.Body)}
	s.open = append(s.open, b)
	return b
}

// next returns the next event other than of the components' state, and the
// comments before it.
func (b *browser) next(t *testing.T) (m message, comments int) {
	t.Helper()
	for {
		line, err := b.r.ReadString('\n')
		require.NoError(t, err)
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch key {
		case "event":
			m.name = value
		case "id":
			m.id = value
		case "data":
			m.data = value
		case "":
			if value != "" {
				comments++
			}
			if m.name != "" && m.name != "state" {
				return m, comments
			}
			m = message{}
		}
	}
}

func (b *browser) card(t *testing.T) (c card, id string) {
	t.Helper()
	m, _ := b.next(t)
	require.Equal(t, "card", m.name)
	require.NoError(t, json.Unmarshal([]byte(m.data), &c))
	return c, m.id
}

func TestABrowserGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{})
		b := s.browse(t, "/console/events?after="+s.room.position(0))
		require.Equal(t, "text/event-stream; charset=utf-8", b.res.Header.Get("Content-Type"))
		s.happen(follow(1))
		one, first := b.card(t)
		require.Equal(t, 1, one.N)
		require.Contains(t, one.Discord, `id="d1"`)
		require.Contains(t, one.Slack, `id="s1"`)
		require.NoError(t, b.conn.Close())

		s.happen(job("pending", 0), follow(2), job("completed", 0)) // the last changes the first
		b = s.browse(t, "/console/events?after=ignored", "Last-Event-ID", first)
		three, _ := b.card(t)
		two, last := b.card(t)
		require.Equal(t, []int{3, 2}, []int{three.N, two.N}, "each changed message once, in the order of the changes")
		require.Contains(t, two.Discord, "Image ready")
		require.Contains(t, two.Discord, "(edited)")
		require.Equal(t, s.room.position(4), last)
		s.stop(t)
	})
}

func TestABrowserOfAnotherProcessStartsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{})
		s.happen(follow(1))
		for _, position := range []string{"", "other-7", s.room.position(99)} {
			b := s.browse(t, "/console/events", "Last-Event-ID", position)
			m, _ := b.next(t)
			require.Equal(t, message{"reset", s.room.position(0), `"` + s.edition + `"`}, m)
			c, _ := b.card(t)
			require.Equal(t, 1, c.N)
			require.NoError(t, b.conn.Close())
		}
		s.stop(t)
	})
}

func TestAQuietLineIsKeptOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{})
		b := s.browse(t, "/console/events?after="+s.room.position(0))
		began := time.Now()
		go func() {
			time.Sleep(time.Minute) // in virtual time
			s.happen(follow(1))
		}()
		_, comments := b.next(t)
		require.GreaterOrEqual(t, comments, 3)
		require.Less(t, time.Since(began), time.Minute+time.Second)
		s.stop(t)
	})
}

func TestWhatComesCloseTogetherIsDrawnOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{})
		b := s.browse(t, "/console/events?after="+s.room.position(0))
		for _, status := range []string{"pending", "generating", "uploading", "completed"} {
			s.happen(job(status, 0))
		}
		c, id := b.card(t)
		require.Contains(t, c.Slack, "made an image")
		require.Equal(t, s.room.position(4), id)
		s.stop(t)
	})
}

func TestABrowserThatDoesNotReadIsLetGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{})
		slow := s.browse(t, "/console/events?after="+s.room.position(0))
		good := s.browse(t, "/console/events?after="+s.room.position(0))
		for n := range 50 {
			s.happen(follow(n)) // waits for nobody
		}
		for range 50 {
			good.card(t)
		}
		require.Equal(t, int64(2), s.streams.Load())
		time.Sleep(writeTimeout + time.Second) // in virtual time
		synctest.Wait()
		require.Equal(t, int64(1), s.streams.Load())
		_, err := io.Copy(io.Discard, slow.conn)
		require.NoError(t, err, "the server hung up")
		s.stop(t)
	})
}

func TestOpenStreamsEndWithRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{})
		for range 5 {
			s.browse(t, "/console/events?after="+s.room.position(0))
		}
		require.Equal(t, int64(5), s.streams.Load())
		require.Less(t, s.stop(t), time.Second)
		require.Zero(t, s.streams.Load())
	})
}

func TestTooManyPagesAreToldSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, Options{})
		s.streams.Store(maxStreams)
		b := s.browse(t, "/console/events")
		require.Equal(t, http.StatusServiceUnavailable, b.res.StatusCode)
		require.Equal(t, "10", b.res.Header.Get("Retry-After"))
		require.Equal(t, int64(maxStreams), s.streams.Load())
		s.stop(t)
	})
}

func TestTheStateOfComponentsIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now atomic.Value
		now.Store(StateStarting)
		s := open(t, Options{Conditions: func() []Condition {
			return []Condition{{Component: "poller", Agent: "luna", State: now.Load().(string), Reason: "<b>"}}
		}})
		b := s.browse(t, "/console/events?after="+s.room.position(0))
		told := func() state {
			for {
				line, err := b.r.ReadString('\n')
				require.NoError(t, err)
				if data, ok := strings.CutPrefix(line, "data: "); ok {
					var st state
					require.NoError(t, json.Unmarshal([]byte(data), &st))
					return st
				}
			}
		}
		require.Contains(t, told().Wait, "Starting.")
		began := time.Now()
		now.Store(StateDown)
		st := told()
		require.LessOrEqual(t, time.Since(began), 2*refresh)
		require.Contains(t, st.Head, `<p class="alert down"><b>@luna · down</b> &lt;b&gt;`)
		require.Contains(t, st.Wait, "generation of @luna")
		s.stop(t)
	})
}

func TestABrokenTailIsTakenUpWhereItBroke(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Time
		began := time.Now()
		s := open(t, Options{Tail: func(ctx context.Context, since time.Time, fn func(events.Event, time.Time)) error {
			asked = append(asked, since)
			fn(follow(len(asked)), began.Add(-time.Minute))
			fn(follow(7), began.Add(time.Duration(len(asked))*time.Millisecond)) // the same each time
			fn(events.Event{}, began)                                            // what could not be decoded
			if len(asked) < 3 {
				return errors.New("connection lost")
			}
			<-ctx.Done()
			return ctx.Err()
		}})
		time.Sleep(time.Minute) // in virtual time
		synctest.Wait()
		require.Equal(t, []time.Time{began.Add(-lookBack), began.Add(time.Millisecond), began.Add(2 * time.Millisecond)}, asked)
		require.Len(t, s.room.since(0, 0).roots, 4)
		s.stop(t)
	})
}
