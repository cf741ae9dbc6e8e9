package store

import (
	"context"
	"fmt"
)

// News is what a replica has to know before it calls a vendor.
type News struct {
	Saved     int64 // the number of the last save: what has a higher one than that is not there yet
	LockedOut bool  // the account has a lockout
}

// News looks what there is for an account, in one statement. Whoever has read all
// that was saved up to that number needs no ReadingsAfter and no FactsAfter.
func (s *Store) News(ctx context.Context, account string) (News, error) {
	ctx, cancel := s.read.begin(ctx)
	defer cancel()
	var n News
	err := s.read.QueryRowContext(ctx, `SELECT last, EXISTS (SELECT 1 FROM lockouts WHERE account = $1) FROM readings_seq`, account).Scan(&n.Saved, &n.LockedOut)
	if err != nil {
		return News{}, fmt.Errorf("look for news of %q: %w", account, err)
	}
	return n, nil
}
