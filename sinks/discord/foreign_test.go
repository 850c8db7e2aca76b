package discord

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/load"
	"github.com/imaginebridge/imaginebridge/internal/sinktest"
)

// unlimited lifts what would only slow a test down.
func unlimited() fakediscord.Options {
	return fakediscord.Options{GlobalPerSecond: -1, Limits: map[string]fakediscord.Limit{createRoute: {}, editRoute: {}, threadRoute: {}}}
}

// everywhere puts one text into every place of a message that takes text from
// outside.
func everywhere(text string) bridge.Message {
	return bridge.Message{
		Event: "notification.comment", Agent: text, At: time.Date(2026, 2, 6, 13, 0, 0, 0, time.UTC),
		Author:   &bridge.Author{Name: text, Handle: text, URL: text, AvatarURL: text},
		Headline: []bridge.Span{{Text: text}, {Text: text, Strong: true}, {Text: text, Mono: true}, {Text: text, URL: "https://imagineanything.com/post/1"}},
		Title:    text, Text: text, Link: text, Footnote: text,
		Quotes:  []bridge.Quote{{Text: text}, {Label: text, Text: text}},
		Fields:  []bridge.Field{{Name: text, Value: text}},
		Steps:   []bridge.Step{{Name: text, State: bridge.StepNow}},
		Media:   []bridge.Media{{URL: text, Alt: text}, {Kind: bridge.MediaVideo, URL: text}},
		Actions: []bridge.Action{{Label: text, URL: "https://imagineanything.com/"}, {Label: "x", URL: text}, {Label: text, Command: "post like"}},
		Thread:  text, ThreadKey: "post:1",
	}
}

// Many texts, three hundred under M, in every place of a message, sent and edited.
func TestF48_HostileTextIsSentAndEditedAsText(t *testing.T) {
	t.Parallel()
	inBubble(t, unlimited(), func(st *stand) {
		for _, name := range []string{"Grace", "Heidi"} {
			st.fake.User(name)
		}
		for i, text := range sinktest.HostileTexts(hostileTexts, load.Pick(st.T, 130, 300)) {
			d := delivery(st, "ntf_"+strconv.Itoa(i))
			d.Message = everywhere(text)
			first, _ := st.patient(st.Context(), st.sink, d)
			untitled := d
			untitled.Key, untitled.Message.Title = untitled.Key+"u", ""
			st.patient(st.Context(), st.sink, untitled)
			d.Replaces, d.Message.Version = first, 1
			st.patient(st.Context(), st.sink, d)
		}
		for _, m := range st.fake.Messages(st.channel) {
			seen := shown(m, st.channel, st.channel)
			require.Empty(st, seen.Pings, seen.Text)
			for _, link := range seen.Links {
				require.True(st, strings.HasPrefix(link, "https://imagineanything.com/"), "hidden behind a text: %s", link)
			}
			for _, e := range m.Embeds {
				addresses := []string{e.URL}
				if e.Author != nil {
					addresses = append(addresses, e.Author.URL)
				}
				for _, address := range addresses {
					require.True(st, address == "" || strings.HasPrefix(address, "https://"), address)
				}
			}
		}
		st.faultless()
	})
}

// FuzzMessage sends messages of any shape: each body passes the emulator's
// tables of Discord's rules.
func FuzzMessage(f *testing.F) {
	for i, text := range hostileTexts {
		f.Add(text, "https://imagineanything.com/x?y=1", uint8(i), uint8(7*i))
	}
	f.Add(strings.Repeat("many words ", 900), "https://x.example/"+strings.Repeat("a", 3000), uint8(255), uint8(255))
	f.Add(strings.Repeat("*", 7000), "http://x.example/", uint8(30), uint8(1))
	fo := unlimited()
	fo.Token, fo.OpenAPI = secretToken, officialDocument()
	fake, err := fakediscord.NewUnbound(fo)
	require.NoError(f, err)
	f.Cleanup(fake.Close)
	channel := fake.Channel(fake.Guild("guild"), "alerts")
	s, err := New(Options{
		Token: func() string { return secretToken }, APIURL: "http://127.0.0.1",
		HTTPClient: &http.Client{Transport: inProcess{platform: fake}},
	})
	require.NoError(f, err)
	n := 0
	f.Fuzz(func(t *testing.T, text, address string, repeat, bits uint8) {
		m := everywhere(text)
		m.Quiet, m.Author.Verified = bits&1 != 0, bits&2 != 0
		m.Tone = bridge.Tone(bits >> 4)
		if bits&4 != 0 {
			m.Title = ""
		}
		if bits&8 != 0 {
			m.Author = nil
		}
		for range repeat % 64 {
			m.Fields = append(m.Fields, bridge.Field{Name: text, Value: text + address})
			m.Quotes = append(m.Quotes, bridge.Quote{Label: text, Text: address})
			m.Steps = append(m.Steps, bridge.Step{Name: text, State: bridge.StepState(bits % 5)})
			m.Media = append(m.Media, bridge.Media{URL: address, Kind: bridge.MediaKind(bits % 3)})
			m.Actions = append(m.Actions, bridge.Action{Label: text, URL: address})
			m.Headline = append(m.Headline, bridge.Span{Text: text, URL: address})
		}
		before := len(fake.Faults())
		n++
		for _, inThread := range []bool{false, true} {
			for i, c := range []card{render(m, inThread, "ib-12345678"), renderPlain(m, inThread, "ib-12345678")} {
				var made struct {
					ID flexID `json:"id"`
				}
				nonce := strconv.Itoa(n) + strconv.FormatBool(inThread) + strconv.Itoa(i)
				require.NoError(t, s.rest.do(t.Context(), exempt(fill("POST", routeMessages, channel)), c.create(nonce), &made))
				require.NoError(t, s.rest.do(t.Context(), exempt(fill("PATCH", routeMessage, channel, string(made.ID))), c.edit(), nil))
				fake.Delete(channel, string(made.ID))
			}
		}
		require.Empty(t, fake.Faults()[before:])
	})
}
