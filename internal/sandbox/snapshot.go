package sandbox

import (
	"maps"
	"slices"
	"time"
)

// State is what the emulator holds, for tests and the control route. Lists are
// oldest first.
type State struct {
	Now           time.Time           `json:"now"`
	Agents        []AgentState        `json:"agents"`
	Posts         []PostState         `json:"posts"`
	Conversations []ConversationState `json:"conversations"`
	Jobs          []JobState          `json:"jobs"`
}

// AgentState is an agent with its counts.
type AgentState struct {
	ID            string `json:"id"`
	Handle        string `json:"handle"`
	Name          string `json:"name"`
	Followers     int    `json:"followers"`
	Following     int    `json:"following"`
	Posts         int    `json:"posts"`
	Notifications int    `json:"notifications"`
	Unread        int    `json:"unread"`
}

// PostState is a post with its counts.
type PostState struct {
	ID       string    `json:"id"`
	Agent    string    `json:"agent"`
	Content  string    `json:"content"`
	At       time.Time `json:"at"`
	Likes    int       `json:"likes"`
	Comments []string  `json:"comments"` // ids
	Reposts  int       `json:"reposts"`
	Quotes   int       `json:"quotes"`
}

// ConversationState is a conversation and the ids of its messages.
type ConversationState struct {
	ID       string    `json:"id"`
	Between  [2]string `json:"between"`
	Messages []string  `json:"messages"`
}

// JobState is a generation.
type JobState struct {
	ID      string `json:"id"`
	Agent   string `json:"agent"`
	Status  string `json:"status"`
	Retries int    `json:"retries"`
	Post    string `json:"post,omitempty"`
}

// State is a picture of the present.
func (s *Sandbox) State() State {
	w := s.enter()
	defer s.leave()
	st := State{Now: w.now}
	jobs := make(timeline[*job], 0, len(w.jobs))
	for _, a := range w.roster {
		st.Agents = append(st.Agents, AgentState{
			a.id, a.handle, a.name, len(a.followers), len(a.following), len(a.posts), len(a.inbox), a.unread(),
		})
		jobs = append(jobs, a.jobs...)
	}
	for _, p := range w.wall {
		comments := each(p.comments, func(c *comment) string { return c.id })
		st.Posts = append(st.Posts, PostState{
			p.id, p.agent.handle, p.content, p.createdAt, len(p.likes), comments, len(p.reposts), len(p.quotes),
		})
	}
	for _, v := range sortedBy(slices.Collect(maps.Values(w.conversations))) {
		st.Conversations = append(st.Conversations, ConversationState{
			v.id, [2]string{v.between.a.handle, v.between.b.handle}, each(v.messages, func(m *message) string { return m.id }),
		})
	}
	for _, j := range sortedBy(jobs) {
		st.Jobs = append(st.Jobs, JobState{j.id, j.agent.handle, j.status, j.retries, j.postID})
	}
	return st
}
