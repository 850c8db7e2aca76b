package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// deadRows drive the verbs about dead letters, each on one of its own.
func deadRows() map[string]row {
	return map[string]row{
		"dead list":   {set: nothing, before: buried},
		"dead show":   {set: nothing, before: buried},
		"dead replay": {set: nothing, before: buried},
		"dead drop":   {set: nothing, before: buried},
	}
}

// buried stores a dead letter of a subscription made for one command, and names it
// where the command wants its number.
func buried(m *matrix, c *square) error {
	name := strings.ReplaceAll(c.name, " ", "-") + "-dead-" + c.spec.Verb
	data, err := json.Marshal(map[string]any{"events": []string{"notification.quote"}, "to": c.target(m), "name": name})
	if err != nil {
		return err
	}
	reply, err := m.nc.Request("ia.cmd."+c.agent+".subscribe.add", data, answerWait)
	if err != nil {
		return err
	}
	var made struct{ Result struct{ ID string } }
	if json.Unmarshal(reply.Data, &made) != nil || made.Result.ID == "" {
		return fmt.Errorf("not subscribed: %s", reply.Data)
	}
	letter, err := json.Marshal(bridge.DeadLetter{
		Subscription: made.Result.ID, To: c.target(m), EventID: "ntf_dead", Reason: "blocked", Attempts: 1, At: time.Now(), Event: []byte("poison"),
	})
	if err != nil {
		return err
	}
	ack, err := m.nc.Request("ia.dead."+made.Result.ID, letter, answerWait)
	if err != nil {
		return err
	}
	var stored struct{ Seq uint64 }
	if json.Unmarshal(ack.Data, &stored) != nil || stored.Seq == 0 {
		return fmt.Errorf("not stored: %s", ack.Data)
	}
	if _, wants := c.spec.Arg("id"); wants {
		c.args["id"] = strconv.FormatUint(stored.Seq, 10)
	}
	return nil
}
