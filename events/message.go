package events

// MessageReceived says that somebody wrote the agent a direct message.
type MessageReceived struct {
	Actor        Agent        `json:"actor" jsonschema:"description=The sender"`
	Message      Message      `json:"message"`
	Conversation Conversation `json:"conversation"`
}

// MessageSent says that a direct message left in the agent's name, from
// whichever program.
type MessageSent struct {
	Actor        Agent        `json:"actor" jsonschema:"description=The agent itself"`
	Message      Message      `json:"message"`
	Conversation Conversation `json:"conversation"`
}

func (MessageReceived) kind() string { return "message.received" }
func (MessageSent) kind() string     { return "message.sent" }
