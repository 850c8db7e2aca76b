package discord

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

const (
	routeThreads = "/channels/{channel}/messages/{message}/threads"

	archiveTalk  = 4320 // minutes of silence after which a conversation is archived
	archivePosts = 1440

	threadlessFor = time.Hour // a channel that takes no threads is not asked again so long
)

// target decides where the delivery goes: into the thread of its conversation,
// which is made from its root where that has none yet, or into the channel.
func (j *job) target(ctx context.Context) (spot, error) {
	root, m := j.d.Thread, j.d.Message
	here := spot{channel: j.d.To.Place}
	switch {
	case root.Thread != "":
		head := root.Root
		if head == "" {
			head = root.Message
		}
		return spot{channel: root.Thread, root: head}, nil
	case root.Message == "":
		here.head = m.ThreadKey != "" && m.Thread != ""
		return here, nil
	case m.Thread == "":
		here.reply = root.Message
		return here, nil
	}
	parent := root.Channel
	if parent == "" {
		parent = j.d.To.Place
	}
	id, err := j.openThread(ctx, parent, root.Message, m)
	if err == nil && id != "" {
		return spot{channel: id, root: root.Message}, nil
	}
	e, ok := errors.AsType[*Error](err)
	switch {
	case ok && e.Code == codeUnknownMessage: // the root was deleted: this one heads a new thread
		here.head = true
		return here, nil
	case err == nil || ok && settled(e):
		here.reply = root.Message
		return here, nil
	}
	return here, judge(err, thread, j.place(parent))
}

// openThread makes the thread of a message. Its id is the message's, so that
// making it again is harmless. An empty id without error means that the channel
// takes no threads.
func (j *job) openThread(ctx context.Context, channel, message string, m bridge.Message) (string, error) {
	if j.threadless(channel) {
		return "", nil
	}
	body := threadBody{Name: plain(m.Thread, maxThreadName), AutoArchive: archivePosts}
	if strings.HasPrefix(m.ThreadKey, "dm:") {
		body.AutoArchive = archiveTalk
	}
	if body.Name == "" {
		body.Name = plain(m.ThreadKey, maxThreadName)
	}
	err := j.rest.do(ctx, fill("POST", routeThreads, channel, message), body, nil)
	e, ok := errors.AsType[*Error](err)
	switch {
	case err == nil, ok && e.Code == codeThreadExists:
		return message, nil
	case ok && e.Code != codeUnknownMessage && e.Code != codeManyThreads && settled(e):
		j.log.Warn("no threads in this channel", "destination", j.d.To.String(), "err", err)
		j.refuseThreads(channel)
	}
	return "", err
}

// settled reports whether asking again for a thread would end the same way.
func settled(e *Error) bool {
	switch e.Code {
	case codeManyThreads, codeUnknownMessage:
		return true
	}
	return e.Status == http.StatusForbidden && !e.Edge || e.Status == http.StatusBadRequest
}

// threadless reports whether the channel refused a thread lately.
func (s *Sink) threadless(channel string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.noThreads[channel]
	if ok && time.Now().After(until) {
		delete(s.noThreads, channel)
		return false
	}
	return ok
}

func (s *Sink) refuseThreads(channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noThreads[channel] = time.Now().Add(threadlessFor)
}
