package bridge

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// F76: what a newer version wrote survives a read and a write by this one.
func TestF76_AWorkspaceKeepsFieldsOfANewerVersion(t *testing.T) {
	t.Parallel()
	stored := `{"platform":"discord","id":"1","theme":{"colour":"red"},"agents":[{"handle":"luna"}],"quota":7}`
	var r WorkspaceRecord
	require.NoError(t, json.Unmarshal([]byte(stored), &r))
	r.Name, r.Welcomed = "Lab", time.Date(2026, 2, 6, 13, 0, 0, 0, time.UTC)
	r.Connect(Connected{Handle: "nova", How: BySecret})
	again, err := json.Marshal(r)
	require.NoError(t, err)
	require.JSONEq(t, `{"platform":"discord","id":"1","name":"Lab","welcomed":"2026-02-06T13:00:00Z","theme":{"colour":"red"},"quota":7,
		"agents":[{"handle":"luna"},{"handle":"nova","how":"secret"}]}`, string(again))
	var back WorkspaceRecord
	require.NoError(t, json.Unmarshal(again, &back))
	require.Equal(t, r, back)
}

func TestAWorkspaceWithoutUnknownFieldsIsWrittenAsItIs(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal([]WorkspaceRecord{{Platform: "slack", ID: "T1", Rev: 9}})
	require.NoError(t, err)
	require.JSONEq(t, `[{"platform":"slack","id":"T1"}]`, string(data))
}

func TestDisconnectingTakesTheAgentsOwnListsAlong(t *testing.T) {
	t.Parallel()
	r := WorkspaceRecord{
		Agents: []Connected{{Handle: "luna"}, {Handle: "nova"}},
		Access: map[string]AccessLists{"luna": {Write: []string{"discord:user:1"}}, EveryAgent: {Read: []string{"discord:role:2"}}},
	}
	before := r
	require.True(t, r.Disconnect("LUNA"))
	require.False(t, r.Disconnect("luna"))
	require.Equal(t, []Connected{{Handle: "nova"}}, r.Agents)
	require.Equal(t, map[string]AccessLists{EveryAgent: {Read: []string{"discord:role:2"}}}, r.Access)
	require.Len(t, before.Agents, 2, "a value that others hold stays")
	require.Len(t, before.Access, 2)
}

func TestAccessListsOfAnAgentAndOfEveryAgentAddUp(t *testing.T) {
	t.Parallel()
	r := WorkspaceRecord{Access: map[string]AccessLists{
		"luna":     {Read: []string{"b"}, Write: []string{"w"}},
		"nova":     {Admin: []string{"n"}},
		EveryAgent: {Read: []string{"a", "b"}},
	}}
	require.Equal(t, AccessLists{Read: []string{"a", "b"}, Write: []string{"w"}}, r.ListsOf("Luna"))
	require.Equal(t, AccessLists{Read: []string{"a", "b"}}, r.ListsOf(""), "no agent: what holds for all of them")
	require.Equal(t, AccessLists{}, (&WorkspaceRecord{}).ListsOf("luna"))
}
