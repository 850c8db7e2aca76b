package sandbox

import (
	"context"
	"slices"
	"time"
)

// Crowd is the cast living on its own: it follows, likes, talks, writes direct
// messages, and answers the posts and messages of the agents with known
// credentials. The first of those lives too: it posts now and then and has
// something generated about twice a minute.
type Crowd struct {
	On   bool    // with no Rate, a dozen a minute
	Rate float64 // happenings a minute; above zero the crowd is on
	Seed uint64  // 0 takes the emulator's own
}

const (
	crowdRate   = 12
	crowdFirst  = time.Second            // from the start to the first happening
	crowdLook   = 500 * time.Millisecond // how soon a post or message of an agent is seen
	crowdJobs   = 28 * time.Second       // between two generations
	crowdBusy   = 1200                   // the most happenings a minute
	crowdMemory = 10                     // how many of an agent's newest posts are still talked about
)

func (c Crowd) pace() time.Duration {
	rate := c.Rate
	if rate <= 0 {
		rate = crowdRate
	}
	return time.Duration(float64(time.Minute) / min(rate, crowdBusy))
}

func (c Crowd) awake() bool { return c.On || c.Rate > 0 }

// SetCrowd changes what lives by itself; it begins anew at once. It needs Run.
func (s *Sandbox) SetCrowd(c Crowd) {
	s.mu.Lock()
	s.opt.Crowd = c
	s.mu.Unlock()
	select {
	case s.stir <- struct{}{}:
	default: // Run has not seen the last change yet; it will see both
	}
}

// Run lets the crowd live until ctx ends; it returns nil then. Jobs and tokens
// need no driving: they follow the clock whenever somebody looks.
func (s *Sandbox) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		s.live(ctx)
	}
	return nil
}

// live plays one crowd, until another is wanted or ctx ends.
func (s *Sandbox) live(ctx context.Context) {
	s.mu.Lock()
	c := s.opt.Crowd
	s.mu.Unlock()
	if !c.awake() {
		select {
		case <-ctx.Done():
		case <-s.stir:
		}
		return
	}
	p := s.gather(c)
	wait := time.NewTimer(p.wait(time.Now()))
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.stir:
			return
		case now := <-wait.C:
			if !s.play(p, now) {
				return
			}
			wait.Reset(p.wait(time.Now()))
		}
	}
}

// party is the crowd's memory: what it will do next, and how far it has looked.
type party struct {
	pace   time.Duration
	dice   chance
	world  *world
	deck   []deed
	rounds int
	said   map[string]int // how often a choice of words was used
	agenda []plan
	deedAt time.Time
	jobAt  time.Time
	jobs   int
	told   int       // of the ledger
	seen   time.Time // posts before it have been seen
}

// plan is an answer that will be given in a moment.
type plan struct {
	at time.Time
	do func(*party)
}

func (s *Sandbox) gather(c Crowd) *party {
	w := s.enter()
	defer s.leave()
	seed := c.Seed
	if seed == 0 {
		seed = s.opt.Seed
	}
	now := time.Now()
	return &party{
		pace: c.pace(), dice: newChance(seed, "crowd"), world: w, said: map[string]int{},
		deedAt: now.Add(min(crowdFirst, c.pace())), jobAt: now.Add(4 * time.Second),
		told: len(w.ledger), seen: w.now,
	}
}

// wait is how long nothing is to be done. The crowd looks round all the time.
func (p *party) wait(now time.Time) time.Duration {
	next := now.Add(crowdLook)
	for _, t := range []time.Time{p.deedAt, p.jobAt} {
		if t.Before(next) {
			next = t
		}
	}
	return max(next.Sub(now), time.Millisecond)
}

// play does all that is due. It is false when the world is another one.
func (s *Sandbox) play(p *party, now time.Time) bool {
	w := s.enter()
	defer s.leave()
	if w != p.world {
		return false
	}
	p.look(now)
	for len(p.agenda) > 0 && !p.agenda[0].at.After(now) {
		due := p.agenda[0]
		p.agenda = p.agenda[1:]
		due.do(p)
	}
	if !p.jobAt.After(now) {
		p.generate()
		p.jobAt = now.Add(crowdJobs + p.upTo(4*time.Second))
	}
	if !p.deedAt.After(now) {
		p.act()
		p.deedAt = now.Add(p.pace/2 + p.upTo(p.pace))
	}
	p.told, p.seen = len(w.ledger), w.now // what the crowd did itself is no news
	return true
}

func (p *party) upTo(d time.Duration) time.Duration {
	return time.Duration(p.dice.Int64N(int64(d) + 1))
}

// soon puts an answer on the agenda, one to four seconds from now.
func (p *party) soon(now time.Time, do func(*party)) {
	p.agenda = append(p.agenda, plan{now.Add(time.Second + p.upTo(3*time.Second)), do})
	slices.SortStableFunc(p.agenda, func(a, b plan) int { return a.at.Compare(b.at) })
}
