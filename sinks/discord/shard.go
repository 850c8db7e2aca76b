package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Shard is one of the gateway sessions that an application's guilds are divided
// into (docs, "Sharding"). Its guilds are those whose id leaves ID when Of divides
// it; direct messages come by the first.
type Shard struct{ ID, Of int }

// shardsName is the name of the only session there is.
const shardsName = "discord"

// Name is what the session is held by, the same in every process: sessions of
// different divisions have different names.
func (s Shard) Name() string {
	if s.Of <= 1 {
		return shardsName
	}
	return fmt.Sprintf("%s.%d.%d", shardsName, s.ID, s.Of)
}

// ParseShard reads a Name.
func ParseShard(name string) (Shard, bool) {
	if name == shardsName {
		return Shard{0, 1}, true
	}
	parts := strings.Split(name, ".")
	if len(parts) != 3 || parts[0] != shardsName {
		return Shard{}, false
	}
	id, err := strconv.Atoi(parts[1])
	of, wrong := strconv.Atoi(parts[2])
	return Shard{id, of}, err == nil && wrong == nil && id >= 0 && id < of
}

const (
	shardsNote  = "discord.shards"
	maxShards   = 1024
	shardsLook  = time.Minute // between two looks at what another process found
	shardsAsk   = time.Hour   // between two questions to Discord
	adviceFresh = 5 * time.Second

	// An identify takes so many slots of time; nobody else then comes closer than
	// one slot less. Discord wants five seconds; our clocks may differ by one.
	identifySlots = 4
)

// advice is Discord's answer about its gateway.
type advice struct {
	URL    string `json:"url"`
	Shards int    `json:"shards"`
	Limit  struct {
		Total       int   `json:"total"`
		Remaining   *int  `json:"remaining"`
		ResetAfter  int64 `json:"reset_after"` // milliseconds
		Concurrency int   `json:"max_concurrency"`
	} `json:"session_start_limit"`

	at time.Time
}

// advised asks Discord about its gateway, or remembers what it said just now.
func (s *Sink) advised(ctx context.Context) (advice, error) {
	if a := s.advice.Load(); a != nil && time.Since(a.at) < adviceFresh {
		return *a, nil
	}
	var a advice
	c := fill("GET", "/gateway/bot")
	c.probe = true
	if err := s.rest.do(ctx, c, nil, &a); err != nil {
		return a, err
	}
	a.at = time.Now()
	s.advice.Store(&a)
	return a, nil
}

// Shards tells which sessions the application's guilds are divided into: at the
// start, and again when Discord wants them to be more. What one process learned the
// others follow within a minute. It runs until ctx ends and returns nil.
func (s *Sink) Shards(ctx context.Context, changed func([]Shard)) error {
	of, asked := 0, time.Time{}
	for ctx.Err() == nil {
		want := max(of, s.notedShards(ctx))
		if time.Since(asked) >= shardsAsk {
			if a, err := s.advised(ctx); err == nil {
				want, asked = max(want, min(a.Shards, maxShards)), time.Now()
			} else if ctx.Err() == nil {
				s.log.Debug("discord's advice on shards is not known", "err", err)
			}
		}
		if want = max(want, 1); want > of {
			if of > 0 || want > 1 {
				s.log.Info("discord's guilds are divided into shards", "shards", want)
			}
			of = want
			s.divided.Store(int32(of))
			s.noteShards(ctx, of)
			list := make([]Shard, of)
			for i := range list {
				list[i] = Shard{i, of}
			}
			changed(list)
		}
		timer := time.NewTimer(shardsLook)
		select {
		case <-timer.C:
		case <-s.outgrown:
			asked = time.Time{}
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return nil
}

// FirstShard is the session that direct messages come by, as far as the division is
// known by now.
func (s *Sink) FirstShard() Shard { return Shard{0, max(1, int(s.divided.Load()))} }

// notedShards is the division that some process found, 0 for none.
func (s *Sink) notedShards(ctx context.Context) int {
	form, err := s.notes.Note(ctx, shardsNote)
	n := 0
	if err != nil || form == nil || json.Unmarshal(form, &n) != nil {
		return 0
	}
	return min(n, maxShards)
}

func (s *Sink) noteShards(ctx context.Context, n int) {
	if n == 1 || n == s.notedShards(ctx) {
		return
	}
	if err := s.notes.PutNote(ctx, shardsNote, []byte(strconv.Itoa(n))); err != nil {
		s.log.Warn("number of shards not noted; other processes ask for themselves", "err", err)
	}
}

// turn waits until this session may identify: Discord takes one identify of a
// bucket of shards in five seconds, whichever process it comes from. Time is cut
// into slots; who identifies owns the slot of that moment and the next ones.
func (g *gateway) turn(ctx context.Context, bucket int) error {
	if err := pause(ctx, g.times.identifyGap-time.Since(g.identified)); err != nil {
		return err
	}
	slot := g.times.identifySlot
	for slot > 0 {
		now := time.Now().Add(g.rest.ahead())
		number := now.UnixNano() / int64(slot)
		mine, err := g.claim(ctx, bucket, number)
		if err != nil || mine {
			return err
		}
		if err := pause(ctx, time.Unix(0, (number+1)*int64(slot)).Sub(now)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

var errNotNoted = errors.New("the time of identifying could not be noted")

func (g *gateway) claim(ctx context.Context, bucket int, number int64) (bool, error) {
	for i := range int64(identifySlots) {
		mine, err := g.notes.CreateNote(ctx, fmt.Sprintf("discord.identify.%d.%d", bucket, number+i), []byte("1"))
		if err != nil {
			g.log.Debug("identify not noted", "err", err)
			return false, errNotNoted
		}
		if !mine {
			return false, nil
		}
	}
	return true, nil
}
