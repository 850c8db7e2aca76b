package imagine_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

func TestPageHandsOutStrangeItemsWithTheirBytes(t *testing.T) {
	t.Parallel()
	_, c := serve(t, answer(200, `{"notifications":[{"id":"n3","type":"LIKE","createdAt":"2026-02-06T13:40:02.000Z"},17,{"type":"LIKE"},{"id":"n1","type":"WAVED","x":1}],"nextCursor":"abc","hasMore":true}`))
	p, err := c.Notifications(t.Context(), imagine.PageQuery{})
	require.NoError(t, err)
	require.Len(t, p.Items, 2)
	require.Equal(t, "n3", p.Items[0].ID)
	require.Equal(t, "WAVED", p.Items[1].Type)
	require.JSONEq(t, `{"id":"n1","type":"WAVED","x":1}`, string(p.Items[1].Raw))
	require.JSONEq(t, `{"id":"n1","type":"WAVED","x":1}`, string(p.Raw[1]))
	require.Len(t, p.Bad, 2)
	require.Equal(t, 1, p.Bad[0].Index)
	require.Equal(t, `17`, string(p.Bad[0].Raw))
	require.Equal(t, 2, p.Bad[1].Index)
	require.EqualError(t, p.Bad[1].Err, "no id")
	require.Equal(t, "abc", p.NextCursor)
	require.True(t, p.HasMore)
}

func TestWalkGuards(t *testing.T) {
	t.Parallel()
	page := func(next string, more string, items string) string {
		return `{"posts":[` + items + `],"nextCursor":` + next + `,"hasMore":` + more + `}`
	}
	const item = `{"id":"p"}`
	for name, tc := range map[string]struct {
		pages []string
		calls int
		items int
	}{
		"null cursor":              {[]string{page(`"a"`, "true", item), page(`null`, "true", item)}, 2, 2},
		"no more":                  {[]string{page(`"a"`, "false", item)}, 1, 1},
		"hasMore absent":           {[]string{`{"posts":[{"id":"p"}],"nextCursor":"a"}`, `{"posts":[{"id":"q"}]}`}, 2, 2},
		"cursor seen before":       {[]string{page(`"a"`, "true", item), page(`"b"`, "true", item), page(`"a"`, "true", item)}, 3, 3},
		"empty page with a cursor": {[]string{page(`"a"`, "true", item), page(`"b"`, "true", "")}, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var list []func(http.ResponseWriter, *http.Request)
			for _, p := range tc.pages {
				list = append(list, answer(200, p))
			}
			s, c := serve(t, answers(list...))
			n := 0
			for _, err := range imagine.All(t.Context(), c.Timeline, imagine.PageQuery{}) {
				require.NoError(t, err)
				n++
			}
			require.Equal(t, tc.items, n)
			require.Len(t, s.all(), tc.calls)
		})
	}
}

func TestWalkStopsAtThePageCap(t *testing.T) {
	t.Parallel()
	n := 0
	s, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		answer(200, `{"posts":[{"id":"p"}],"nextCursor":"c`+strconv.Itoa(n)+`"}`)(w, r)
	})
	items := 0
	var last error
	for _, err := range imagine.All(t.Context(), c.Timeline, imagine.PageQuery{Limit: 500}) {
		last = err
		if err == nil {
			items++
		}
	}
	require.ErrorIs(t, last, imagine.ErrPageCap)
	require.Equal(t, imagine.MaxPages, items)
	require.Contains(t, s.all()[0].Query, "limit=100")
}
