package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/fakediscord"
	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

// killAgain kills the bridge and starts it again, until ctx ends. Many of its lives
// are too short to begin anything, others long enough to get through, a few are
// quiet.
func (w *world) killAgain(ctx context.Context, dice *rand.Rand) error {
	for {
		switch throw := dice.IntN(20); {
		case throw < 9:
			pause(ctx, between(dice, 50*time.Millisecond, 2500*time.Millisecond))
		case throw < 18:
			pause(ctx, between(dice, 2*time.Second, 9*time.Second))
		default:
			pause(ctx, between(dice, 10*time.Second, 18*time.Second))
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it is over
		}
		w.bridge.kill()
		w.did("kill", "")
		pause(ctx, between(dice, 0, 400*time.Millisecond))
		if err := w.bridge.start(); err != nil {
			return err
		}
	}
}

// troubles are what else goes wrong, with how often in a hundred.
var troubles = []struct {
	name string
	rate int
	make func(ctx context.Context, w *world, dice *rand.Rand) (detail string, err error)
}{
	{"NATS restart", 10, natsRestart},
	{"cut", 15, cutLine},
	{"network down", 10, shutLine},
	{"network frozen", 8, freezeLine},
	{"answers lost", 20, loseAnswers},
	{"429 at Discord", 10, stormDiscord},
	{"429 at Slack", 7, stormSlack},
	{"errors at Discord", 6, errorsDiscord},
	{"errors at the webhooks", 7, stormHook},
	{"errors at the API", 7, errorsAPI},
}

// trouble lets things go wrong until ctx ends, one after the other.
func (w *world) trouble(ctx context.Context, dice *rand.Rand) error {
	for {
		pause(ctx, between(dice, 500*time.Millisecond, 4*time.Second))
		throw, i := dice.IntN(100), 0
		for ; i < len(troubles)-1 && throw >= troubles[i].rate; i++ {
			throw -= troubles[i].rate
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it is over
		}
		detail, err := troubles[i].make(ctx, w, dice)
		if err != nil {
			return fmt.Errorf("%s: %w", troubles[i].name, err)
		}
		w.did(troubles[i].name, detail)
	}
}

// lineFor picks one of the lines.
func (w *world) lineFor(dice *rand.Rand) *line {
	names := []string{lineAPI, lineNATS, lineDiscord, lineSlack}
	return w.lines[names[dice.IntN(len(names))]]
}

func natsRestart(ctx context.Context, w *world, dice *rand.Rand) (string, error) {
	crash := dice.IntN(2) == 0
	w.nats.end(crash)
	pause(ctx, between(dice, 0, 4*time.Second))
	return map[bool]string{true: "after a crash", false: "by an administrator"}[crash], w.nats.start()
}

func cutLine(_ context.Context, w *world, dice *rand.Rand) (string, error) {
	l := w.lineFor(dice)
	l.cut()
	return l.name, nil
}

func shutLine(ctx context.Context, w *world, dice *rand.Rand) (string, error) {
	l, d := w.lineFor(dice), between(dice, 200*time.Millisecond, 5*time.Second)
	l.shut()
	pause(ctx, d)
	l.heal()
	return fmt.Sprintf("%s for %s", l.name, d.Round(time.Millisecond)), nil
}

func freezeLine(ctx context.Context, w *world, dice *rand.Rand) (string, error) {
	l, d := w.lineFor(dice), between(dice, 500*time.Millisecond, 8*time.Second)
	l.freeze()
	pause(ctx, d)
	l.heal()
	return fmt.Sprintf("%s for %s", l.name, d.Round(time.Millisecond)), nil
}

func loseAnswers(_ context.Context, w *world, dice *rand.Rand) (string, error) {
	n := 1 + dice.IntN(3)
	if i := dice.IntN(4 + len(w.hooks)); i >= 4 {
		w.hooks[i-4].lose(1)
		return fmt.Sprint("one of webhook", i-4), nil
	}
	l := w.lineFor(dice)
	l.loseAnswers(n)
	return fmt.Sprintf("%d of %s", n, l.name), nil
}

const discordPosts = "POST /channels/{channel_id}/messages"

func stormDiscord(_ context.Context, w *world, dice *rand.Rand) (string, error) {
	scope := []string{"user", "shared", "global"}[dice.IntN(3)]
	wait := between(dice, 300*time.Millisecond, 4*time.Second)
	effect := fakediscord.RateLimited(scope, wait)
	if dice.IntN(3) == 0 {
		effect = fakediscord.RateLimitedBare(scope, wait)
	}
	n := 1 + dice.IntN(4)
	w.discord.Inject(fakediscord.Rule{Route: discordPosts, Times: n, Effect: effect})
	return fmt.Sprintf("%d of scope %s for %s", n, scope, wait.Round(time.Millisecond)), nil
}

func errorsDiscord(_ context.Context, w *world, dice *rand.Rand) (string, error) {
	status := []int{500, 502, 503, 504}[dice.IntN(4)]
	effect, when := fakediscord.Status(status), "before"
	if dice.IntN(2) == 0 {
		effect, when = fakediscord.StatusAfter(status), "after"
	}
	n := 1 + dice.IntN(3)
	w.discord.Inject(fakediscord.Rule{Route: discordPosts, Times: n, Effect: effect})
	return fmt.Sprintf("%d of %d %s the effect", n, status, when), nil
}

func stormSlack(_ context.Context, w *world, dice *rand.Rand) (string, error) {
	n := 1 + dice.IntN(3)
	t := fakeslack.Trouble{Method: "chat.postMessage", Times: n, Kind: fakeslack.RateLimited, RetryAfter: strconv.Itoa(1 + dice.IntN(3))}
	if dice.IntN(3) == 0 {
		t.Kind, t.Error, t.Effect = fakeslack.Refused, []string{"fatal_error", "internal_error"}[dice.IntN(2)], dice.IntN(2) == 0
	}
	w.slack.Inject(t)
	return fmt.Sprintf("%d of %s%s", n, t.Error, t.RetryAfter), nil
}

func stormHook(_ context.Context, w *world, dice *rand.Rand) (string, error) {
	i := dice.IntN(len(w.hooks) - 1) // the last one tries an event only once again within five minutes
	n, status := 1+dice.IntN(4), []int{http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusInternalServerError}[dice.IntN(3)]
	w.hooks[i].storm(n, status)
	return fmt.Sprintf("%d of %d at webhook%d", n, status, i), nil
}

func errorsAPI(_ context.Context, w *world, dice *rand.Rand) (string, error) {
	faults := []sandbox.Fault{
		sandbox.FaultStatus, sandbox.FaultUnavailable, sandbox.FaultLimited, sandbox.FaultCloseBefore, sandbox.FaultCloseAfterEffect,
		sandbox.FaultCloseWithin, sandbox.FaultTruncated, sandbox.FaultTwice, sandbox.FaultUnauthorized,
	}
	r := sandbox.Rule{Fault: faults[dice.IntN(len(faults))], Count: 1 + dice.IntN(3), Wait: 2 * time.Second}
	w.sandbox.Inject(r)
	return fmt.Sprintf("%d of %s", r.Count, r.Fault), nil
}

// heal ends all trouble.
func (w *world) heal() error {
	for _, l := range w.lines {
		l.heal()
	}
	for _, h := range w.hooks {
		h.heal()
	}
	for _, i := range w.sandbox.Injections() {
		i.Stop()
	}
	if w.nats.cmd == nil {
		if err := w.nats.start(); err != nil {
			return err
		}
	}
	return w.bridge.start()
}

// tally says what went wrong, and how often.
func (w *world) tally() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	parts := []string{fmt.Sprintf("%d facts", len(w.facts)), fmt.Sprintf("%d commands", len(w.commands)), fmt.Sprintf("%d kills", w.counts["kill"])}
	for _, t := range troubles {
		if n := w.counts[t.name]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, t.name))
		}
	}
	cuts := 0
	for _, l := range w.lines {
		cuts += l.hits()
	}
	return strings.Join(slices.Concat(parts, []string{fmt.Sprintf("%d connections or answers cut", cuts)}), ", ")
}
