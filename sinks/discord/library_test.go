package discord

import (
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"
	"github.com/stretchr/testify/require"
)

// borrowed is all that the product uses of the library: its transport, its
// gateway session and its raw events. Types for interactions, whose accessors
// panic and make requests, and for files, whose bodies it builds whole in memory,
// are not among it.
var borrowed = []string{
	"APIVersion", "Bucket", "Disconnect", "EndpointAPI", "ErrWSAlreadyOpen", "Event", "Logger",
	"New", "Session", "WithClient", "WithContext",
}

// called are the methods of its sessions that the product calls.
var called = []string{"AddHandler", "Close", "Open", "RequestWithLockedBucket"}

// sources are the files of the product in this folder.
func sources(t *testing.T) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var out []*ast.File
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(gotoken.NewFileSet(), p, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		out = append(out, f)
	}
	require.NotEmpty(t, out)
	return out
}

// used collects what is selected from what is called by one of the names, as in
// discordgo.New or l.session.Open.
func used(files []*ast.File, names ...string) []string {
	found := map[string]bool{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			switch x := s.X.(type) {
			case *ast.Ident:
				found[s.Sel.Name] = found[s.Sel.Name] || slices.Contains(names, x.Name)
			case *ast.SelectorExpr:
				found[s.Sel.Name] = found[s.Sel.Name] || slices.Contains(names, x.Sel.Name)
			}
			return true
		})
	}
	var out []string
	for name, yes := range found {
		if yes {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Library pitfalls 10 and 29, and all others of code that is not used here: what
// is new on this list wants a look at what the library does there.
func TestLibraryIsUsedForLittle(t *testing.T) {
	t.Parallel()
	files := sources(t)
	require.Equal(t, borrowed, used(files, "discordgo"))
	methods := slices.DeleteFunc(used(files, "session", "library"), func(name string) bool {
		_, is := reflect.TypeFor[*discordgo.Session]().MethodByName(name)
		return !is
	})
	require.Equal(t, called, methods)
}

// Library pitfall 10: the accessors of its options panic on another type. Our
// decoder takes every value at every type.
func TestLibraryOptionsPanicAndOursDoNot(t *testing.T) {
	t.Parallel()
	option := discordgo.ApplicationCommandInteractionDataOption{Type: discordgo.ApplicationCommandOptionInteger, Value: "7"}
	require.Panics(t, func() { option.StringValue() })
	require.Panics(t, func() { option.IntValue() })
	for kind := range 14 {
		for _, value := range []string{`"7"`, `7`, `7.5`, `true`, `null`, `[7]`, `{"a":7}`, `"7","focused":true`, `"7","options":{"a":1}`} {
			raw := fmt.Sprintf(`{"id":"1","application_id":"2","token":"t","type":2,"data":{"name":"ia","resolved":7,"options":[`+
				`{"name":"odd","type":%d,"value":%s},{"name":"post","type":3,"value":"p1"}]}}`, kind, value)
			in, ok := decode([]byte(raw))
			require.True(t, ok, raw)
			require.Equal(t, "p1", in.Values["post"], "the option beside it is read: %s", raw)
		}
	}
}

// Library pitfall 20: it keeps a bucket for each name for ever, and tokens of
// interactions are in the names. Our requests bring buckets that it does not keep.
func TestLibraryKeepsNoBucketsOfOurs(t *testing.T) {
	t.Parallel()
	kept := func(r *discordgo.RateLimiter) int { return reflect.ValueOf(r).Elem().FieldByName("buckets").Len() }
	named := discordgo.NewRatelimiter()
	named.GetBucket("of one token")
	require.Equal(t, 1, kept(named), "so is counted what it keeps")

	s := overHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-RateLimit-Bucket", "h"+strconv.Itoa(len(r.URL.Path)))
		w.Header().Set("X-RateLimit-Remaining", "5")
		w.Header().Set("X-RateLimit-Reset-After", "1")
		fmt.Fprint(w, `{"id":"5"}`)
	})
	for i := range 50 {
		in := interaction{ID: strconv.Itoa(i + 1), App: "2", Token: "token" + strconv.Itoa(i)}
		require.NoError(t, s.rest.do(t.Context(), exempt(fill("PATCH", routeHooked, in.App, in.Token, in.ID)), editBody{}, nil))
		require.NoError(t, s.rest.do(t.Context(), exempt(fill("GET", routeMessages, in.ID)), nil, nil))
	}
	require.Zero(t, kept(s.rest.library.Ratelimiter))
}

// Library pitfall 29: it builds bodies with files whole in memory. We send none:
// each body is JSON, whose size the limits of what a message shows bound.
func TestLibraryIsHandedNoFiles(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		for _, i := range f.Imports {
			require.NotEqual(t, strconv.Quote("mime/multipart"), i.Path.Value)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == gotoken.STRING {
				require.NotContains(t, strings.ToLower(lit.Value), "multipart/")
				require.NotContains(t, lit.Value, "files[")
			}
			return true
		})
	}
}
