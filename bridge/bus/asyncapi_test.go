package bus

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/golden"
)

//go:generate go test -run AsyncAPI . -update

const asyncAPIFile = "../../docs/asyncapi.yaml"

// node is an object of the document; its keys are written in order.
type node = yaml.MapSlice

func pair(key string, value any) yaml.MapItem { return yaml.MapItem{Key: key, Value: value} }

func ref(path ...string) node {
	for i, p := range path {
		path[i] = strings.NewReplacer("~", "~0", "/", "~1").Replace(p)
	}
	return node{pair("$ref", "#/"+strings.Join(path, "/"))}
}

// document collects what several parts of the description refer to.
type document struct {
	t                             *testing.T
	channels, operations          node
	messages, schemas, repliesAll node
	known                         map[string]string // schemas by name, as JSON
}

func asyncAPI(t *testing.T) node {
	t.Helper()
	d := &document{t: t, known: map[string]string{}}
	d.schema("requestHeaders", requestHeaders)
	d.schema("replyHeaders", replyHeaders)
	d.schema("eventHeaders", eventHeaders)
	d.events()
	table := command.Table()
	for i := range table {
		d.command(&table[i])
	}
	d.channels = append(d.channels, pair("replies", node{
		pair("address", nil),
		pair("title", "Replies to commands"),
		pair("description", "The caller's own inbox: a subject that begins with _INBOX. Other subjects are not answered, and such a command is not run."),
		pair("messages", d.repliesAll),
	}))
	return node{
		pair("asyncapi", "3.0.0"),
		pair("info", node{
			pair("title", "ImagineBridge"), pair("version", serviceVersion),
			pair("description", aboutNATS),
			pair("license", node{pair("name", "Apache-2.0"), pair("url", "https://www.apache.org/licenses/LICENSE-2.0")}),
		}),
		pair("defaultContentType", "application/json"),
		pair("servers", node{pair("embedded", node{
			pair("host", "127.0.0.1:4222"), pair("protocol", "nats"),
			pair("description", "The embedded server. User, password and inbox prefix are in <data>/nats/subscriber.creds.json; commands need a user who may publish on ia.cmd.<agent>.> (admin.creds.json may)."),
			pair("security", []any{ref("components", "securitySchemes", "user")}),
		})}),
		pair("channels", d.channels),
		pair("operations", d.operations),
		pair("components", node{
			pair("securitySchemes", node{pair("user", node{pair("type", "userPassword")})}),
			pair("messages", d.messages),
			pair("schemas", d.schemas),
		}),
	}
}

const aboutNATS = `What a program hears from ImagineBridge over NATS and can ask of it, seen from that program's side. Generated from the catalogue of events and the table of commands; do not edit.

Events are CloudEvents 1.0 in structured JSON. In each subject {agent} is the agent's handle in lower case, every byte outside [a-z0-9_-] as =XX. Core subscribers of ia.event.> see each event once, when it is stored, and miss what comes while they are away; durable consumers on the stream IA_EVENTS miss nothing and may see an event again, under the same id.

Commands are requests to the micro service "imaginebridge": a JSON object of arguments, answered by {"ok":true,"result":…,"text":"…"}, or by {"ok":false,"error":{…}} with the headers Nats-Service-Error-Code and Nats-Service-Error.
`

const requestHeaders = `{"type":"object","properties":{
	"Nats-Msg-Id":{"type":"string","maxLength":256,"description":"Names the request: sent again under the same id on the same subject it is not run again, and gets the stored answer. Kept for 30 days."},
	"Ia-Confirm":{"type":"string","enum":["yes"],"description":"Says yes to what asks first (error confirmation_required)."},
	"Ia-Zone":{"type":"string","description":"The caller's time zone, such as Europe/Berlin: whose clock a time in the arguments means. Else UTC."},
	"Ia-Timeout":{"type":"string","description":"How long the caller waits, as a Go duration such as 30s; at most 10m30s."}}}`

const replyHeaders = `{"type":"object","properties":{
	"Nats-Service-Error-Code":{"type":"string","description":"As HTTP has them. Only where the command was not done."},
	"Nats-Service-Error":{"type":"string","description":"What is wrong, in one line."}}}`

const eventHeaders = `{"type":"object","properties":{
	"Content-Type":{"type":"string","const":"application/cloudevents+json"},
	"Nats-Msg-Id":{"type":"string","description":"The event's id."}}}`

// events makes a channel per family and an operation to receive it.
func (d *document) events() {
	families := map[string][]*events.Kind{}
	var order []string
	for k := range events.Kinds() {
		if families[k.Family] == nil {
			order = append(order, k.Family)
		}
		families[k.Family] = append(families[k.Family], k)
	}
	for _, f := range order {
		var types []any
		var heard []any
		var messages node
		for _, k := range families[f] {
			d.event(k)
			types = append(types, k.Type)
			messages = append(messages, pair(k.Type, ref("components", "messages", k.Name())))
			heard = append(heard, ref("channels", f, "messages", k.Type))
		}
		d.channels = append(d.channels, pair(f, node{
			pair("address", "ia.event.{agent}.{family}.{type}"),
			pair("title", "Events of the family "+f),
			pair("parameters", node{
				pair("agent", agentParameter()),
				pair("family", node{pair("enum", []any{f}), pair("default", f), pair("description", "The family.")}),
				pair("type", node{pair("enum", types), pair("description", "What happened.")}),
			}),
			pair("messages", messages),
			pair("x-jetstream", node{
				pair("stream", streamEvents), pair("subject", "ia.event.*."+f+".*"), pair("durable", subscriberName), pair("ackPolicy", "explicit"),
			}),
		}))
		d.operations = append(d.operations, pair("receive-"+f, node{
			pair("action", "receive"), pair("channel", ref("channels", f)),
			pair("summary", "Hear the events of the family "+f+"."), pair("messages", heard),
		}))
	}
}

func agentParameter() node {
	return node{pair("description", "The agent's handle in lower case, every byte outside [a-z0-9_-] as =XX.")}
}

// event makes the message of a kind: the envelope around its data.
func (d *document) event(k *events.Kind) {
	raw, err := k.Schema()
	require.NoError(d.t, err)
	data := d.embed("event", k.Name(), raw)
	envelope := node{
		pair("type", "object"),
		pair("required", []any{"specversion", "id", "type", "source", "time", "data"}),
		pair("properties", node{
			pair("specversion", node{pair("const", events.SpecVersion)}),
			pair("id", node{pair("type", "string"), pair("description", "Comes from the occurrence: "+k.ID)}),
			pair("type", node{pair("const", events.TypePrefix+k.Name())}),
			pair("source", node{pair("type", "string"), pair("format", "uri")}),
			pair("subject", node{pair("type", "string"), pair("description", "The id of what it is about.")}),
			pair("time", node{pair("type", "string"), pair("format", "date-time")}),
			pair("datacontenttype", node{pair("const", "application/json")}),
			pair("dataschema", node{pair("const", k.SchemaID())}),
			pair("data", data),
		}),
	}
	name := "event." + k.Name() + ".envelope"
	d.schemas = append(d.schemas, pair(name, envelope))
	d.messages = append(d.messages, pair(k.Name(), node{
		pair("name", k.Name()), pair("title", k.Name()), pair("summary", k.Summary), pair("contentType", events.ContentType),
		pair("headers", ref("components", "schemas", "eventHeaders")),
		pair("payload", ref("components", "schemas", name)),
	}))
}

// command makes the channel of a command and the operation to ask for it.
func (d *document) command(spec *command.Spec) {
	name := spec.Group + "." + spec.Verb
	for _, m := range []struct {
		part, title, headers string
		schema               []byte
	}{
		{"request", spec.Summary, "requestHeaders", command.RequestSchema(spec)},
		{"reply", "Reply to " + spec.Name(), "replyHeaders", command.ReplySchema(spec)},
	} {
		d.messages = append(d.messages, pair("command."+name+"."+m.part, node{
			pair("name", "command."+name+"."+m.part), pair("title", m.title), pair("contentType", "application/json"),
			pair("headers", ref("components", "schemas", m.headers)),
			pair("payload", d.embed("command", "command."+name+"."+m.part, m.schema)),
		}))
	}
	d.channels = append(d.channels, pair("command."+name, node{
		pair("address", "ia.cmd.{agent}."+name),
		pair("title", spec.Name()),
		pair("parameters", node{pair("agent", agentParameter())}),
		pair("messages", node{pair("request", ref("components", "messages", "command."+name+".request"))}),
	}))
	d.repliesAll = append(d.repliesAll, pair("command."+name, ref("components", "messages", "command."+name+".reply")))
	d.operations = append(d.operations, pair("command."+name, node{
		pair("action", "send"), pair("channel", ref("channels", "command."+name)), pair("summary", spec.Summary),
		pair("description", about(spec)),
		pair("messages", []any{ref("channels", "command."+name, "messages", "request")}),
		pair("reply", node{
			pair("channel", ref("channels", "replies")),
			pair("messages", []any{ref("channels", "replies", "messages", "command."+name)}),
		}),
	}))
}

func about(spec *command.Spec) string {
	out := "Access: " + spec.Access.String() + "."
	if spec.Confirm {
		out += " Can't be undone: asks first, see the header Ia-Confirm."
	}
	if spec.Later {
		out += " A later part of the API: servers may not offer it."
	}
	return out
}

func (d *document) schema(name, text string) {
	var v any
	require.NoError(d.t, json.Unmarshal([]byte(text), &v))
	d.schemas = append(d.schemas, pair(name, ordered(v, nil)))
}

// embed puts a schema that is complete in itself among the others, its definitions
// beside it under the space's name, and returns the reference to it.
func (d *document) embed(space, name string, raw []byte) node {
	var s map[string]any
	require.NoError(d.t, json.Unmarshal(raw, &s))
	defs, _ := s["$defs"].(map[string]any)
	for _, drop := range []string{"$schema", "$id", "$defs"} {
		delete(s, drop)
	}
	renamed := func(ref string) string {
		return "#/components/schemas/" + space + "." + strings.TrimPrefix(ref, "#/$defs/")
	}
	for _, def := range slices.Sorted(maps.Keys(defs)) {
		d.add(space+"."+def, ordered(defs[def], renamed))
	}
	full := name
	if space == "event" {
		full = "event." + name
	}
	d.add(full, ordered(s, renamed))
	return ref("components", "schemas", full)
}

// add keeps a schema once; two of one name must agree.
func (d *document) add(name string, schema any) {
	text, err := yaml.Marshal(schema)
	require.NoError(d.t, err)
	if former, known := d.known[name]; known {
		require.Equal(d.t, former, string(text), "two schemas are called %s", name)
		return
	}
	d.known[name] = string(text)
	d.schemas = append(d.schemas, pair(name, schema))
}

// ordered sorts the keys of JSON, what says most first, and renames references.
func ordered(v any, renamed func(string) string) any {
	switch v := v.(type) {
	case map[string]any:
		first := []string{"$ref", "title", "description", "type", "required"}
		keys := slices.SortedFunc(maps.Keys(v), func(a, b string) int {
			i, j := slices.Index(first, a), slices.Index(first, b)
			switch {
			case i >= 0 && j >= 0:
				return i - j
			case i >= 0:
				return -1
			case j >= 0:
				return 1
			}
			return strings.Compare(a, b)
		})
		out := node{}
		for _, k := range keys {
			if text, ok := v[k].(string); ok && k == "$ref" {
				to := pair(k, renamed(text))
				if len(v) > 1 { // readers of older schemas ignore what stands beside a reference
					to = pair("allOf", []any{node{to}})
				}
				out = append(out, to)
				continue
			}
			out = append(out, pair(k, ordered(v[k], renamed)))
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			out = append(out, ordered(e, renamed))
		}
		return out
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	}
	return v
}

func TestAsyncAPIDescribesEventsAndCommands(t *testing.T) {
	t.Parallel()
	text, err := yaml.MarshalWithOptions(asyncAPI(t), yaml.Indent(2), yaml.UseLiteralStyleIfMultiline(true))
	require.NoError(t, err)
	golden.Equal(t, asyncAPIFile, text)
}

// read gives the document as any reader of YAML gets it.
func readAsyncAPI(t *testing.T) map[string]any {
	t.Helper()
	text, err := yaml.Marshal(asyncAPI(t))
	require.NoError(t, err)
	plain, err := yaml.YAMLToJSON(text)
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(plain)))
	require.NoError(t, err)
	return doc.(map[string]any)
}

func TestAsyncAPIReferencesLeadSomewhere(t *testing.T) {
	t.Parallel()
	doc := readAsyncAPI(t)
	count := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if to, ok := v["$ref"].(string); ok {
				count++
				require.Len(t, v, 1, "what stands beside a reference is not read: %s", to)
				requirePointer(t, doc, to)
			}
			for _, e := range v {
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(doc)
	require.Greater(t, count, 500)
	used := fmt.Sprint(doc)
	for name := range object(t, doc, "components", "schemas") {
		require.Contains(t, used, "#/components/schemas/"+name, "nobody uses this schema")
	}
}

func requirePointer(t *testing.T, doc map[string]any, to string) {
	t.Helper()
	path, ok := strings.CutPrefix(to, "#/")
	require.True(t, ok, to)
	var at any = doc
	for token := range strings.SplitSeq(path, "/") {
		m, ok := at.(map[string]any)
		require.True(t, ok, to)
		at, ok = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]
		require.True(t, ok, to)
	}
}

func object(t *testing.T, doc map[string]any, path ...string) map[string]any {
	t.Helper()
	for _, p := range path {
		next, ok := doc[p].(map[string]any)
		require.True(t, ok, path)
		doc = next
	}
	return doc
}

// compiled makes a validator of every schema of the document.
func compiled(t *testing.T, doc map[string]any) map[string]*jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7) // what AsyncAPI's own schema objects extend
	c.AssertFormat()
	require.NoError(t, c.AddResource("urn:asyncapi", doc))
	out := map[string]*jsonschema.Schema{}
	for name := range object(t, doc, "components", "schemas") {
		s, err := c.Compile("urn:asyncapi#/components/schemas/" + name)
		require.NoError(t, err, name)
		out[name] = s
	}
	return out
}

func TestAsyncAPISchemasFitWhatIsSent(t *testing.T) {
	t.Parallel()
	doc := readAsyncAPI(t)
	schemas := compiled(t, doc)
	for k := range events.Kinds() {
		e := events.New("https://imagineanything.com", "orbit_bot", "x_1", "about", time.Date(2026, 2, 6, 13, 36, 48, 0, time.UTC), k.Example)
		text, err := json.Marshal(e)
		require.NoError(t, err)
		s := schemas["event."+k.Name()+".envelope"]
		require.NotNil(t, s, k.Name())
		require.NoError(t, validate(t, s, string(text)), k.Name())
		require.Error(t, validate(t, s, strings.Replace(string(text), `"data":{`, `"dada":{`, 1)), k.Name())
	}
	table := command.Table()
	for i := range table {
		name := "command." + table[i].Group + "." + table[i].Verb
		require.Error(t, validate(t, schemas[name+".request"], `{"no_such_argument":1}`), name)
		require.NoError(t, validate(t, schemas[name+".reply"], `{"ok":false,"error":{"code":400,"status":"invalid_json","message":"byte 17"}}`), name)
		require.Contains(t, object(t, doc, "operations"), name)
		require.Contains(t, object(t, doc, "channels", "replies", "messages"), name)
	}
}
