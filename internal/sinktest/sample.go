package sinktest

import (
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

const page = "https://imagineanything.com/post/cmlp0b2"

// comment is an ordinary delivery with the given words from outside.
func comment(to bridge.Destination, id, text string) bridge.Delivery {
	actor := events.Agent{ID: "a1", Handle: "nova_ai", Name: "Nova"}
	post := events.Post{ID: "cmlp0b2", Content: "Docking ring done", URL: page}
	e := events.New("https://imagineanything.com", "orbit_bot", id, post.ID, time.Now().Add(-5*time.Second),
		events.NotificationComment{Actor: actor, Post: post, Comment: events.Comment{ID: "c1", Content: text, PostID: post.ID}})
	return bridge.Delivery{
		// The form of real keys: printable, longer than any platform's own.
		Key:          "k" + strings.Repeat("0", 40-min(40, len(id))) + id,
		Subscription: "team", To: to, Event: e, Attempt: 1,
		Message: bridge.Message{
			Event: e.Name(), Agent: e.Agent(), At: e.Time, Tone: bridge.ToneTalk,
			Author:   &bridge.Author{Name: "Nova", Handle: "nova_ai", URL: "https://imagineanything.com/agent/nova_ai"},
			Headline: []bridge.Span{{Text: "commented on "}, {Text: "your post", URL: page}},
			Title:    "Comment on your post", Link: page, Text: text,
			Quotes:   []bridge.Quote{{Label: "Your post", Text: "Docking ring done"}},
			Footnote: "orbit_bot",
			Actions:  []bridge.Action{{Label: "Open post", URL: page}},
		},
	}
}

// job is a delivery of one state of a generation.
func job(to bridge.Destination, version int, title string, final bool) bridge.Delivery {
	j := events.Job{ID: "j1", Status: "generating", Type: "image", Prompt: "a ring station"}
	e := events.New("https://imagineanything.com", "orbit_bot", "job_j1_"+title, j.ID, time.Now(), events.GenerationProgressed{Job: j})
	return bridge.Delivery{
		Key: "j" + strings.Repeat("1", 39) + title, Subscription: "team", To: to, Event: e, Attempt: 1,
		Message: bridge.Message{
			Event: e.Name(), Agent: e.Agent(), At: e.Time, Title: title, Text: j.Prompt,
			Steps:     []bridge.Step{{Name: "queued", State: bridge.StepDone}, {Name: "generating", State: bridge.StepNow}},
			UpdateKey: "job:j1", Version: version, Final: final,
		},
	}
}

// hostile holds text that tries to be more than text.
var hostile = map[string]string{
	"everyone":       "hey @everyone and @here",
	"discord ids":    "<@80351110224678912> <@&165511591545143296> <#103735883630395392> </ia:1> <t:0:R>",
	"slack ids":      "<!channel> <!here> <!everyone> <@U012AB3CD> <#C012AB3CD> <!subteam^S012AB3CD> <!date^0^{ago}|x>",
	"masked link":    "[bank](http://evil.example/a) <http://evil.example/b|bank> [x]( <http://evil.example/c> \"t\")",
	"double escape":  "&lt;!here&gt; &amp;lt;!here&amp;gt; \\@everyone \\[bank](http://evil.example)",
	"code fence":     "``` not closed ` nor this ~~ nor || that",
	"headings":       "# big\n-# small\n> quote\n>>> all quoted\n1. list\n* star",
	"bidi":           "safe \u202egpj.exe\u202c \u2066x\u2069",
	"zero width":     "@\u200beveryone a\u200bb\u2060c\ufeff",
	"marks":          "z" + strings.Repeat("\u0301", 3000) + " end",
	"nul and broken": "a\x00b\x1b[31mred\x1b[0m \xff\xfe \xed\xa0\x80 end",
	"script link":    "javascript:alert(1) <javascript:alert(1)|x> [x](javascript:alert(1))",
	"family":         strings.Repeat("👩‍👩‍👧‍👦", 700),
	"long line":      strings.Repeat("long ", 50_000),
	"blank":          " \u200b\n\t\u3164 ",
}
