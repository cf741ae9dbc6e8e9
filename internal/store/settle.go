package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// SettleOperation says how an operation ended, if it is in one of the states
// from; false if it is not, or there is no such operation. With to.KeyFree the
// same statement gives up the key.
func (s *Store) SettleOperation(ctx context.Context, id string, to Settlement, from ...OperationState) (bool, error) {
	ctx, cancel := s.durable.begin(ctx)
	defer cancel()
	return settle(ctx, s.durable, id, to, strconv.FormatInt(micros(to.SettledAt), 10), `state IN (`+stateList(from)+`)`)
}

// SettlementKey is the Idempotency-Key under which a caller settles an operation.
type SettlementKey struct {
	Caller      string
	Key         string
	Fingerprint []byte // of what is asked for
}

// SettleByHand says how an operation ended, for somebody who has looked at the
// vendor: if its outcome is unknown, or its holder must have given it up, as
// nobody has noticed yet. It sets SettledAt. The key, if there is one, is taken
// by the same transaction; if it was taken before, nothing is done.
func (s *Store) SettleByHand(ctx context.Context, id string, to Settlement, key *SettlementKey) (done bool, err error) {
	ctx, cancel := s.durable.begin(ctx)
	defer cancel()
	now := s.nowSQL()
	err = inTx(ctx, s.durable, func(tx *sql.Tx) error {
		if done, err = settle(ctx, tx, id, to, now, `(state = 'unknown' OR state = 'started' AND give_up_at < `+now+`)`); !done || key == nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `
			INSERT INTO settlement_keys (caller, idem_key, operation, fingerprint) VALUES ($1, $2, $3, $4)
			ON CONFLICT (caller, idem_key) DO NOTHING`, key.Caller, key.Key, id, notNil(key.Fingerprint))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return errKeyTaken
	})
	if errors.Is(err, errKeyTaken) {
		return false, nil
	}
	return done && err == nil, err
}

// errKeyTaken undoes a settlement whose key another one took a moment ago.
var errKeyTaken = errors.New("the key is taken")

// settle changes an operation under a condition; at and condition are SQL.
func settle(ctx context.Context, db interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, id string, to Settlement, at, condition string) (bool, error) {
	suffix := ""
	if to.KeyFree {
		suffix = freedKey + id
	}
	result, err := db.ExecContext(ctx, `
		UPDATE operations SET state = $2, settled_at = `+at+`, reference = $3, result = $4, problem = $5, settled_by = $6, reason = $7,
			idem_key = idem_key || CAST($8 AS TEXT)
		WHERE id = $1 AND `+condition,
		id, string(to.State), to.Reference, notNil(to.Result), notNil(to.Problem), to.By, to.Reason, suffix)
	if err != nil {
		return false, fmt.Errorf("settle operation %s: %w", id, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("settle operation %s: %w", id, err)
	}
	return n == 1, nil
}

// stateList writes states, which are constants of this package, as SQL.
func stateList(states []OperationState) string {
	quoted := make([]string, len(states))
	for i, state := range states {
		quoted[i] = "'" + string(state) + "'"
	}
	return strings.Join(quoted, ", ")
}

// KeyUse is what a caller used an Idempotency-Key for.
type KeyUse struct {
	Operation   string // that was begun or settled
	Settled     bool
	Fingerprint []byte
}

// KeyUse tells what a caller used a key for; false for nothing yet.
func (s *Store) KeyUse(ctx context.Context, caller, key string) (use KeyUse, found bool, err error) {
	ctx, cancel := s.durable.begin(ctx)
	defer cancel()
	err = s.durable.QueryRowContext(ctx, `
		SELECT id, FALSE, fingerprint FROM operations WHERE caller = $1 AND idem_key = $2
		UNION ALL SELECT operation, TRUE, fingerprint FROM settlement_keys WHERE caller = $1 AND idem_key = $2`, caller, key).
		Scan(&use.Operation, &use.Settled, &use.Fingerprint)
	if errors.Is(err, sql.ErrNoRows) {
		return KeyUse{}, false, nil
	}
	if err != nil {
		return KeyUse{}, false, fmt.Errorf("look up an idempotency key: %w", err)
	}
	return use, true, nil
}
