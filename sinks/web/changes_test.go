package web

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

func TestAPageIsDrawnAnewWhenItChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := full("x")
		s := open(t, Options{Operator: o.operator()})
		b := s.browse(t, "/console/changes?page=subscriptions&once=mine")
		m, _ := b.next(t)
		require.Equal(t, message{name: "edition", data: `"` + s.edition + `"`}, m)
		drawn := func() string {
			m, _ := b.next(t)
			require.Equal(t, "body", m.name)
			var html string
			require.NoError(t, json.Unmarshal([]byte(m.data), &html))
			return html
		}
		first := drawn()
		require.Contains(t, first, `<td data-label="Waiting">3</td>`)
		require.Contains(t, first, `name="once" value="mine"`, "its buttons are those of the page")
		require.NotContains(t, first, "<main")

		began := time.Now()
		o.set(func() { o.lanes[0].Waiting = 4 })
		require.Contains(t, drawn(), `<td data-label="Waiting">4</td>`)
		require.LessOrEqual(t, time.Since(began), 2*redraw+time.Second)

		o.becoming <- bridge.Outcome{Kind: bridge.Delivered, Subscription: "team", At: time.Now()}
		require.Contains(t, drawn(), "0.2 a minute")

		began = time.Now()
		go func() {
			time.Sleep(time.Minute) // in virtual time
			o.set(func() { o.lanes[0].Waiting = 5 })
		}()
		html := ""
		comments := 0
		for html == "" {
			m, n := b.next(t)
			comments += n
			require.NoError(t, json.Unmarshal([]byte(m.data), &html))
		}
		require.Contains(t, html, `<td data-label="Waiting">5</td>`)
		require.GreaterOrEqual(t, time.Since(began), time.Minute, "nothing is sent that is as it was")
		require.GreaterOrEqual(t, comments, 3, "and the line is kept open")
		s.stop(t)
	})
}

func TestTheLivePageCountsWhatOtherProcessesDeliver(t *testing.T) {
	t.Parallel()
	o := Options{Operator: (&office{}).operator(), Lanes: func() []Lane {
		return []Lane{{Subscription: "here", To: "discord:1", State: "live", Delivered: 9}, {Subscription: "there", To: "slack:1", State: "live"}}
	}}
	s := server(t, o)
	for range 2 {
		s.desk.became(bridge.Outcome{Kind: bridge.Delivered, Subscription: "there", At: time.Now()})
		s.desk.became(bridge.Outcome{Kind: bridge.Delivered, Subscription: "here", At: time.Now()})
	}
	page := body(t, ask(t, s, "GET", "/console/"))
	require.Contains(t, page, "→ slack:1 · 2 delivered")
	require.Contains(t, page, "→ discord:1 · 9 delivered")
}

func TestWhatDoesNotChangeHasNoStream(t *testing.T) {
	t.Parallel()
	s := desked(t, full("x"), Options{})
	for _, query := range []string{"", "page=none", "page=event&id=ntf_1", "page=preview", "page=stream&since=7d", "page=audit&since=30d"} {
		res := ask(t, s, "GET", "/console/changes?"+query)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusNotFound, res.StatusCode, query)
	}
}

func TestTheStoreIsNotAskedByEveryBrowser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		l := &looked[int]{most: latest, look: func(context.Context) (int, error) { looks++; return looks, nil }}
		get := func() int {
			n, err := l.get(t.Context())
			require.NoError(t, err)
			return n
		}
		require.Equal(t, 1, get())
		require.Equal(t, 1, get())
		time.Sleep(latest / 2) // in virtual time
		require.Equal(t, 1, get(), "nothing has happened")
		l.old()
		require.Equal(t, 2, get())
		l.old()
		require.Equal(t, 2, get(), "that soon it is not repeated")
		time.Sleep(soonest)
		require.Equal(t, 3, get())
		l.forget()
		require.Equal(t, 4, get())
		time.Sleep(latest)
		require.Equal(t, 5, get())
	})
}

func TestATallyCountsTheLastHour(t *testing.T) {
	t.Parallel()
	tallies := newTallies()
	for n := range 10 {
		tallies.note(bridge.Outcome{Kind: bridge.Delivered, Subscription: "a", At: at.Add(time.Duration(n) * 10 * time.Minute)}, at.Add(time.Duration(n)*10*time.Minute))
	}
	now := at.Add(90 * time.Minute)
	tallies.note(bridge.Outcome{Kind: bridge.Retried, Subscription: "a", Reason: "429", At: now}, now)
	require.Equal(t, counted{Hour: 6, Five: 1, Last: now, Problem: "429", ProblemAt: now}, tallies.of("a", now))
	require.Equal(t, "0.2 a minute", rate(language.Speaker{}, tallies.of("a", now)))
	require.Equal(t, "5 in the last hour", rate(language.Speaker{}, tallies.of("a", now.Add(10*time.Minute))))
	require.Equal(t, counted{}, tallies.of("b", now))
	tallies.clear()
	require.Equal(t, counted{}, tallies.of("a", now))
}

func TestSearchFindsWordsInAnyOrder(t *testing.T) {
	t.Parallel()
	r := &recent{}
	for n := range 3 * maxRecent {
		r.add(follow(n))
	}
	require.LessOrEqual(t, len(r.all), 2*maxRecent)
	require.Len(t, r.newest(nil, 5), 5)
	require.Equal(t, "ntf_f5999", r.newest(nil, 1)[0].ID)
	require.Len(t, r.newest(wordsOf("FOLLOW ntf_f5998"), 5), 1)
	require.Empty(t, r.newest(wordsOf("follow nothing"), 5))
}
