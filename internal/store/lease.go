package store

import (
	"context"
	"fmt"
	"time"
)

// AcquireLease makes holder the one holder of the named lease for ttl from
// now, or renews its lease; false while another holds it. Who holds a lease
// must stop when it could not renew it within ttl.
func (s *Store) AcquireLease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error) {
	now := s.now()
	n, err := s.exec(ctx, `
		INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE
		SET holder = excluded.holder, expires_at = excluded.expires_at
		WHERE leases.holder = excluded.holder OR leases.expires_at <= $4`,
		name, holder, microsUp(now.Add(ttl)), micros(now))
	if err != nil {
		return false, fmt.Errorf("acquire lease %q: %w", name, err)
	}
	return n == 1, nil
}

// ReleaseLease gives the lease back; nothing happens if holder has lost it.
func (s *Store) ReleaseLease(ctx context.Context, name, holder string) error {
	if _, err := s.exec(ctx, `DELETE FROM leases WHERE name = $1 AND holder = $2`, name, holder); err != nil {
		return fmt.Errorf("release lease %q: %w", name, err)
	}
	return nil
}

// ReleaseLeases gives back every lease of a holder.
func (s *Store) ReleaseLeases(ctx context.Context, holder string) error {
	if _, err := s.exec(ctx, `DELETE FROM leases WHERE holder = $1`, holder); err != nil {
		return fmt.Errorf("release the leases of %q: %w", holder, err)
	}
	return nil
}

// CountLeases counts the leases in force whose names begin with prefix.
func (s *Store) CountLeases(ctx context.Context, prefix string) (int, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	var n int
	err := s.read.QueryRowContext(ctx, `
		SELECT count(*) FROM leases WHERE substr(name, 1, $1) = $2 AND expires_at > $3`,
		len(prefix), prefix, micros(s.now())).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count leases %q: %w", prefix, err)
	}
	return n, nil
}

// PruneLeases deletes the leases that nobody has taken since they ran out, a
// day ago or more, and returns how many they were.
func (s *Store) PruneLeases(ctx context.Context) (int64, error) {
	n, err := s.exec(ctx, `DELETE FROM leases WHERE expires_at < $1`, micros(s.now().Add(-24*time.Hour)))
	if err != nil {
		return 0, fmt.Errorf("prune leases: %w", err)
	}
	return n, nil
}
