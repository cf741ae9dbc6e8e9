package store

import (
	"context"
	"fmt"
	"time"
)

// Lockout is the refusal of an account's credentials by its vendor, which keeps
// all replicas from repeating the call.
type Lockout struct {
	Account     string
	Credentials []byte    // a fingerprint of those that were refused
	Refusal     []byte    // what the vendor said, as the caller keeps it
	TryAt       time.Time // when the vendor may be asked again, by Now
	ForceAt     time.Time // when it may be asked again by who forces a try
}

const lockoutColumns = `account, credentials, refusal, try_at, force_at`

// Lockouts are those of all accounts, by account.
func (s *Store) Lockouts(ctx context.Context) (map[string]Lockout, error) {
	return s.lockouts(ctx, `SELECT `+lockoutColumns+` FROM lockouts`)
}

// Lockout is the one of an account; found is false if there is none.
func (s *Store) Lockout(ctx context.Context, account string) (l Lockout, found bool, err error) {
	all, err := s.lockouts(ctx, `SELECT `+lockoutColumns+` FROM lockouts WHERE account = $1`, account)
	l, found = all[account]
	return l, found, err
}

func (s *Store) lockouts(ctx context.Context, query string, args ...any) (map[string]Lockout, error) {
	ctx, cancel := s.read.begin(ctx)
	defer cancel()
	all := map[string]Lockout{}
	_, err := every(ctx, s.read, func(r row) (l Lockout, err error) {
		var tryAt, forceAt int64
		err = r.Scan(&l.Account, &l.Credentials, &l.Refusal, &tryAt, &forceAt)
		l.TryAt, l.ForceAt = fromMicros(tryAt), fromMicros(forceAt)
		all[l.Account] = l
		return l, err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read lockouts: %w", err)
	}
	return all, nil
}

// PutLockout keeps an account's lockout in place of an earlier one. The later
// ForceAt of the two stays if the credentials are the same.
func (s *Store) PutLockout(ctx context.Context, l Lockout) error {
	_, err := s.exec(ctx, `
		INSERT INTO lockouts (`+lockoutColumns+`) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account) DO UPDATE
		SET credentials = excluded.credentials, refusal = excluded.refusal, try_at = excluded.try_at,
			force_at = CASE WHEN lockouts.credentials = excluded.credentials AND lockouts.force_at > excluded.force_at
				THEN lockouts.force_at ELSE excluded.force_at END`,
		l.Account, notNil(l.Credentials), notNil(l.Refusal), micros(l.TryAt), micros(l.ForceAt))
	if err != nil {
		return fmt.Errorf("keep the lockout of %q: %w", l.Account, err)
	}
	return nil
}

// MoveLockout changes the times of a lockout, if they are still those that
// were read; else it gives false.
func (s *Store) MoveLockout(ctx context.Context, read, to Lockout) (bool, error) {
	n, err := s.exec(ctx, `
		UPDATE lockouts SET try_at = $1, force_at = $2
		WHERE account = $3 AND credentials = $4 AND try_at = $5 AND force_at = $6`,
		micros(to.TryAt), micros(to.ForceAt), read.Account, notNil(read.Credentials), micros(read.TryAt), micros(read.ForceAt))
	if err != nil {
		return false, fmt.Errorf("move the lockout of %q: %w", read.Account, err)
	}
	return n == 1, nil
}

// EndLockout removes the lockout of these credentials, because they work.
func (s *Store) EndLockout(ctx context.Context, account string, credentials []byte) error {
	if _, err := s.exec(ctx, `DELETE FROM lockouts WHERE account = $1 AND credentials = $2`, account, notNil(credentials)); err != nil {
		return fmt.Errorf("end the lockout of %q: %w", account, err)
	}
	return nil
}
