package sinktest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
)

func silent(st *stage) {
	if st.Handler == nil {
		return
	}
	st.front.set(hang, Answer{})
	_, err := st.send(st.Context(), comment(st.To, "ntf_1", "anybody there?"))
	require.NotNil(st, err, "no answer came, yet it says sent")
	require.Equal(st, bridge.InDoubt, err.Verdict)
}

func refused(st *stage) {
	if st.Handler == nil {
		return
	}
	st.front.set(refuse, Answer{})
	_, err := st.send(st.Context(), comment(st.To, "ntf_1", "anybody there?"))
	require.NotNil(st, err)
	require.Equal(st, bridge.Retry, err.Verdict, "nothing was written, so nothing is in doubt")
}

func answers(st *stage, a Answer) {
	st.front.set(answer, a)
	_, err := st.send(st.Context(), comment(st.To, "ntf_1", "How heavy is it?"))
	require.NotEmpty(st, st.front.created(), "no request was made: the row proves nothing")
	if a.Sent {
		require.Nil(st, err, "it was sent")
		return
	}
	require.NotNil(st, err, "it was not sent")
	require.Equal(st, a.Want.String(), err.Verdict.String(), "verdict; the error is %v", err)
	require.Equal(st, a.Paced, err.Paced, "Paced")
	require.Equal(st, a.Unknown, err.Unknown, "Unknown")
	require.GreaterOrEqual(st, err.After, a.After, "After")
	if a.Advice {
		require.NotEmpty(st, err.Advice, "the owner is not told what to do")
	}
}

// pauses checks that after a pause was asked for nothing reaches the platform
// before its end, however eager the caller is, and soon after it.
func pauses(st *stage, a Answer) {
	st.front.set(answer, a)
	begin := time.Now()
	_, err := st.send(st.Context(), comment(st.To, "ntf_1", "one"))
	require.NotNil(st, err)
	st.front.set(pass, Answer{})
	tries := len(st.front.created())
	for {
		_, err := st.send(st.Context(), comment(st.To, "ntf_1", "one"))
		if err == nil {
			break
		}
		require.Equal(st, bridge.Retry, err.Verdict)
		require.Less(st, time.Since(begin), 2*a.After+time.Hour, "the pause never ends")
		wait(st.Context(), max(err.After/2, 50*time.Millisecond))
	}
	sent := st.front.created()[tries]
	require.GreaterOrEqual(st, sent.Sub(begin), a.After, "a request before its time")
}
