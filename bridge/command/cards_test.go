package command

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/internal/language"
)

func TestCommentsReadAsAConversation(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 2, 6, 13, 0, 0, 0, time.UTC)
	c := func(id, parent string, minute int) imagine.Comment {
		return imagine.Comment{ID: id, ParentID: parent, CreatedAt: at.Add(time.Duration(minute) * time.Minute)}
	}
	for name, tc := range map[string]struct {
		in   []imagine.Comment
		want string
	}{
		"newest first becomes oldest first": {[]imagine.Comment{c("b", "", 2), c("a", "", 1)}, "ab"},
		"a reply stands under its comment":  {[]imagine.Comment{c("c", "a", 3), c("b", "", 2), c("a", "", 1)}, "acb"},
		"and a reply to it under that":      {[]imagine.Comment{c("d", "c", 9), c("c", "a", 3), c("b", "", 2), c("a", "", 1)}, "acdb"},
		"a parent on another page":          {[]imagine.Comment{c("b", "x", 2), c("a", "", 1)}, "ab"},
		"its own parent":                    {[]imagine.Comment{c("a", "a", 1)}, "a"},
		"a circle":                          {[]imagine.Comment{c("a", "b", 1), c("b", "a", 2)}, "ab"},
		"the same minute":                   {[]imagine.Comment{c("b", "", 1), c("a", "", 1)}, "ab"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &imagine.Page[imagine.Comment]{Items: tc.in}
			oldestFirst(p)
			var got strings.Builder
			for _, c := range p.Items {
				got.WriteString(c.ID)
			}
			require.Equal(t, tc.want, got.String())
		})
	}
}

func TestFiguresOfAnyShapeStandSideBySide(t *testing.T) {
	t.Parallel()
	n := func(name string, v float64) imagine.Number { return imagine.Number{Name: name, Value: &v} }
	for name, tc := range map[string]struct {
		in   []imagine.Number
		want []string
	}{
		"now, before and change":   {[]imagine.Number{n("current.likes", 12), n("previous.likes", 10), n("changes.likes", 20)}, []string{"Likes: 12 · before 10 · +20 %"}},
		"the change is worked out": {[]imagine.Number{n("current.likes", 5), n("previous.likes", 10)}, []string{"Likes: 5 · before 10 · -50 %"}},
		"flat":                     {[]imagine.Number{n("followerCount", 1200), n("engagement_rate", 0.125)}, []string{"Follower count: 1,200", "Engagement rate: 0.12"}},
		"nothing told":             {[]imagine.Number{{Name: "changes.likes"}, {Name: "current.views"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range figures(tc.in) {
				got = append(got, spaced(f.name)+": "+f.said(language.Speaker{}))
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func TestNumbersAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1,234,567", thousands(1234567))
	require.Equal(t, "-1,000", thousands(-1000))
	require.Equal(t, "-100", thousands(-100))
	require.Equal(t, "$1,234.05", price(123405))
	require.Equal(t, "-$0.05", price(-5))
	require.Equal(t, "1 like", counted(1, "like").String())
	require.Equal(t, "0 likes", counted(0, "like").String())
	require.Equal(t, "40 %", percent(0.4))
	require.Equal(t, "40 %", percent(40))
	require.Equal(t, "50.1", megabytes(50_000_001))
	require.Equal(t, "2 min", age(2*time.Minute+5*time.Second))
}
