package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

const (
	listLife    = time.Hour        // how long a list is taken for new
	tagLife     = 5 * time.Minute  // of hashtags, which change by the hour
	readPause   = 10 * time.Second // between two reads for one agent
	readLimit   = 20 * time.Second // of one read
	failedPause = time.Minute      // before a list that could not be read is tried again
	listLength  = 50               // of tags and media, as asked for
	maxListed   = 1000             // of any list, as kept
)

// list is what the API listed. It is shown on while a newer one is read.
type list struct {
	entries []entry
	at      time.Time // when it was read; zero: never
	retry   time.Time // not tried again before
}

// Keys of lists. Those of models name provider and kind too.
const (
	keyProviders = "providers"
	keyVoices    = "voices"
	keyTags      = "tags"
	keyMedia     = "media"
	keyModels    = "models/"
)

// listed gives what is cached of a source and asks for what is missing or old;
// of models those for one kind of generation and of one provider, unless they are
// empty.
func (c *Completer) listed(m *memory, source Source, kind, provider string) []entry {
	switch source {
	case Providers:
		c.want(m, keyProviders, listLife)
		return m.providers()
	case Voices:
		return c.want(m, keyVoices, listLife)
	case Tags:
		return c.want(m, keyTags, tagLife)
	case Media:
		return c.want(m, keyMedia, listLife)
	case Models:
		var all []entry
		for _, p := range m.providers() {
			if provider != "" && provider != p.Value {
				continue
			}
			for _, makes := range imagine.Providers()[p.Value] {
				if kind == "" || kind == makes {
					all = append(all, c.want(m, keyModels+p.Value+"/"+makes, listLife)...)
				}
			}
		}
		return all
	default:
		return nil
	}
}

// want gives a list as it is, and has it read unless it is new.
func (c *Completer) want(m *memory, key string, life time.Duration) []entry {
	l := m.lists[key]
	if l == nil {
		l = &list{}
		m.lists[key] = l
	}
	now := time.Now()
	if (l.at.IsZero() || now.Sub(l.at) >= life) && !now.Before(l.retry) && !slices.Contains(m.wanted, key) {
		m.wanted = append(m.wanted, key)
		c.rouse()
	}
	return l.entries
}

// outdate has a list read anew when it is next asked for.
func (m *memory) outdate(key string) {
	if l := m.lists[key]; l != nil {
		l.at = time.Time{}
	}
}

// providers are those the agent has connected, then the others known.
func (m *memory) providers() []entry {
	var out []entry
	if l := m.lists[keyProviders]; l != nil {
		out = slices.Clone(l.entries)
	}
	for _, p := range slices.Sorted(maps.Keys(imagine.Providers())) {
		if !slices.ContainsFunc(out, func(e entry) bool { return e.Value == p }) {
			out = append(out, providerEntry(p, "")...)
		}
	}
	return out
}

func (c *Completer) rouse() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run reads the lists that Complete asked for, one every ten seconds and agent
// at most, behind people, deliveries and pollers in the rate budget. It returns
// nil when ctx ends.
func (c *Completer) Run(ctx context.Context) error {
	var reads sync.WaitGroup
	defer reads.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if wait := c.begin(ctx, &reads); wait > 0 {
			timer.Reset(wait)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
		case <-timer.C:
		}
	}
}

// begin starts every read that is due and gives the time until the next is; 0
// where none waits for time.
func (c *Completer) begin(ctx context.Context, reads *sync.WaitGroup) time.Duration {
	here := c.agents()
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	var soonest time.Duration
	for handle, m := range c.known {
		api := here[handle]
		if api == nil || m.reads || len(m.wanted) == 0 {
			continue
		}
		if wait := m.next.Sub(now); wait > 0 {
			if soonest == 0 || wait < soonest {
				soonest = wait
			}
			continue
		}
		m.reads, m.next = true, now.Add(readPause)
		key := m.wanted[0]
		reads.Go(func() { c.read(ctx, api, m, key) })
	}
	return soonest
}

// read reads one list.
func (c *Completer) read(ctx context.Context, api *imagine.Client, m *memory, key string) {
	ctx, cancel := context.WithTimeout(imagine.WithPriority(ctx, imagine.Completion), readLimit)
	defer cancel()
	entries, err := readList(ctx, api, key)
	c.mu.Lock()
	defer c.mu.Unlock()
	m.reads = false
	m.wanted = slices.DeleteFunc(m.wanted, func(k string) bool { return k == key })
	l, now := m.lists[key], time.Now()
	if err != nil {
		l.retry = now.Add(failedPause)
	} else {
		l.entries, l.at, l.retry = entries, now, time.Time{}
	}
	c.rouse()
}

// readList makes the one call behind a list.
func readList(ctx context.Context, api *imagine.Client, key string) ([]entry, error) {
	switch key {
	case keyProviders:
		s, err := api.Services(ctx)
		if err != nil {
			return nil, err
		}
		return providerEntries(s), nil
	case keyVoices:
		p, err := api.Voices(ctx)
		return entriesOf(p, err, func(v imagine.Voice) []entry {
			return newEntry(v.ID, dots(v.Name, v.Gender, v.Age, v.Accent, v.UseCase), v.Gender, v.Accent)
		})
	case keyTags:
		p, err := api.TrendingTags(ctx, listLength)
		return entriesOf(p, err, func(t imagine.Tag) []entry {
			return newEntry(t.Tag, dots("#"+t.Tag, counted(t.PostCount, "post").String()))
		})
	case keyMedia:
		p, err := api.Media(ctx, imagine.MediaQuery{PageQuery: imagine.PageQuery{Limit: listLength}})
		return entriesOf(p, err, mediaEntry)
	}
	provider, kind, ok := strings.Cut(strings.TrimPrefix(key, keyModels), "/")
	if !ok {
		return nil, fmt.Errorf("no list is called %q", key)
	}
	p, err := api.Models(ctx, provider, kind)
	return entriesOf(p, err, func(model imagine.Model) []entry { return modelEntry(model, provider, kind) })
}

func entriesOf[T any](p *imagine.Page[T], err error, one func(T) []entry) ([]entry, error) {
	if err != nil {
		return nil, err
	}
	var out []entry
	for _, item := range p.Items[:min(len(p.Items), maxListed)] {
		out = append(out, one(item)...)
	}
	return out, nil
}

// providerEntries puts the connected ones first.
func providerEntries(s *imagine.Services) []entry {
	var on, off, free []entry
	for _, service := range s.Items {
		if service.IsActive {
			on = append(on, providerEntry(service.Provider, "connected")...)
		} else {
			off = append(off, providerEntry(service.Provider, "switched off")...)
		}
	}
	for _, p := range s.Available {
		if !slices.ContainsFunc(s.Items, func(service imagine.Service) bool { return service.Provider == p }) {
			free = append(free, providerEntry(p, "")...)
		}
	}
	return slices.Concat(on, off, free)
}

func providerEntry(name, state string) []entry {
	kinds := imagine.Providers()[name]
	out := newEntry(name, dots(name, state, strings.ReplaceAll(strings.Join(kinds, ", "), "_", " ")))
	for i := range out {
		out[i].kind = strings.Join(kinds, " ")
	}
	return out
}

func modelEntry(m imagine.Model, provider, kind string) []entry {
	usual := ""
	if m.IsDefault {
		usual = "default"
	}
	name := m.Name
	if name == "" {
		name = m.ID
	}
	out := newEntry(m.ID, dots(name, provider+" "+strings.ReplaceAll(kind, "_", " "), usual), provider)
	for i := range out {
		out[i].kind = kind
	}
	return out
}

func mediaEntry(m imagine.Media) []entry {
	name := m.Pathname[strings.LastIndexByte(m.Pathname, '/')+1:]
	made := ""
	if !m.CreatedAt.IsZero() {
		made = m.CreatedAt.UTC().Format("2 Jan 15:04")
	}
	state := ""
	if m.Status != "ready" {
		state = m.Status
	}
	return newEntry(m.ID, dots(strings.ToLower(m.Type), name, made, state), name)
}
