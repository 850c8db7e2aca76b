package command

import (
	"context"
	"slices"
	"strings"

	"github.com/imaginebridge/imaginebridge/bridge"
)

// Views are all subscriptions as they stand now, in the order of their names, for
// the operator's own screen, whose looks are no commands. The error is the store's.
func Views(ctx context.Context, stored Subscriptions, history History) ([]SubscriptionView, error) {
	all, err := stored.List(ctx)
	if err != nil {
		return nil, unread(err)
	}
	slices.SortStableFunc(all, func(a, b bridge.SubscriptionRecord) int { return strings.Compare(a.Name, b.Name) })
	h := &House{History: history}
	out := make([]SubscriptionView, 0, len(all))
	for _, r := range all {
		v, err := h.view(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
