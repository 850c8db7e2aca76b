package fakediscord_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

const commands = "/applications/" + fakediscord.DefaultApplicationID + "/commands"

// freely is quick without limits on commands too.
func freely() fakediscord.Options {
	o := quick()
	for _, m := range []string{"PUT", "POST", "GET"} {
		o.Limits[m+" /applications/{application_id}/commands"] = fakediscord.Limit{}
	}
	return o
}

func TestCommandsAreOverwrittenByName(t *testing.T) {
	t.Parallel()
	fake, _ := start(t, freely())
	put := func(body string) []map[string]any {
		a := do(t, fake, http.MethodPut, commands, body)
		require.Equal(t, 200, a.status, "%s", a.body)
		var out []map[string]any
		require.NoError(t, json.Unmarshal(a.body, &out))
		return out
	}
	first := put(`[{"name":"ia","description":"d","default_member_permissions":"32"},{"name":"Share","type":3}]`)
	require.Equal(t, "32", first[0]["default_member_permissions"])
	same := put(`[{"name":"ia","description":"d","default_member_permissions":"32"}]`)
	require.Equal(t, first[0], same[0], "unchanged: same id, same version")
	changed := put(`[{"name":"ia","description":"e"}]`)
	require.Equal(t, first[0]["id"], changed[0]["id"])
	require.NotEqual(t, first[0]["version"], changed[0]["version"])
	require.NotContains(t, string(do(t, fake, http.MethodGet, commands, "").body), "Share")
	require.Empty(t, fake.Faults())
	require.Equal(t, 50001, do(t, fake, http.MethodGet, "/applications/7/commands", "").code(t))
}

func TestWrongCommandsAreRefused(t *testing.T) {
	t.Parallel()
	fake, _ := start(t, freely())
	options := func(list string) string { return `[{"name":"ia","description":"d","options":[` + list + `]}]` }
	many := func(n int, f string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf(f, i)
		}
		return strings.Join(parts, ",")
	}
	for name, tc := range map[string]struct{ body, want string }{
		"upper case":             {`[{"name":"IA","description":"d"}]`, "APPLICATION_COMMAND_INVALID_NAME"},
		"space":                  {`[{"name":"i a","description":"d"}]`, "APPLICATION_COMMAND_INVALID_NAME"},
		"name over 32":           {`[{"name":"` + strings.Repeat("a", 33) + `","description":"d"}]`, `"name"`},
		"no description":         {`[{"name":"ia"}]`, `"description"`},
		"description over 100":   {`[{"name":"ia","description":"` + strings.Repeat("a", 101) + `"}]`, `"description"`},
		"same name twice":        {`[{"name":"ia","description":"d"},{"name":"ia","description":"e"}]`, "DUPLICATE_NAME"},
		"description of a menu":  {`[{"name":"Share","type":3,"description":"d"}]`, "CONTEXT_MENU"},
		"16 message commands":    {`[` + many(16, `{"name":"m%d","type":3}`) + `]`, "APPLICATION_COMMANDS_MAX"},
		"101 chat commands":      {`[` + many(101, `{"name":"m%d","description":"d"}`) + `]`, "APPLICATION_COMMANDS_MAX"},
		"26 options":             {options(many(26, `{"type":3,"name":"o%d","description":"d"}`)), `"options"`},
		"required last":          {options(`{"type":3,"name":"a","description":"d"},{"type":3,"name":"b","description":"d","required":true}`), "REQUIRED_INVALID"},
		"verb beside option":     {options(`{"type":1,"name":"a","description":"d"},{"type":3,"name":"b","description":"d"}`), "TYPE_INVALID"},
		"group in a group":       {options(`{"type":2,"name":"a","description":"d","options":[{"type":2,"name":"b","description":"d"}]}`), "UNION_TYPE_CHOICES"},
		"same option twice":      {options(`{"type":3,"name":"a","description":"d"},{"type":3,"name":"a","description":"d"}`), "NAME_ALREADY_EXISTS"},
		"26 choices":             {options(`{"type":3,"name":"a","description":"d","choices":[` + many(26, `{"name":"c%d","value":"v"}`) + `]}`), `"choices"`},
		"choices and completion": {options(`{"type":3,"name":"a","description":"d","autocomplete":true,"choices":[{"name":"c","value":"v"}]}`), "AUTOCOMPLETE_CHOICES"},
		"number as text":         {options(`{"type":4,"name":"a","description":"d","choices":[{"name":"c","value":"1"}]}`), `"value"`},
		"max_length over 6000":   {options(`{"type":3,"name":"a","description":"d","max_length":6001}`), `"max_length"`},
		"over 8000 in all": {options(many(4, `{"type":2,"name":"g%d","description":"d","options":[`+
			many(21, `{"type":1,"name":"v%d","description":"`+strings.Repeat("d", 100)+`"}`)+`]}`)), "APPLICATION_COMMAND_TOO_LARGE"},
	} {
		a := do(t, fake, http.MethodPut, commands, tc.body)
		require.Equal(t, 50035, a.code(t), "%s: %s", name, a.body)
		require.Contains(t, string(a.body), tc.want, name)
	}
	require.JSONEq(t, `[]`, string(do(t, fake, http.MethodGet, commands, "").body))
}

func TestDailyCommandCreatesRunOut(t *testing.T) {
	t.Parallel()
	fake, _ := start(t, freely())
	body := func(round int) string {
		parts := make([]string, 100)
		for i := range parts {
			parts[i] = fmt.Sprintf(`{"name":"c%d-%d","description":"d"}`, round, i)
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	require.Equal(t, 200, do(t, fake, http.MethodPut, commands, body(0)).status)
	require.Equal(t, 200, do(t, fake, http.MethodPut, commands, body(1)).status)
	require.Equal(t, 30034, do(t, fake, http.MethodPut, commands, body(2)).code(t))
	require.Equal(t, 200, do(t, fake, http.MethodPut, commands, body(1)).status, "overwriting is free")
}

func TestSingleCommands(t *testing.T) {
	t.Parallel()
	fake, _ := start(t, freely())
	made := do(t, fake, http.MethodPost, commands, `{"name":"one","description":"d","description_localizations":{"de":"e"}}`)
	require.Equal(t, 201, made.status, "%s", made.body)
	require.Equal(t, 200, do(t, fake, http.MethodPost, commands, `{"name":"one","description":"f"}`).status, "the same name overwrites")
	require.Equal(t, 50035, do(t, fake, http.MethodPost, commands, `{"name":"One","description":"f"}`).code(t))
	require.Equal(t, 204, do(t, fake, http.MethodDelete, commands+"/"+made.id(t), "").status)
	require.Equal(t, 10063, do(t, fake, http.MethodDelete, commands+"/"+made.id(t), "").code(t))

	guild := fake.Guild("Own")
	scoped := "/applications/" + fakediscord.DefaultApplicationID + "/guilds/" + guild + "/commands"
	require.Equal(t, 200, do(t, fake, http.MethodPut, scoped, `[{"name":"here","description":"d"}]`).status)
	_, err := fake.Slash("ada", fake.Channel(guild, "c"), "/here")
	require.NoError(t, err)
	_, err = fake.Slash("ada", fake.DM("ada"), "/here")
	require.Error(t, err, "only in its guild")
	require.Empty(t, otherFaults(fake))
}

// otherFaults are the faults but those of refused bodies.
func otherFaults(fake *fakediscord.Server) []string {
	out := []string{}
	for _, r := range rules(fake) {
		if r != "body" {
			out = append(out, r)
		}
	}
	return out
}
