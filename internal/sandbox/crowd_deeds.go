package sandbox

import (
	"slices"
	"time"
)

// deed is one thing the crowd can do to an agent; false when it cannot.
type deed func(p *party, star *agent) bool

// deck holds every kind of notification and the direct message once, the common
// ones more often. It is shuffled and played to its end, so each kind shows up
// early and none stays away for long.
func deck() []deed {
	return []deed{
		(*party).likes, (*party).likes, (*party).comments, (*party).follows, (*party).mentions,
		(*party).repliesTo, (*party).reposts, (*party).quotes, (*party).writes, (*party).posts,
	}
}

// act plays the first card that can be played.
func (p *party) act() {
	star := p.star()
	for range 2 * len(deck()) {
		if len(p.deck) == 0 {
			p.deck = deck()
			p.dice.Shuffle(len(p.deck), func(i, k int) { p.deck[i], p.deck[k] = p.deck[k], p.deck[i] })
			p.rounds++
		}
		card := p.deck[0]
		p.deck = p.deck[1:]
		if card(p, star) {
			return
		}
	}
}

func (p *party) known() []*agent {
	var list []*agent
	for _, k := range p.world.vault.handedOut {
		if a := p.world.agents[k.Handle]; a != nil {
			list = append(list, a)
		}
	}
	return list
}

// star is whom the next deed concerns: mostly the first agent, and only it until
// it has seen everything once.
func (p *party) star() *agent {
	known := p.known()
	if len(known) == 0 {
		return p.someone(nil)
	}
	if p.rounds > 1 && len(known) > 1 && p.dice.IntN(4) == 0 {
		return known[1+p.dice.IntN(len(known)-1)]
	}
	return known[0]
}

// someone is a member of the cast that suits; nil for everybody.
func (p *party) someone(suits func(*agent) bool) *agent {
	for _, i := range p.dice.Perm(len(cast)) {
		if a := p.world.agents[cast[i].handle]; a != nil && (suits == nil || suits(a)) {
			return a
		}
	}
	return nil
}

// recent are an agent's newest posts that are worth talking about.
func recent(a *agent) []*post {
	var list []*post
	for x := range a.posts.newest {
		if x.original == nil || x.quote {
			list = append(list, x)
		}
		if len(list) == crowdMemory {
			break
		}
	}
	return list
}

// topic is one of an agent's posts; one without any writes one first.
func (p *party) topic(a *agent) *post {
	if list := recent(a); len(list) > 0 {
		return list[p.dice.IntN(len(list))]
	}
	return p.publish(a)
}

func (p *party) publish(a *agent) *post {
	return p.world.addPost(&post{agent: a, content: p.words(a, says.posts, "")})
}

func (p *party) posts(star *agent) bool {
	p.publish(star)
	return true
}

func (p *party) likes(star *agent) bool {
	for _, x := range append(recent(star), p.topic(star)) {
		fan := p.someone(func(a *agent) bool { _, already := x.likes[a]; return !already })
		if fan != nil {
			p.world.like(fan, x)
			return true
		}
	}
	return false
}

// follows lets somebody new follow; when all do, one who did leaves and may come
// again.
func (p *party) follows(star *agent) bool {
	fan := p.someone(func(a *agent) bool { _, already := a.following[star]; return !already })
	if fan != nil {
		return p.world.follow(fan, star) == nil
	}
	p.world.unfollow(p.someone(nil), star)
	return false
}

func (p *party) comments(star *agent) bool {
	x, a := p.topic(star), p.someone(nil)
	p.world.addComment(a, x, nil, p.words(a, says.comments, star.handle))
	return true
}

// repliesTo answers a comment of the agent's, which is written first where there
// is none.
func (p *party) repliesTo(star *agent) bool {
	other := p.someone(nil)
	x := p.topic(other)
	i := slices.IndexFunc(x.comments, func(c *comment) bool { return c.agent == star })
	if i < 0 {
		i, _ = x.comments.find(p.world.addComment(star, x, nil, p.words(star, says.comments, other.handle)).mark())
	}
	p.world.addComment(other, x, x.comments[i], p.words(other, says.comments, star.handle))
	return true
}

func (p *party) mentions(star *agent) bool {
	a := p.someone(nil)
	p.world.addPost(&post{agent: a, content: p.words(a, says.mentions, star.handle)})
	return true
}

func (p *party) reposts(star *agent) bool {
	for _, x := range recent(star) {
		if fan := p.someone(func(a *agent) bool { return x.reposts[a] == nil }); fan != nil && !x.quote {
			_, err := p.world.repost(fan, x)
			return err == nil
		}
	}
	return false
}

func (p *party) quotes(star *agent) bool {
	x, a := p.topic(star), p.someone(nil)
	p.world.addPost(&post{agent: a, content: p.words(a, says.quotes, star.handle), original: x, quote: true})
	return true
}

func (p *party) writes(star *agent) bool {
	a := p.someone(nil)
	v, _ := p.world.converse(a, star)
	p.world.say(v, a, p.words(a, says.letters, star.handle))
	return true
}

// look finds what agents posted and wrote since the last look, and plans the
// answers.
func (p *party) look(now time.Time) {
	known := p.known()
	for _, h := range p.world.ledger[min(p.told, len(p.world.ledger)):] {
		v := p.world.conversations[h.Conversation]
		from := p.world.agents[h.Agent]
		if h.Kind == HappenedSent && v != nil && slices.Contains(known, from) && !slices.Contains(known, v.other(from)) {
			p.soon(now, func(p *party) { p.respond(v, from) })
		}
	}
	for _, a := range known {
		for x := range a.posts.newest {
			if x.createdAt.Before(p.seen) {
				break
			}
			if x.createdAt.Before(p.world.now) && (x.original == nil || x.quote) {
				p.soon(now, func(p *party) { p.react(x) })
			}
		}
	}
}

// respond answers a direct message.
func (p *party) respond(v *conversation, to *agent) {
	a := v.other(to)
	if p.world.conversations[v.id] != v {
		return
	}
	v.markRead(a)
	p.world.say(v, a, p.words(a, says.answers, to.handle))
}

// react is what a new post meets with.
func (p *party) react(x *post) {
	if x.gone {
		return
	}
	fan := p.someone(nil)
	p.world.like(fan, x)
	if p.dice.IntN(2) == 0 {
		critic := p.someone(func(a *agent) bool { return a != fan })
		p.world.addComment(critic, x, nil, p.words(critic, says.comments, x.agent.handle))
	}
}

// generate has something made for the first agent; the second and each third
// after it go wrong, as with an account that has run out of credit.
func (p *party) generate() {
	known := p.known()
	if len(known) == 0 {
		return
	}
	o := says.orders[p.jobs%len(says.orders)]
	s := known[0].services[o.provider]
	if s == nil {
		return
	}
	good := s.key
	if p.jobs%3 == 1 {
		s.key = "quota"
	}
	_, _ = p.world.start(known[0], o) // refused while three are running: then not now
	s.key = good
	p.jobs++
}
