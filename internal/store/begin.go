package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Beginning is what a replica wants before it calls a vendor for a reading.
type Beginning struct {
	Lease, Holder string // as AcquireLease has them
	TTL           time.Duration

	Account string        // whose lockout is looked for
	Budgets []BudgetShare // that the call counts in; none: no slot is taken
	By      Asker
	Hold    time.Duration // as TakeSlot has it
}

// Begun is what came of a Beginning.
type Begun struct {
	Ours bool // the lease; else there is nothing more
	News News // from when the lease was had
	Slot Slot // not Granted if there is a lockout or a budget has none left: TakeSlot tells for how long
}

// BeginCall is AcquireLease, News and TakeSlot in one transaction.
func (s *Store) BeginCall(ctx context.Context, b Beginning) (begun Begun, err error) {
	err = s.withClock(ctx, func(checked bool) error {
		ctx, cancel := s.write.begin(ctx)
		defer cancel()
		return inTx(ctx, s.write, func(tx *sql.Tx) (err error) {
			begun, err = s.beginCall(ctx, tx, b, checked)
			return err
		})
	})
	if err != nil {
		return Begun{}, fmt.Errorf("begin a call for %q: %w", b.Account, err)
	}
	return begun, nil
}

// beginCall locks the lease before the budgets, as moveTimes does.
func (s *Store) beginCall(ctx context.Context, tx *sql.Tx, b Beginning, checked bool) (begun Begun, err error) {
	if begun.Ours, err = s.acquireLease(ctx, tx, b.Lease, b.Holder, b.TTL); err != nil || !begun.Ours {
		return begun, err
	}
	// A statement of its own: it sees what was saved while the lease was waited for.
	if begun.News, err = news(ctx, tx, b.Account); err != nil || begun.News.LockedOut || len(b.Budgets) == 0 {
		return begun, err
	}
	begun.Slot, _, err = s.takeSlot(ctx, tx, b.Budgets, b.By, b.Hold, checked)
	return begun, err
}
