package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// ReadingKey says what was read.
type ReadingKey struct {
	Account   string
	Operation string
	Query     string // canonical text; "" for the zero query
}

// Reading is what the vendor last said under a key.
type Reading struct {
	Key  ReadingKey
	AsOf time.Time // when the vendor said it, by Store.Now; to the microsecond, UTC
	Body []byte

	// Seq is the number of the save that brought it, which SaveReadings sets.
	// Later saves have higher numbers, also across replicas.
	Seq int64

	// Age is how old it is, and Unsure that nobody can tell, because the
	// database's clock was set back after it was saved. ReadingsAfter sets both.
	Age    time.Duration
	Unsure bool
}

// clockSkew is how far the clocks of replicas may differ.
const clockSkew = 2 * time.Second

// SaveReadings keeps readings and facts, all or none, and sets the readings' Seq. A
// reading that is older than the kept one under its key is dropped, and its Seq is
// 0, unless that one is from the future or from before the clock was set back; one
// of the same time replaces it. Facts are dropped likewise. A reading from the
// future is dropped too: the clock was set back since its AsOf, and once it shows
// that time again the reading would be taken for a new one.
func (s *Store) SaveReadings(ctx context.Context, readings []Reading, facts ...Fact) error {
	numbers := len(readings) + len(facts)
	if numbers == 0 {
		return nil
	}
	ctx, cancel := s.write.begin(ctx)
	defer cancel()
	err := inTx(ctx, s.write, func(tx *sql.Tx) error {
		// Locks the row until the commit, so that who sees a number sees all
		// lower ones. ReadingsAfter depends on it.
		var seq, now int64
		err := tx.QueryRowContext(ctx, `UPDATE readings_seq SET last = last + $1 RETURNING last, `+s.nowSQL(), numbers).Scan(&seq, &now)
		if err != nil {
			return err
		}
		seq -= int64(numbers)
		future := now + clockSkew.Microseconds()
		for i, r := range readings {
			seq++
			if micros(r.AsOf) > future {
				readings[i].Seq = 0
				continue
			}
			result, err := tx.ExecContext(ctx, `
				INSERT INTO readings (account, operation, query, as_of, seq, body)
				VALUES ($1, $2, $3, $4, $5, $6)
				ON CONFLICT (account, operation, query) DO UPDATE
				SET as_of = excluded.as_of, seq = excluded.seq, body = excluded.body
				WHERE excluded.as_of >= readings.as_of OR readings.as_of > $7 OR readings.seq <= (SELECT unsure_seq FROM clock)`,
				r.Key.Account, r.Key.Operation, r.Key.Query, micros(r.AsOf), seq, notNil(r.Body), future)
			if err != nil {
				return err
			}
			kept, err := result.RowsAffected()
			if err != nil {
				return err
			}
			readings[i].Seq = seq * kept
		}
		for _, f := range facts {
			seq++
			if err := saveFact(ctx, tx, f, seq, future); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save readings: %w", err)
	}
	return nil
}

// ReadingsAfter returns up to limit readings that were saved after the save
// number seq, in the order of their numbers. It is how a replica learns what
// others have read: start at 0 for all there is, go on with the last one's
// Seq. None is missed, whoever saves at the same time.
func (s *Store) ReadingsAfter(ctx context.Context, seq int64, limit int) ([]Reading, error) {
	found, err := after(ctx, s, func(r *Reading) (*int64, *time.Time, *time.Duration, *bool) {
		return &r.Seq, &r.AsOf, &r.Age, &r.Unsure
	}, scanReading, `
		SELECT account, operation, query, as_of, seq, body FROM readings
		WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, limit)
	if err != nil {
		return nil, fmt.Errorf("read new readings: %w", err)
	}
	return found, nil
}

// after reads what a query selects and tells how old each is; at gives where that
// goes.
func after[T any](ctx context.Context, s *Store, at func(*T) (seq *int64, asOf *time.Time, age *time.Duration, unsure *bool),
	scan func(row) (T, error), query string, args ...any,
) (found []T, err error) {
	err = s.withClock(ctx, func(checked bool) error {
		ctx, cancel := s.read.begin(ctx)
		defer cancel()
		if found, err = every(ctx, s.read, scan, query, args...); err != nil || len(found) == 0 {
			return err
		}
		// Only now: a clock that is set back between the two makes them old, not new.
		clock, err := s.hear(checked, func(columns string) *sql.Row { return s.read.QueryRowContext(ctx, `SELECT `+columns) })
		if err != nil {
			return err
		}
		var last int64 // of those of unknown age
		if err := s.read.QueryRowContext(ctx, `SELECT unsure_seq FROM clock`).Scan(&last); err != nil {
			return err
		}
		for i := range found {
			seq, asOf, age, unsure := at(&found[i])
			*age = fromMicros(clock.said).Sub(*asOf)
			*unsure = *seq <= last || *age < -clockSkew
		}
		return nil
	})
	return found, err
}

// PruneReadings deletes the readings of before that time, and of before a later
// one those of an operation and those that have a query, which nobody sees once
// they can't be served any more. It returns how many they were; there may be more
// if they were PruneRows.
func (s *Store) PruneReadings(ctx context.Context, before, unserved time.Time, operation string) (int64, error) {
	n, err := s.exec(ctx, `
		DELETE FROM readings WHERE (account, operation, query) IN (
			SELECT account, operation, query FROM readings
			WHERE as_of < $1 OR as_of < $2 AND (query <> '' OR operation = $3) LIMIT $4)`,
		micros(before), micros(unserved), operation, PruneRows)
	if err != nil {
		return 0, fmt.Errorf("prune readings: %w", err)
	}
	return n, nil
}

func scanReading(selected row) (Reading, error) {
	var r Reading
	var asOf int64
	err := selected.Scan(&r.Key.Account, &r.Key.Operation, &r.Key.Query, &asOf, &r.Seq, &r.Body)
	r.AsOf = fromMicros(asOf)
	return r, err
}

// notNil keeps an empty body from being NULL.
func notNil(body []byte) []byte {
	if body == nil {
		return []byte{}
	}
	return body
}
