package sinktest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

func shows(st *stage) {
	r := st.sent(comment(st.To, "ntf_1", "How heavy is it?"))
	seen := st.only()
	require.Equal(st, seen.ID, r.Message, "the receipt names the message")
	for _, word := range []string{"Nova", "How heavy is it?", "Docking ring done"} {
		require.Contains(st, seen.Text, word)
	}
}

// staysText sends every hostile text in every place that takes text from
// outside. It waits between sends as a lane would have to.
func staysText(st *stage) {
	for _, name := range slices.Sorted(maps.Keys(hostile)) {
		text := hostile[name]
		d := comment(st.To, "ntf_"+strings.ReplaceAll(name, " ", "_"), text)
		d.Message.Author.Name = text
		d.Message.Quotes[0].Text = text
		d.Message.Fields = []bridge.Field{{Name: "Fact", Value: text}}
		d.Message.Media = []bridge.Media{{Kind: bridge.MediaImage, URL: "https://cdn.example/m/1.png", Alt: text}}
		st.patient(d)
	}
	seen := st.Visible()
	require.Len(st, seen, len(hostile))
	for _, m := range seen {
		require.True(st, utf8.ValidString(m.Text), "not UTF-8: %q", m.Text)
		require.Empty(st, m.Pings, "it pings: %s", m.Text)
		for _, link := range m.Links {
			require.NotContains(st, link, "evil.example", "a masked link")
			require.False(st, strings.HasPrefix(link, "javascript:"), "a script link")
		}
	}
}

// cuts sends more of everything than any platform takes.
func cuts(st *stage) {
	d := comment(st.To, "ntf_much", strings.Repeat("many words ", 3000))
	m := &d.Message
	m.Title, m.Footnote, m.Thread = strings.Repeat("title ", 200), strings.Repeat("foot ", 1000), strings.Repeat("thread ", 100)
	m.Author.Name = strings.Repeat("name ", 300)
	for i := range 60 {
		m.Quotes = append(m.Quotes, bridge.Quote{Label: strings.Repeat("label ", 100), Text: strings.Repeat("quote ", 400)})
		m.Fields = append(m.Fields, bridge.Field{Name: strings.Repeat("field ", 100), Value: strings.Repeat("value ", 800)})
		m.Steps = append(m.Steps, bridge.Step{Name: strings.Repeat("step ", 30)})
		m.Headline = append(m.Headline, bridge.Span{Text: strings.Repeat("and ", 100), Strong: i%2 == 0})
		m.Media = append(m.Media, bridge.Media{URL: fmt.Sprintf("https://cdn.example/m/%d.png", i), Alt: strings.Repeat("alt ", 700)})
		m.Actions = append(m.Actions, bridge.Action{Label: strings.Repeat("open ", 40), URL: fmt.Sprintf("%s?n=%d", page, i)})
	}
	st.sent(d)
	seen := st.Visible()
	require.NotEmpty(st, seen)
	for _, part := range seen {
		require.True(st, utf8.ValidString(part.Text), "cut inside a letter: %q", part.Text)
	}
	require.Contains(st, seen[0].Text, "many words")
}

func once(st *stage) {
	d := comment(st.To, "ntf_1", "How heavy is it?")
	first := st.sent(d)
	d.Attempt, d.Doubt = 2, time.Now()
	second := st.patient(d)
	require.Equal(st, st.only().ID, first.Message)
	require.Equal(st, first.Message, second.Message, "both sends tell of the same message")
}

func onceAfterLoss(st *stage) { repeatAfter(st, time.Second) }

func onceMuchLater(st *stage) { repeatAfter(st, 10*time.Minute) }

func repeatAfter(st *stage, d time.Duration) {
	if st.Handler == nil {
		return
	}
	one := comment(st.To, "ntf_1", "How heavy is it?")
	st.front.set(lose, Answer{})
	begin := time.Now()
	_, err := st.send(st.Context(), one)
	require.NotNil(st, err, "no answer came, yet it says sent")
	require.Equal(st, bridge.InDoubt, err.Verdict)
	st.front.set(pass, Answer{})
	wait(st.Context(), d)
	one.Attempt, one.Doubt = 2, begin
	r := st.patient(one)
	require.Equal(st, st.only().ID, r.Message, "the repeat finds the first")
}

func edits(st *stage) {
	first := st.sent(job(st.To, 1, "Generating", false))
	wait(st.Context(), 30*time.Second)
	d := job(st.To, 2, "Image ready", true)
	d.Replaces = first
	second := st.patient(d)
	require.Equal(st, first.Message, second.Message)
	seen := st.only()
	require.Contains(st, seen.Text, "Image ready")
	require.NotContains(st, seen.Text, "Generating an")
}

func editsQuietly(st *stage) {
	first := st.sent(job(st.To, 1, "Generating", false))
	wait(st.Context(), 30*time.Second)
	d := job(st.To, 2, "Failed", true)
	d.Replaces, d.Message.Text = first, hostile["everyone"]+hostile["discord ids"]+hostile["slack ids"]
	st.patient(d)
	require.Empty(st, st.only().Pings)
}

func dropsProgress(st *stage) {
	if st.Remove == nil {
		return
	}
	first := st.sent(job(st.To, 1, "Generating", false))
	st.Remove(first.Message)
	wait(st.Context(), 30*time.Second)
	d := job(st.To, 2, "Uploading", false)
	d.Replaces = first
	st.patient(d)
	require.Empty(st, st.Visible(), "a removed message came back for a mere progress")
}

func showsFinalAnew(st *stage) {
	if st.Remove == nil {
		return
	}
	first := st.sent(job(st.To, 1, "Generating", false))
	st.Remove(first.Message)
	wait(st.Context(), 30*time.Second)
	d := job(st.To, 2, "Image ready", true)
	d.Replaces = first
	r := st.patient(d)
	require.Equal(st, st.only().ID, r.Message)
	require.NotEqual(st, first.Message, r.Message)
}

func threads(st *stage) {
	root := comment(st.To, "ntf_1", "first")
	root.Message.ThreadKey, root.Message.Thread = "post:cmlp0b2", "Docking ring done"
	first := st.sent(root)
	wait(st.Context(), 30*time.Second)
	next := comment(st.To, "ntf_2", "second")
	next.Message.ThreadKey, next.Message.Thread, next.Thread = "post:cmlp0b2", "Docking ring done", first
	second := st.patient(next)
	require.NotEmpty(st, second.Thread, "the receipt names the thread")
	i := slices.IndexFunc(st.Visible(), func(s Shown) bool { return s.ID == second.Message })
	require.GreaterOrEqual(st, i, 0, "the second message is not visible")
	require.Equal(st, second.Thread, st.Visible()[i].Thread)
	require.Contains(st, st.Visible()[i].Text, "second")
}

func ends(st *stage) {
	ctx, cancel := context.WithCancel(st.Context())
	cancel()
	begin := time.Now()
	_, err := st.send(ctx, comment(st.To, "ntf_1", "too late"))
	require.LessOrEqual(st, time.Since(begin), time.Second, "an ended context does not end the send")
	if err != nil {
		require.Contains(st, []bridge.Verdict{bridge.Retry, bridge.InDoubt}, err.Verdict, "an ended context is no fault of the message")
	}
}

// keepsOrder sends from several lanes at once, each in its own order.
func keepsOrder(st *stage) {
	const lanes, each = 4, 5
	var wg sync.WaitGroup
	failures := make(chan error, lanes*each)
	for lane := range lanes {
		wg.Go(func() {
			for i := range each {
				if err := insist(st.Context(), st.sink, comment(st.To, fmt.Sprintf("ntf_%d_%d", lane, i), fmt.Sprintf("word %d of lane %d.", i, lane))); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failures)
	for err := range failures {
		require.NoError(st, err)
	}
	var all strings.Builder
	for _, m := range st.Visible() {
		all.WriteString(m.Text + "\n")
	}
	for lane := range lanes {
		last := -1
		for i := range each {
			word := fmt.Sprintf("word %d of lane %d.", i, lane)
			require.Equal(st, 1, strings.Count(all.String(), word), word)
			require.Greater(st, strings.Index(all.String(), word), last, "lane %d is out of order at %q", lane, word)
			last = strings.Index(all.String(), word)
		}
	}
}

// insist sends as a worker does, from any goroutine.
func insist(ctx context.Context, sink bridge.Sink, d bridge.Delivery) error {
	for range 100 {
		_, err := sink.Send(ctx, d)
		e, ok := errors.AsType[*bridge.SendError](err)
		if !ok || e.Verdict != bridge.Retry {
			return err
		}
		wait(ctx, max(e.After, time.Second))
	}
	return errors.New("not sent after a hundred tries")
}

// patient sends as a worker does: it waits as told, a few times.
func (st *stage) patient(d bridge.Delivery) bridge.Receipt {
	st.Helper()
	for range 5 {
		r, err := st.send(st.Context(), d)
		if err == nil {
			return r
		}
		if err.Verdict != bridge.Retry {
			st.Fatalf("not sent: %v", err)
		}
		wait(st.Context(), max(err.After, time.Second))
	}
	st.Fatal("not sent after five tries")
	return bridge.Receipt{}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
