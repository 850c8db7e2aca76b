package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
)

// subscribeRows drive the verbs about subscriptions, each on one of its own.
func subscribeRows() map[string]row {
	on := func(values arguments) row {
		return row{set: func(*bench) arguments { return values }, before: subscribed}
	}
	return map[string]row{
		"subscribe add": {set: func(*bench) arguments { return arguments{"preset": "public"} }, before: func(m *matrix, c *square) error {
			c.args["to"], c.args["name"] = c.target(m), strings.ReplaceAll(c.name, " ", "-")+"-new"
			return nil
		}},
		"subscribe list":    on(arguments{}),
		"subscribe show":    on(arguments{}),
		"subscribe preview": on(arguments{"since": "1h", "events": "notification.*"}),
		"subscribe why": {set: nothing, before: func(m *matrix, c *square) error {
			if err := subscribed(m, c); err != nil {
				return err
			}
			c.args["event"] = "ntf_of_" + c.agent
			return m.happened(c.agent, c.args["event"])
		}},
		"subscribe edit":   on(arguments{"digest": "1h", "quiet": "22:00-07:00 Europe/Berlin", "cap": "5"}),
		"subscribe pause":  on(arguments{"until": "2h"}),
		"subscribe resume": on(arguments{}),
		"subscribe replay": on(arguments{"since": "1h"}),
		"subscribe test":   on(arguments{}),
		"subscribe remove": on(arguments{}),
	}
}

// target is where a column's subscriptions send.
func (c *square) target(m *matrix) string {
	switch c.door {
	case command.Discord:
		return "discord:" + m.channel
	case command.Slack:
		return "slack:" + m.alerts
	}
	return "console"
}

// subscribed makes a subscription for one command, and names it where the command
// wants its name.
func subscribed(m *matrix, c *square) error {
	name := strings.ReplaceAll(c.name, " ", "-") + "-" + c.spec.Verb
	data, err := json.Marshal(map[string]any{"events": []string{"notification.quote"}, "to": c.target(m), "name": name})
	if err != nil {
		return err
	}
	reply, err := m.nc.Request("ia.cmd."+c.agent+".subscribe.add", data, answerWait)
	if err != nil {
		return err
	}
	var answer struct{ OK bool }
	if json.Unmarshal(reply.Data, &answer) != nil || !answer.OK {
		return fmt.Errorf("not subscribed: %s", reply.Data)
	}
	if _, wants := c.spec.Arg("subscription"); wants {
		c.args["subscription"] = name
	}
	return nil
}

// happened stores an event as a poller would.
func (m *matrix) happened(agent, id string) error {
	e := events.New("https://imagineanything.example", agent, id, "post", time.Now(), events.NotificationQuote{Post: events.Post{ID: "p1"}})
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = m.nc.RequestMsg(&nats.Msg{Subject: "ia.put.event." + agent + ".notification.quote", Data: data, Header: nats.Header{nats.MsgIdHdr: {id}}}, answerWait)
	return err
}
