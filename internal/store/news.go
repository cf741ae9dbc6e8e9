package store

import "context"

// News is what a replica has to know before it calls a vendor.
type News struct {
	Saved     int64 // the number of the last save: what has a higher one than that is not there yet
	LockedOut bool  // the account has a lockout
}

// news looks what there is for an account. Whoever has read all that was saved up
// to that number needs no ReadingsAfter and no FactsAfter.
func news(ctx context.Context, by querier, account string) (n News, err error) {
	err = by.QueryRowContext(ctx, `SELECT last, EXISTS (SELECT 1 FROM lockouts WHERE account = $1) FROM readings_seq`, account).Scan(&n.Saved, &n.LockedOut)
	return n, err
}
