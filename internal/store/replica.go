package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Beat records that a replica lives and returns the beat of each replica, its
// own included. A replica whose beat does not change any more is gone.
func (s *Store) Beat(ctx context.Context, replica string) (map[string]int64, error) {
	ctx, cancel := s.beat.begin(ctx)
	defer cancel()
	_, err := s.beat.ExecContext(ctx, `INSERT INTO replicas (name, beat) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET beat = replicas.beat + 1`, replica)
	if err != nil {
		return nil, fmt.Errorf("record the heartbeat of %q: %w", replica, err)
	}
	beats, err := counts[int64](ctx, s.beat, `SELECT name, beat FROM replicas`)
	if err != nil {
		return nil, fmt.Errorf("read the heartbeats: %w", err)
	}
	return beats, nil
}

// ReleaseLeasesOf gives back every lease of a replica that is gone: those held
// by its name, and by names that begin with it and a slash. Nothing happens if
// the replica has beaten since that beat.
func (s *Store) ReleaseLeasesOf(ctx context.Context, replica string, beat int64) error {
	return s.withoutBeat(ctx, replica, beat, "UPDATE replicas SET beat = beat")
}

// RemoveReplica is ReleaseLeasesOf that also forgets the replica.
func (s *Store) RemoveReplica(ctx context.Context, replica string, beat int64) error {
	return s.withoutBeat(ctx, replica, beat, "DELETE FROM replicas")
}

// withoutBeat changes the row of a replica by a statement, and releases its
// leases if the row still had that beat.
func (s *Store) withoutBeat(ctx context.Context, replica string, beat int64, change string) error {
	ctx, cancel := s.beat.begin(ctx)
	defer cancel()
	err := inTx(ctx, s.beat, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, change+` WHERE name = $1 AND beat = $2`, replica, beat)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM leases WHERE holder = $1 OR substr(holder, 1, $2) = $3`, replica, len(replica)+1, replica+"/")
		return err
	})
	if err != nil {
		return fmt.Errorf("release the leases of %q: %w", replica, err)
	}
	return nil
}
