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

	// Figure says that it may never look younger than it is: SaveReadings does
	// not keep one from the future.
	Figure bool

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

// SaveReadings keeps readings, all or none, and sets their Seq. A reading that
// is older than the kept one under its key is dropped, and its Seq is 0, unless
// that one is from the future or from before the clock was set back; one of the
// same time replaces it. A Figure from the future is dropped too: the clock was
// set back since its AsOf, and once it shows that time again the figure would be
// taken for a new one.
func (s *Store) SaveReadings(ctx context.Context, readings []Reading) error {
	if len(readings) == 0 {
		return nil
	}
	ctx, cancel := s.write.begin(ctx)
	defer cancel()
	err := inTx(ctx, s.write, func(tx *sql.Tx) error {
		// Locks the row until the commit, so that who sees a number sees all
		// lower ones. ReadingsAfter depends on it.
		var seq, now int64
		err := tx.QueryRowContext(ctx, `UPDATE readings_seq SET last = last + $1 RETURNING last, `+s.nowSQL(),
			len(readings)).Scan(&seq, &now)
		if err != nil {
			return err
		}
		seq -= int64(len(readings))
		future := now + clockSkew.Microseconds()
		for i, r := range readings {
			seq++
			if r.Figure && micros(r.AsOf) > future {
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
	var found []Reading
	err := s.withClock(ctx, func(checked bool) (err error) {
		found, err = s.readingsAfter(ctx, seq, limit, checked)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read new readings: %w", err)
	}
	return found, nil
}

func (s *Store) readingsAfter(ctx context.Context, seq int64, limit int, checked bool) ([]Reading, error) {
	ctx, cancel := s.read.begin(ctx)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, `
		SELECT account, operation, query, as_of, seq, body FROM readings
		WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Reading
	for rows.Next() {
		r, err := scanReading(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	if err := rows.Err(); err != nil || len(found) == 0 {
		return nil, err
	}
	// Only now: a clock that is set back between the two makes them old, not new.
	clock, err := s.hear(checked, func(query string) *sql.Row { return s.read.QueryRowContext(ctx, query) })
	if err != nil {
		return nil, err
	}
	var unsure int64
	if err := s.read.QueryRowContext(ctx, `SELECT unsure_seq FROM clock`).Scan(&unsure); err != nil {
		return nil, err
	}
	for i := range found {
		found[i].Age = fromMicros(clock.said).Sub(found[i].AsOf)
		found[i].Unsure = found[i].Seq <= unsure || found[i].Age < -clockSkew
	}
	return found, nil
}

// PruneReadings deletes the readings of before that time, and those that have
// a query or are of users, which nobody sees once they can't be served any
// more, of before a later one. It returns how many they were; there may be
// more if they were PruneRows.
func (s *Store) PruneReadings(ctx context.Context, before, unserved time.Time) (int64, error) {
	n, err := s.exec(ctx, `
		DELETE FROM readings WHERE (account, operation, query) IN (
			SELECT account, operation, query FROM readings
			WHERE as_of < $1 OR as_of < $2 AND (query <> '' OR operation = 'users') LIMIT $3)`,
		micros(before), micros(unserved), PruneRows)
	if err != nil {
		return 0, fmt.Errorf("prune readings: %w", err)
	}
	return n, nil
}

func scanReading(row interface{ Scan(...any) error }) (Reading, error) {
	var r Reading
	var asOf int64
	err := row.Scan(&r.Key.Account, &r.Key.Operation, &r.Key.Query, &asOf, &r.Seq, &r.Body)
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
