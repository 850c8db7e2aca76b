package bridge_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

func TestEveryKindHasALayout(t *testing.T) {
	t.Parallel()
	for k := range events.Kinds() {
		t.Run(k.Name(), func(t *testing.T) {
			t.Parallel()
			m := bridge.Layout(eventOf(k))
			require.NotEmpty(t, m.Headline, "nothing says what happened")
			require.Equal(t, k.Name(), m.Event)
			require.Equal(t, "orbit_bot", m.Agent)
			for _, a := range m.Actions {
				require.NotEmpty(t, a.URL, "button %q needs a command", a.Label)
			}
			golden.Equal(t, "testdata/layout/"+k.Name()+".golden", []byte(describe(m)))
		})
	}
}

func TestLayoutVariants(t *testing.T) {
	t.Parallel()
	nova := events.Agent{Handle: "nova_ai", Name: "Nova", URL: "https://imagineanything.com/agent/nova_ai"}
	post := events.Post{ID: "p1", Content: "Look", MediaType: "TEXT", URL: "https://imagineanything.com/post/p1"}
	job := events.Job{ID: "j1", Type: "video", Prompt: "waves", CreatedAt: time.Date(2026, 2, 6, 13, 0, 0, 0, time.UTC)}
	with := func(change func(*events.Job)) events.Job {
		j := job
		change(&j)
		return j
	}
	for name, data := range map[string]events.Payload{
		"mention_in_comment":   events.NotificationMention{Actor: nova, Post: post, Comment: &events.Comment{ID: "c1", Content: "@orbit_bot look"}},
		"follow_with_count":    events.NotificationFollow{Actor: events.Agent{Handle: "x", Followers: new(128)}},
		"other_from_somebody":  events.NotificationOther{Actor: &nova, Text: "Nova did something new", Problem: "post is missing"},
		"unsafe_links":         events.NotificationLike{Actor: events.Agent{Handle: "x", AvatarURL: "file:///etc/passwd", URL: "javascript:alert(1)"}, Post: events.Post{ID: "p", URL: "https://user:pw@evil.example/"}},
		"video_post":           events.PostPublished{Actor: nova, Post: events.Post{ID: "p2", MediaType: "VIDEO", MediaURLs: []string{"https://cdn.example/m/1.mp4", "data:x"}, URL: post.URL}},
		"shared_post":          events.PostFollowed{Actor: nova, Post: events.Post{ID: "p3", RepostOf: &post, URL: "https://imagineanything.com/post/p3"}},
		"generation_uploading": events.GenerationProgressed{Job: with(func(j *events.Job) { j.Status = "uploading" })},
		"generation_unknown":   events.GenerationProgressed{Job: with(func(j *events.Job) { j.Status, j.Type = "moderating", "hologram" })},
		"generation_retried":   events.GenerationStarted{Job: with(func(j *events.Job) { j.Status, j.RetryCount = "pending", 1 })},
		"generation_silent":    events.GenerationFailed{Job: with(func(j *events.Job) { j.Status, j.Type = "failed", "music" })},
		"generation_heard": events.GenerationCompleted{Job: with(func(j *events.Job) {
			j.Status, j.Type, j.ResultURL, j.CompletedAt = "completed", "voice", "https://cdn.example/g/1.mp3", j.CreatedAt.Add(125*time.Second)
		})},
		"milestone_level": events.AgentMilestone{Actor: nova, Metric: "level", Value: 7},
		"bare_service":    events.ServiceListed{Listing: events.Listing{Title: "Views", PriceCents: 1905}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := events.New("https://imagineanything.com", "orbit_bot", "x_1", "about", time.Date(2026, 2, 6, 13, 36, 48, 0, time.UTC), data)
			golden.Equal(t, "testdata/layout/variant_"+name+".golden", []byte(describe(bridge.Layout(e))))
		})
	}
}

func TestGenerationVersionsOnlyGrow(t *testing.T) {
	t.Parallel()
	last := 0
	for retry := range 3 {
		for _, status := range []string{"pending", "generating", "uploading", "failed"} {
			e := events.New("https://x.example", "a", "x", "j", time.Now(), events.GenerationProgressed{Job: events.Job{ID: "j", Status: status, RetryCount: retry}})
			m := bridge.Layout(e)
			require.Greater(t, m.Version, last, "%s of try %d", status, retry+1)
			require.Equal(t, "job:j", m.UpdateKey)
			last = m.Version
		}
	}
}

func TestLayoutShortensBetweenLetters(t *testing.T) {
	t.Parallel()
	family := "👩‍👩‍👧‍👦"
	e := events.New("https://x.example", "a", "x", "j", time.Now(), events.NotificationLike{Post: events.Post{ID: "p", Content: strings.Repeat(family, 201)}})
	quote := bridge.Layout(e).Quotes[0].Text
	require.True(t, strings.HasSuffix(quote, family+"…"), "cut inside a letter: %q", quote)
	require.LessOrEqual(t, uniseg.GraphemeClusterCount(quote), 200)
}

// describe prints what is set in a message, one line each, for people to review.
func describe(m bridge.Message) string {
	var b strings.Builder
	print1(&b, "", reflect.ValueOf(m))
	return b.String()
}

func print1(b *strings.Builder, indent string, v reflect.Value) {
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		switch {
		case f.IsZero():
		case f.Type() == reflect.TypeFor[*bridge.Author]():
			fmt.Fprintf(b, "%s%s\n", indent, name)
			print1(b, indent+"  ", f.Elem())
		case f.Kind() == reflect.Slice:
			for j := range f.Len() {
				fmt.Fprintf(b, "%s%s %d\n", indent, name, j+1)
				print1(b, indent+"  ", f.Index(j))
			}
		case f.Type() == reflect.TypeFor[time.Time]():
			fmt.Fprintf(b, "%s%s: %s\n", indent, name, f.Interface().(time.Time).Format(time.RFC3339))
		default:
			fmt.Fprintf(b, "%s%s: %v\n", indent, name, f.Interface())
		}
	}
}

// FuzzLayout feeds events as a stream might hold them: whatever is in them, a
// layout neither panics nor grows without bound.
func FuzzLayout(f *testing.F) {
	for k := range events.Kinds() {
		b, err := json.Marshal(eventOf(k))
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var e events.Event
		if json.Unmarshal(data, &e) != nil {
			return
		}
		m := bridge.Layout(e)
		text := describe(m)
		require.True(t, utf8.ValidString(text))
		require.NotEmpty(t, m.Headline)
		require.Less(t, len(text), 100_000)
		for _, q := range m.Quotes {
			require.LessOrEqual(t, uniseg.GraphemeClusterCount(q.Text), 200)
		}
		for _, media := range m.Media {
			require.True(t, strings.HasPrefix(media.URL, "http"), "not a web address: %q", media.URL)
		}
	})
}
