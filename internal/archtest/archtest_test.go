package archtest

import (
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func tree(t *testing.T) []file {
	t.Helper()
	files, err := walk("../..")
	require.NoError(t, err)
	require.Greater(t, len(files), 100, "the walk missed the tree")
	return files
}

func TestImportsPointDown(t *testing.T) {
	for _, f := range tree(t) {
		for _, broken := range checkImports(f) {
			t.Error(broken)
		}
	}
}

func TestTestRoomsAreImportedByTestsOnly(t *testing.T) {
	for _, f := range tree(t) {
		for p, line := range f.imports() {
			inner, _ := strings.CutPrefix(p, module)
			if slices.Contains(testRooms, inner) && !f.test && !slices.Contains(testRooms, f.room) && !strings.HasPrefix(f.room, "bench") {
				t.Errorf("%s:%d: %s is for tests only", f.path, line, inner)
			}
		}
	}
}

func TestGoroutinesAndInitsAreExcusedByName(t *testing.T) {
	used := map[string]bool{}
	for _, f := range tree(t) {
		for _, broken := range checkPlaces(f) {
			t.Error(broken)
		}
		for place := range excuses {
			if room, _, _ := strings.Cut(place, " "); room == f.room {
				used[place] = true
			}
		}
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(excuses)), slices.Collect(maps.Keys(used)), "an excuse for a room that is gone")
}

func TestNamesSayWhatIsInside(t *testing.T) {
	for _, f := range tree(t) {
		for _, broken := range checkNames(f) {
			t.Error(broken)
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	said, rooms := map[string]bool{}, map[string]bool{}
	for _, f := range tree(t) {
		if f.test {
			continue
		}
		rooms[f.room] = true
		said[f.room] = said[f.room] || f.syntax.Doc != nil
	}
	for room := range rooms {
		require.True(t, said[room], "package %s has no package comment", room)
	}
}

// The rules can fail: each refuses what it should.
func TestTheRulesRefuse(t *testing.T) {
	for name, tc := range map[string]struct {
		room, src, want string
	}{
		"import upwards":   {"events", `import _ "` + module + `bridge"`, "events may not import bridge"},
		"sideways":         {"sinks/discord", `import _ "` + module + `sinks/slack"`, "sinks/discord may not import sinks/slack"},
		"foreign library":  {"poller", `import _ "github.com/nats-io/nats.go/jetstream"`, "belongs to bridge/bus"},
		"room without row": {"pkg/new", ``, "has no row"},
		"goroutine":        {"poller", "func f() { go f() }", "goroutine without a known owner"},
		"init":             {"poller", "func init() {}", "init is hidden order"},
	} {
		t.Run(name, func(t *testing.T) {
			f := parse(t, tc.room, tc.src)
			require.Contains(t, strings.Join(append(checkImports(f), checkPlaces(f)...), "\n"), tc.want)
		})
	}
	require.NotEmpty(t, checkNames(file{path: "poller/utils.go", syntax: parse(t, "poller", "").syntax}))
}

func parse(t *testing.T, room, src string) file {
	t.Helper()
	fileSet := token.NewFileSet()
	syntax, err := parser.ParseFile(fileSet, room+"/x.go", "package x\n"+src, parser.ParseComments)
	require.NoError(t, err)
	return file{path: room + "/x.go", room: room, syntax: syntax, fileSet: fileSet}
}
