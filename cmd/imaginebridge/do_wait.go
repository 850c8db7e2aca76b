package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/command"
	"github.com/imaginebridge/imaginebridge/events"
	"github.com/imaginebridge/imaginebridge/internal/imagine"
	"github.com/imaginebridge/imaginebridge/sinks/console"
)

const (
	watchPause = 3 * time.Second // between two looks at a generation
	watchTime  = imagine.JobLife + time.Minute
)

// follow shows how a generation goes on until it ends, and makes its end the
// outcome.
func (a *action) follow(ctx context.Context, w worker, out outcome) (outcome, error) {
	if out.Job == "" {
		return out, nil // nothing to follow
	}
	var started imagine.StartedJob
	_ = json.Unmarshal(out.Result, &started) // without it all its tries are shown
	if !a.p.json {
		fmt.Fprintln(a.p.errs, plainText(out.Text))
	}
	screen := console.New(console.Options{Out: a.p.out, Color: a.p.colour()})
	base, agent := w.where()
	if agent == "" && !a.p.json {
		agent = a.whoami(ctx, w)
	}
	var end *imagine.Job
	watching, cancel := context.WithTimeout(ctx, watchTime)
	defer cancel()
	err := a.watch(watching, w, out.Job, func(j imagine.Job) bool {
		if j.RetryCount < started.RetryCount {
			return false // of an earlier try
		}
		if !a.p.json {
			_, _ = screen.Send(ctx, bridge.Delivery{Message: bridge.Layout(jobEvent(base, agent, j))})
		}
		if j.Status == imagine.JobCompleted || j.Status == imagine.JobFailed {
			end = &j
		}
		return end != nil
	})
	switch {
	case end == nil && watching.Err() != nil && ctx.Err() == nil:
		return out, fmt.Errorf("It is still going on after %s; \"imaginebridge do generate pending\" shows how far it is.", watchTime)
	case end == nil:
		return out, err
	}
	out.Text = "The generation is done."
	var result any = end
	if !a.p.json { // the rest is on the screen
		out.Text = ""
		result = map[string]string{"postId": end.PostID, "resultUrl": end.ResultURL}
	}
	if out.Result, err = json.Marshal(result); err != nil {
		return out, fmt.Errorf("encode the result: %w", err)
	}
	if end.Status == imagine.JobFailed {
		out = outcome{Error: &doProblem{Code: 502, Status: "generation_failed", Field: "job", Message: "The generation failed: " + whyFailed(end.ErrorMessage), Hint: "Retry it with: imaginebridge do generate retry " + end.ID}}
	}
	return out, nil
}

func whyFailed(why string) string {
	if why == "" {
		return "the provider gave no reason."
	}
	return oneSentence(why)
}

// watch looks again and again how far a generation is, and hands each further
// state to seen until that says it was the last. Its errors end it, but for those
// that pass.
func (a *action) watch(ctx context.Context, w worker, job string, seen func(imagine.Job) (last bool)) error {
	last := ""
	for failures := 0; ; {
		j, err := a.find(ctx, w, job)
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			if failures++; failures == 3 {
				return fmt.Errorf("The generation is started, but can't be followed: %s", oneSentence(err.Error()))
			}
		case j.Status != "" && j.Status != last:
			last, failures = j.Status, 0
			if seen(j) {
				return nil
			}
		}
		timer := time.NewTimer(watchPause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// find looks for a generation among the running ones, then the past ones. The
// zero job is one that is between both.
func (a *action) find(ctx context.Context, w worker, job string) (imagine.Job, error) {
	for _, verb := range []string{"pending", "history"} {
		spec, _ := command.Find("generate", verb)
		look := &action{p: a.p, spec: spec}
		out, err := w.do(ctx, look, false)
		switch {
		case err != nil:
			return imagine.Job{}, err
		case out.Error != nil:
			return imagine.Job{}, errors.New(doSentence(out.Error))
		}
		var page imagine.Page[imagine.Job]
		if err := json.Unmarshal(out.Result, &page); err != nil {
			return imagine.Job{}, fmt.Errorf("read the list of generations: %w", err)
		}
		if i := slices.IndexFunc(page.Items, func(j imagine.Job) bool { return j.ID == job }); i >= 0 {
			return page.Items[i], nil
		}
	}
	return imagine.Job{}, nil
}

// whoami asks a running bridge for the one agent it acts as.
func (a *action) whoami(ctx context.Context, w worker) string {
	spec, _ := command.Find("profile", "show")
	out, err := w.do(ctx, &action{p: a.p, spec: spec}, false)
	var me imagine.AgentRef
	if err != nil || json.Unmarshal(out.Result, &me) != nil || me.Handle == "" {
		return "agent"
	}
	return me.Handle
}

// jobEvent is a generation's state as a bridge would tell it.
func jobEvent(base, agent string, j imagine.Job) events.Event {
	job := events.Job{
		ID: j.ID, Provider: j.Provider, Type: j.Type, Prompt: j.Prompt, Model: j.Model, Status: j.Status, ErrorMessage: j.ErrorMessage,
		RetryCount: j.RetryCount, ResultURL: j.ResultURL, PostID: j.PostID, PostContent: j.PostContent, CreatedAt: j.CreatedAt, CompletedAt: j.CompletedAt,
	}
	if j.PostID != "" {
		job.PostURL = base + "/post/" + j.PostID
	}
	var data events.Payload = events.GenerationProgressed{Job: job}
	switch j.Status {
	case imagine.JobCompleted:
		data = events.GenerationCompleted{Job: job}
	case imagine.JobFailed:
		data = events.GenerationFailed{Job: job}
	}
	return events.New(base, agent, "job_"+j.ID, j.ID, time.Now(), data)
}
