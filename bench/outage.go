package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/events"
)

// startOver is when a program that starts before 10,000 events has read the last day
// back, for completions and the console: that is no part of catching up.
const startOver = 15 * time.Second

// outage measures how one channel of Discord is caught up with, all of Discord's
// limits in force, when events waited for it: each three hundredth a direct
// message, the others comments.
func outage(ctx context.Context, p plan) (out []figure, err error) {
	idle, err := idleMemory(ctx, p)
	if err != nil {
		return nil, err
	}
	w, err := newWorld(ctx, filepath.Join(p.dir, "outage"), false)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if err := w.configure(chatOnly); err != nil {
		return nil, err
	}
	if _, err := w.fill(ctx, p.backlog, comment); err != nil {
		return nil, err
	}
	c, err := w.start(p)
	if err != nil {
		return nil, err
	}
	defer c.end(&err)
	var took time.Duration
	var held float64 // MiB, the most while it caught up
	var seen account
	waited := until(ctx, 15*time.Minute, time.Second, "caught up", func() bool {
		took = time.Since(c.began)
		if seen, err = w.account(); err != nil {
			return true
		}
		var now usage
		if now, err = c.usage(); took > startOver {
			held = max(held, now.resident)
		}
		return err != nil || seen.told >= p.backlog
	})
	if err != nil {
		return nil, err
	}
	if waited != nil {
		return nil, fmt.Errorf("%w, with %d events told", waited, seen.told)
	}
	used, err := c.usage()
	if err != nil {
		return nil, err
	}
	return []figure{
		{Section: "outage", What: "start to caught up", Value: took.Seconds(), Unit: "s", Most: 480, Samples: p.backlog},
		{Section: "outage", What: "messages", Value: float64(seen.messages), Most: 450},
		{Section: "outage", What: "lost", Value: float64(p.backlog - seen.told), None: true},
		{Section: "outage", What: "told twice", Value: float64(seen.again), None: true},
		{Section: "outage", What: "resident above idle, at most", Value: held - idle, Unit: "MiB", Most: 50},
		{Section: "outage", What: "  its start included", Value: used.peak - idle, Unit: "MiB"},
		{Section: "outage", What: "violations", Value: float64(w.violations()), None: true},
	}, nil
}

// idleMemory is what the program holds with nothing to do, in MiB.
func idleMemory(ctx context.Context, p plan) (held float64, err error) {
	w, err := newWorld(ctx, filepath.Join(p.dir, "outage-idle"), false)
	if err != nil {
		return 0, err
	}
	defer w.close()
	if err := w.configure(chatOnly); err != nil {
		return 0, err
	}
	c, err := w.start(p)
	if err != nil {
		return 0, err
	}
	defer c.end(&err)
	if _, err := c.untilReady(ctx); err != nil {
		return 0, err
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		return 0, err
	}
	used, err := c.usage()
	return used.resident, err
}

// account is what stands in the channel and its threads.
type account struct {
	messages int
	told     int // marks
	again    int // marks that stand there more than once
}

func (w *world) account() (a account, err error) {
	seen := map[string]int{}
	for _, place := range append(w.discord.Threads(w.channel), w.channel) {
		for _, m := range w.discord.Messages(place) {
			text, err := json.Marshal(m)
			if err != nil {
				return a, err
			}
			a.messages++
			for _, found := range mark.FindAllString(string(text), -1) {
				if seen[found]++; seen[found] == 2 {
					a.again++
				}
			}
		}
	}
	a.told = len(seen)
	return a, nil
}

// comment is an event as the poller makes it of a comment; each three hundredth is a
// direct message.
func comment(baseURL, handle string, n int) events.Event {
	if n%300 == 0 {
		return directMessage(baseURL, handle, n)
	}
	at, text := longTalk(n)
	return events.New(baseURL, handle, fmt.Sprintf("ntf_%06d", n), "p1", at, events.NotificationComment{
		Actor: talker(baseURL), Post: events.Post{ID: "p1", URL: baseURL + "/posts/p1", Content: "Docking ring done", CreatedAt: at},
		Comment: events.Comment{ID: fmt.Sprintf("c%06d", n), Content: text, CreatedAt: at},
	})
}

func directMessage(baseURL, handle string, n int) events.Event {
	at, text := longTalk(n)
	id := fmt.Sprintf("msg_%06d", n)
	return events.New(baseURL, handle, id, "v1", at, events.MessageReceived{
		Actor: talker(baseURL), Conversation: events.Conversation{ID: "v1"}, Message: events.Message{ID: id, Content: text, CreatedAt: at},
	})
}

func longTalk(n int) (at time.Time, text string) {
	at = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Second)
	return at, markOf(n) + " what a calm evening over the ring station, " + strings.Repeat("come and see it ", 20)
}

func talker(baseURL string) events.Agent {
	return events.Agent{ID: "agent_1", Handle: "nova_ai", Name: "Nova", URL: baseURL + "/nova_ai", Verified: true}
}
