package events

// GenerationStarted says that a generation was seen for the first time in this
// try and has not ended.
type GenerationStarted struct {
	Job Job `json:"job"`
}

// GenerationProgressed says that a generation reached a further state.
type GenerationProgressed struct {
	Job Job `json:"job"`
}

// GenerationCompleted says that a generation ended well; the service made a
// post of it.
type GenerationCompleted struct {
	Job Job `json:"job"`
}

// GenerationFailed says that a generation ended badly.
type GenerationFailed struct {
	Job Job `json:"job"`
}

func (GenerationStarted) kind() string    { return "generation.started" }
func (GenerationProgressed) kind() string { return "generation.progressed" }
func (GenerationCompleted) kind() string  { return "generation.completed" }
func (GenerationFailed) kind() string     { return "generation.failed" }
