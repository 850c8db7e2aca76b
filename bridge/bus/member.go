package bus

import (
	"context"
	"time"
)

const memberTTL = 5 * time.Second

type members struct{ me string }

func newMembers(me string) *members { return &members{me: me} }

func (m *members) settle(context.Context) {}
func (m *members) count() int             { return 1 }

func (b *Bus) beat(ctx context.Context) error         { <-ctx.Done(); return nil }
func (b *Bus) watchMembers(ctx context.Context) error { <-ctx.Done(); return nil }
func (b *Bus) watchShards(ctx context.Context) error  { <-ctx.Done(); return nil }
func (b *Bus) leave(context.Context)                  {}
func (b *Bus) care(ctx context.Context) error         { <-ctx.Done(); return nil }
