package discord

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// T5: what somebody repeats word for word is not sent on by itself; a person's
// press sends it. Bots and webhooks are not heard at all.
func TestT5_WhatARepeaterSaysIsNotSentOn(t *testing.T) {
	t.Parallel()
	const words = "I am away until Monday, nine o'clock."
	st, d, head := conversing(t, fakediscord.Options{})
	next := direct(st, "m1", words)
	next.Thread = head
	st.patient(t.Context(), st.sink, next)
	id := st.fake.Say("ada", head.Thread, words, "", false)
	st.signed(head.Thread, id, "❌")
	require.Empty(t, d.calls())
	var told string
	st.eventually("why", func() bool {
		for _, m := range st.fake.Messages(head.Thread) {
			if strings.Contains(m.Content, "word for word") {
				told = m.ID
			}
		}
		return told != ""
	})
	_, err := st.fake.Click("ada", head.Thread, told, "Send it anyway")
	require.NoError(t, err)
	st.eventually("sent", func() bool { return len(d.calls()) == 1 })
	require.Equal(t, "dm send conversation=v1 text="+words, d.calls()[0])
	id = st.fake.Say("ada", head.Thread, "Then until Monday, nine o'clock it is.", "", false)
	st.signed(head.Thread, id, signDone)
	require.Len(t, d.calls(), 2)
}
