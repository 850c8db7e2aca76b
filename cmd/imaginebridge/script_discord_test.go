package main

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// scriptWait is how long a script waits for what people would see at once.
const scriptWait = 60 * time.Second

// screen is an emulated Discord as one person uses it in a script: with a server of
// theirs, and the private message that they are at.
type screen struct {
	ts     *testscript.TestScript
	fake   *fakediscord.Server
	guild  string
	lobby  string
	at     string // the message whose buttons are pressed
	answer *fakediscord.Interaction
	before int // requests that were refused when the app was removed
}

// discordCommands lets scripts use an emulated Discord:
//
//	discord serve           its address, a bot token and the id of a channel are in the
//	                        environment; it wants two gateway sessions
//	discord browse FILE PATH  a browser opens a page of the bridge whose log is in
//	                        the file, goes where it leads, and adds the app to a server
//	discord add | remove    the app, to and from that server
//	discord sees PATTERN    in the lobby of the server, or in a thread there
//	discord press LABEL     of the newest message there, or of the private one
//	discord types N=V ...   into the form that is open
//	discord reads PATTERN   in the private message
//	discord asked N         requests at most about the lobby since the app was removed
//	discord shards LIST     gateway sessions that are open: 0/2 1/2
//	discord back            to the private message, from one in the lobby
//	discord counts WORDS N  messages in the lobby with these words
//	discord faultless       nothing was done that Discord forbids
func discordCommands() func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) == 0 {
			ts.Fatalf("usage: discord VERB ARG...")
		}
		s, _ := ts.Value(screen{}).(*screen)
		s.ts = ts
		verb, ok := map[string]func([]string){
			"serve": s.serve, "browse": s.browse, "add": s.add, "remove": s.remove, "sees": s.sees, "press": s.press, "types": s.types, "reads": s.reads,
			"shards": s.shards, "back": s.back, "counts": s.counts, "asked": s.asked, "faultless": s.faultless,
		}[args[0]]
		if !ok {
			ts.Fatalf("discord has no verb %s", args[0])
		}
		verb(args[1:])
	}
}

func (s *screen) serve([]string) {
	fake, err := fakediscord.New(fakediscord.Options{Shards: 2, MaxConcurrency: 2})
	s.ts.Check(err)
	s.ts.Defer(fake.Close)
	s.fake = fake
	s.guild = fake.Found("Lab")
	s.lobby = fake.Channel(s.guild, "lobby")
	fake.Member(s.guild, "ann", 1<<5|fakediscord.PermViewChannel|fakediscord.PermSendMessages)
	s.ts.Setenv("DISCORD_API_URL", fake.URL())
	s.ts.Setenv("DISCORD_BOT_TOKEN", fakediscord.DefaultToken)
	s.ts.Setenv("CHANNEL_ID", s.lobby)
}

// consoleAddress is where the bridge says that its web server is.
var consoleAddress = regexp.MustCompile(`console=(http://[^/]+)/console/`)

func (s *screen) browse(args []string) {
	found := consoleAddress.FindStringSubmatch(s.ts.ReadFile(args[0]))
	if found == nil {
		s.ts.Fatalf("%s names no console", args[0])
	}
	page := found[1] + args[1]
	ctx, cancel := context.WithTimeout(context.Background(), scriptWait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, http.NoBody)
	s.ts.Check(err)
	browser := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := browser.Do(request)
	s.ts.Check(err)
	s.ts.Check(resp.Body.Close())
	if resp.StatusCode != http.StatusOK {
		s.ts.Fatalf("%s leads to %s, which answers %s", page, resp.Request.URL, resp.Status)
	}
	s.ts.Check(s.fake.Authorize("ann", resp.Request.URL.String(), s.guild))
}

func (s *screen) add([]string) { s.fake.Install(s.guild, fakediscord.DefaultPermissions) }

func (s *screen) remove([]string) {
	s.fake.Remove(s.guild)
	s.before = s.refused()
}

// refused counts the requests about the lobby that Discord refused.
func (s *screen) refused() (n int) {
	for _, r := range s.fake.Requests() {
		if r.Channel == s.lobby && r.Status >= http.StatusBadRequest {
			n++
		}
	}
	return n
}

func (s *screen) asked(args []string) {
	most, err := strconv.Atoi(args[0])
	s.ts.Check(err)
	if n := s.refused() - s.before; n > most {
		s.ts.Fatalf("%d requests after the app was removed", n)
	}
}

func (s *screen) shards(args []string) {
	s.until("shards "+strings.Join(args, " "), func() bool { return slices.Equal(s.fake.Shards(), args) })
}

func (s *screen) back([]string) {
	r, err := s.answer.Response(context.Background())
	s.ts.Check(err)
	s.at = r.Message.ID
}

func (s *screen) counts(args []string) {
	if n := strings.Count(s.fake.Screen(s.lobby), args[0]); strconv.Itoa(n) != args[1] {
		s.ts.Fatalf("%s stands there %d times:\n%s", args[0], n, s.fake.Screen(s.lobby))
	}
}

func (s *screen) faultless([]string) {
	if faults := s.fake.Faults(); len(faults) > 0 {
		s.ts.Fatalf("%v", faults)
	}
}

// until looks again and again.
func (s *screen) until(what string, look func() bool) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(scriptWait); !look(); {
		select {
		case <-tick.C:
		case <-deadline:
			s.ts.Fatalf("%s never came; the lobby shows:\n%s", what, s.fake.Screen(s.lobby))
		}
	}
}

func (s *screen) sees(args []string) {
	pattern := regexp.MustCompile(args[0])
	s.until(args[0], func() bool {
		for _, place := range append(s.fake.Threads(s.lobby), s.lobby) {
			for _, m := range s.fake.Messages(place) {
				form, err := json.Marshal(m)
				s.ts.Check(err)
				if pattern.Match(form) {
					s.at = m.ID
					return true
				}
			}
		}
		return false
	})
}

func (s *screen) press(args []string) {
	in, err := s.fake.Click("ann", s.lobby, s.at, args[0])
	s.ts.Check(err)
	s.hear(in)
}

// hear waits for the answer, and stays at its message.
func (s *screen) hear(in *fakediscord.Interaction) {
	ctx, cancel := context.WithTimeout(context.Background(), scriptWait)
	defer cancel()
	r, err := in.Response(ctx)
	s.ts.Check(err)
	s.answer = in
	if r.Message != nil {
		s.at = r.Message.ID
	}
}

func (s *screen) types(args []string) {
	values := map[string]string{}
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		values[name] = value
	}
	in, err := s.fake.Submit(s.answer, values)
	s.ts.Check(err)
	s.hear(in)
}

func (s *screen) reads(args []string) {
	pattern := regexp.MustCompile(args[0])
	s.until(args[0], func() bool {
		r, err := s.answer.Response(context.Background())
		s.ts.Check(err)
		return r.Message != nil && pattern.MatchString(r.Message.Content)
	})
}
