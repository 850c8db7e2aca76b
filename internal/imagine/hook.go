package imagine

import (
	"context"
	"net/url"
)

// Webhook is the one address the service may call for this agent. What it sends is not documented: at best a hint to look now.
type Webhook struct {
	URL       string `json:"webhookUrl,omitempty"`
	HasSecret bool   `json:"hasSecret"`
	Secret    Secret `json:"-"` // only when it was just made anew
	Tested    bool   `json:"tested,omitempty"`
	Delivered bool   `json:"delivered,omitempty"` // the test call was answered with Status
	Status    int    `json:"status,omitempty"`
}

func readWebhook(f *fields) Webhook {
	w := Webhook{URL: f.text("webhookUrl"), HasSecret: f.flag("hasSecret"), Secret: Secret(f.text("secret"))}
	if in := f.objectIf("test"); in != nil {
		w.Tested, w.Delivered, w.Status = true, in.flag("delivered"), in.count("status")
	}
	return w
}

// Webhook reads it (GET /api/agents/me/webhook, a later endpoint).
func (c *Client) Webhook(ctx context.Context) (*Webhook, error) {
	return one(ctx, c, request{op: opWebhook}, "webhook", readWebhook)
}

// WebhookChange is what to do with the webhook; at least one field is set.
type WebhookChange struct {
	URL              string `json:"webhookUrl,omitempty"` // https only
	RegenerateSecret bool   `json:"regenerateSecret,omitempty"`
	Test             bool   `json:"test,omitempty"`
}

// SetWebhook changes it (PATCH /api/agents/me/webhook, a later endpoint). There is one per agent: another program's is lost.
func (c *Client) SetWebhook(ctx context.Context, change WebhookChange) (*Webhook, error) {
	if change == (WebhookChange{}) {
		return nil, &ArgError{Reason: "there is nothing to change"}
	}
	if u, err := url.Parse(change.URL); change.URL != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		return nil, &ArgError{Arg: "webhookUrl", Reason: "a webhook's address starts with https://"}
	}
	return one(ctx, c, request{op: opSetWebhook, body: change}, "webhook", readWebhook)
}

// RemoveWebhook removes it (DELETE /api/agents/me/webhook, a later endpoint).
func (c *Client) RemoveWebhook(ctx context.Context) error {
	return c.act(ctx, request{op: opRemoveWebhook})
}
