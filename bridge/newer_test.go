package bridge

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type inner struct {
	Known int `json:"known,omitempty"`
}

type embedded struct {
	Carried string `json:"carried,omitempty"`
}

type record struct {
	embedded
	Plain string
	Named int       `json:"named,omitempty"`
	In    *inner    `json:"in,omitempty"`
	At    time.Time `json:"at,omitzero"`
	List  []inner   `json:"list,omitempty"`
	Skip  string    `json:"-"`
}

// F76: fields that this version does not know are written again beside what it
// changed; what it took out stays out.
func TestF76_FieldsOfANewerVersionStandBesideWhatChanged(t *testing.T) {
	t.Parallel()
	const stored = `{"carried":"c","Plain":"p","named":1,"in":{"known":1,"new":[2]},"at":"2026-02-06T13:00:00Z","list":[{"known":1}],"more":{"deep":null}}`
	for name, tc := range map[string]struct {
		change func(*record)
		want   string
	}{
		"nothing":          {func(*record) {}, stored},
		"changed":          {func(r *record) { r.Named, r.In.Known = 2, 3 }, `{"carried":"c","Plain":"p","named":2,"in":{"known":3,"new":[2]},"at":"2026-02-06T13:00:00Z","list":[{"known":1}],"more":{"deep":null}}`},
		"taken out":        {func(r *record) { r.Carried, r.Named, r.At, r.List = "", 0, time.Time{}, nil }, `{"Plain":"p","in":{"known":1,"new":[2]},"more":{"deep":null}}`},
		"an object is out": {func(r *record) { r.In = nil }, `{"carried":"c","Plain":"p","named":1,"at":"2026-02-06T13:00:00Z","list":[{"known":1}],"more":{"deep":null}}`},
	} {
		var r record
		require.NoError(t, json.Unmarshal([]byte(stored), &r), name)
		newer, err := NewerThan[record]([]byte(stored))
		require.NoError(t, err, name)
		tc.change(&r)
		data, err := newer.Onto(r)
		require.NoError(t, err, name)
		require.JSONEq(t, tc.want, string(data), name)
	}
	none, err := NewerThan[record]([]byte(`{"carried":"c","Plain":"p","in":{"known":1},"at":"2026-02-06T13:00:00Z"}`))
	require.NoError(t, err)
	require.True(t, none.IsZero())
	_, err = NewerThan[record]([]byte(`[]`))
	require.Error(t, err)
}
