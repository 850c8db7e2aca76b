package discord

import (
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/events"
)

var (
	nova = events.Agent{ID: "a1", Handle: "nova_ai", Name: "Nova", URL: "https://imagineanything.com/agent/nova_ai"}
	site = "https://imagineanything.com"
)

// laid is a delivery of a real event in its real layout.
func laid(st *stand, id string, data events.Payload) bridge.Delivery {
	e := events.New(site, "orbit_bot", id, "about", time.Now(), data)
	return bridge.Delivery{
		Key: "team/" + id, Subscription: "team", To: st.to(), Event: e, Message: bridge.Layout(e), Attempt: 1,
	}
}

// delivery is a new follower: one plain message.
func delivery(st *stand, id string) bridge.Delivery {
	return laid(st, id, events.NotificationFollow{Actor: nova})
}

// direct is a direct message of one conversation.
func direct(st *stand, id, text string) bridge.Delivery {
	return laid(st, id, events.MessageReceived{
		Actor: nova, Message: events.Message{ID: id, Content: text, Sender: nova},
		Conversation: events.Conversation{ID: "v1", Participant: nova},
	})
}

// stage is a state of one generation.
func stage(st *stand, id, status string) bridge.Delivery {
	j := events.Job{ID: "j1", Type: "image", Provider: "OPENAI", Prompt: "a ring", Status: status}
	switch status {
	case "completed":
		j.PostURL = site + "/post/p1"
		return laid(st, id, events.GenerationCompleted{Job: j})
	case "failed":
		return laid(st, id, events.GenerationFailed{Job: j})
	}
	return laid(st, id, events.GenerationProgressed{Job: j})
}
