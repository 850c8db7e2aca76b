package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/imaginebridge/imaginebridge/bridge/command"
)

// tenantRows drive the verbs about what a workspace is connected to, and who may do
// what there.
func tenantRows() map[string]row {
	here := func(values arguments, before ...func(m *matrix, c *square) error) row {
		return row{set: func(*bench) arguments { return maps.Clone(values) }, before: func(m *matrix, c *square) error {
			if c.door == command.NATS || c.door == command.Terminal {
				c.args["workspace"] = c.workspace(m)
			}
			for _, f := range before {
				if err := f(m, c); err != nil {
					return err
				}
			}
			return nil
		}}
	}
	handle := func(_ *matrix, c *square) error {
		c.args["handle"] = c.agent
		return nil
	}
	somebody := func(m *matrix, c *square) error {
		c.args["may"], c.args["who"] = "write", "<@"+m.discord.User("ann")+">"
		if c.door == command.Slack {
			c.args["who"] = "slack:user:" + m.ann
		}
		return nil
	}
	return map[string]row{
		"connect agent": here(arguments{}, func(_ *matrix, c *square) error {
			c.args["client_id"], c.args["client_secret"] = "id-"+c.agent, "ia_secret_of_"+c.agent
			return nil
		}),
		"connect redeem": here(arguments{}, func(m *matrix, c *square) error {
			var made struct{ Code string }
			err := m.house(c.agent, "connect.invite", arguments{"handle": c.agent}, &made)
			c.args["code"] = made.Code
			return err
		}),
		"connect invite": {set: func(*bench) arguments { return arguments{} }, before: handle},
		"connect list":   here(arguments{}),
		"connect remove": here(arguments{}, handle, func(m *matrix, c *square) error {
			return m.house("-", "connect.agent", arguments{"client_id": "id-" + c.agent, "client_secret": "ia_secret_of_" + c.agent, "workspace": c.workspace(m)}, nil)
		}),
		"access show":  here(arguments{}, handle),
		"access allow": here(arguments{}, handle, somebody),
		"access remove": here(arguments{}, handle, somebody, func(m *matrix, c *square) error {
			who := "discord:user:" + m.discord.User("ann")
			if c.door == command.Slack {
				who = "slack:user:" + m.ann
			}
			return m.house(c.agent, "access.allow", arguments{"may": "write", "who": who, "handle": c.agent, "workspace": c.workspace(m)}, nil)
		}),
		"access audit": here(arguments{}, handle),
	}
}

// workspace is that of the column's door; programs look after one of their own.
func (c *square) workspace(m *matrix) string {
	switch c.door {
	case command.Discord:
		return "discord:" + m.guild
	case command.Slack:
		return "slack:" + m.team.ID
	}
	return "discord:7" + strconv.Itoa(len(c.agent))
}

// house has the bridge do something over NATS, before what is looked at.
func (m *matrix) house(agent, what string, values arguments, result any) error {
	data, err := json.Marshal(values)
	if err != nil {
		return err
	}
	reply, err := m.nc.Request("ia.cmd."+agent+"."+what, data, answerWait)
	if err != nil {
		return err
	}
	var answer struct {
		OK     bool
		Result json.RawMessage
	}
	if json.Unmarshal(reply.Data, &answer) != nil || !answer.OK {
		return fmt.Errorf("%s: %s", what, reply.Data)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}

// subjectAgent is the agent that a program names for a command: none, where it is
// about a whole workspace.
func (c *square) subjectAgent() string {
	if c.spec.Whole && c.args["handle"] == "" {
		return ""
	}
	return c.agent
}

// audits reports an entry of this cell's command. What is about a whole workspace
// names no agent.
func (c *square) audits(h heard) bool {
	return h.Agent == c.agent || h.Agent == "" && c.spec.Whole && h.Door == c.door && h.Verb == c.spec.Verb
}

// letGo disconnects the agent that a command registered from the column's workspace.
func (m *matrix) letGo(c *square) error {
	data, err := json.Marshal(arguments{"handle": c.args["handle"], "workspace": c.workspace(m)})
	if err != nil {
		return err
	}
	reply, err := m.nc.RequestMsg(&nats.Msg{Subject: "ia.cmd.-.connect.remove", Data: data, Header: nats.Header{"Ia-Confirm": {"yes"}}}, answerWait)
	if err != nil {
		return err
	}
	var answer struct{ OK bool }
	if json.Unmarshal(reply.Data, &answer) != nil || !answer.OK {
		return fmt.Errorf("not disconnected: %s", reply.Data)
	}
	return nil
}
