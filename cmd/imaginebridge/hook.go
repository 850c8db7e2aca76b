package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// hookPath is where ImagineAnything calls for an agent: the rest of the path is a
// token that only it was told. How it signs a call is not documented, and neither
// is what it says: the token admits the call, and what comes with it is not read.
const hookPath = "/imagineanything/hook/"

// hintEvery bounds how often calls make an agent be looked at.
const hintEvery = time.Second

// hooks are the addresses at which ImagineAnything calls.
type hooks struct {
	mu      sync.Mutex
	hinted  map[string]time.Time // by handle
	changed chan struct{}        // the configuration changed: register anew
}

// hookToken makes the token of an agent from the bridge's key, so that every
// process and every start has the same.
func hookToken(key, handle string) string {
	raw, err := hkdf.Key(sha256.New, []byte(key), nil, "imaginebridge hook "+handle, 24)
	if err != nil {
		panic(err) // 24 bytes are within the bounds of HKDF
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// hooked returns the handles of the agents with a hook, by token.
func (pr *process) hooked() map[string]string {
	out := map[string]string{}
	clients := pr.accounts.all()
	for _, a := range pr.now().Agents {
		for handle := range clients {
			if a.Hook && (a.Handle == handle || a.Handle == "") {
				out[hookToken(pr.keys.Secret(), handle)] = handle
			}
		}
	}
	return out
}

// hookBase is what the address of every hook begins with.
func (pr *process) hookBase() string { return strings.TrimRight(pr.cfg.HTTP.PublicURL, "/") + hookPath }

// hookHandler takes a call as a hint to look now.
func (pr *process) hookHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handle, known := pr.hooked()[strings.TrimPrefix(r.URL.Path, hookPath)]
		switch {
		case !known:
			http.NotFound(w, r)
		case r.Method != http.MethodPost:
			w.Header().Set("Allow", http.MethodPost)
			w.WriteHeader(http.StatusMethodNotAllowed)
		default:
			w.WriteHeader(http.StatusNoContent)
			if pr.hooks.admit(handle, time.Now()) {
				pr.lookNow(handle)
			}
		}
	})
}

// admit reports whether a call may make an agent be looked at.
func (h *hooks) admit(handle string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.Sub(h.hinted[handle]) < hintEvery {
		return false
	}
	if h.hinted == nil {
		h.hinted = map[string]time.Time{}
	}
	h.hinted[handle] = now
	return true
}

// lookNow makes an agent be looked at.
func (pr *process) lookNow(handle string) {
	pr.polling.Lock()
	p := pr.poller
	pr.polling.Unlock()
	if p != nil {
		p.Hint(handle)
	}
}

// registerAgain is how long a registration that failed is left alone.
const registerAgain = time.Minute

// keepHooks tells ImagineAnything where to call for the agents that want it, until
// ctx ends.
func (pr *process) keepHooks(ctx context.Context) error {
	done := map[string]bool{}
	for {
		for token, handle := range pr.hooked() {
			if !done[token] {
				done[token] = pr.register(ctx, handle, pr.hookBase()+token)
			}
		}
		timer := time.NewTimer(registerAgain)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-pr.hooks.changed:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// register makes an address the one that is called for an agent, and reports
// whether that is settled. An address of another program stays.
func (pr *process) register(ctx context.Context, handle, address string) bool {
	api := pr.accounts.all()[handle]
	if api == nil {
		return false
	}
	ctx = imagine.AsPoller(ctx)
	log := pr.log.With("component", "poller", "agent", handle)
	now, err := api.Webhook(ctx)
	switch {
	case imagine.IsNotFound(err):
		log.WarnContext(ctx, "imagineanything offers no hook; the agent is polled as ever")
		return true
	case err != nil:
		log.WarnContext(ctx, "hook not registered", "err", err, "retry_in", registerAgain)
		return false
	case now.URL == address:
		return true
	case now.URL != "" && !strings.HasPrefix(now.URL, pr.hookBase()):
		log.WarnContext(ctx, "another program has the agent's hook and keeps it; remove it there, or with the command hook remove")
		return true
	}
	if _, err := api.SetWebhook(ctx, imagine.WebhookChange{URL: address}); err != nil {
		log.WarnContext(ctx, "hook not registered", "err", err, "retry_in", registerAgain)
		return false
	}
	log.InfoContext(ctx, "hook registered")
	return true
}
