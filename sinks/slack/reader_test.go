package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// people is a Slack that knows persons, and counts who is asked about.
type people struct {
	mu     sync.Mutex // guards all below
	scopes string
	locale string
	silent bool // about persons
	asked  []string
}

// RoundTrip implements http.RoundTripper.
func (p *people) RoundTrip(r *http.Request) (*http.Response, error) {
	body := `{"ok":true,"user_id":"U0BOT","team_id":"T1","channel":"C0CHANNEL","ts":"1.1","message_ts":"1.1"}`
	p.mu.Lock()
	silent, scopes := p.silent, p.scopes
	if strings.HasSuffix(r.URL.Path, "/"+methodUser) {
		_ = r.ParseForm()
		p.asked = append(p.asked, r.PostForm.Get("user"))
		body = fmt.Sprintf(`{"ok":true,"user":{"id":"U1","locale":%q,"tz":"Europe/Berlin"}}`, p.locale)
	} else {
		silent = false
	}
	p.mu.Unlock()
	if silent {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	w := httptest.NewRecorder()
	w.Header().Set("X-OAuth-Scopes", scopes)
	says(http.StatusOK, body, "")(w, r)
	return w.Result(), nil
}

func (p *people) set(change func(*people)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func (p *people) times() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

// among runs a test in virtual time with a sink whose Slack is p.
func among(t *testing.T, p *people, change func(*Options), test func(*testing.T, *Sink)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := Options{BotToken: func() string { return canaryBot }, HTTPClient: &http.Client{Transport: p}}
		if change != nil {
			change(&o)
		}
		s, err := New(o)
		require.NoError(t, err)
		require.Nil(t, s.web.meet(t.Context()))
		test(t, s)
		require.NoError(t, s.Drain(t.Context()))
	})
}

// What is known of a person holds for an hour, and where Slack does not tell more
// than it did, for another.
func TestAPersonIsAskedAboutOnceAnHour(t *testing.T) {
	t.Parallel()
	p := &people{scopes: scopeUsers, locale: "de-DE"}
	among(t, p, nil, func(t *testing.T, s *Sink) {
		for range 3 {
			got := s.reader(t.Context(), "T1", "U1")
			require.Equal(t, []string{"de-DE", "Europe/Berlin"}, []string{got.Locale, got.Zone})
			require.Equal(t, got, s.known("T1", "U1"))
			sleep(t.Context(), readerTime/3-time.Second)
		}
		require.Equal(t, []string{"U1"}, p.asked)
		p.set(func(p *people) { p.silent, p.locale = true, "fr-FR" })
		sleep(t.Context(), time.Minute)
		for range 3 {
			begin := time.Now()
			require.Equal(t, "de-DE", s.reader(t.Context(), "T1", "U1").Locale, "as it was")
			require.LessOrEqual(t, time.Since(begin), 2*time.Second)
		}
		require.Equal(t, 2, p.times())
		p.set(func(p *people) { p.silent = false })
		sleep(t.Context(), readerTime)
		require.Equal(t, "fr-FR", s.reader(t.Context(), "T1", "U1").Locale)
		require.Empty(t, s.known("T2", "U1"), "people are known by their workspace")
		require.Empty(t, s.reader(t.Context(), "T1", ""))
		require.Equal(t, 3, p.times())
	})
}

// Two people who act at once are both asked about: the second waits its turn.
func TestPeopleWhoActAtOnceAreAllAskedAbout(t *testing.T) {
	t.Parallel()
	p := &people{scopes: scopeUsers, locale: "de-DE"}
	among(t, p, nil, func(t *testing.T, s *Sink) {
		for _, user := range []string{"U1", "U2", "U3"} {
			require.Equal(t, "de-DE", s.reader(t.Context(), "T1", user).Locale, user)
		}
		require.Equal(t, []string{"U1", "U2", "U3"}, p.asked)
	})
}

// Without the scope nobody is asked about.
func TestWithoutTheScopeNobodyIsAskedAbout(t *testing.T) {
	t.Parallel()
	p := &people{scopes: "chat:write", locale: "de-DE"}
	among(t, p, nil, func(t *testing.T, s *Sink) {
		require.Empty(t, s.reader(t.Context(), "T1", "U1"))
		require.Zero(t, p.times())
	})
}

// However many people there are, the last thousand are known.
func TestPeopleKnownAreBounded(t *testing.T) {
	t.Parallel()
	p := &people{scopes: scopeUsers, locale: "de-DE"}
	among(t, p, nil, func(t *testing.T, s *Sink) {
		for n := range maxRemembered + 10 {
			s.reader(t.Context(), "T1", fmt.Sprintf("U%d", n))
			sleep(t.Context(), apart)
		}
		require.Len(t, s.readers.of, maxRemembered)
		require.Len(t, s.readers.order, maxRemembered)
		require.Empty(t, s.known("T1", "U9"))
		require.Equal(t, "de-DE", s.known("T1", "U10").Locale)
	})
}

// Nothing that Slack waits three seconds for waits for what Slack knows of a
// person, and what follows waits two seconds at most.
func TestNoAcknowledgementWaitsForALanguage(t *testing.T) {
	t.Parallel()
	const old = `{"v":1,"agent":"orbit_bot","back":{}}`
	said := func(e string) delivery {
		var d delivery
		require.NoError(t, json.Unmarshal([]byte(`{"type":"event_callback","team_id":"T1","event_id":"E1","event":`+e+`}`), &d))
		return d
	}
	form := view{ID: "V1", Type: "modal", Callback: "ia1:post.create", Meta: old}
	require.NoError(t, json.Unmarshal([]byte(`{"values":{"text":{"ia1:text":{"type":"plain_text_input","value":"hello"}}}}`), &form.State))
	for name, tc := range map[string]struct {
		in    inbound
		asks  int
		works int
	}{
		"help":             {in: inbound{kind: slash, text: "help"}, asks: 1},
		"a typing error":   {in: inbound{kind: slash, text: "lik p1"}, asks: 1},
		"a command":        {in: inbound{kind: slash, text: "like p1"}, asks: 1, works: 1},
		"a form":           {in: inbound{kind: slash, text: "post"}},
		"a button":         {in: inbound{kind: click, press: press{action: "ia1:post.like", value: "orbit_bot:post=p1"}}, asks: 1, works: 1},
		"an old button":    {in: inbound{kind: click, press: press{action: "ia1:post.like", value: "~0123456789012345678901"}}, asks: 1},
		"a shortcut":       {in: inbound{kind: shortcut, callback: "ia1:post.create"}},
		"a vain shortcut":  {in: inbound{kind: shortcut, callback: "ia1:reply", message: shown{TS: "7.7"}}, asks: 1},
		"a sent form":      {in: inbound{kind: submit, view: form}, asks: 1, works: 1},
		"an old form":      {in: inbound{kind: submit, view: view{ID: "V1", Callback: "ia1:post.create"}}},
		"a closed form":    {in: inbound{kind: closing, view: form}},
		"a select":         {in: inbound{kind: query, view: form, press: press{action: "ia1:pick.agent", block: "agent"}}},
		"a thread":         {in: inbound{kind: event, event: said(`{"type":"message","user":"U1","channel":"C0CHANNEL","ts":"2.2","thread_ts":"1.0","text":"hi"}`)}, asks: 1, works: 1},
		"a thread's file":  {in: inbound{kind: event, event: said(`{"type":"message","subtype":"file_share","user":"U1","channel":"C0CHANNEL","ts":"2.2","thread_ts":"1.0","files":[{"id":"F1"}]}`)}, asks: 1},
		"a changed answer": {in: inbound{kind: event, event: said(`{"type":"message","subtype":"message_changed","channel":"C0CHANNEL","message":{"user":"U1","ts":"2.2","thread_ts":"1.0","text":"ho"}}`)}, asks: 1},
		"a mention":        {in: inbound{kind: event, event: said(`{"type":"app_mention","user":"U1","channel":"C0CHANNEL","ts":"3.3","text":"hi"}`)}, asks: 1},
		"a home":           {in: inbound{kind: event, event: said(`{"type":"app_home_opened","user":"U1","channel":"D1","tab":"home"}`)}, asks: 1, works: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &people{scopes: scopeUsers, silent: true}
			var began time.Time
			works := 0
			among(t, p, func(o *Options) {
				o.Agents = func(string) []string { return []string{"orbit_bot"} }
				o.Commands = func(_ context.Context, q command.Request) command.Answer {
					require.LessOrEqual(t, time.Since(began), 2*time.Second+settleTime)
					works++
					return fine(q)
				}
			}, func(t *testing.T, s *Sink) {
				talk := []byte(`{"agent":"orbit_bot","kind":"post","id":"p1"}`)
				require.NoError(t, s.opt.Notes.PutNote(t.Context(), talkKey("T1", "C0CHANNEL", "1.0"), talk))
				in := tc.in
				in.at, in.trigger = scene{team: "T1", channel: "C0CHANNEL"}, "trigger"
				if in.kind != event {
					in.who.id = "U1"
				}
				began = time.Now()
				out := s.handleBy(t.Context(), began.Add(recordTime), in)
				synctest.Wait()
				require.Zero(t, time.Since(began))
				require.Zero(t, p.times())
				require.False(t, out.again)
				require.Zero(t, works)
				s.after(t.Context(), out.then)
				require.NoError(t, s.Drain(t.Context()))
				require.Equal(t, tc.asks, p.times())
				require.Equal(t, tc.works, works)
			})
		})
	}
}
