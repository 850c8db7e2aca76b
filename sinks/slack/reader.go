package slack

import (
	"context"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/internal/language"
)

const (
	methodUser = "users.info"
	// readerTime is how long what Slack tells of a person is taken for true.
	readerTime = time.Hour
	// readerWait is how long an answer waits for it.
	readerWait = 2 * time.Second
)

// reader is what Slack tells of a person that answers depend on. The zero value
// is somebody of whom nothing is known.
type reader struct {
	Locale string // "de-DE"
	Zone   string // "Europe/Berlin"
	asked  time.Time
}

// speaker speaks the language of who did it, as far as it is known by now: it
// asks nothing, so that it may be used before the acknowledgement.
func (s *Sink) speaker(in inbound) language.Speaker {
	return language.Match(s.known(in.at.team, in.who.id).Locale)
}

func (s *Sink) known(team, user string) reader {
	r, _ := s.readers.get(team + " " + user)
	return r
}

// reader asks Slack about a person once an hour, where the app may. What Slack
// does not tell in time stays as it was.
func (s *Sink) reader(ctx context.Context, team, user string) reader {
	r := s.known(team, user)
	if user == "" || time.Since(r.asked) < readerTime || !s.granted(scopeUsers) {
		return r
	}
	r.asked = time.Now()
	until := r.asked.Add(readerWait)
	// Waiting for its turn counts, while a call as long as calls may be does not.
	turn, cancel := context.WithDeadline(ctx, until.Add(s.opt.Timeout))
	defer cancel()
	bad := s.paced(turn, call{method: methodUser}, func(ctx context.Context, api *slackgo.Client) error {
		ctx, cancel := context.WithDeadline(ctx, until)
		defer cancel()
		u, err := api.GetUserInfoContext(ctx, user)
		if err == nil {
			r.Locale, r.Zone = u.Locale, u.TZ
		}
		return err
	})
	if bad != nil {
		s.log.DebugContext(ctx, "a person's language not read", "err", bad)
	}
	if bad != nil && bad.paced != nil {
		return r // Slack was not asked: the next time may be better
	}
	s.readers.put(team+" "+user, r)
	return r
}
