package slack

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// S40: the manifest asks for a scope for each call that the code makes, and the
// code calls nothing that is not in this table.
func TestS40_TheManifestGrantsEveryCall(t *testing.T) {
	t.Parallel()
	// By the scope that Slack asks of a bot (Slack docs, page of the method).
	needs := map[string][]string{
		methodPost: {"chat:write"}, methodEphemeral: {"chat:write"}, methodUpdate: {"chat:write"}, methodDelete: {"chat:write"},
		methodHistory: {scopeHistory, scopePrivateHistory, scopeDirectHistory}, methodReplies: {scopeHistory, scopePrivateHistory, scopeDirectHistory},
		methodInfo: {"channels:read", "groups:read"}, methodUnfurl: {"links:write"}, methodReact: {scopeReactions},
		methodFileInfo: {scopeFiles}, methodUser: {scopeUsers}, methodGroups: {scopeGroups}, methodGroupUsers: {scopeGroups},
		methodTeams: nil,
		methodAuth:  nil, methodOpen: nil, methodOpenView: nil, methodUpdateView: nil, methodPublish: nil, methodRespond: nil, methodOAuth: nil,
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	named := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(v.Names[0].Name, "method") || len(v.Values) != 1 {
				return true
			}
			lit, ok := v.Values[0].(*ast.BasicLit)
			require.True(t, ok, v.Names[0].Name)
			value, err := strconv.Unquote(lit.Value)
			require.NoError(t, err)
			require.Contains(t, needs, value)
			named++
			return true
		})
	}
	require.Len(t, needs, named)
	asked := manifestFor("").OAuth.Scopes.Bot
	for method, scopes := range needs {
		for _, scope := range scopes {
			require.Contains(t, asked, scope, method)
		}
	}
	for _, scope := range manifestFor("").OAuth.Scopes.Optional {
		require.Contains(t, asked, scope)
	}
}

// S40: the code listens to every event that the manifest subscribes to.
func TestS40_EveryEventOfTheManifestIsHeard(t *testing.T) {
	t.Parallel()
	d := openDoor(t, "http", fine, nil)
	_ = d.sink.web.meet(t.Context())
	own := d.sink.web.selfKnown().UserID
	more := map[string]map[string]any{
		"tokens_revoked":          {"tokens": map[string]any{"bot": []string{own}}},
		"subteam_created":         {"subteam": map[string]any{"id": "S1"}},
		"subteam_updated":         {"subteam": map[string]any{"id": "S1"}},
		"subteam_members_changed": {"subteam_id": "S1"},
		"message_metadata_posted": {"app_id": "A1", "message_ts": "1.1", "metadata": map[string]any{"event_type": eventType, "event_payload": map[string]any{"d": "k"}}},
	}
	for n, name := range manifestFor("").Settings.Events.Bot {
		kind, _, _ := strings.Cut(name, ".")
		e := map[string]any{"type": kind, "user": own, "channel": d.channel, "ts": "1.1"}
		maps.Copy(e, more[kind])
		raw, err := json.Marshal(map[string]any{"type": "event_callback", "api_app_id": "A1", "team_id": d.team.ID, "event_id": "Ev" + strconv.Itoa(n), "event": e})
		require.NoError(t, err)
		in, err := fromEvent(raw)
		require.NoError(t, err)
		d.sink.handle(t.Context(), in)
		require.Zero(t, d.counts.get("slack_deliveries_unheard"), name)
	}
}
