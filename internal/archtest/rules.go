package archtest

// mayImport says which rooms of ours each room may import, outside tests. Floors
// point down only; rooms on one floor do not know each other. "*" means all.
var mayImport = map[string][]string{
	"events":            {},
	"internal/imagine":  {"internal/trail"},
	"internal/seal":     {},
	"internal/fetch":    {},
	"internal/language": {},
	"internal/trail":    {},
	"internal/trace":    {"internal/trail"},
	"internal/metric":   {"events"},
	"config":            {},
	"events/subscribe":  {"events"},
	"bridge":            {"events", "internal/language", "internal/trail"},
	"bridge/command":    {"bridge", "events", "internal/imagine", "internal/language", "internal/trail"},
	"bridge/bus":        {"bridge", "bridge/command", "events", "internal/seal", "internal/trail"},
	"poller":            {"events", "internal/imagine", "internal/trail"},
	"sinks/*":           {"bridge", "bridge/command", "events", "internal/fetch", "internal/language", "internal/trail"},
	"cmd/*":             {"*"},

	// The emulators share nothing with the product, so that they cannot share a
	// mistake with it.
	"internal/sandbox":     {},
	"internal/fakediscord": {},
	"internal/fakeslack":   {},

	// Only tests import these.
	"internal/sinktest": {"bridge", "events", "internal/golden"},
	"internal/golden":   {},
	"internal/load":     {},
	"internal/archtest": {},

	"bench":   {"*"},
	"bench/*": {"*"},
}

// testRooms are imported by tests only.
var testRooms = []string{"internal/sinktest", "internal/golden", "internal/load", "internal/archtest", "internal/fakediscord", "internal/fakeslack"}

type owner struct {
	rooms []string
	why   string
}

// owners says which room alone may use a library outside tests, so that one
// folder replaces it.
var owners = map[string]owner{
	"github.com/nats-io/nats.go":            {[]string{"bridge/bus", "events/subscribe", "bench/chaos"}, "nobody else talks to NATS; chaos reads it without us"},
	"github.com/nats-io/nats-server":        {[]string{"bridge/bus", "bench/chaos"}, "nobody else talks to NATS; chaos is the server that dies"},
	"github.com/synadia-io/orbit.go":        {[]string{"bridge/bus"}, "nobody else talks to NATS"},
	"github.com/bwmarrin/discordgo":         {[]string{"sinks/discord"}, "nobody else talks to Discord"},
	"github.com/slack-go/slack":             {[]string{"sinks/slack"}, "nobody else talks to Slack"},
	"github.com/goccy/go-yaml":              {[]string{"config"}, "one room reads YAML"},
	"github.com/expr-lang/expr":             {[]string{"bridge"}, "filters are the heart's"},
	"github.com/spf13/cobra":                {[]string{"cmd/imaginebridge"}, "flags exist in cmd only"},
	"github.com/prometheus/client_golang":   {[]string{"internal/metric"}, "one room counts"},
	"go.opentelemetry.io":                   {[]string{"internal/trace"}, "one room traces"},
	"github.com/stretchr/testify":           {[]string{"internal/sinktest"}, "a test library"},
	"github.com/gorilla/websocket":          {[]string{"sinks/discord", "sinks/slack", "internal/fakediscord", "internal/fakeslack"}, "sockets of the platforms"},
	"github.com/standard-webhooks":          {[]string{"sinks/webhook"}, "one room signs"},
	"golang.org/x/text/language":            {[]string{"internal/language"}, "one room knows languages"},
	"golang.org/x/text/message":             {[]string{"internal/language"}, "one room knows languages"},
	"golang.org/x/crypto/chacha20poly1305":  {[]string{"internal/seal"}, "one room seals"},
	"code.dny.dev/ssrf":                     {[]string{"internal/fetch"}, "one room dials foreign addresses"},
	"github.com/santhosh-tekuri/jsonschema": {[]string{"internal/fakediscord", "internal/fakeslack"}, "a test library"},
}

// excuses are the places where a goroutine or an init is right, with the reason.
var excuses = map[string]string{
	"cmd/imaginebridge main":     "restores the default handling of signals after the first",
	"cmd/imaginebridge serve":    "net/http's Serve blocks; serve waits for its end",
	"bridge/bus stop":            "the server's shutdown knows no context; stop waits for it as long as it may",
	"internal/sandbox RoundTrip": "the handler writes while the caller reads; it ends with the body",
	"sinks/discord open":         "the library connects without a deadline; open gives it one",
	"sinks/discord leave":        "the library closes without a deadline; leave gives it one",
	"sinks/slack greet":          "the library's session blocks; greet ends it with its context",
	"sinks/slack connect":        "the library's session blocks; connect ends it with its context",
	"sinks/slack Drain":          "waiting for edits knows no context; Drain waits as long as it may",
	"sinks/discord run":          "counted; Drain waits until all have ended",
	"sinks/discord init":         "discordgo keeps its API version and its logger in package variables",
}

// emptyNames say nothing about what is inside.
var emptyNames = []string{"util", "utils", "common", "helper", "helpers", "types", "models", "misc", "base", "shared"}
