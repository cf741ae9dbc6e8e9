package store

import (
	"context"
	"fmt"
	"time"
)

// AcquireLease makes holder the one holder of the named lease for ttl from
// now, or renews its lease; false while another holds it. Who holds a lease
// must stop when it could not renew it within ttl. A holder is a replica, or
// a name that begins with a replica's and a slash: ReleaseLeasesOf ends its
// lease sooner once that replica is gone.
func (s *Store) AcquireLease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error) {
	ctx, cancel := s.write.begin(ctx)
	defer cancel()
	mine, err := s.acquireLease(ctx, s.write, name, holder, ttl)
	if err != nil {
		return false, fmt.Errorf("acquire lease %q: %w", name, err)
	}
	return mine, nil
}

func (s *Store) acquireLease(ctx context.Context, by querier, name, holder string, ttl time.Duration) (bool, error) {
	now := s.nowSQL()
	result, err := by.ExecContext(ctx, `
		INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, `+now+` + $3)
		ON CONFLICT (name) DO UPDATE
		SET holder = excluded.holder, expires_at = excluded.expires_at
		WHERE leases.holder = excluded.holder OR leases.expires_at <= `+now,
		name, holder, ttl.Microseconds())
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// LeaseHeld tells whether anybody holds a lease.
func (s *Store) LeaseHeld(ctx context.Context, name string) (bool, error) {
	ctx, cancel := s.read.begin(ctx)
	defer cancel()
	var n int
	if err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM leases WHERE name = $1 AND expires_at > `+s.nowSQL(), name).Scan(&n); err != nil {
		return false, fmt.Errorf("read lease %q: %w", name, err)
	}
	return n > 0, nil
}

// ReleaseLease gives the lease back; nothing happens if holder has lost it.
func (s *Store) ReleaseLease(ctx context.Context, name, holder string) error {
	if _, err := s.exec(ctx, `DELETE FROM leases WHERE name = $1 AND holder = $2`, name, holder); err != nil {
		return fmt.Errorf("release lease %q: %w", name, err)
	}
	return nil
}

// PruneLeases deletes the leases that nobody has taken since they ran out, a
// day ago or more, and returns how many they were.
func (s *Store) PruneLeases(ctx context.Context) (int64, error) {
	n, err := s.exec(ctx, `DELETE FROM leases WHERE expires_at < `+s.nowSQL()+` - $1`, (24 * time.Hour).Microseconds())
	if err != nil {
		return 0, fmt.Errorf("prune leases: %w", err)
	}
	return n, nil
}
