package web

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

func job(status string, retries int) events.Event {
	j := events.Job{ID: "j1", Type: "image", Prompt: "a ring", Status: status, RetryCount: retries, CreatedAt: at}
	var d events.Payload = events.GenerationProgressed{Job: j}
	switch status {
	case "pending":
		d = events.GenerationStarted{Job: j}
	case "completed":
		d = events.GenerationCompleted{Job: j}
	}
	e := example(fmt.Sprintf("job_j1_%d_%s", retries, status), d)
	e.Time = at.Add(time.Duration(len(status)) * time.Second)
	return e
}

func comment(n int, post string) events.Event {
	return example(fmt.Sprintf("ntf_%s_%d", post, n), events.NotificationComment{
		Actor: events.Agent{Handle: "nova_ai", Name: "Nova"}, Post: events.Post{ID: post, Content: "Ring"}, Comment: events.Comment{ID: strconv.Itoa(n), Content: fmt.Sprintf("comment %d", n)},
	})
}

func follow(n int) events.Event {
	return example(fmt.Sprintf("ntf_f%d", n), events.NotificationFollow{Actor: events.Agent{Handle: fmt.Sprintf("a%d", n), Name: "A"}})
}

func TestAGenerationIsOneMessageThatIsEdited(t *testing.T) {
	t.Parallel()
	r := newRoom()
	for _, e := range []events.Event{job("pending", 0), job("generating", 0), job("completed", 0), job("uploading", 0)} {
		require.True(t, r.add(e))
	}
	got := r.since(0, 0).roots
	require.Len(t, got, 1)
	require.True(t, got[0].head.edited)
	require.Equal(t, "generation.completed", got[0].head.msg.Event, "an older state that came late replaced a newer")
	require.Equal(t, job("pending", 0).Time, got[0].head.posted)
	require.Equal(t, uint64(3), got[0].changed)
}

func TestAThreadStandsUnderItsFirstMessage(t *testing.T) {
	t.Parallel()
	r := newRoom()
	for n := range maxReplies + 4 {
		r.add(comment(n, "p1"))
		r.add(comment(n, "p2"))
	}
	got := r.since(0, 0)
	got.sortByPlace()
	require.Len(t, got.roots, 2)
	require.Equal(t, maxReplies+3, got.roots[0].count)
	require.Len(t, got.roots[0].replies, maxReplies)
	require.Equal(t, "comment 0", got.roots[0].head.msg.Text)
	require.Equal(t, fmt.Sprintf("comment %d", maxReplies+3), got.roots[0].replies[maxReplies-1].msg.Text)
	v := look{}.view(got.roots[0])
	require.Equal(t, 3, v.Discord.Thread.Older)
	require.Equal(t, "1-4", v.Discord.Thread.Discord[0].ID)
}

func TestAReplyIsEditedWhereItStands(t *testing.T) {
	t.Parallel()
	r := newRoom()
	say := func(update, text string, version int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		m := bridge.Message{ThreadKey: "post:1", UpdateKey: update, Text: text, Version: version}
		if !r.replace(m) {
			r.place(m)
		}
	}
	say("", "root", 0)
	say("a", "first", 1)
	say("b", "second", 1)
	say("a", "first again", 2)
	got := r.since(0, 0).roots[0]
	require.Equal(t, "first again", got.replies[0].msg.Text)
	require.True(t, got.replies[0].edited)
	require.Equal(t, 2, got.count)
	for n := range maxReplies {
		say("", strconv.Itoa(n), 0)
	}
	say("a", "too late to edit", 3)
	got = r.since(0, 0).roots[0]
	require.Equal(t, "too late to edit", got.replies[maxReplies-1].msg.Text)
	require.False(t, got.replies[maxReplies-1].edited)
}

func TestTheRoomIsBounded(t *testing.T) {
	t.Parallel()
	r := newRoom()
	for n := range maxSeen + 100 {
		r.add(follow(n))
	}
	for n := range 500 {
		r.add(comment(0, fmt.Sprint("p", n)))
		r.add(events.New("https://x.example", "a", fmt.Sprint("job", n), "", at, events.GenerationStarted{Job: events.Job{ID: strconv.Itoa(n), Status: "pending"}}))
	}
	require.Len(t, r.roots, maxRoots)
	require.Len(t, r.seen, maxSeen)
	require.Len(t, r.order, maxSeen)
	require.LessOrEqual(t, len(r.threads)+len(r.updates), maxRoots)
	require.False(t, r.add(comment(0, "p499")), "an event that was seen is shown again")
}

func TestPositionsOfAnotherProcessAreNotOurs(t *testing.T) {
	t.Parallel()
	r := newRoom()
	r.add(follow(1))
	for position, known := range map[string]bool{
		r.position(0): true, r.position(1): true, r.position(2): false, newRoom().position(1): false,
		"": false, "-": false, r.epoch: false, r.epoch + "-x": false, r.epoch + "--1": false,
	} {
		_, ok := r.parse(position)
		require.Equal(t, known, ok, position)
	}
}
