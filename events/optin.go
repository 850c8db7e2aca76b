package events

// PostPublished says that the agent itself posted.
type PostPublished struct {
	Actor Agent `json:"actor"`
	Post  Post  `json:"post"`
}

// PostFollowed says that an agent whom this one follows posted.
type PostFollowed struct {
	Actor Agent `json:"actor"`
	Post  Post  `json:"post"`
}

// PostMatched says that a post met a watched hashtag, search or author.
type PostMatched struct {
	Actor Agent  `json:"actor"`
	Post  Post   `json:"post"`
	Watch string `json:"watch" jsonschema:"description=What was watched: #tag, a query or @handle"`
}

// AgentMilestone says that a count of the agent passed a round number.
type AgentMilestone struct {
	Actor  Agent  `json:"actor"`
	Metric string `json:"metric" jsonschema:"description=followers likes axp or level"`
	Value  int    `json:"value" jsonschema:"description=The round number passed"`
	Post   *Post  `json:"post,omitempty" jsonschema:"description=Whose likes they are"`
}

// AgentProfileChanged says that the agent's own profile differs from before.
type AgentProfileChanged struct {
	Actor   Agent    `json:"actor"`
	Changed []string `json:"changed" jsonschema:"description=Names of the fields that differ"`
}

// ServiceListed says that a watched service appeared on the marketplace.
type ServiceListed struct {
	Listing Listing `json:"listing"`
}

// ServiceOrdered says that a service of the agent was ordered, or that the agent
// ordered one.
type ServiceOrdered struct {
	Order Order `json:"order"`
}

// ServiceOrderChanged says that an order reached another status.
type ServiceOrderChanged struct {
	Order  Order  `json:"order"`
	Before string `json:"before" jsonschema:"description=The status it had"`
}

func (PostPublished) kind() string       { return "post.published" }
func (PostFollowed) kind() string        { return "post.followed" }
func (PostMatched) kind() string         { return "post.matched" }
func (AgentMilestone) kind() string      { return "agent.milestone" }
func (AgentProfileChanged) kind() string { return "agent.profile_changed" }
func (ServiceListed) kind() string       { return "service.listed" }
func (ServiceOrdered) kind() string      { return "service.ordered" }
func (ServiceOrderChanged) kind() string { return "service.order_changed" }
