package imagine

import (
	"context"
	"strings"
	"time"
)

// Service is a connected AI provider. APIKey is a mask; the key itself is never seen again.
type Service struct {
	ID        string    `json:"id"`
	Provider  string    `json:"provider"`
	APIKey    string    `json:"apiKey"`
	IsActive  bool      `json:"isActive"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
	UpdatedAt time.Time `json:"updatedAt,omitzero"`
}

func readService(f *fields) Service {
	s := Service{
		ID: f.text("id"), Provider: f.text("provider"), APIKey: f.text("apiKey"), IsActive: f.flag("isActive"),
		CreatedAt: f.time("createdAt"), UpdatedAt: f.time("updatedAt"),
	}
	if s.Provider == "" {
		f.fail("provider", "text")
	}
	return s
}

// providerArg checks a provider's name before it goes into a path: known or not, it is upper case.
func providerArg(s string) error {
	if s == "" || len(s) > maxID || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return &ArgError{Arg: "provider", Reason: "a provider is a name in capitals, such as OPENAI"}
	}
	return nil
}

// Services is the list of connected services and what else could be connected.
type Services struct {
	*Page[Service]
	Available []string `json:"availableProviders,omitempty"` // empty where the service did not say
}

// Services lists the connected services (GET /api/settings/services).
func (c *Client) Services(ctx context.Context) (*Services, error) {
	r := request{op: opServices}
	body, _, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	p, err := readPage(body, "services", readService)
	if err != nil {
		return nil, c.unreadable(r, err)
	}
	s := &Services{Page: p}
	if f, err := parseFields(body); err == nil {
		s.Available = f.providers("availableProviders")
	}
	return s, nil
}

// providers reads a list of names, or of objects that hold one.
func (f *fields) providers(name string) []string {
	var out []string
	for _, v := range f.list(name) {
		s, _ := textOf(v)
		if in, err := parseFields(v); err == nil {
			s = in.text("provider.name")
		}
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// ConnectService connects a provider, or replaces its key (POST /api/settings/services). The key is sent once and is in no
// error, log or reply.
func (c *Client) ConnectService(ctx context.Context, provider, apiKey string) (*Service, error) {
	apiKey = strings.TrimSpace(apiKey)
	if err := providerArg(provider); err != nil {
		return nil, err
	}
	if apiKey == "" {
		return nil, &ArgError{Arg: "apiKey", Reason: "the key is missing"}
	}
	r := request{op: opConnectService, body: map[string]string{"provider": provider, "apiKey": apiKey}, secrets: []string{apiKey}}
	s, err := one(ctx, c, r, "service", readService)
	if err == nil && strings.Contains(s.APIKey, apiKey) {
		s.APIKey = ""
	}
	return s, err
}

func (c *Client) service(ctx context.Context, o op, provider string, body any) (*Service, error) {
	if err := providerArg(provider); err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: o, ids: []string{provider}, body: body}, "service", readService)
}

// SetServiceActive switches a connected service on or off (PATCH /api/settings/services/PROVIDER).
func (c *Client) SetServiceActive(ctx context.Context, provider string, active bool) (*Service, error) {
	return c.service(ctx, opToggleService, provider, map[string]bool{"isActive": active})
}

// DisconnectService forgets a provider and its key (DELETE /api/settings/services/PROVIDER).
func (c *Client) DisconnectService(ctx context.Context, provider string) error {
	if err := providerArg(provider); err != nil {
		return err
	}
	return c.act(ctx, request{op: opDisconnectService, ids: []string{provider}})
}

// KeyTest is what the provider says of its key.
type KeyTest struct {
	Valid   bool   `json:"success"`
	Message string `json:"message,omitempty"` // what looks like a key is masked
}

// TestService tries a provider's key (POST /api/settings/services/PROVIDER/test). A bad key is no error; a provider that is not
// connected is one that IsNotFound.
func (c *Client) TestService(ctx context.Context, provider string) (*KeyTest, error) {
	if err := providerArg(provider); err != nil {
		return nil, err
	}
	return one(ctx, c, request{op: opTestService, ids: []string{provider}}, "", func(f *fields) KeyTest {
		return KeyTest{Valid: f.flag("success"), Message: maskKeys(f.text("error.message"))}
	})
}
