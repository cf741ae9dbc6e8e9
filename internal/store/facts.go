package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Fact is what was last known of an account under a name, such as its state.
type Fact struct {
	Account string
	Name    string
	AsOf    time.Time // when it became known, by Store.Now; to the microsecond, UTC
	Body    []byte

	// FactsAfter sets these, as ReadingsAfter does.
	Seq    int64
	Age    time.Duration
	Unsure bool
}

func saveFact(ctx context.Context, tx *sql.Tx, f Fact, seq, future int64) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO account_facts (account, name, as_of, seq, body) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, name) DO UPDATE
		SET as_of = excluded.as_of, seq = excluded.seq, body = excluded.body
		WHERE excluded.as_of >= account_facts.as_of OR account_facts.as_of > $6 OR account_facts.seq <= (SELECT unsure_seq FROM clock)`,
		f.Account, f.Name, micros(f.AsOf), seq, notNil(f.Body), future)
	return err
}

// FactsAfter returns the facts that were saved after the save number seq, as
// ReadingsAfter does for readings.
func (s *Store) FactsAfter(ctx context.Context, seq int64) ([]Fact, error) {
	found, err := after(ctx, s, func(f *Fact) (*int64, *time.Time, *time.Duration, *bool) { return &f.Seq, &f.AsOf, &f.Age, &f.Unsure }, scanFact,
		`SELECT account, name, as_of, seq, body FROM account_facts WHERE seq > $1 ORDER BY seq`, seq)
	if err != nil {
		return nil, fmt.Errorf("read new facts: %w", err)
	}
	return found, nil
}

// PruneFacts deletes the facts of before that time.
func (s *Store) PruneFacts(ctx context.Context, before time.Time) (int64, error) {
	n, err := s.exec(ctx, `DELETE FROM account_facts WHERE as_of < $1`, micros(before))
	if err != nil {
		return 0, fmt.Errorf("prune facts: %w", err)
	}
	return n, nil
}

func scanFact(r row) (Fact, error) {
	var f Fact
	var asOf int64
	err := r.Scan(&f.Account, &f.Name, &asOf, &f.Seq, &f.Body)
	f.AsOf = fromMicros(asOf)
	return f, err
}
