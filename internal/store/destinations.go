package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Destination is up to where somebody has been told of alerts.
type Destination struct {
	Seq    int64     // the last event that it was told
	Last   int64     // the last event that there was
	ToldAt time.Time // when it was last told all open alerts, by Store.Now; zero: never
}

// Destination returns the place of a destination, by a key that tells nobody
// what it is. A new one begins after the last event there is.
func (s *Store) Destination(ctx context.Context, key, service string) (Destination, error) {
	d, err := s.destination(ctx, key)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = s.exec(ctx, `
			INSERT INTO notify_destinations (key, service, seq, told_at, seen_at)
			SELECT $1, $2, event, 0, `+s.nowSQL()+` FROM alerts_seq WHERE true
			ON CONFLICT (key) DO NOTHING`, key, service)
		if err == nil {
			d, err = s.destination(ctx, key)
		}
	}
	if err != nil {
		return Destination{}, fmt.Errorf("read a destination of notifications: %w", err)
	}
	return d, nil
}

func (s *Store) destination(ctx context.Context, key string) (d Destination, err error) {
	ctx, cancel := s.read.begin(ctx)
	defer cancel()
	var toldAt int64
	err = s.read.QueryRowContext(ctx, `SELECT seq, told_at, event FROM notify_destinations, alerts_seq WHERE key = $1`, key).Scan(&d.Seq, &toldAt, &d.Last)
	if toldAt != 0 {
		d.ToldAt = fromMicros(toldAt)
	}
	return d, err
}

// MoveDestination records that a destination has been told all events up to the
// one with the number to and, if all is set, all open alerts. Nothing happens if
// it is no longer at from: then another replica has moved it.
func (s *Store) MoveDestination(ctx context.Context, key string, from, to int64, all bool) error {
	toldAt := `told_at`
	if all {
		toldAt = s.nowSQL()
	}
	_, err := s.exec(ctx, `UPDATE notify_destinations SET seq = $1, told_at = `+toldAt+` WHERE key = $2 AND seq = $3`, to, key, from)
	if err != nil {
		return fmt.Errorf("record what a destination of notifications was told: %w", err)
	}
	return nil
}

// KeepDestinations records that these destinations are configured, and forgets
// those that no replica has been configured with for so long.
func (s *Store) KeepDestinations(ctx context.Context, keys []string, unused time.Duration) error {
	ctx, cancel := s.write.begin(ctx)
	defer cancel()
	err := inTx(ctx, s.write, func(tx *sql.Tx) error {
		now := s.nowSQL()
		for _, key := range slices.Sorted(slices.Values(keys)) { // one order for all who do this at once
			if _, err := tx.ExecContext(ctx, `UPDATE notify_destinations SET seen_at = `+now+` WHERE key = $1`, key); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM notify_destinations WHERE seen_at < `+now+` - $1`, unused.Microseconds())
		return err
	})
	if err != nil {
		return fmt.Errorf("record the destinations of notifications: %w", err)
	}
	return nil
}
