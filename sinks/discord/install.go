package discord

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// InstallPath is where the bridge's web server leads people on to Discord's page
// that adds the application to a server.
const InstallPath = "/discord/install"

// learnWithin bounds the question who the application is, while a browser waits.
const learnWithin = 5 * time.Second

// InstallURL is Discord's page that adds the application to a server: a bot with
// commands and the permissions of InstallPermissions (docs, "Bot Authorization
// Flow"). It asks Discord for the application's id where that is not known yet;
// errors are *Error.
func (s *Sink) InstallURL(ctx context.Context) (string, error) {
	id := s.app.Load()
	if id == nil {
		app, err := s.application(ctx)
		if err != nil {
			return "", err
		}
		id = &app
	}
	u := *s.rest.base
	u.Path = "/oauth2/authorize"
	u.RawQuery = url.Values{
		"client_id": {*id}, "scope": {"bot applications.commands"}, "permissions": {strconv.FormatUint(InstallPermissions, 10)},
	}.Encode()
	return u.String(), nil
}

// Install is the page at InstallPath: it leads on to Discord, or says what is
// missing. s may be nil, where no bot token is configured.
func (s *Sink) Install() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s == nil {
			notYet(w, http.StatusNotFound, "Discord is not configured here.",
				"Copy the bot token of your application from Developer Portal → Bot → Reset Token, set DISCORD_BOT_TOKEN, and start the bridge again.")
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), learnWithin)
		defer cancel()
		link, err := s.InstallURL(ctx)
		if err != nil {
			s.log.Warn("application not known yet", "err", err)
			notYet(w, http.StatusServiceUnavailable, "It is not known yet which application is to be added.",
				"The bot token tells it, and Discord did not take it or did not answer. Run imaginebridge check: it says what is wrong. Or set DISCORD_APPLICATION_ID.")
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, link, http.StatusFound)
	})
}

// notYet is a page that says why there is nothing to go on to.
func notYet(w http.ResponseWriter, status int, why, next string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!doctype html><html lang=\"en\"><meta name=\"viewport\" content=\"width=device-width\"><title>Add to Discord</title><h1>Add to Discord</h1><p>%s</p><p>%s</p></html>\n",
		html.EscapeString(why), html.EscapeString(next)) // the browser may be gone
}
