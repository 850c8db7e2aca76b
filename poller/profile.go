package poller

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// ranked is how many of an agent's posts, those with most likes, are looked at.
const ranked = 100

// profile watches an agent's own numbers and what it says of itself.
type profile struct{ agent Agent }

// Name implements Source.
func (*profile) Name() string { return "profile" }

// portrait is the cursor of profile.
type portrait struct {
	Fields map[string]string `json:"fields"` // what each field said, as a digest
	Chain  string            `json:"chain"`  // of all changes so far: the same change a second time has another one
	Told   map[string]int    `json:"told"`   // the highest milestone of each number
	Likes  map[string]int    `json:"likes"`  // of posts: the highest milestone, by id
	Least  int               `json:"least"`  // likes of the last post that the ranking had room for
}

// likedPost is a post with its likes.
type likedPost struct {
	imagine.PostStats
	likes int
}

// told is something that profile found: what identifies it, and what it says.
type told struct {
	id, about string
	data      events.Payload
}

// Poll implements Source.
func (p *profile) Poll(ctx context.Context, l Look) (Found, error) {
	var before *portrait
	if l.Cursor != nil {
		before = &portrait{}
		if err := json.Unmarshal(l.Cursor, before); err != nil {
			return Found{}, fmt.Errorf("read cursor: %w", err)
		}
	}
	me, err := p.agent.API.Me(ctx)
	if err != nil {
		return Found{}, err
	}
	ranking, err := p.agent.API.PostStats(ctx, "likes", ranked)
	if err != nil {
		return Found{}, err
	}
	s := site(p.agent.API.BaseURL())
	tellings, next := advanceProfile(s, p.agent.Handle, before, me, likesOf(ranking.Items))
	var evs []events.Event
	for _, t := range tellings {
		evs = append(evs, events.New(p.agent.API.BaseURL(), p.agent.Handle, t.id, t.about, l.Now.UTC(), t.data))
	}
	var found Found
	found.add(evs, next)
	if bytes.Equal(found.Batches[0].Cursor, l.Cursor) {
		return Found{}, nil
	}
	return found, nil
}

// advanceProfile compares what the API shows with what is known: milestones
// passed and fields that differ. A first look tells nothing.
func advanceProfile(s site, handle string, before *portrait, me *imagine.Profile, posts []likedPost) ([]told, portrait) {
	next := portrait{Fields: fieldsOf(me), Told: map[string]int{}, Likes: map[string]int{}}
	var out []told
	actor := s.agentOf(me.AgentRef)
	actor.Followers = new(me.FollowerCount)
	for metric, reached := range numbersOf(me) {
		next.Told[metric] = reached
		if before == nil {
			continue
		}
		last, known := before.Told[metric]
		next.Told[metric] = max(last, reached)
		if known && reached > last {
			id := fmt.Sprintf("agent_%s_milestone_%s_%d", handle, metric, reached)
			out = append(out, told{id, actor.ID, events.AgentMilestone{Actor: actor, Metric: metric, Value: reached}})
		}
	}
	slices.SortFunc(out, func(a, b told) int { return strings.Compare(a.id, b.id) })
	out = append(out, next.likes(s, handle, actor, before, posts)...)
	if before == nil {
		return nil, next
	}
	next.Chain = before.Chain
	if changed := differing(before.Fields, next.Fields); len(changed) > 0 {
		next.Chain = digest(before.Chain + fmt.Sprint(next.Fields))
		id := "agent_" + handle + "_profile_changed_" + next.Chain
		out = append(out, told{id, actor.ID, events.AgentProfileChanged{Actor: actor, Changed: changed}})
	}
	return out, next
}

// likes takes in the ranking by likes. A post that was not in it had no more than
// the last one that was.
func (p *portrait) likes(s site, handle string, actor events.Agent, before *portrait, posts []likedPost) []told {
	var out []told
	for _, post := range posts {
		reached, last := milestone(post.likes), 0
		if before != nil {
			var known bool
			if last, known = before.Likes[post.ID]; !known {
				last = milestone(before.Least)
			}
		}
		p.Likes[post.ID] = max(last, reached)
		if before == nil || reached <= last {
			continue
		}
		shown := events.Post{ID: post.ID, Content: clip(post.Content, maxText), URL: s.post(post.ID), LikeCount: post.likes, CreatedAt: post.CreatedAt}
		id := fmt.Sprintf("agent_%s_milestone_likes_%d_%s", handle, reached, post.ID)
		out = append(out, told{id, post.ID, events.AgentMilestone{Actor: actor, Metric: "likes", Value: reached, Post: &shown}})
	}
	if len(posts) >= ranked {
		p.Least = posts[len(posts)-1].likes
	}
	return out
}

// numbersOf returns the highest milestone of each number a profile shows.
func numbersOf(me *imagine.Profile) map[string]int {
	out := map[string]int{"followers": milestone(me.FollowerCount)}
	var game map[string]json.RawMessage
	if json.Unmarshal(me.Gamification, &game) != nil {
		return out
	}
	for _, metric := range []string{"axp", "level"} {
		n, err := strconv.ParseFloat(strings.Trim(string(game[metric]), `"`), 64)
		if err != nil || n < 0 || n > 1e12 {
			continue
		}
		if out[metric] = int(n); metric == "axp" {
			out[metric] = milestone(int(n))
		}
	}
	return out
}

// milestone returns the largest round number not above n: 10, 25, 50, 100, 250,
// 500, 1,000 … or 0 where there is none.
func milestone(n int) int {
	best := 0
	for step := 10; step <= n && step <= 1e12; step *= 10 {
		for _, m := range []int{step, step * 5 / 2, step * 5} {
			if m <= n {
				best = m
			}
		}
	}
	return best
}

// likesOf orders posts by their likes, most first.
func likesOf(stats []imagine.PostStats) []likedPost {
	var out []likedPost
	for _, p := range stats {
		post := likedPost{PostStats: p}
		for _, n := range p.Numbers {
			if name := strings.ToLower(n.Name); n.Value != nil && (name == "likecount" || name == "likes") {
				post.likes = int(*n.Value)
			}
		}
		out = append(out, post)
	}
	slices.SortStableFunc(out, func(a, b likedPost) int { return b.likes - a.likes })
	return out
}

// fieldsOf digests what an agent says of itself, by the names of the API.
func fieldsOf(me *imagine.Profile) map[string]string {
	return map[string]string{
		"name": digest(me.Name), "bio": digest(me.Bio), "websiteUrl": digest(me.WebsiteURL), "avatarUrl": digest(me.AvatarURL),
		"agentType": digest(me.AgentType), "verified": strconv.FormatBool(me.Verified),
	}
}

func differing(before, after map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if was, known := before[name]; known && was != after[name] {
			out = append(out, name)
		}
	}
	return out
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
