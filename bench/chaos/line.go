package main

import (
	"context"
	"net"
	"sync"
	"time"
)

// line is a TCP line that can be cut. It stands between the bridge and one other
// side and knows nothing of what passes.
type line struct {
	name   string
	listen net.Listener
	wg     sync.WaitGroup

	mu     sync.Mutex
	to     string
	open   map[net.Conn]bool
	down   bool          // connections are refused
	mute   int           // so many answers get lost from now on, with their connections
	frozen chan struct{} // closed when bytes pass again; nil while they do
	cuts   int           // connections and answers that were cut
}

// newLine makes a line to an address, which may change later.
func newLine(ctx context.Context, name, to string) (*line, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &line{name: name, listen: l, to: to, open: map[net.Conn]bool{}}
	n.wg.Go(n.accept)
	return n, nil
}

func (l *line) address() string { return l.listen.Addr().String() }

func (l *line) close() {
	_ = l.listen.Close()
	l.thaw()
	l.cut()
	l.wg.Wait()
}

// lead changes where the line leads.
func (l *line) lead(to string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to = to
}

func (l *line) accept() {
	for {
		in, err := l.listen.Accept()
		if err != nil {
			return
		}
		l.wg.Go(func() { l.carry(in) })
	}
}

func (l *line) carry(in net.Conn) {
	defer in.Close()
	l.mu.Lock()
	to, down := l.to, l.down
	if down {
		l.cuts++
	}
	l.mu.Unlock()
	if down {
		return
	}
	out, err := net.DialTimeout("tcp", to, 5*time.Second) //nolint:noctx // bounded, on loopback
	if err != nil {
		return
	}
	defer out.Close()
	if !l.keep(in, out) {
		return
	}
	defer l.forget(in, out)
	var both sync.WaitGroup
	both.Go(func() { l.copy(out, in, false) })
	both.Go(func() { l.copy(in, out, true) })
	both.Wait()
}

func (l *line) keep(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		l.open[c] = true
	}
	return !l.down
}

func (l *line) forget(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		delete(l.open, c)
	}
}

// copy carries bytes one way until either end closes.
func (l *line) copy(to, from net.Conn, answers bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if l.passes(answers) {
				if _, err := to.Write(buffer[:n]); err != nil {
					return
				}
			} else {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// passes waits while the line is frozen, and reports whether bytes may pass.
func (l *line) passes(answer bool) bool {
	for {
		l.mu.Lock()
		frozen := l.frozen
		if frozen == nil {
			lost := answer && l.mute > 0
			if lost {
				l.mute--
				l.cuts++
			}
			l.mu.Unlock()
			return !lost
		}
		l.mu.Unlock()
		<-frozen
	}
}

// loseAnswers lets the next n answers get lost: what was asked is done, and nobody
// hears of it.
func (l *line) loseAnswers(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mute = n
}

// cut closes all connections.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		_ = c.Close()
		l.cuts++
	}
}

// shut cuts the line and keeps it so, until it is opened.
func (l *line) shut() {
	l.mu.Lock()
	l.down = true
	l.mu.Unlock()
	l.cut()
}

// freeze lets nothing pass, and cuts nothing.
func (l *line) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.frozen == nil {
		l.frozen, l.cuts = make(chan struct{}), l.cuts+1
	}
}

func (l *line) thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.frozen != nil {
		close(l.frozen)
		l.frozen = nil
	}
}

// heal makes the line whole.
func (l *line) heal() {
	l.thaw()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down, l.mute = false, 0
}

func (l *line) hits() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cuts
}
