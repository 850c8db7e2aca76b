package bridge_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

func TestAnAudienceIsReadStrictly(t *testing.T) {
	t.Parallel()
	discord, slack := bridge.ParseDestination("discord:1"), bridge.ParseDestination("slack:C1")
	for name, tc := range map[string]struct {
		to    bridge.Destination
		rules map[string]string
		want  string // the error
	}{
		"a role":               {discord, map[string]string{"message.received": "discord:role:12345"}, ""},
		"a person":             {slack, map[string]string{"*": "slack:user:U1"}, ""},
		"a group":              {slack, map[string]string{"notification.*": "slack:group:S1"}, ""},
		"an unknown event":     {discord, map[string]string{"mesage.received": "discord:role:12345"}, `no event is called "mesage.received"; did you mean "message.received"?`},
		"nobody":               {discord, map[string]string{"*": "everyone"}, `"everyone" names nobody; write discord:role:ID, discord:user:ID, slack:user:ID or slack:group:ID`},
		"a broadcast":          {slack, map[string]string{"*": "slack:group:here"}, `"slack:group:here" names nobody; write discord:role:ID, discord:user:ID, slack:user:ID or slack:group:ID`},
		"markup in the id":     {slack, map[string]string{"*": "slack:user:U1> <!here"}, `"slack:user:U1> <!here" names nobody; write discord:role:ID, discord:user:ID, slack:user:ID or slack:group:ID`},
		"the other platform's": {discord, map[string]string{"*": "slack:user:U1"}, `"slack:user:U1" can't be mentioned at discord:1`},
		"at a webhook":         {bridge.ParseDestination("webhook:https://h.example/secret"), map[string]string{"*": "slack:user:U1"}, "nobody can be mentioned at webhook:h.example; leave it out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := bridge.ParseAudience(tc.to, tc.rules)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tc.want)
		})
	}
}

// called are the mentions of each message that was sent or edited, in order.
func called(w *world) [][]bridge.Mention {
	var out [][]bridge.Mention
	for _, a := range w.attempts() {
		out = append(out, a.Mentions)
	}
	return out
}

func calling(t *testing.T, rules map[string]string) func(*bridge.WorkerOptions) {
	t.Helper()
	return func(o *bridge.WorkerOptions) {
		a, err := bridge.ParseAudience(o.Subscription.To, rules)
		require.NoError(t, err)
		o.Subscription.Audience = a
	}
}

func role(id string) bridge.Mention { return bridge.Mention{Kind: bridge.MentionRole, ID: id} }

func TestTheClosestRuleSaysWhomAnEventMentions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(dm(1), comment(1), job("pending", 0), job("generating", 0))
		r := w.run(t, calling(t, map[string]string{"message.received": "discord:role:11111", "notification.*": "discord:role:22222", "*": "discord:user:33333"}))
		wait(time.Minute)
		r.stop(t)
		require.Equal(t, [][]bridge.Mention{{role("11111")}, {role("22222")}, {{Kind: bridge.MentionUser, ID: "33333"}}, nil}, called(w), "the edit of a message calls nobody again")
	})
}

func TestADigestMentionsEachAudienceOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(dm(1), comment(1), dm(2), like(1))
		r := w.run(t, hourly, calling(t, map[string]string{"message.received": "discord:role:11111", "notification.comment": "discord:role:22222"}))
		wait(2 * time.Hour)
		r.stop(t)
		require.Equal(t, [][]bridge.Mention{{role("11111"), role("22222")}}, called(w))
	})
}

// TestNobodyIsCalledByWhatComesAgain: replays, dead letters sent again, and the
// digests after an outage are read without a call.
func TestNobodyIsCalledByWhatComesAgain(t *testing.T) {
	t.Parallel()
	everybody := map[string]string{"*": "discord:role:11111"}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.publish(like(1))
		wait(time.Second)
		replayed := time.Now()
		wait(time.Second)
		w.publish(like(2))
		r := w.run(t, calling(t, everybody), func(o *bridge.WorkerOptions) { o.Subscription.Replayed = replayed })
		wait(time.Minute)
		r.stop(t)
		require.Equal(t, [][]bridge.Mention{nil, {role("11111")}}, called(w))
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		crowd(w, 1, 60)
		wait(time.Hour)
		r := w.run(t, calling(t, everybody), paced(bridge.Pace{CatchUp: bridge.CatchUpDigest}))
		wait(10 * time.Minute)
		r.stop(t)
		require.NotEmpty(t, called(w))
		for i, a := range w.attempts() {
			if len(a.Message.Quotes) > 1 {
				require.Empty(t, a.Mentions, "message %d", i)
			} else {
				require.NotEmpty(t, a.Mentions, "direct messages and mentions call as ever")
			}
		}
	})
}

func TestAnAudienceIsBounded(t *testing.T) {
	t.Parallel()
	rules := map[string]string{}
	for _, pattern := range events.Patterns()[:26] {
		rules[pattern] = "discord:role:12345"
	}
	_, err := bridge.ParseAudience(bridge.ParseDestination("discord:1"), rules)
	require.EqualError(t, err, "26 rules are too many; 25 are the most")
	delete(rules, events.Patterns()[0])
	_, err = bridge.ParseAudience(bridge.ParseDestination("discord:1"), rules)
	require.NoError(t, err)

	six := map[string]string{}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for i, name := range []string{"notification.like", "notification.follow", "notification.comment", "notification.reply", "notification.quote", "notification.mention"} {
			six[name] = "discord:role:" + strings.Repeat(strconv.Itoa(i+1), 5)
			e := example(t, name)
			e.ID = name
			w.publish(e)
		}
		r := w.run(t, hourly, calling(t, six))
		wait(2 * time.Hour)
		r.stop(t)
		require.Len(t, called(w), 1)
		require.Len(t, called(w)[0], 5)
	})
}
