package fakeslack_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/fakeslack"
)

const (
	clientID     = "1111111111.2222222222"
	clientSecret = "fakeslack-client-secret"
)

// shop is an app's install pages: it sends people to Slack and remembers what came back.
type shop struct {
	*httptest.Server
	back chan url.Values
}

func newShop(t *testing.T, h *house, scope string) *shop {
	t.Helper()
	s := &shop{back: make(chan url.Values, 1)}
	mux := http.NewServeMux()
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	mux.HandleFunc("/install", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "state", Value: "s1", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		q := url.Values{"client_id": {clientID}, "scope": {scope}, "state": {"s1"}, "redirect_uri": {s.URL + "/callback"}}
		http.Redirect(w, r, h.URL()+"/oauth/v2/authorize?"+q.Encode(), http.StatusFound)
	})
	mux.HandleFunc("/callback", func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("state"); err != nil {
			http.Error(w, "no cookie", http.StatusForbidden)
			return
		}
		s.back <- r.URL.Query()
		_, _ = w.Write([]byte("done"))
	})
	return s
}

func (h *house) redeem(t *testing.T, code, redirect, secret string) (*slack.OAuthV2Response, error) {
	t.Helper()
	return slack.GetOAuthV2ResponseContext(t.Context(), &http.Client{Timeout: 30 * time.Second}, clientID, secret, code, redirect, slack.OAuthOptionAPIURL(h.URL()+"/api/"))
}

func TestInstallGivesATokenOnce(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	w := h.AddEmptyWorkspace("new")
	_, err := h.client(w.BotToken()).AuthTestContext(t.Context())
	require.EqualError(t, err, "account_inactive")
	shop := newShop(t, h, "chat:write,files:write")
	page, err := h.Install(t.Context(), fakeslack.Install{URL: shop.URL + "/install", Workspace: w.ID, Scopes: []string{"chat:write"}})
	require.NoError(t, err)
	require.Equal(t, "done", page.Body)
	back := <-shop.back
	require.Equal(t, "s1", back.Get("state"))

	_, err = h.redeem(t, back.Get("code"), shop.URL+"/callback", "wrong")
	require.EqualError(t, err, "bad_client_secret")
	_, err = h.redeem(t, back.Get("code"), shop.URL+"/elsewhere", clientSecret)
	require.EqualError(t, err, "bad_redirect_uri")
	_, err = h.redeem(t, "nothing", shop.URL+"/callback", clientSecret)
	require.EqualError(t, err, "invalid_code")
	got, err := h.redeem(t, back.Get("code"), shop.URL+"/callback", clientSecret)
	require.NoError(t, err)
	require.Equal(t, "chat:write", got.Scope, "fewer than asked for")
	require.Equal(t, w.ID, got.Team.ID)
	_, err = h.redeem(t, back.Get("code"), shop.URL+"/callback", clientSecret)
	require.EqualError(t, err, "code_already_used")
	who, err := h.client(got.AccessToken).AuthTestContext(t.Context())
	require.NoError(t, err)
	require.Equal(t, w.BotUser, who.UserID)
}

func TestInstallEndsOtherwise(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{})
	shop := newShop(t, h, "chat:write")
	_, err := h.Install(t.Context(), fakeslack.Install{URL: shop.URL + "/install", Cancel: true})
	require.NoError(t, err)
	require.Equal(t, "access_denied", (<-shop.back).Get("error"))

	_, err = h.Install(t.Context(), fakeslack.Install{URL: shop.URL + "/install", OrgWide: true})
	require.NoError(t, err)
	code := (<-shop.back).Get("code")
	got, err := h.redeem(t, code, shop.URL+"/callback", clientSecret)
	require.NoError(t, err)
	require.True(t, got.IsEnterpriseInstall)
	require.Empty(t, got.Team.ID)
	require.NotEmpty(t, got.Enterprise.ID)

	_, err = h.Install(t.Context(), fakeslack.Install{URL: shop.URL + "/install"})
	require.NoError(t, err)
	code = (<-shop.back).Get("code")
	h.clock.Add(10*time.Minute + time.Second)
	_, err = h.redeem(t, code, shop.URL+"/callback", clientSecret)
	require.EqualError(t, err, "code_expired")
	_, err = h.Install(t.Context(), fakeslack.Install{URL: shop.URL + "/callback"})
	require.Error(t, err)
}

func TestAuthorizePageRefuses(t *testing.T) {
	t.Parallel()
	good := url.Values{"client_id": {clientID}, "scope": {"chat:write"}, "state": {"s"}, "redirect_uri": {"http://127.0.0.1/cb"}}
	for want, change := range map[string][2]string{
		"invalid_client_id": {"client_id", "x"},
		"invalid_scope":     {"scope", ""},
		"missing_state":     {"state", ""},
		"bad_redirect_uri":  {"redirect_uri", "http://127.0.0.2/cb"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			h := open(t, fakeslack.Options{RedirectURLs: []string{"http://127.0.0.1/"}})
			q, err := url.ParseQuery(good.Encode())
			require.NoError(t, err)
			q.Set(change[0], change[1])
			status, _, _ := h.raw(t, http.MethodGet, "/oauth/v2/authorize?"+q.Encode(), "", "", "")
			require.Equal(t, http.StatusBadRequest, status)
			status, _, _ = h.raw(t, http.MethodPost, "/oauth/v2/authorize", formType, "", q.Encode())
			require.Equal(t, http.StatusBadRequest, status)
			require.Equal(t, []string{want, want}, h.Codes())
		})
	}
}

func TestRotatedTokensExpireAndRefreshOnce(t *testing.T) {
	t.Parallel()
	h := open(t, fakeslack.Options{RotateTokens: true})
	shop := newShop(t, h, "chat:write")
	_, err := h.Install(t.Context(), fakeslack.Install{URL: shop.URL + "/install", Workspace: h.team.ID})
	require.NoError(t, err)
	got, err := h.redeem(t, (<-shop.back).Get("code"), shop.URL+"/callback", clientSecret)
	require.NoError(t, err)
	require.Contains(t, got.AccessToken, "xoxe.xoxb-")
	h.clock.Add(12*time.Hour - 30*time.Second)
	refresh := func(token string) (*slack.OAuthV2Response, error) {
		return slack.RefreshOAuthV2TokenContext(t.Context(), &http.Client{Timeout: 30 * time.Second}, clientID, clientSecret, token, slack.OAuthOptionAPIURL(h.URL()+"/api/"))
	}
	next, err := refresh(got.RefreshToken)
	require.NoError(t, err)
	_, err = refresh(got.RefreshToken)
	require.EqualError(t, err, "invalid_refresh_token")
	_, err = h.client(got.AccessToken).AuthTestContext(t.Context())
	require.NoError(t, err, "the old one lives a short while")
	h.clock.Add(time.Minute)
	_, err = h.client(got.AccessToken).AuthTestContext(t.Context())
	require.EqualError(t, err, "token_expired")
	_, err = h.client(next.AccessToken).AuthTestContext(t.Context())
	require.NoError(t, err)
}

func TestUninstallEndsTokensAndTellsInEitherOrder(t *testing.T) {
	t.Parallel()
	for _, revokedFirst := range []bool{true, false} {
		h := live(t)
		a := doors(t, h, nil)
		h.team.Uninstall(revokedFirst)
		h.until(t, func() bool { return len(h.Deliveries()) == 2 })
		first, second := a.deliveries()[0].body, a.deliveries()[1].body
		if revokedFirst {
			first, second = second, first
		}
		require.Contains(t, string(first), "app_uninstalled")
		require.Contains(t, string(second), "tokens_revoked")
		code, _ := h.call(t, "auth.test", nil)
		require.Equal(t, "account_inactive", code)
	}
}
