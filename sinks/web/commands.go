package web

// Commands whose forms are pages: what is wrong is said there, beside its field.
const (
	addCommand  = "subscribe add"
	editCommand = "subscribe edit"
)

// deeds are the commands that the pages have buttons and forms for.
var deeds = []string{
	"subscribe pause", "subscribe resume", "subscribe replay", "subscribe test", "subscribe remove", "dead replay", "dead drop",
	addCommand, editCommand,
}
