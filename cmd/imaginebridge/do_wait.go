package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/imaginebridge/imaginebridge/bridge"
	"github.com/imaginebridge/imaginebridge/bridge/bus"
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
	var end *events.Job
	watching, cancel := context.WithTimeout(ctx, watchTime)
	defer cancel()
	err := w.watch(watching, out.Job, func(e events.Event, j events.Job) bool {
		if j.RetryCount < started.RetryCount {
			return false // of an earlier try
		}
		if !a.p.json {
			_, _ = screen.Send(ctx, bridge.Delivery{Event: e, Message: bridge.Layout(e)})
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
	out.Text = ""
	var result any = end
	if !a.p.json { // the rest is on the screen
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

// watch reads the events that the running bridge stores.
func (w *bridgeWorker) watch(ctx context.Context, job string, seen func(events.Event, events.Job) bool) error {
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	query := bus.Query{Events: []string{"generation.*"}, Since: time.Now().Add(-time.Minute)}
	if w.agent != "" {
		query.Agents = []string{w.agent}
	}
	done := false
	err := w.bus.Tail(watching, query, func(e events.Event, at bus.Stored) {
		if j, ok := jobOf(e); ok && at.Err == nil && !done && j.ID == job && seen(e, j) {
			done = true
			cancel()
		}
	})
	if done {
		return nil
	}
	return err
}

func jobOf(e events.Event) (events.Job, bool) {
	switch d := e.Data.(type) {
	case events.GenerationStarted:
		return d.Job, true
	case events.GenerationProgressed:
		return d.Job, true
	case events.GenerationCompleted:
		return d.Job, true
	case events.GenerationFailed:
		return d.Job, true
	}
	return events.Job{}, false
}

// watch looks at the API again and again. Its errors end it, but for those that pass.
func (w *directWorker) watch(ctx context.Context, job string, seen func(events.Event, events.Job) bool) error {
	last := ""
	for failures := 0; ; {
		j, err := w.find(ctx, job)
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			if failures++; failures == 3 {
				return fmt.Errorf("The generation is started, but can't be followed: %s", oneSentence(err.Error()))
			}
		case j.Status != "" && j.Status != last:
			last, failures = j.Status, 0
			if e := w.event(j); seen(e, mustJob(e)) {
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
func (w *directWorker) find(ctx context.Context, job string) (imagine.Job, error) {
	running, err := w.api.PendingJobs(ctx)
	if err != nil {
		return imagine.Job{}, err
	}
	is := func(j imagine.Job) bool { return j.ID == job }
	if i := slices.IndexFunc(running.Items, is); i >= 0 {
		return running.Items[i], nil
	}
	past, err := w.api.JobHistory(ctx, imagine.PageQuery{})
	if err != nil {
		return imagine.Job{}, err
	}
	if i := slices.IndexFunc(past.Items, is); i >= 0 {
		return past.Items[i], nil
	}
	return imagine.Job{}, nil
}

// event is a generation's state as a bridge would tell it.
func (w *directWorker) event(j imagine.Job) events.Event {
	job := events.Job{
		ID: j.ID, Provider: j.Provider, Type: j.Type, Prompt: j.Prompt, Model: j.Model, Status: j.Status, ErrorMessage: j.ErrorMessage,
		RetryCount: j.RetryCount, ResultURL: j.ResultURL, PostID: j.PostID, PostContent: j.PostContent, CreatedAt: j.CreatedAt, CompletedAt: j.CompletedAt,
	}
	if j.PostID != "" {
		job.PostURL = w.api.BaseURL() + "/post/" + j.PostID
	}
	var data events.Payload = events.GenerationProgressed{Job: job}
	switch j.Status {
	case imagine.JobCompleted:
		data = events.GenerationCompleted{Job: job}
	case imagine.JobFailed:
		data = events.GenerationFailed{Job: job}
	}
	return events.New(w.api.BaseURL(), w.agent, "job_"+j.ID, j.ID, time.Now(), data)
}

func mustJob(e events.Event) events.Job { j, _ := jobOf(e); return j }
