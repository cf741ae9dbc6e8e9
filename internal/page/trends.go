package page

import (
	"context"
	"sync"
	"time"

	"accountgateway/internal/account"
)

// The small charts of the table.
const (
	trendDays = 30
	trendKept = time.Hour // a day's last balance changes no more, and today's is the reading itself
)

// trends are the accounts' last balances of each day. They are kept, because the
// database looks up each of them. It is safe for concurrent use.
type trends struct {
	mu sync.Mutex
	of map[string]trend // by account
}

type trend struct {
	points []account.Point
	read   time.Time
}

// get gives the trends of accounts. With an error it gives those that it has.
func (t *trends) get(ctx context.Context, accounts *account.Service, names []string, now time.Time) (map[string][]account.Point, error) {
	found := make(map[string][]account.Point, len(names))
	var missing []string
	t.mu.Lock()
	for _, name := range names {
		kept, ok := t.of[name]
		if found[name] = kept.points; !ok || now.Sub(kept.read) > trendKept {
			missing = append(missing, name)
		}
	}
	t.mu.Unlock()
	if len(missing) == 0 {
		return found, nil
	}
	read, err := accounts.Trends(ctx, missing, now, day, trendDays)
	if err != nil {
		return found, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[string]trend{}
	}
	for _, name := range missing {
		found[name] = read[name]
		t.of[name] = trend{points: read[name], read: now}
	}
	return found, nil
}
