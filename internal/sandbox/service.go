package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// service is a connected provider.
type service struct {
	id, provider, key    string
	active               bool
	createdAt, updatedAt time.Time
}

func (o *Options) providers() []string {
	if !o.NoFalAI {
		return providers
	}
	return slices.DeleteFunc(slices.Clone(providers), func(p string) bool { return p == "FAL_AI" })
}

func serviceRoutes() []Route {
	const all, one = "/api/settings/services", "/api/settings/services/{provider}"
	return []Route{
		{Method: http.MethodGet, Pattern: all, handle: listServices},
		{Method: http.MethodPost, Pattern: all, Body: JSON, handle: connectService},
		{Method: http.MethodPatch, Pattern: one, Body: JSON, handle: toggleService},
		{Method: http.MethodDelete, Pattern: one, handle: disconnectService},
		{Method: http.MethodPost, Pattern: one + "/test", handle: testService},
	}
}

type serviceView struct {
	ID        string `json:"id"`
	Provider  string `json:"provider"`
	APIKey    string `json:"apiKey"`
	IsActive  bool   `json:"isActive"`
	CreatedAt stamp  `json:"createdAt"`
	UpdatedAt stamp  `json:"updatedAt"`
}

type serviceReply struct {
	Service serviceView `json:"service"`
}

func (s *service) view() serviceView {
	return serviceView{s.id, s.provider, maskKey(s.key), s.active, stamp(s.createdAt), stamp(s.updatedAt)}
}

// maskKey shows the first and the last four; of a short key nothing.
func maskKey(key string) string {
	if len(key) < 12 {
		return "****"
	}
	return key[:4] + "****" + key[len(key)-4:]
}

// keyProblem is what a provider says about a key; "" is good.
func keyProblem(key string) string {
	switch {
	case strings.Contains(key, "invalid"):
		return "invalid key"
	case strings.Contains(key, "quota"):
		return "quota exceeded"
	default:
		return ""
	}
}

// usable says why an agent's service of a provider cannot be used.
func (a *agent) usable(provider string) error {
	switch s := a.services[provider]; {
	case s == nil:
		return refuse(http.StatusBadRequest, "service_not_connected", "%s is not connected", provider)
	case !s.active:
		return refuse(http.StatusBadRequest, "service_inactive", "%s is switched off", provider)
	default:
		return nil
	}
}

func (w *world) connect(a *agent, provider, key string) (*service, bool) {
	s := a.services[provider]
	fresh := s == nil
	if fresh {
		s = &service{id: w.ids.id(), provider: provider, active: true, createdAt: w.now}
		a.services[provider] = s
	}
	s.key, s.updatedAt = key, w.now
	return s, fresh
}

func listServices(c *call) (reply, error) {
	mine := c.me.services
	list := []serviceView{}
	for _, p := range slices.Sorted(maps.Keys(mine)) {
		list = append(list, mine[p].view())
	}
	return done(struct {
		Services           []serviceView `json:"services"`
		AvailableProviders []string      `json:"availableProviders"`
	}{list, c.opt.providers()})
}

func connectService(c *call) (reply, error) {
	provider, key := c.in.text("provider", 1, 64), c.in.text("apiKey", 0, 512)
	if err := c.in.err(); err != nil {
		return reply{}, err
	}
	if !slices.Contains(c.opt.providers(), provider) {
		return reply{}, invalidProvider(c.opt)
	}
	if key == "" || strings.ContainsAny(key, " \t\r\n") {
		return reply{}, refuse(http.StatusBadRequest, "invalid_api_key", "apiKey must be a key without spaces")
	}
	s, fresh := c.connect(c.me, provider, key)
	if fresh {
		return created(serviceReply{s.view()})
	}
	return done(serviceReply{s.view()})
}

// service is the one of the path.
func (c *call) service() (*service, error) {
	provider := c.in.vars["provider"]
	s := c.me.services[provider]
	if s == nil {
		return nil, notFound("%s is not connected", provider)
	}
	return s, nil
}

func toggleService(c *call) (reply, error) {
	on := c.in.flag("isActive")
	if on == nil {
		c.in.reject(invalid("isActive must be true or false"))
	}
	s, err := c.service()
	if err == nil {
		err = c.in.err()
	}
	if err != nil {
		return reply{}, err
	}
	s.active, s.updatedAt = *on, c.now
	return done(serviceReply{s.view()})
}

func disconnectService(c *call) (reply, error) {
	s, err := c.service()
	if err != nil {
		return reply{}, err
	}
	delete(c.me.services, s.provider)
	return done(success{true})
}

func testService(c *call) (reply, error) {
	s, err := c.service()
	if err != nil {
		return reply{}, err
	}
	body := struct {
		Success bool   `json:"success"`
		Message string `json:"message"`
	}{true, "API key is valid"}
	if why := keyProblem(s.key); why != "" {
		body.Success, body.Message = false, why
	}
	return done(body)
}
