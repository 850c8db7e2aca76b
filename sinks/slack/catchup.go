package slack

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"
)

const (
	maxThreads  = 200            // looked at again after an outage
	catchUpTime = 24 * time.Hour // how far back
	catchUpGap  = 3 * time.Second

	// signSent is our reaction on a message of somebody's that was sent on.
	signSent = "white_check_mark"
)

// thread is one that an answer may have been written in while nobody listened.
type thread struct {
	Channel string    `json:"channel"`
	TS      string    `json:"ts"`
	At      time.Time `json:"at"`
}

// threads are those of the last day, kept in one note.
type threads struct {
	mu  sync.Mutex // guards all below, and the note among this process's writers
	all []thread   // nil: not read yet
}

func (s *Sink) threadsKey() string { return "slack/" + noteWord(s.web.selfKnown().TeamID) + "/threads" }

// read gives those of the last day. The caller holds mu.
func (l *threads) read(ctx context.Context, s *Sink) ([]thread, error) {
	raw, err := s.opt.Notes.Note(ctx, s.threadsKey())
	if err != nil {
		return nil, err
	}
	var all []thread
	_ = json.Unmarshal(raw, &all) // nothing noted yet
	return slices.DeleteFunc(all, func(t thread) bool { return time.Since(t.At) > catchUpTime }), nil
}

// add remembers a thread. Known ones are not written again within the hour.
func (l *threads) add(ctx context.Context, s *Sink, t thread) {
	l.mu.Lock()
	defer l.mu.Unlock()
	same := func(old thread) bool { return old.Channel == t.Channel && old.TS == t.TS }
	if i := slices.IndexFunc(l.all, same); i >= 0 && t.At.Sub(l.all[i].At) < time.Hour {
		return
	}
	all, err := l.read(ctx, s)
	if err != nil {
		return
	}
	all = append(slices.DeleteFunc(all, same), t)
	all = all[max(0, len(all)-maxThreads):]
	if raw, err := json.Marshal(all); err == nil && s.opt.Notes.PutNote(ctx, s.threadsKey(), raw) == nil {
		l.all = all
	}
}

// CatchUp reads the threads of the last day for answers that were written while
// nobody listened, and sends them on their way as if they came now; what came
// before is known by its id. Without the history scopes it does nothing. It is
// patient: one thread in three seconds. Errors: of Notes, and where Slack does not
// say who the app is.
func (s *Sink) CatchUp(ctx context.Context) error {
	if s.opt.Commands == nil {
		return nil
	}
	if bad := s.web.meet(ctx); bad != nil {
		return bad
	}
	if !s.granted(scopeHistory) && !s.granted(scopePrivateHistory) && !s.granted(scopeDirectHistory) {
		return nil
	}
	s.recent.mu.Lock()
	all, err := s.recent.read(ctx, s)
	s.recent.mu.Unlock()
	if err != nil {
		return err
	}
	for i, t := range all {
		if i > 0 && !sleep(ctx, catchUpGap) {
			return nil
		}
		s.readThread(ctx, t)
	}
	return nil
}

func (s *Sink) readThread(ctx context.Context, t thread) {
	var found []slackgo.Message
	bad := s.patiently(ctx, call{method: methodReplies}, func(ctx context.Context, api *slackgo.Client) error {
		var err error
		found, _, _, err = api.GetConversationRepliesContext(ctx, &slackgo.GetConversationRepliesParameters{
			ChannelID: t.Channel, Timestamp: t.TS, Limit: 100, Oldest: strconv.FormatInt(time.Now().Add(-catchUpTime).Unix(), 10) + ".000000",
		})
		return err
	})
	if bad != nil {
		s.log.DebugContext(ctx, "thread not read again", "err", bad)
		return
	}
	for _, m := range found {
		if m.ThreadTimestamp == "" || m.Timestamp == m.ThreadTimestamp || s.answered(m) {
			continue
		}
		e := inner{
			Type: "message", User: quoted(m.User), Channel: quoted(t.Channel), Subtype: m.SubType, BotID: m.BotID, Text: m.Text,
			TS: m.Timestamp, Thread: m.ThreadTimestamp, Team: m.Team, Files: make([]upload, len(m.Files)),
		}
		team := s.web.selfKnown().TeamID
		out := s.said(ctx, inbound{kind: event, name: "catch_up", at: scene{team: team}, event: delivery{TeamID: team, Event: e}})
		s.after(ctx, out.then)
	}
}

// answered reports whether our own sign on a message says that it was sent. The
// ledger says so too, unless it is an older copy, brought back from a backup.
func (s *Sink) answered(m slackgo.Message) bool {
	self := s.web.selfKnown().UserID
	return slices.ContainsFunc(m.Reactions, func(r slackgo.ItemReaction) bool {
		return r.Name == signSent && self != "" && slices.Contains(r.Users, self)
	})
}

func quoted(s string) json.RawMessage {
	raw, _ := json.Marshal(s) // a string can always be written
	return raw
}
