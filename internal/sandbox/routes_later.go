package sandbox

import "slices"

// laterRoutes are the calls that came after the API's first description; the
// seed dialect hides them. Registration stands with the token calls.
func laterRoutes() []Route {
	routes := slices.Concat(
		postExtraRoutes(), agentExtraRoutes(), profileExtraRoutes(), dmExtraRoutes(), byteExtraRoutes(),
		reportRoutes(), webhookRoutes(), listingRoutes(), orderRoutes(), reviewRoutes(), payoutRoutes(),
	)
	for i := range routes {
		routes[i].Later = true
	}
	return routes
}
