package slack

import (
	"context"
	"net/http"
	"time"

	slackgo "github.com/slack-go/slack"
)

// desk makes the calls that belong to no installation yet: it asks whose a token is,
// and buys tokens with the app's own credentials.
type desk struct {
	web   *web
	oauth *OAuth // nil: no credentials
}

// oauthClient is what a call of OAuth needs.
type oauthClient struct {
	http       *http.Client
	id, secret string
	at         slackgo.OAuthOption
}

// access makes a call with the app's own credentials.
func (d *desk) access(ctx context.Context, f func(context.Context, *oauthClient) (*slackgo.OAuthV2Response, error)) (*slackgo.OAuthV2Response, *fault) {
	if d.oauth == nil {
		return nil, &fault{method: methodOAuth, code: "no_client_secret"}
	}
	ctx, cancel := context.WithTimeout(ctx, d.web.timeout)
	defer cancel()
	var seen exchange
	got, err := f(context.WithValue(ctx, exchangeKey{}, &seen), &oauthClient{
		http: d.web.client, id: d.oauth.ClientID, secret: d.oauth.ClientSecret(), at: slackgo.OAuthOptionAPIURL(d.web.origin.String() + "/api/"),
	})
	if bad := diagnose(methodOAuth, seen, err); bad != nil {
		return nil, bad
	}
	return got, nil
}

// whose asks Slack whose a token is.
func (d *desk) whose(ctx context.Context, token string) (identity, *fault) {
	ctx, cancel := context.WithTimeout(ctx, d.web.timeout)
	defer cancel()
	var seen exchange
	got, err := slackgo.New(token,
		slackgo.OptionAPIURL(d.web.origin.String()+"/api/"), slackgo.OptionHTTPClient(d.web.client), slackgo.OptionLog(silent{}),
	).AuthTestContext(context.WithValue(ctx, exchangeKey{}, &seen))
	if bad := diagnose(methodAuth, seen, err); bad != nil {
		return identity{}, bad
	}
	return identity{UserID: got.UserID, BotID: got.BotID, TeamID: got.TeamID, Team: got.Team}, nil
}

// now is the time by Slack's clock, as far as it is known.
func (d *desk) now() time.Time {
	now := time.Now()
	if ahead := d.web.ahead(); ahead.Abs() > sameTime {
		now = now.Add(ahead)
	}
	return now.UTC()
}
