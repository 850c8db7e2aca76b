package fakeslack_test

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

func ExampleServer() {
	s, err := fakeslack.New(fakeslack.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	team := s.AddWorkspace("acme", "chat:write")
	alerts := team.AddChannel("alerts")
	lost := s.Inject(fakeslack.Trouble{Method: "chat.postMessage", Kind: fakeslack.Cut, Effect: true, Times: 1})

	client := slack.New(team.BotToken(), slack.OptionAPIURL(s.URL()+"/api/"))
	_, _, err = client.PostMessageContext(context.Background(), alerts, slack.MsgOptionText("hello", false))

	fmt.Println("answered:", err == nil, "· lost answers:", lost.Hits(), "· faults:", len(s.Faults()))
	fmt.Print(s.Screen(alerts))
	// Output:
	// answered: false · lost answers: 1 · faults: 0
	// #alerts
	//
	// imaginebridge [app]
	//   hello
}
