package sandbox

import "context"

// Run drives what happens by itself until ctx ends. Jobs and tokens need no
// driving: they follow the clock whenever somebody looks.
func (s *Sandbox) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
