package slack

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

// shelf is a store of installations and of what is good once, for several processes
// of a test.
type shelf struct {
	mu      sync.Mutex
	of      map[string]bridge.Installation
	once    map[string][]byte
	rev     uint64
	down    error
	guard   func(bridge.Installation) error // asked before each Put; nil: nothing is refused
	changed chan struct{}
	puts    int
}

func newShelf() *shelf {
	return &shelf{of: map[string]bridge.Installation{}, once: map[string][]byte{}, changed: make(chan struct{})}
}

func (s *shelf) Get(_ context.Context, platform, enterprise, team string) (bridge.Installation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.of[enterprise+"/"+team]; ok {
		return r, s.down
	}
	return bridge.Installation{Platform: platform, Enterprise: enterprise, Team: team}, s.down
}

func (s *shelf) Put(_ context.Context, r bridge.Installation) (bridge.Installation, error) {
	s.mu.Lock()
	guard := s.guard
	s.mu.Unlock()
	if guard != nil {
		if err := guard(r); err != nil {
			return r, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.Enterprise + "/" + r.Team
	switch {
	case s.down != nil:
		return r, s.down
	case s.of[key].Rev != r.Rev:
		return r, fmt.Errorf("put %s: %w", r, bridge.ErrFenced)
	}
	s.rev++
	s.puts++
	r.Rev = s.rev
	s.of[key] = r
	close(s.changed)
	s.changed = make(chan struct{})
	return r, nil
}

func (s *shelf) list() ([]bridge.Installation, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []bridge.Installation
	for _, r := range s.of {
		out = append(out, r)
	}
	return out, s.changed
}

func (s *shelf) Watch(ctx context.Context, changed func([]bridge.Installation)) error {
	for {
		list, again := s.list()
		changed(list)
		select {
		case <-again:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *shelf) PutOnce(_ context.Context, key string, value []byte, _ time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down == nil {
		s.once[key] = value
	}
	return s.down
}

func (s *shelf) TakeOnce(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value := s.once[key]
	if s.down == nil {
		delete(s.once, key)
	}
	return value, s.down
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

// town is a Slack of several workspaces, with processes of one bridge that people
// install the app of.
type town struct {
	*testing.T
	fake  *fakeslack.Server
	shelf *shelf
	log   *lines
	hands *hands
	apps  []*Apps // one a process
	site  *httptest.Server
	turn  int // which process answers the next request

	mu         sync.Mutex
	came, left []string
	changes    []Change
}

// build starts a town with so many processes. set changes the options of each.
func buildTown(t *testing.T, o fakeslack.Options, processes int, set func(*AppsOptions)) *town {
	t.Helper()
	w := &town{T: t, shelf: newShelf(), log: &lines{}, hands: newHands(fine)}
	o.SigningSecret = signingSecret
	o.Limits = fakeslack.Limits{Off: true, TriggerLife: patience}
	o.Deliver = quickDeliveries
	var err error
	w.fake, err = fakeslack.New(o)
	require.NoError(t, err)
	t.Cleanup(w.fake.Close)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(w.log.String())
		}
	})
	w.site = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.turn++
		a := w.apps[w.turn%len(w.apps)]
		w.mu.Unlock()
		a.Handler().ServeHTTP(out, r)
	}))
	t.Cleanup(w.site.Close)
	for n := range processes {
		w.process(n, set)
	}
	deliver := quickDeliveries
	deliver.EventsURL, deliver.CommandsURL, deliver.InteractionsURL = w.site.URL+"/slack/events", w.site.URL+"/slack/commands", w.site.URL+"/slack/interactions"
	w.fake.SetDeliver(deliver)
	return w
}

const (
	testClient = "1111111111.2222222222"
	testSecret = "fakeslack-client-secret"
)

func (w *town) process(n int, set func(*AppsOptions)) {
	notes := &ownNotes{of: newMemory[[]byte](1000)}
	own := &http.Transport{}
	o := AppsOptions{
		Options: Options{
			APIURL: w.fake.URL(), HTTPClient: &http.Client{Transport: own}, Version: "test", Log: testLog(w.log), Notes: notes,
			Commands: w.hands.do, Accept: w.hands.accept, SigningSecret: func() string { return signingSecret },
			Changed: func(c Change) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.changes = append(w.changes, c)
			},
		},
		Installs: w.shelf, Owner: fmt.Sprintf("process %d", n),
		OAuth: &OAuth{
			ClientID: testClient, ClientSecret: func() string { return testSecret }, PublicURL: w.site.URL, States: w.shelf,
			Show: func(out http.ResponseWriter, p Page) {
				out.WriteHeader(p.Status)
				_, _ = fmt.Fprintf(out, "%s\n%s\n%s\n%s", p.Title, strings.Join(p.Lines, "\n"), strings.Join(p.Steps, "\n"), p.Link)
			},
		},
		Came: func(_ context.Context, r bridge.Installation, team string) error { return w.noted(&w.came, r, team) },
		Left: func(_ context.Context, r bridge.Installation, team string) error { return w.noted(&w.left, r, team) },
	}
	if set != nil {
		set(&o)
	}
	a, err := NewApps(o)
	require.NoError(w, err)
	w.apps = append(w.apps, a)
	ctx, stop := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Follow(ctx) }()
	w.Cleanup(func() {
		require.NoError(w, a.Drain(context.WithoutCancel(w.Context())))
		stop()
		require.NoError(w, <-ended)
		own.CloseIdleConnections()
	})
}

func (w *town) noted(list *[]string, r bridge.Installation, team string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if entry := team + " by " + r.Installer.ID; !slices.Contains(*list, entry) {
		*list = append(*list, entry)
	}
	return nil
}

func (w *town) noticed(list *[]string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(*list)
}

// install goes through an installation as a person does.
func (w *town) install(in fakeslack.Install) fakeslack.Page {
	w.Helper()
	in.URL = w.site.URL + "/slack/install"
	page, err := w.fake.Install(w.Context(), in)
	require.NoError(w, err)
	return page
}

// eventually waits for something that other goroutines bring about.
func (w *town) eventually(what string, cond func() bool) {
	w.Helper()
	require.Eventually(w, cond, time.Minute, 5*time.Millisecond, what)
}

// everywhere waits until every process knows a workspace's token, or that it has none.
func (w *town) everywhere(team string, token func() string) {
	w.Helper()
	w.eventually("known in every process", func() bool {
		for _, a := range w.apps {
			if r, _ := a.find("", team); r.Bot != token() {
				return false
			}
		}
		return true
	})
}

// record is what is stored of a workspace.
func (w *town) record(enterprise, team string) bridge.Installation {
	w.Helper()
	r, err := w.shelf.Get(w.Context(), platform, enterprise, team)
	require.NoError(w, err)
	return r
}

// clean expects that no token is in the log, and that the fake found nothing wrong
// but what is named.
func (w *town) clean(except ...string) {
	w.Helper()
	require.NotContains(w, w.log.String(), "fake-", "a token in the log")
	require.NotContains(w, w.log.String(), testSecret)
	require.Empty(w, w.fake.Faults(except...))
}

var everyScope = func() []string { return allScopeNames() }()

// browser keeps cookies and goes where it is told to.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	own := &http.Transport{}
	t.Cleanup(own.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: own, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// get asks for a page and returns its status, where it sends the browser, and what it says.
func get(t *testing.T, c *http.Client, method, address string) (status int, to *url.URL, body string, header http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	require.NoError(t, err)
	res, err := c.Do(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	to, _ = res.Location()
	return res.StatusCode, to, string(raw), res.Header
}

// S27: somebody installs the app in their workspace, through any process, and it
// works at once.
func TestInstalledAppWorksAtOnce(t *testing.T) {
	t.Parallel()
	w := buildTown(t, fakeslack.Options{}, 2, nil)
	team := w.fake.AddEmptyWorkspace("acme")
	page := w.install(fakeslack.Install{Workspace: team.ID})
	require.Equal(t, 200, page.Status, page.Body)
	require.Contains(t, page.Body, "ImagineBridge is installed in acme")
	require.NotContains(t, page.Body, "Not allowed")
	require.Contains(t, page.Body, "/invite @ImagineBridge")

	r := w.record("", team.ID)
	require.Equal(t, team.BotToken(), r.Bot)
	require.Equal(t, []string{team.ID, team.BotUser, team.BotID, team.AppID, team.Owner}, []string{r.Team, r.BotUser, r.BotID, r.App, r.Installer.ID})
	require.ElementsMatch(t, everyScope, r.Scopes)
	w.everywhere(team.ID, team.BotToken)
	w.eventually("the workspace is noted", func() bool { return slices.Contains(w.noticed(&w.came), team.ID+" by "+team.Owner) })

	alerts := team.AddChannel("alerts")
	for _, a := range w.apps {
		_, err := a.In(team.ID).Send(t.Context(), note(alerts, 1))
		require.NoError(t, err)
		_, err = a.Send(t.Context(), note(alerts, 2))
		require.NoError(t, err, "found by its channel")
	}
	require.Len(t, w.fake.Messages(alerts), 4)
	got, err := w.fake.Slash(team.Owner, alerts, "/ia post show p1")
	require.NoError(t, err)
	require.True(t, got.Acked)
	w.eventually("the command ran", func() bool { return len(w.hands.effects()) == 1 })
	asked := w.hands.effects()[0].Principal
	require.Equal(t, team.ID, asked.Workspace)
	require.True(t, asked.Manages, "who installed the app")
	w.clean()
}

// One app has one set of sockets, whoever installed it: what comes in finds its
// workspace.
func TestSocketsServeEveryWorkspace(t *testing.T) {
	t.Parallel()
	app := ""
	w := buildTown(t, fakeslack.Options{}, 1, func(o *AppsOptions) { o.AppToken = func() string { return app } })
	app = w.fake.AppToken()
	deliver := quickDeliveries
	w.fake.SetDeliver(deliver)
	w.apps[0].front.links = testLinks
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.apps[0].Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	w.eventually("the sockets are open", func() bool { return w.fake.Sockets() == 2 })
	for _, name := range []string{"acme", "bolt"} {
		team := w.fake.AddEmptyWorkspace(name)
		page := w.install(fakeslack.Install{Workspace: team.ID})
		require.Equal(t, 200, page.Status, page.Body)
		w.everywhere(team.ID, team.BotToken)
		channel, before := team.AddChannel("alerts"), len(w.hands.effects())
		got, err := w.fake.Slash(team.Owner, channel, "/ia post show p1")
		require.NoError(t, err)
		require.True(t, got.Acked)
		w.eventually("the command ran", func() bool { return len(w.hands.effects()) == before+1 })
		require.Equal(t, team.ID, w.hands.effects()[before].Principal.Workspace)
		w.eventually("answered there", func() bool { return len(w.fake.Messages(channel)) == 1 })
		team.Uninstall(false)
		w.eventually("erased", func() bool { return w.record("", team.ID).Bot == "" })
	}
	require.NoError(t, w.apps[0].Drain(t.Context()))
	w.clean("account_inactive")
}

// note is the nth message on its way to a channel.
func note(channel string, n int) bridge.Delivery {
	w := &world{channel: channel}
	d := w.note(n)
	return d
}

// What an installation's sink can do besides sending reaches the worker: a look
// whether the channel is there, and whether a former run sent something.
func TestAWorkspaceIsAskedAsItsSinkIs(t *testing.T) {
	t.Parallel()
	w := buildTown(t, fakeslack.Options{}, 1, nil)
	team := w.fake.AddEmptyWorkspace("acme")
	began := time.Now().Add(-time.Minute)
	page := w.install(fakeslack.Install{Workspace: team.ID})
	require.Equal(t, 200, page.Status, page.Body)
	w.everywhere(team.ID, team.BotToken)
	alerts := team.AddChannel("alerts")
	to := w.apps[0].In(team.ID)
	sent, err := to.Send(t.Context(), note(alerts, 1))
	require.NoError(t, err)
	found, err := to.(bridge.Witness).Sent(t.Context(), note(alerts, 1), bridge.Former{From: began, Until: time.Now().Add(time.Minute)})
	require.NoError(t, err)
	require.Equal(t, sent.Message, found.Receipt.Message)
	require.NoError(t, to.(bridge.Prober).Probe(t.Context(), bridge.Destination{Scheme: "slack", Place: alerts}))
	require.Error(t, to.(bridge.Prober).Probe(t.Context(), bridge.Destination{Scheme: "slack", Place: "C0NOWHERE"}))
	w.clean("channel_not_found")
}
