package main

import (
	"context"
	"io"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/internal/fetch"
)

// doWithFiles is Do for programs, which give files as web addresses or as data.
func (pr *process) doWithFiles() func(context.Context, command.Request) command.Answer {
	from := fetch.New(pr.cfg.Webhooks.AllowPrivate)
	read := func(ctx context.Context, address string, types []string, most int64) (io.ReadCloser, error) {
		return from.Open(ctx, address, fetch.Wanted{Types: types, Bytes: most})
	}
	return func(ctx context.Context, q command.Request) command.Answer {
		given, p := command.Given(q, read)
		if p == nil {
			return pr.commands.Do(ctx, given)
		}
		pr.seen.audited(pr.bus.Audit)(ctx, command.Entry{
			At: time.Now(), Principal: q.Principal, Door: q.Door, Place: q.Place, Agent: q.Agent, Group: q.Group, Verb: q.Verb, Outcome: "refused", Status: p.Status,
		})
		return command.Answer{Agent: q.Agent, Group: q.Group, Verb: q.Verb, Private: true, Problem: p}
	}
}
