package fakediscord_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
)

// A bot's message whose answer gets lost: it is there, and sent again under
// the same nonce it is still there once.
func Example() {
	fake, err := fakediscord.New(fakediscord.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer fake.Close()
	channel := fake.Channel(fake.Guild("Lab"), "agents")
	lost := fake.Inject(fakediscord.Rule{
		Route:  "POST /channels/{channel_id}/messages",
		Times:  1,
		Effect: fakediscord.LoseReply(),
	})
	for range 2 {
		body := `{"content":"hello","nonce":"n1","enforce_nonce":true,"allowed_mentions":{"parse":[]}}`
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, fake.URL()+"/api/v10/channels/"+channel+"/messages", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		r.Header.Set("Authorization", "Bot "+fakediscord.DefaultToken)
		r.Header.Set("User-Agent", "DiscordBot (https://example.org, 1)")
		r.Header.Set("Content-Type", "application/json")
		if resp, err := http.DefaultTransport.RoundTrip(r); err == nil {
			_ = resp.Body.Close()
		}
	}
	fmt.Println(lost.Hits(), len(fake.Requests()), len(fake.Faults()))
	fmt.Print(fake.Screen(channel))
	// Output:
	// 1 2 0
	// #agents
	//
	// ImagineBridge [APP]
	//   hello
}
