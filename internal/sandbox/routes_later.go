package sandbox

// laterRoutes are the calls that came after the API's first description; the
// seed dialect hides them. Each row has Later set.
func laterRoutes() []Route { return nil }
