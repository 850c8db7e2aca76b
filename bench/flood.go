package main

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// What stands before the doors in flood.
const (
	idlers    = 1000 // connections that say nothing
	tricklers = 200  // bodies of one byte a second
	junkers   = 50   // senders of pipelined requests and junk
	heavy     = 5    // senders of bodies of 8 MiB
	knocks    = 2    // rounds of signed requests beside them, one of each person
)

// flood measures what strangers at the doors of the bridge cost it, and whether the
// platform's own requests still come through in time.
func flood(ctx context.Context, p plan) (out []figure, err error) {
	w, err := newWorld(ctx, filepath.Join(p.dir, "flood"), true)
	if err != nil {
		return nil, err
	}
	defer w.close()
	w.signed = true
	w.crowdAtDiscord()
	slack := w.crowdAtSlack()
	if err := w.configure(everywhere); err != nil {
		return nil, err
	}
	c, err := w.start(p)
	if err != nil {
		return nil, err
	}
	defer c.end(&err)
	if _, err := c.untilReady(ctx); err != nil {
		return nil, err
	}
	if err := w.openDoors(ctx); err != nil {
		return nil, err
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		return nil, err
	}
	before, err := c.usage()
	if err != nil {
		return nil, err
	}
	met, strangers := besiege(ctx, w.web)
	err = until(ctx, time.Minute, 50*time.Millisecond, "besieged", func() bool { return met().opened > idlers+tricklers })
	if err == nil {
		err = pause(ctx, 2*time.Second)
	}
	var took []time.Duration
	var late int
	if err == nil {
		took, late, err = knock(ctx, slack)
	}
	strangers()
	if err != nil {
		return nil, err
	}
	after, err := c.usage()
	if err != nil {
		return nil, err
	}
	ms := func(share float64) float64 { return float64(quantile(took, share)) / float64(time.Millisecond) }
	return []figure{
		{Section: "flood", What: "connections of strangers", Value: float64(met().opened)},
		{Section: "flood", What: "bytes they sent", Value: float64(met().sent) / (1 << 20), Unit: "MiB"},
		{Section: "flood", What: "resident more, at its peak", Value: max(0, after.peak-before.resident), Unit: "MiB", Most: 30},
		{Section: "flood", What: "signed requests beside them, p50", Value: ms(0.5), Unit: "ms", Samples: len(took)},
		{Section: "flood", What: "signed requests beside them, p99", Value: ms(0.99), Unit: "ms", Most: 500, Samples: len(took)},
		{Section: "flood", What: "not acknowledged", Value: float64(late), None: true},
		{Section: "flood", What: "violations", Value: float64(w.violations()), None: true},
	}, nil
}

// knock sends signed requests, one after the other, and returns how long each waited
// for its acknowledgement, and how many got none.
func knock(ctx context.Context, at crowd) (took []time.Duration, late int, err error) {
	for n := range knocks * people {
		began := time.Now()
		acknowledged, err := at.types(ctx, n%people, "/ia notify count")
		switch {
		case err != nil:
			return nil, 0, err
		case acknowledged:
			took = append(took, time.Since(began))
		default:
			late++
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return nil, 0, err
		}
		if n%people == people-1 {
			if err := at.answered(ctx); err != nil {
				return nil, 0, err
			}
		}
	}
	return took, late, nil
}

// siege is what came of strangers.
type siege struct{ opened, sent int }

// besiege lets strangers come to an address until end; met tells what came of them.
func besiege(ctx context.Context, address string) (met func() siege, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	var opened, sent atomic.Int64
	// They come from an address of their own: one that signs wrongly again and again is
	// not listened to for a while, whoever else is there.
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	stranger := func(says func(conn io.Writer) error) {
		all.Go(func() {
			for ctx.Err() == nil {
				conn, err := dialer.DialContext(ctx, "tcp", address)
				if err != nil {
					_ = pause(ctx, 100*time.Millisecond)
					continue
				}
				opened.Add(1)
				leave := context.AfterFunc(ctx, func() { _ = conn.Close() })
				_ = says(counted{conn, &sent}) // the bridge may hang up whenever it likes
				leave()
				_ = conn.Close()
			}
		})
	}
	post := func(length string) string {
		return "POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + "\r\n\r\n"
	}
	for range idlers {
		stranger(func(conn io.Writer) error {
			_, err := io.Copy(io.Discard, conn.(counted).conn)
			return err
		})
	}
	for range tricklers {
		stranger(func(conn io.Writer) error {
			_, err := io.WriteString(conn, post("1000"))
			for err == nil {
				if err = pause(ctx, time.Second); err == nil {
					_, err = io.WriteString(conn, "x")
				}
			}
			return err
		})
	}
	for range junkers {
		stranger(func(conn io.Writer) error {
			_, err := io.WriteString(conn, strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 20)+"\x00\x01 junk\r\n\r\n")
			_ = pause(ctx, time.Second)
			return err
		})
	}
	for range heavy {
		stranger(func(conn io.Writer) error {
			_, err := io.WriteString(conn, post("8388608")+strings.Repeat("x", 8<<20))
			_ = pause(ctx, time.Second)
			return err
		})
	}
	met = func() siege { return siege{opened: int(opened.Load()), sent: int(sent.Load())} }
	return met, func() {
		cancel()
		all.Wait()
	}
}

// counted is a connection whose bytes are counted as they are sent.
type counted struct {
	conn net.Conn
	sent *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.conn.Write(b)
	c.sent.Add(int64(n))
	return n, err
}
