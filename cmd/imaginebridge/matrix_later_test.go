package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

func nothing(*bench) arguments { return arguments{} }

// scheduled orders a post for later through the same door, and names it where the
// command wants its name.
func scheduled(m *matrix, c *square) error {
	create, _ := command.Find("post", "create")
	order := *c
	order.spec, order.args = create, arguments{"text": "Later <docks> of " + c.spec.Verb, "at": "in 10h"}
	before := len(m.trail.of(c.agent))
	if _, err := order.send(m, &order); err != nil {
		return err
	}
	noted := func(h heard) bool { return h.Verb == "create" && h.Outcome == "scheduled" }
	for end := time.Now().Add(answerWait); !slices.ContainsFunc(m.trail.of(c.agent)[before:], noted); {
		if time.Now().After(end) {
			return fmt.Errorf("nothing is scheduled as %s", c.agent)
		}
		<-time.After(5 * time.Millisecond)
	}
	if _, wants := c.spec.Arg("scheduled"); !wants {
		return nil
	}
	for _, p := range m.plans(c.agent) {
		if p.Text == order.args["text"] {
			c.args["scheduled"] = p.ID
		}
	}
	return nil
}

// plans asks the program what waits for its time.
func (m *matrix) plans(agent string) []command.Planned {
	m.t.Helper()
	reply, err := m.nc.Request("ia.cmd."+agent+".post.scheduled", nil, answerWait)
	if err != nil {
		return nil
	}
	var answer struct{ Result command.Plans }
	if json.Unmarshal(reply.Data, &answer) != nil {
		return nil
	}
	return answer.Result.Scheduled
}
