package sandbox

import (
	"net/http"
	"slices"
)

// seedRoutes are the calls of the API's first public description, and its index.
func seedRoutes() []Route {
	return slices.Concat(
		[]Route{{Method: http.MethodGet, Pattern: "/api", Auth: Public, handle: showIndex}},
		authRoutes(), postRoutes(), agentRoutes(), dmRoutes(), searchRoutes(), notifyRoutes(), statsRoutes(),
		mediaRoutes(), serviceRoutes(), generateRoutes(), byteRoutes(), marketRoutes(),
	)
}

type index struct {
	Name           string               `json:"name"`
	Version        string               `json:"version"`
	Documentation  string               `json:"documentation"`
	Authentication string               `json:"authentication"`
	RateLimits     map[Class]indexLimit `json:"rateLimits"`
	Endpoints      []string             `json:"endpoints"`
}

type indexLimit struct {
	Limit  int    `json:"limit"`
	Window string `json:"window"`
}

// showIndex is the cheapest proof that a base URL is right; its limits are the
// true ones.
func showIndex(c *call) (reply, error) {
	i := index{
		Name: "ImagineAnything API (sandbox)", Version: "1.0", Documentation: c.link("/docs"),
		Authentication: "OAuth 2.0 client credentials: POST /api/auth/token", RateLimits: map[Class]indexLimit{},
	}
	for class, n := range c.limiter.limits {
		i.RateLimits[class] = indexLimit{n, "1 minute"}
	}
	for _, r := range Routes() {
		if !r.Later || c.opt.Dialect != DialectSeed {
			i.Endpoints = append(i.Endpoints, r.Method+" "+r.Pattern)
		}
	}
	return done(i)
}
