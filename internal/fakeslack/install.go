package fakeslack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// Install is how a person goes through the installation.
type Install struct {
	URL       string // the app's own install page, where the person begins
	Workspace string // id of the workspace chosen, any when empty
	Cancel    bool
	Scopes    []string // granted of those asked for, all when nil
	OrgWide   bool
}

// Page is where the person ended.
type Page struct {
	URL    string
	Status int
	Body   string
}

// Install goes through the app's installation as a browser does, with cookies: the app's page, Slack's page, a click on
// Allow or Cancel, the app's callback.
func (s *Server) Install(ctx context.Context, in Install) (Page, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return Page{}, fmt.Errorf("make a cookie jar: %w", err)
	}
	browser := &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	page, err := visit(ctx, browser, http.MethodGet, in.URL, nil)
	if err != nil {
		return page, err
	}
	at, err := url.Parse(page.URL)
	if err != nil || at.Path != "/oauth/v2/authorize" || page.Status != http.StatusOK {
		return page, errors.New("the install page did not lead to Slack's authorize page")
	}
	form := at.Query()
	form.Set("decision", "allow")
	if in.Cancel {
		form.Set("decision", "cancel")
	}
	form.Set("workspace", in.Workspace)
	if in.Scopes != nil {
		form.Set("grant", strings.Join(in.Scopes, ","))
	}
	if in.OrgWide {
		form.Set("org_wide", "true")
	}
	return visit(ctx, browser, http.MethodPost, s.URL()+"/oauth/v2/authorize", form)
}

func visit(ctx context.Context, browser *http.Client, method, address string, form url.Values) (Page, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return Page{}, fmt.Errorf("visit %s: %w", address, err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := browser.Do(r)
	if err != nil {
		return Page{}, fmt.Errorf("visit %s: %w", address, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return Page{}, fmt.Errorf("read %s: %w", address, err)
	}
	return Page{URL: res.Request.URL.String(), Status: res.StatusCode, Body: string(body)}, nil
}

// AddEmptyWorkspace makes a workspace without the app, for Install.
func (s *Server) AddEmptyWorkspace(name string) *Workspace {
	w := s.AddWorkspace(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	w.uninstalled = true
	w.bot.revoked = true
	return w
}

// Uninstall removes the app from the workspace. Its tokens end at once; tokens_revoked and app_uninstalled follow in
// either order.
func (w *Workspace) Uninstall(revokedFirst bool) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.bot.revoked = true
	for _, sister := range w.s.workspaces {
		sister.uninstalled = sister.uninstalled || sister == w || w.org != "" && sister.org == w.org
	}
	first := w.event(map[string]any{"type": "app_uninstalled"})
	second := w.event(map[string]any{"type": "tokens_revoked", "tokens": map[string]any{"oauth": []any{}, "bot": []any{w.BotUser}}})
	for _, o := range []outgoing{first, second} {
		if by, ok := o.payload["authorizations"].([]any); ok && w.org != "" { // of no single workspace
			o.payload["team_id"] = nil
			by[0].(map[string]any)["team_id"] = nil
		}
	}
	if revokedFirst {
		first, second = second, first
	}
	w.s.start(func() {
		w.s.deliverEvent(first)
		w.s.deliverEvent(second)
	})
}

// AddSister makes another workspace of the organisation that the app is installed for. The organisation's
// administrators let the app in, and the app is told.
func (w *Workspace) AddSister(name string) *Workspace {
	sister := w.s.AddWorkspace(name)
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	delete(w.s.tokens, sister.bot.secret)
	delete(w.s.users, sister.BotUser)
	sister.org, sister.bot, sister.BotUser, sister.BotID = w.org, w.bot, w.BotUser, w.BotID
	w.emit(map[string]any{"type": "team_access_granted", "team_ids": []any{sister.ID}})
	return sister
}

// Withdraw takes the app out of a workspace of an organisation that it is installed for, and tells the app.
func (w *Workspace) Withdraw() {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	told := w.event(map[string]any{"type": "team_access_revoked", "team_ids": []any{w.ID}})
	w.org, w.uninstalled = "", true
	w.bot = w.s.mint(kindBot, w, nil)
	w.s.start(func() { w.s.deliverEvent(told) })
}

// in is a token of an organisation as it speaks in one of its workspaces, where a call names one.
func (t *token) in(home *Workspace) *token {
	if t == nil || t.home == nil || home == nil || t.home.org == "" || t.home.org != home.org {
		return t
	}
	here := *t
	here.home = home
	return &here
}

// homeOfCall is the workspace of what a call names, nil for none. The caller holds mu.
func (s *Server) homeOfCall(a args) *Workspace {
	for _, key := range []string{"channel", "channel_id", "user_id", "user"} {
		if ch := s.channels[a.str(key)]; ch != nil {
			return ch.home
		}
		if u := s.users[a.str(key)]; u != nil {
			return u.home
		}
	}
	if t := s.triggers[a.str("trigger_id")]; t != nil {
		return t.home
	}
	if v := s.views[a.str("view_id")]; v != nil {
		return v.home
	}
	return nil
}

// Redeem turns a code into tokens, as the app itself does.
func (s *Server) Redeem(ctx context.Context, code, redirectURI string) (Page, error) {
	return visit(ctx, &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}, http.MethodPost, s.URL()+"/api/oauth.v2.access", url.Values{
		"client_id": {s.opt.ClientID}, "client_secret": {s.opt.ClientSecret}, "code": {code}, "redirect_uri": {redirectURI},
	})
}
