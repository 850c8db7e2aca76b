package poller_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
	"github.com/imaginebridge/imaginebridge/poller"
)

// watching is a change of the options: the agent with something to watch.
func (w town) watching(words ...string) func(*poller.Options) {
	return func(o *poller.Options) {
		w.journal.tolerant = true
		o.Agents[0].Watch = words
	}
}

// as is the API as another account with credentials sees it.
func (w town) as(n int) *imagine.Client {
	w.t.Helper()
	cred := w.Agents()[n]
	api, err := imagine.New(imagine.Options{
		BaseURL: w.BaseURL(), ClientID: cred.ClientID, ClientSecret: func() string { return cred.ClientSecret }, HTTPClient: w.Client(),
	})
	require.NoError(w.t, err)
	return api
}

func (w town) matched(posts ...string) []string {
	var out []string
	for _, p := range posts {
		out = append(out, "post_"+w.handle+"_matched_"+p)
	}
	return out
}

func TestWatchedTagsSearchesAndAuthorsAreToldOnce(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		_, stop := w.poll(w.watching("#orbit", "spare hinge", "@moss_garden"))
		pass(2 * time.Minute)
		require.Empty(t, w.journal.told(""), "nothing old is sent")
		tagged := w.act(sandbox.Action{As: "nova_ai", Do: "post", Content: "A new gate #orbit"}).Post
		found := w.act(sandbox.Action{As: "nova_ai", Do: "post", Content: "I have a spare hinge"}).Post
		written := w.act(sandbox.Action{As: "moss_garden", Do: "post", Content: "Green"}).Post
		both := w.act(sandbox.Action{As: "moss_garden", Do: "post", Content: "Green #orbit"}).Post
		w.act(sandbox.Action{As: w.handle, Do: "post", Content: "My own #orbit"})
		w.act(sandbox.Action{As: "nova_ai", Do: "post", Content: "Neither"})
		pass(4 * time.Minute)
		requireAlike(t, w.matched(tagged, found, written, both), w.journal.told("post_"))
		watch := map[string]string{}
		for _, e := range w.journal.events {
			if d, ok := e.Data.(events.PostMatched); ok {
				watch[d.Post.ID] = d.Watch
			}
		}
		require.Equal(t, "#orbit", watch[tagged])
		require.Equal(t, "spare hinge", watch[found])
		require.Equal(t, "@moss_garden", watch[written])
		stop()
	})
}

// However many are watched, they spend one look in each interval together, and
// each has its turn.
func TestManyWatchesShareOneBudgetInTurn(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		var words []string
		for i := range 20 {
			words = append(words, fmt.Sprintf("#tag%02d", i))
		}
		_, stop := w.poll(w.watching(words...))
		pass(10 * time.Minute)
		before := len(w.Journal())
		pass(10 * time.Minute)
		looks := map[string]int{}
		for _, e := range w.Journal()[before:] {
			if strings.HasPrefix(e.Path, "/api/hashtags/") {
				looks[e.Path]++
			}
		}
		require.Len(t, looks, 20, "each has its turn")
		total := 0
		for path, n := range looks {
			require.InDelta(t, 3, n, 1, path) // ten minutes, in rounds of two hundred seconds
			total += n
		}
		require.LessOrEqual(t, total, 66)
		stop()
	})
}

// What is watched on wish leaves half of the reads to the rest, whatever is asked
// of it.
func TestExtrasLeaveHalfOfTheReads(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		_, stop := w.poll(func(o *poller.Options) {
			w.journal.tolerant = true
			o.Agents[0].Watch = []string{"#a", "#b", "@nova_ai"}
			o.Feed, o.Posts, o.Ceiling = true, 100*time.Millisecond, 100*time.Millisecond
			o.Profile, o.Orders, o.Listings = 100*time.Millisecond, 100*time.Millisecond, 100*time.Millisecond
			o.Notifications, o.Messages, o.Generations = 30*time.Second, 30*time.Second, 30*time.Second
		})
		pass(5 * time.Minute)
		for range 50 {
			w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
			began := time.Now()
			_, err := w.api.Me(t.Context())
			require.NoError(t, err)
			require.Zero(t, time.Since(began), "a person does not wait")
			pass(5 * time.Second)
		}
		pass(2 * time.Minute)
		requireAlike(t, w.happened(sandbox.HappenedNotification), w.journal.told("ntf_"))
		require.LessOrEqual(t, w.mostReads(), 72, "extras end at fifty, others and people come on top")
		stop()
	})
}

// mostReads is the largest number of reads within a minute.
func (w town) mostReads() (most int) {
	var at []time.Time
	for _, e := range w.Journal() {
		if e.Class == sandbox.ClassRead {
			at = append(at, e.At)
		}
	}
	first := 0
	for i := range at {
		for at[i].Sub(at[first]) >= time.Minute {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func TestMilestonesAndChangesOfTheProfile(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{Empty: true}, func(t *testing.T, w town) {
		post := w.act(sandbox.Action{As: w.handle, Do: "post", Content: "Docking ring done"}).Post
		cast := []string{"nova_ai", "pixel_pilot", "tidal_mind", "moss_garden", "echo_valley", "cobalt_fox", "paper_crane", "juno_relay", "ember_kite", "sable_owl"}
		for _, who := range cast[:9] {
			w.act(sandbox.Action{As: who, Do: "follow", Handle: w.handle})
			w.act(sandbox.Action{As: who, Do: "like", Post: post})
		}
		_, stop := w.poll(func(o *poller.Options) { o.Profile = time.Minute })
		pass(3 * time.Minute)
		require.Empty(t, w.journal.told("agent_"), "where it stands is no news")
		w.act(sandbox.Action{As: cast[9], Do: "follow", Handle: w.handle})
		w.act(sandbox.Action{As: cast[9], Do: "like", Post: post})
		pass(2 * time.Minute)
		milestones := func() []string {
			return slices.DeleteFunc(w.journal.told("agent_"), func(id string) bool {
				return !strings.Contains(id, "followers") && !strings.Contains(id, "likes")
			})
		}
		want := []string{"agent_" + w.handle + "_milestone_followers_10", "agent_" + w.handle + "_milestone_likes_10_" + post}
		require.Equal(t, want, milestones())
		w.act(sandbox.Action{As: cast[9], Do: "unfollow", Handle: w.handle})
		pass(2 * time.Minute)
		w.act(sandbox.Action{As: cast[9], Do: "follow", Handle: w.handle})
		pass(2 * time.Minute)
		require.Equal(t, want, milestones(), "the same milestone a second time is no news")
		for _, bio := range []string{"one", "two", "one", "two"} {
			_, err := w.api.UpdateMe(t.Context(), imagine.ProfileChange{Bio: &bio})
			require.NoError(t, err)
			pass(2 * time.Minute)
		}
		changes := 0
		for _, e := range w.journal.events {
			if d, ok := e.Data.(events.AgentProfileChanged); ok {
				require.Equal(t, []string{"bio"}, d.Changed)
				changes++
			}
		}
		require.Equal(t, 4, changes, "each change, also back to what was")
		require.Empty(t, w.journal.refused)
		stop()
	})
}

func TestOrdersAndListingsOfTheMarketplace(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		buyer := w.as(1)
		_, err := w.api.SetUpPaymentAccount(t.Context(), "") // only who can be paid is
		require.NoError(t, err)
		mine, err := w.api.CreateListing(t.Context(), imagine.NewListing{Title: "Views", Description: "Three views", Price: 500, DeliveryDays: 2, Revisions: 1, Category: "ART"})
		require.NoError(t, err)
		_, err = buyer.PlaceOrder(t.Context(), mine.ID, "before the bridge looked", "CARD")
		require.NoError(t, err)
		pass(5 * time.Second)
		_, stop := w.poll(func(o *poller.Options) { o.Orders, o.Listings = 30*time.Second, 30*time.Second })
		pass(2 * time.Minute)
		require.Empty(t, w.journal.told("service_"), "what was there is no news")
		placed, err := buyer.PlaceOrder(t.Context(), mine.ID, "for my eyes only", "CARD")
		require.NoError(t, err)
		theirs, err := buyer.CreateListing(t.Context(), imagine.NewListing{Title: "Charts", Description: "Of harbours", Price: 900, DeliveryDays: 1, Category: "ART"})
		require.NoError(t, err)
		pass(time.Minute)
		order := placed.Order.ID
		for _, step := range []struct {
			by     *imagine.Client
			action string
		}{{w.api, "start"}, {w.api, "deliver"}, {buyer, "request_revision"}, {w.api, "deliver"}, {buyer, "accept"}} {
			_, err := step.by.UpdateOrder(t.Context(), order, step.action, "")
			require.NoError(t, err)
			pass(time.Minute)
		}
		var statuses []string
		for _, e := range w.journal.events {
			switch d := e.Data.(type) {
			case events.ServiceOrdered:
				require.Equal(t, "seller", d.Order.Role)
				statuses = append(statuses, "ordered")
			case events.ServiceOrderChanged:
				statuses = append(statuses, strings.ToLower(d.Order.Status))
			case events.ServiceListed:
				require.Equal(t, theirs.ID, d.Listing.ID, "own offers are no news")
			}
		}
		require.Equal(t, []string{"ordered", "in_progress", "delivered", "revision", "delivered", "completed"}, slices.DeleteFunc(statuses, func(s string) bool { return s == "paid" }))
		require.Contains(t, w.journal.told("service_"), "service_"+w.handle+"_listed_"+theirs.ID)
		require.Empty(t, w.journal.refused)
		stop()
	})
}

// A service that does not offer what is wished for is named; everything else is
// watched on.
func TestAnExtraThatTheServiceLacksIsNamed(t *testing.T) {
	t.Parallel()
	inTown(t, sandbox.Options{}, func(t *testing.T, w town) {
		in := w.Inject(sandbox.Rule{Path: "/api/marketplace/orders", Fault: sandbox.FaultSeedOnly})
		p, stop := w.poll(func(o *poller.Options) { o.Orders = 10 * time.Second })
		pass(5 * time.Second)
		require.True(t, p.Statuses()[0].Ready, "it holds no readiness back")
		pass(5 * time.Minute)
		require.Equal(t, poller.Degraded, p.Statuses()[0].Health)
		require.Contains(t, p.Statuses()[0].Reason, "poll orders")
		w.act(sandbox.Action{As: "nova_ai", Do: "mention", Content: "hi @" + w.handle})
		pass(2 * time.Minute)
		require.Len(t, w.journal.told("ntf_"), 1)
		require.NotZero(t, in.Hits())
		stop()
	})
}
