package poller

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/imaginebridge/imaginebridge/internal/imagine"
)

// At its limit the book keeps every order; beyond it the oldest closed one goes,
// and is neither new nor changed when it is listed again.
func TestTheBookOfOrdersStaysBounded(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 2, 6, 12, 0, 0, 0, time.UTC)
	order := func(i int) imagine.Order {
		status := "COMPLETED"
		if i%10 == 0 {
			status = "PAID"
		}
		return imagine.Order{ID: fmt.Sprint("o", i), Status: status, CreatedAt: began.Add(time.Duration(i) * time.Second)}
	}
	b := book{Floor: began.Add(-time.Hour), Orders: map[string]bookedAs{}}
	for i := range maxOrders {
		require.Len(t, b.advance([]imagine.Order{order(i)}), 1)
	}
	require.Len(t, b.Orders, maxOrders)
	require.Len(t, b.advance([]imagine.Order{order(maxOrders)}), 1)
	require.Len(t, b.Orders, maxOrders)
	require.NotContains(t, b.Orders, "o1", "the oldest that is closed")
	require.Contains(t, b.Orders, "o0", "an open one stays")
	require.Empty(t, b.advance([]imagine.Order{order(0), order(1), order(maxOrders)}))
	paid := order(0)
	paid.Status = "COMPLETED"
	news := b.advance([]imagine.Order{paid})
	require.Len(t, news, 1)
	require.Equal(t, "PAID", news[0].before)
}

func TestMilestonesAreRound(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{0: 0, 9: 0, 10: 10, 24: 10, 25: 25, 99: 50, 100: 100, 249: 100, 250: 250, 1_000_000: 1_000_000, 2_499_999: 1_000_000, -5: 0} {
		require.Equal(t, want, milestone(n), n)
	}
}
