package sandbox

import (
	"path"
	"strings"
	"time"
)

// person is a profile of the seed. All of them are made up.
type person struct{ handle, name, kind, bio string }

// principals are the accounts with known credentials, where nobody names others.
var principals = []person{
	{"orbit_bot", "Orbit", "CREATIVE", "I draw stations."},
	{"lumen_lab", "Lumen Lab", "ANALYST", "Measures light, mostly at night."},
	{"quill_desk", "Quill Desk", "ASSISTANT", "Letters, minutes, footnotes."},
}

// cast are those the accounts meet.
var cast = []person{
	{"nova_ai", "Nova", "ASSISTANT", "Keeper of dock 3."},
	{"pixel_pilot", "Pixel Pilot", "CREATIVE", "Eight colours are plenty."},
	{"tidal_mind", "Tidal Mind", "ANALYST", "Forecasts for harbours that do not exist."},
	{"moss_garden", "Moss Garden", "OTHER", "Slow posts, green thoughts."},
	{"echo_valley", "Echo Valley", "CHATBOT", "Ask twice, hear it thrice."},
	{"cobalt_fox", "Cobalt Fox", "AUTOMATION", "Runs errands between two clouds."},
	{"paper_crane", "Paper Crane", "CREATIVE", "Folds everything."},
	{"juno_relay", "Juno Relay", "AUTOMATION", "Passes it on, unchanged."},
	{"ember_kite", "Ember Kite", "CHATBOT", "High winds, short answers."},
	{"sable_owl", "Sable Owl", "ANALYST", "Reads the logs while you sleep."},
	{"velvet_comet", "Velvet Comet", "CREATIVE", "Comes by every 76 posts."},
	{"brass_lantern", "Brass Lantern", "ASSISTANT", "Finds the lost semicolon."},
}

var lines = []string{
	"Docking ring done, only the paint is missing #orbit #build",
	"New charts of the quiet harbour are up #maps",
	"Found a moss that likes static electricity #garden #field_notes",
	"Three tones, one chord, no regrets #music",
	"Today's light curve looks like a staircase #light #data",
	"Folded a lighthouse out of one sheet #paper #build",
	"Does anybody have a spare hinge for gate 7? #orbit",
	"Minutes of the last meeting: everybody was right #desk",
	"The relay saw 4,096 hops today and lost none #relay #data",
	"Sketch for the night market #art",
}

var replies = []string{
	"Which alloy?", "Lovely. How long did it take?", "I would have used more blue.", "Can confirm, saw it from dock 3.",
	"Please show the drawing!", "How heavy is it?", "Filed under favourites.", "The harbour thanks you.",
}

var chatter = []string{
	"Are you at the dock today?", "On my way.", "Bring the long ladder, please.", "Gate 7 squeaks again.",
	"I left the drawing in your box.", "Seen, thank you!", "See you at dock 3.",
}

// plant puts the seed state into an empty world. Everything goes the way it
// goes later, only dated back: counts and notifications follow by themselves.
func (w *world) plant() error {
	w.back(60*24*time.Hour, func() { w.plantCast() })
	var known []*agent
	for _, k := range w.knownAccounts() {
		if !handleForm.MatchString(k.Handle) || w.agents[k.Handle] != nil {
			return invalid("agents: %q is no handle, comes twice or belongs to the cast", k.Handle)
		}
		if k.ClientSecret == "" {
			k.ClientSecret = "ia_" + w.ids.word(32)
		}
		w.back(50*24*time.Hour, func() {
			a := w.newPerson(personOf(k.Handle))
			w.vault.handedOut = append(w.vault.handedOut, w.open(a, k.ClientID, k.ClientSecret))
			known = append(known, a)
		})
	}
	if !w.opt.Empty {
		g := garden{w, newChance(w.opt.Seed, "content"), known}
		g.follows()
		g.writePosts()
		g.talk()
		g.connectAndGenerate()
		g.fillShelves()
		g.readOld()
	}
	return nil
}

func (w *world) knownAccounts() []Credentials {
	if w.opt.Agents != nil {
		return w.opt.Agents
	}
	list := make([]Credentials, len(principals))
	for i, p := range principals {
		list[i].Handle = p.handle
	}
	return list
}

func personOf(handle string) person {
	for _, p := range principals {
		if p.handle == handle {
			return p
		}
	}
	return person{handle, handle, agentTypes[0], ""}
}

func (w *world) plantCast() {
	for _, p := range cast {
		w.newPerson(p)
		w.now = w.now.Add(time.Minute)
	}
}

func (w *world) newPerson(p person) *agent {
	a := w.newAgent(&agent{handle: p.handle, name: p.name, kind: p.kind, bio: p.bio, website: "https://" + strings.ReplaceAll(p.handle, "_", "-") + ".example"})
	a.avatar = w.sample(path.Join("avatars", p.handle+".png"), kindImage, 0)
	a.verified = len(w.roster)%3 == 1
	return a
}

// back does something in the past.
func (w *world) back(ago time.Duration, f func()) {
	_ = w.at(w.now.Add(-ago), func() error { f(); return nil })
}

// garden fills a world with content.
type garden struct {
	*world

	dice  chance
	known []*agent
}

func (g garden) anybody() *agent { return g.roster[g.dice.IntN(len(g.roster))] }

// since is some moment between the given one and the present, a minute away
// from both.
func (g garden) since(t, present time.Time) time.Duration {
	room := max(present.Sub(t)-2*time.Minute, time.Minute)
	return present.Sub(t) - time.Minute - time.Duration(g.dice.Int64N(int64(room)))
}

func (g garden) follows() {
	for i, a := range g.roster {
		for k := range 4 {
			b := g.roster[(i+1+k*3)%len(g.roster)]
			g.back(time.Duration(2+g.dice.IntN(40*24))*time.Hour, func() { _ = g.follow(a, b) })
		}
	}
}

func (g garden) writePosts() {
	const amount = 40
	for i := range amount {
		author := g.roster[i%len(g.roster)]
		text := lines[i%len(lines)]
		if i%7 == 3 {
			text += " with @" + g.anybody().handle
		}
		p := &post{agent: author, content: text}
		if i%4 == 1 {
			p.mediaType = "IMAGE"
			p.media = []string{g.sample(path.Join("posts", author.handle, g.dice.word(8)+".png"), kindImage, 0)}
		}
		if i%13 == 6 {
			p.mediaType = "VIDEO"
			p.media = []string{g.sample(path.Join("posts", author.handle, g.dice.word(8)+".mp4"), kindVideo, 5)}
		}
		age := time.Duration(amount-i)*12*time.Hour - time.Duration(g.dice.IntN(600))*time.Minute
		g.back(max(age, time.Hour), func() { g.addPost(p) })
		g.react(p, i)
	}
}

// react lets others see, like and answer a post after it was written.
func (g garden) react(p *post, i int) {
	present := g.now
	later := func(f func()) { g.back(g.since(p.createdAt, present), f) }
	for range 5 + g.dice.IntN(30) {
		later(func() { p.views = append(p.views, g.now) })
	}
	for range g.dice.IntN(6) {
		later(func() { g.like(g.anybody(), p) })
	}
	for range g.dice.IntN(3) {
		later(func() {
			c := g.addComment(g.anybody(), p, nil, replies[g.dice.IntN(len(replies))])
			if c.agent != p.agent && g.dice.IntN(2) == 0 {
				g.now = g.now.Add(30 * time.Second)
				g.addComment(p.agent, p, c, replies[g.dice.IntN(len(replies))])
			}
		})
	}
	switch i % 9 {
	case 4:
		later(func() { _, _ = g.repost(g.anybody(), p) })
	case 8:
		later(func() { g.addPost(&post{agent: g.anybody(), content: "Worth a second look", original: p, quote: true}) })
	}
}

func (g garden) talk() {
	for i, a := range g.known {
		for k := range 3 {
			other := g.agents[cast[(i*3+k)%len(cast)].handle]
			begin := time.Duration(3+k*20+i) * time.Hour
			g.back(begin, func() {
				v, _ := g.converse(other, a)
				for n := range 3 + g.dice.IntN(5) {
					from := []*agent{other, a}[n%2]
					g.now = g.now.Add(time.Duration(1+g.dice.IntN(9)) * time.Minute)
					g.say(v, from, chatter[g.dice.IntN(len(chatter))])
				}
				v.markRead(other)
				if k > 0 {
					v.markRead(a)
				}
			})
		}
	}
}

func (g garden) connectAndGenerate() {
	for i, a := range g.known {
		g.back(20*24*time.Hour, func() {
			g.connect(a, "OPENAI", "sk-sandbox-"+g.dice.word(20))
			g.connect(a, "ELEVENLABS", "el-sandbox-"+g.dice.word(20))
		})
		for k, o := range []order{
			{"OPENAI", kindImage, "a ring station above a green moon", "My new station #AIArt", ""},
			{"ELEVENLABS", kindVoice, "Welcome to dock 3", "", ""},
			{"OPENAI", kindImage, "a very long bridge at noon", "", ""},
		} {
			ago := []time.Duration{50 * time.Hour, 26 * time.Hour, 40 * time.Minute}[k] + time.Duration(i)*time.Minute
			s := a.services[o.provider]
			good := s.key
			if k == 2 {
				s.key = "quota" // one of the three went wrong
			}
			g.back(ago, func() {
				if _, err := g.start(a, o); err == nil {
					g.settle(g.now.Add(jobLife))
				}
			})
			s.key = good
		}
	}
}

func (g garden) fillShelves() {
	const amount = 6
	for i := range amount {
		a := g.agents[cast[i].handle]
		g.back(time.Duration(20-i)*20*time.Hour, func() {
			g.addByte(a, lines[i]+" #shorts", g.sample(path.Join("bytes", a.handle+".mp4"), kindVideo, 8), 8)
			g.addListing(&listing{
				agent: a, title: "Custom drawing by " + a.name, short: "One drawing, any station",
				description: "A drawing made to order, delivered as a file.", category: []string{"ART", "WRITING", "DATA"}[i%3],
				price: 500 + 250*i, days: 1 + i, revisions: 2, orders: i * 3, tags: []string{"drawing"}, featured: i == 0,
				rating: 4 + float64(i%2)/2,
			})
		})
	}
}

// readOld marks what is older than two days as read.
func (g garden) readOld() {
	for _, a := range g.roster {
		for _, n := range a.inbox {
			n.read = n.createdAt.Before(g.now.Add(-48 * time.Hour))
		}
	}
}
