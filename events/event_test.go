package events_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	ce "github.com/cloudevents/sdk-go/v2/event"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/events"
)

var at = time.Date(2026, 2, 6, 13, 36, 48, 120e6, time.UTC)

func exampleOf(k *events.Kind) events.Event {
	return events.New("https://imagineanything.com", "orbit_bot", "x_1", "about", at, k.Example)
}

func encode(tb testing.TB, e events.Event) []byte {
	tb.Helper()
	b, err := json.Marshal(e)
	require.NoError(tb, err)
	return b
}

func TestEveryKindSurvivesARoundTrip(t *testing.T) {
	for k := range events.Kinds() {
		t.Run(k.Name(), func(t *testing.T) {
			before := exampleOf(k)
			var after events.Event
			require.NoError(t, json.Unmarshal(encode(t, before), &after))
			require.Equal(t, before, after)
			require.Equal(t, k.Name(), after.Name())
			require.Equal(t, "orbit_bot", after.Agent())
		})
	}
}

func TestTheCloudEventsSDKReadsEveryKind(t *testing.T) {
	for k := range events.Kinds() {
		t.Run(k.Name(), func(t *testing.T) {
			var got ce.Event
			require.NoError(t, json.Unmarshal(encode(t, exampleOf(k)), &got))
			require.NoError(t, got.Validate())
			require.Equal(t, "1.0", got.SpecVersion())
			require.Equal(t, "com.imagineanything."+k.Name(), got.Type())
			require.Equal(t, "https://imagineanything.com/agents/orbit_bot", got.Source())
			require.Equal(t, "x_1", got.ID())
			require.Equal(t, "about", got.Subject())
			require.Equal(t, at, got.Time())
			require.Equal(t, k.SchemaID(), got.DataSchema())
		})
	}
}

func TestEveryEventFitsItsSchema(t *testing.T) {
	for k := range events.Kinds() {
		t.Run(k.Name(), func(t *testing.T) {
			schema := compile(t, k)
			var whole struct{ Data any }
			require.NoError(t, json.Unmarshal(encode(t, exampleOf(k)), &whole))
			require.NoError(t, schema.Validate(whole.Data))
			require.Error(t, schema.Validate(map[string]any{}), "a schema that accepts nothing at all checks nothing")
		})
	}
}

// compile returns the compiled schema of a kind. NotificationOther has no
// required field, so an array stands for "nothing at all" there.
func compile(t *testing.T, k *events.Kind) validator {
	t.Helper()
	raw, err := k.Schema()
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource(k.SchemaID(), doc))
	schema, err := c.Compile(k.SchemaID())
	require.NoError(t, err)
	return validator{schema, k.Name() == "notification.other"}
}

type validator struct {
	*jsonschema.Schema
	lenient bool
}

func (v validator) Validate(data any) error {
	if m, ok := data.(map[string]any); ok && v.lenient && len(m) == 0 {
		data = []any{}
	}
	return v.Schema.Validate(data)
}

func TestUnknownFieldsOfANewerBridgeAreIgnored(t *testing.T) {
	raw := strings.Replace(string(encode(t, exampleOf(first()))), `{"specversion"`, `{"newattribute":1,"specversion"`, 1)
	raw = strings.Replace(raw, `"actor":{`, `"later":[],"actor":{"later":true,`, 1)
	var e events.Event
	require.NoError(t, json.Unmarshal([]byte(raw), &e))
	require.Equal(t, exampleOf(first()), e)
}

func first() *events.Kind {
	for k := range events.Kinds() {
		return k
	}
	return nil
}

func TestDecodingSaysWhatIsWrong(t *testing.T) {
	good := string(encode(t, exampleOf(first())))
	for name, tc := range map[string]struct{ raw, want string }{
		"no object":    {`[]`, "decode event: not a JSON object of the CloudEvents format"},
		"version":      {strings.Replace(good, `"1.0"`, `"0.3"`, 1), `decode event x_1: specversion is "0.3", "1.0" is understood`},
		"foreign type": {strings.Replace(good, "com.imagineanything.", "com.example.", 1), `decode event x_1: type "com.example.notification.follow" is not in the catalogue`},
		"unknown type": {strings.Replace(good, "notification.follow\"", "notification.wave\"", 1), `is not in the catalogue`},
		"time":         {strings.Replace(good, "2026-02-06T13:36:48.12Z", "yesterday", 1), "decode event x_1: time is not RFC 3339"},
		"data":         {strings.Replace(good, `"actor":{`, `"actor":[],"x":{`, 1), "decode event x_1: data does not fit notification.follow"},
		"no id":        {strings.Replace(good, `"x_1"`, `""`, 1), "id is empty"},
		"no agent":     {strings.Replace(good, "/agents/orbit_bot", "/", 1), `names no agent`},
	} {
		t.Run(name, func(t *testing.T) {
			var e events.Event
			err := json.Unmarshal([]byte(tc.raw), &e)
			var decode *events.DecodeError
			require.ErrorAs(t, err, &decode)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestAnIncompleteEventIsNotEncoded(t *testing.T) {
	_, err := json.Marshal(events.Event{})
	require.ErrorContains(t, err, "id is empty")
	require.ErrorContains(t, err, "data is missing")
}

func FuzzDecode(f *testing.F) {
	for k := range events.Kinds() {
		f.Add(encode(f, exampleOf(k)))
	}
	f.Add([]byte(`{"specversion":"1.0","type":"com.imagineanything.","data":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var e events.Event
		if json.Unmarshal(raw, &e) != nil {
			return
		}
		var again events.Event
		require.NoError(t, json.Unmarshal(encode(t, e), &again))
		require.Equal(t, string(encode(t, e)), string(encode(t, again)))
		_, err := e.Subject()
		require.NoError(t, err)
	})
}
