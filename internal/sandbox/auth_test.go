package sandbox_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/sandbox"
)

func signIn(c *client, k sandbox.Credentials) answer {
	return c.post("/api/auth/token", fmt.Sprintf(
		`{"grant_type":"client_credentials","client_id":%q,"client_secret":%q}`, k.ClientID, k.ClientSecret))
}

func refresh(c *client, token string) answer {
	return c.post("/api/auth/token", fmt.Sprintf(`{"grant_type":"refresh_token","refresh_token":%q}`, token))
}

func TestATokenIsGivenForTheRightSecret(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{TokenTTL: 10 * time.Minute})
	got := signIn(nobody(t, box), box.Agents()[0])
	require.Equal(t, http.StatusOK, got.status)
	require.True(t, strings.HasPrefix(got.str("access_token"), "iat_"))
	require.True(t, strings.HasPrefix(got.str("refresh_token"), "iar_"))
	require.Equal(t, "Bearer", got.str("token_type"))
	require.Equal(t, "read write", got.str("scope"))
	require.InDelta(t, 600, got.at("expires_in"), 0)
	require.Equal(t, "auth", got.header.Get("X-RateLimit-Endpoint-Type"))
}

func TestTokenRequestsAreRefusedInOAuthsWords(t *testing.T) {
	t.Parallel()
	keys := open(t, sandbox.Options{}).Agents()[0]
	for name, tc := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"wrong secret":   {`{"grant_type":"client_credentials","client_id":"` + keys.ClientID + `","client_secret":"ia_no"}`, 401, "invalid_client"},
		"wrong id":       {`{"grant_type":"client_credentials","client_id":"x","client_secret":"` + keys.ClientSecret + `"}`, 401, "invalid_client"},
		"no secret":      {`{"grant_type":"client_credentials","client_id":"x"}`, 400, "invalid_request"},
		"no grant":       {`{"client_id":"x"}`, 400, "invalid_request"},
		"other grant":    {`{"grant_type":"password"}`, 400, "unsupported_grant_type"},
		"not JSON":       {`grant_type=client_credentials`, 400, "invalid_request"},
		"no refresh":     {`{"grant_type":"refresh_token"}`, 400, "invalid_request"},
		"wrong refresh":  {`{"grant_type":"refresh_token","refresh_token":"iar_no"}`, 400, "invalid_grant"},
		"access refresh": {`{"grant_type":"refresh_token","refresh_token":"iat_no"}`, 400, "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := nobody(t, open(t, sandbox.Options{})).post("/api/auth/token", tc.body)
			require.Equal(t, tc.status, got.status, got.text)
			require.Equal(t, tc.code, got.str("error"))
			require.NotEmpty(t, got.str("error_description"))
			require.Nil(t, got.at("message"))
		})
	}
}

func TestABadBearerIsRefusedOnPublicCallsToo(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	good := as(t, box, 0).token
	for name, header := range map[string]string{
		"unknown": "Bearer iat_no", "other scheme": "Basic " + good, "no token": "Bearer", "bare": good, "two spaces": "Bearer  " + good,
	} {
		for _, path := range []string{"/api/posts", "/api/agents/me"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, box.BaseURL()+path, nil)
			require.NoError(t, err)
			req.Header.Set("Authorization", header)
			got := nobody(t, box).do(req)
			require.Equal(t, http.StatusUnauthorized, got.status, "%s %s", name, path)
			require.Equal(t, "unauthorized", got.str("error"))
			require.Equal(t, "Bearer", got.header.Get("WWW-Authenticate"))
		}
	}
	require.Equal(t, http.StatusUnauthorized, nobody(t, box).get("/api/feed").status)
	require.Equal(t, http.StatusOK, nobody(t, box).get("/api/posts").status)
}

func TestAnAccessTokenEndsOnTheEmulatorsClock(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	me := as(t, box, 0)
	box.Clock().Freeze(true)
	box.Clock().Advance(time.Hour - time.Second)
	require.Equal(t, http.StatusOK, me.get("/api/agents/me").status)
	box.Clock().Advance(time.Second)
	require.Equal(t, http.StatusUnauthorized, me.get("/api/agents/me").status)
	require.Empty(t, box.Violations(), "nobody can know that a clock was advanced")
}

func TestRefreshTokens(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		opt    sandbox.Options
		second int
	}{
		"rotate": {sandbox.Options{}, http.StatusBadRequest},
		"keep":   {sandbox.Options{KeepRefresh: true}, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			box := open(t, tc.opt)
			c := nobody(t, box)
			old := signIn(c, box.Agents()[0]).str("refresh_token")
			got := refresh(c, old)
			require.Equal(t, http.StatusOK, got.status, got.text)
			require.Equal(t, tc.opt.KeepRefresh, got.str("refresh_token") == old)
			c.token = got.str("access_token")
			require.Equal(t, "orbit_bot", c.get("/api/agents/me").str("agent.handle"))
			again := refresh(c, old)
			require.Equal(t, tc.second, again.status)
			if tc.second != http.StatusOK {
				require.Equal(t, "invalid_grant", again.str("error"))
			}
		})
	}
}

func TestARefreshTokenEndsAfterThirtyDays(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	c := nobody(t, box)
	token := signIn(c, box.Agents()[0]).str("refresh_token")
	box.Clock().Advance(30*24*time.Hour + time.Second)
	require.Equal(t, "invalid_grant", refresh(c, token).str("error"))
}

func TestTokenSwitches(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{SingleToken: true, NoRefresh: true})
	first := as(t, box, 0)
	second := as(t, box, 0)
	other := as(t, box, 1)
	require.Equal(t, http.StatusUnauthorized, first.get("/api/agents/me").status)
	require.Equal(t, http.StatusOK, second.get("/api/agents/me").status)
	require.Equal(t, http.StatusOK, other.get("/api/agents/me").status)
	require.Nil(t, signIn(nobody(t, box), box.Agents()[1]).at("refresh_token"))

	several := open(t, sandbox.Options{})
	a, b := as(t, several, 0), as(t, several, 0)
	require.Equal(t, http.StatusOK, a.get("/api/agents/me").status)
	require.Equal(t, http.StatusOK, b.get("/api/agents/me").status)
}

func TestTokensAndSecretsCanBeTakenAway(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	c := nobody(t, box)
	pair := signIn(c, box.Agents()[0])
	c.token = pair.str("access_token")

	box.EndTokens("orbit_bot", false)
	require.Equal(t, http.StatusUnauthorized, c.get("/api/agents/me").status)
	pair = refresh(c, pair.str("refresh_token"))
	require.Equal(t, http.StatusOK, pair.status)

	box.EndTokens("orbit_bot", true)
	require.Equal(t, "invalid_grant", refresh(c, pair.str("refresh_token")).str("error"))

	box.RevokeSecret("orbit_bot")
	require.Equal(t, "invalid_client", signIn(c, box.Agents()[0]).str("error"))

	require.Equal(t, http.StatusOK, signIn(c, box.RotateSecret("orbit_bot")).status)
	require.Equal(t, "invalid_client", signIn(c, box.Agents()[0]).str("error"), "the old secret is gone")
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	box := open(t, sandbox.Options{})
	c := nobody(t, box)
	got := c.post("/api/auth/register", `{"handle":"fresh_one","name":" Fresh ","bio":"b","agentType":"ANALYST","websiteUrl":"https://fresh.example","avatarUrl":"https://fresh.example/a.png","recoveryEmail":"a@b.example"}`)
	require.Equal(t, http.StatusCreated, got.status, got.text)
	require.Contains(t, got.text, `"clientId":"`)
	require.True(t, strings.HasPrefix(got.str("clientSecret"), "ia_"))
	require.Equal(t, "Fresh", got.str("name"))
	require.Equal(t, http.StatusOK, signIn(c, sandbox.Credentials{ClientID: got.str("clientId"), ClientSecret: got.str("clientSecret")}).status)
	require.Empty(t, box.Violations())

	for name, tc := range map[string]wrong{
		"taken":       {body: `{"handle":"nova_ai","name":"N"}`, status: 409, code: "handle_taken"},
		"short":       {body: `{"handle":"ab","name":"N"}`, status: 400, code: "validation_error", says: "handle"},
		"long":        {body: `{"handle":"a` + strings.Repeat("b", 30) + `","name":"N"}`, status: 400, code: "validation_error", says: "handle"},
		"capitals":    {body: `{"handle":"Nova","name":"N"}`, status: 400, code: "validation_error", says: "handle"},
		"digit first": {body: `{"handle":"1nova","name":"N"}`, status: 400, code: "validation_error", says: "handle"},
		"hyphen":      {body: `{"handle":"no-va","name":"N"}`, status: 400, code: "validation_error", says: "handle"},
		"at":          {body: `{"handle":"@nova","name":"N"}`, status: 400, code: "validation_error", says: "handle"},
		"no name":     {body: `{"handle":"nova_two"}`, status: 400, code: "validation_error", says: "name"},
		"long name":   {body: `{"handle":"nova_two","name":"` + strings.Repeat("n", 51) + `"}`, status: 400, code: "validation_error", says: "name"},
		"type":        {body: `{"handle":"nova_two","name":"N","agentType":"HUMAN"}`, status: 400, code: "validation_error", says: "agentType"},
		"link":        {body: `{"handle":"nova_two","name":"N","websiteUrl":"javascript:1"}`, status: 400, code: "validation_error", says: "websiteUrl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := nobody(t, open(t, sandbox.Options{})).post("/api/auth/register", tc.body)
			require.Equal(t, tc.status, got.status, got.text)
			require.Equal(t, tc.code, got.str("error"))
			require.Contains(t, got.str("message"), tc.says)
		})
	}
}

func TestGivenCredentialsAreTaken(t *testing.T) {
	t.Parallel()
	mine := sandbox.Credentials{Handle: "my_agent", ClientID: "id-1", ClientSecret: "ia_secret"}
	box := open(t, sandbox.Options{Agents: []sandbox.Credentials{mine}, Empty: true})
	require.Equal(t, []sandbox.Credentials{mine}, box.Agents())
	require.Equal(t, http.StatusOK, signIn(nobody(t, box), mine).status)

	_, err := sandbox.New(sandbox.Options{Agents: []sandbox.Credentials{{Handle: "nova_ai"}}})
	require.ErrorContains(t, err, "nova_ai")
	_, err = sandbox.New(sandbox.Options{Agents: []sandbox.Credentials{{Handle: "No"}}})
	require.Error(t, err)
	_, err = sandbox.New(sandbox.Options{AuthBy: "moon"})
	require.ErrorContains(t, err, "moon")
	_, err = sandbox.New(sandbox.Options{Dialect: "later"})
	require.ErrorContains(t, err, "later")
}
