package fakediscord_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// rebase sends discordgo's requests to the emulator, at API version 10.
type rebase struct{ host string }

func (b rebase) RoundTrip(r *http.Request) (*http.Response, error) {
	_, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v"), "/")
	r = r.Clone(r.Context())
	r.URL = &url.URL{Scheme: "http", Host: b.host, Path: "/api/v10/" + rest, RawQuery: r.URL.RawQuery}
	r.Host = ""
	return http.DefaultTransport.RoundTrip(r)
}

// The library the product uses connects, sends, hears itself, makes a thread,
// loses its line and resumes.
func TestTheLibraryIsServed(t *testing.T) {
	t.Parallel() // alone in using discordgo, whose API version is a package variable
	fake, ch := start(t, often())
	s, err := discordgo.New("Bot " + fakediscord.DefaultToken)
	require.NoError(t, err)
	s.Client = &http.Client{Transport: rebase{strings.TrimPrefix(fake.URL(), "http://")}}
	s.Identify.Intents = 4609
	s.SyncEvents = true
	s.ShouldReconnectOnError = false
	version := discordgo.APIVersion
	discordgo.APIVersion = "10"
	t.Cleanup(func() { discordgo.APIVersion = version })
	heard := make(chan *discordgo.MessageCreate, 10)
	s.AddHandler(func(_ *discordgo.Session, m *discordgo.MessageCreate) { heard <- m })
	cut := make(chan struct{}, 1)
	s.AddHandler(func(*discordgo.Session, *discordgo.Disconnect) { cut <- struct{}{} })
	resumed := make(chan struct{}, 1)
	s.AddHandler(func(*discordgo.Session, *discordgo.Resumed) { resumed <- struct{}{} })
	require.NoError(t, s.Open())

	m, err := s.ChannelMessageSendComplex(ch, &discordgo.MessageSend{
		Content:         "hello",
		AllowedMentions: &discordgo.MessageAllowedMentions{Parse: []discordgo.AllowedMentionType{}},
	})
	require.NoError(t, err)
	require.Equal(t, m.ID, (<-heard).ID)

	thread, err := s.MessageThreadStartComplex(ch, m.ID, &discordgo.ThreadStart{Name: "talk", AutoArchiveDuration: 4320})
	require.NoError(t, err)
	require.Equal(t, m.ID, thread.ID)
	require.Equal(t, []string{"unknown-property"}, rules(fake), "the library sends invitable, which belongs to no thread of a message")

	fake.CloseGateway(0)
	<-cut
	require.NoError(t, s.Open())
	<-resumed
	require.Equal(t, 1, fake.Stats().Resumes)
	require.NoError(t, s.Close())
}

// Library pitfall 28: its identify has keys of gateway versions long gone. The
// emulator takes them, and those of today, as Discord does.
func TestLibraryIdentifyOfOldIsTaken(t *testing.T) {
	t.Parallel()
	old := discordgo.Identify{Token: "Bot " + fakediscord.DefaultToken, Intents: 4609}
	old.Properties.OS = "linux"
	said, err := json.Marshal(old)
	require.NoError(t, err)
	require.Contains(t, string(said), `"$os":"linux"`)
	require.Contains(t, string(said), `"game":{"name":""`)
	for name, identify := range map[string]string{
		"the library's": string(said),
		"of today":      `{"token":"` + fakediscord.DefaultToken + `","intents":4609,"properties":{"os":"linux","browser":"b","device":"d"},"presence":{"activities":[],"status":"online","since":null,"afk":false}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, _ := start(t, often())
			ws := greeted(t, fake)
			ws.say(`{"op":2,"d":` + identify + `}`)
			require.Equal(t, "READY", ws.read().Name)
			require.Equal(t, "GUILD_CREATE", ws.read().Name)
			require.Empty(t, fake.Faults())
		})
	}
}
