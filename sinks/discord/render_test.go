package discord

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

func eventOf(k *events.Kind) events.Event {
	return events.New("https://imagineanything.com", "orbit_bot", "x_1", "about",
		time.Date(2026, 2, 6, 13, 36, 48, 120e6, time.UTC), k.Example)
}

// pretty is a body as a person would want to review it.
func pretty(t *testing.T, body any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	require.NoError(t, e.Encode(body))
	return b.Bytes()
}

const testNonce = "7Qk2mN4xR8sT1vW3yZ5aB6cD0"

func TestEveryKindLooksAsDesigned(t *testing.T) {
	t.Parallel()
	for k := range events.Kinds() {
		t.Run(k.Name(), func(t *testing.T) {
			t.Parallel()
			m := bridge.Layout(eventOf(k))
			golden.Equal(t, "testdata/render/"+k.Name()+".golden", pretty(t, render(m, false, markOf(testNonce)).create(testNonce)))
		})
	}
}

func TestVariantsLookAsDesigned(t *testing.T) {
	t.Parallel()
	comment := bridge.Layout(kindNamed(t, "notification.comment"))
	dm := bridge.Layout(kindNamed(t, "message.received"))
	job := bridge.Layout(kindNamed(t, "generation.completed"))
	many := bridge.Layout(kindNamed(t, "post.published"))
	many.Media = nil
	for _, address := range []string{"https://cdn.example/1.png", "http://cdn.example/2.png", "https://cdn.example/3.png", "https://cdn.example/4.png", "https://cdn.example/5.png", "https://cdn.example/6.png"} {
		many.Media = append(many.Media, bridge.Media{URL: address})
	}
	film := bridge.Message{Title: "Film", Media: []bridge.Media{{Kind: bridge.MediaVideo, URL: "https://cdn.example/1.mp4"}, {Kind: bridge.MediaAudio, URL: "https://cdn.example/2.mp3"}}}
	failed := bridge.Message{Title: "Stopped", Steps: []bridge.Step{{Name: "queued", State: bridge.StepDone}, {Name: "generating", State: bridge.StepFailed}, {Name: "done"}}}
	for name, body := range map[string]any{
		"comment_in_thread": render(comment, true, markOf(testNonce)).create(testNonce),
		"dm_in_thread":      render(dm, true, markOf(testNonce)).create(testNonce),
		"edit":              render(job, false, markOf(testNonce)).edit(),
		"plain":             renderPlain(comment, false, markOf(testNonce)).create(testNonce),
		"plain_edit":        renderPlain(job, false, markOf(testNonce)).edit(),
		"many_pictures":     render(many, false, markOf(testNonce)).create(testNonce),
		"film_and_sound":    render(film, false, markOf(testNonce)).create(testNonce),
		"failed_step":       render(failed, false, markOf(testNonce)).create(testNonce),
		"digest":            render(bridge.Digest([]events.Event{kindNamed(t, "notification.follow"), kindNamed(t, "notification.like"), kindNamed(t, "message.received")}), false, markOf(testNonce)).create(testNonce),
		"nothing":           render(bridge.Message{Event: "service.listed"}, false, markOf(testNonce)).create(testNonce),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden.Equal(t, "testdata/render/variant_"+name+".golden", pretty(t, body))
		})
	}
}

func kindNamed(t *testing.T, name string) events.Event {
	t.Helper()
	for k := range events.Kinds() {
		if k.Name() == name {
			return eventOf(k)
		}
	}
	t.Fatalf("no kind is named %s", name)
	return events.Event{}
}

func TestDigestShowsAllItTells(t *testing.T) {
	t.Parallel()
	long := bridge.Layout(kindNamed(t, "message.received"))
	for n, left := range map[int]int{24: 0, 25: 0, 26: 2, 100: 76} {
		m := bridge.Message{Title: "things happened"}
		for range n {
			m.Quotes = append(m.Quotes, bridge.Quote{Label: strings.Repeat(long.Author.Name+" ", 60), Text: strings.Repeat("words ", 100)})
		}
		e := render(m, false, "ib-12345678").embeds[0]
		require.LessOrEqual(t, e.size(), maxEmbeds)
		require.Len(t, e.Fields, min(n, maxFields))
		if left > 0 {
			require.Equal(t, "and "+strconv.Itoa(left)+" more", e.Fields[24].Value)
		}
	}
}

// Likes and follows have no words of their own: they stand below each other
// without empty lines, and all of them are told or counted.
func TestDigestJoinsWhatHasNoWords(t *testing.T) {
	t.Parallel()
	for n, left := range map[int]int{2: 0, 30: 0, 400: 207} {
		m := bridge.Message{Title: "things happened"}
		for i := range n {
			m.Quotes = append(m.Quotes, bridge.Quote{Label: fmt.Sprintf("Agent %03d liked your post", i)})
		}
		e := render(m, false, "ib-12345678").embeds[0]
		require.LessOrEqual(t, e.size(), maxEmbeds)
		told, all := 0, ""
		for _, f := range e.Fields {
			require.LessOrEqual(t, units(f.Value), maxFieldValue)
			require.NotContains(t, f.Value, blank)
			told += strings.Count(f.Name+f.Value, "liked your post")
			all += f.Value
		}
		require.Equal(t, n, told+left, all)
		require.Equal(t, left > 0, strings.HasSuffix(all, fmt.Sprintf(surplus, left)))
	}
}
