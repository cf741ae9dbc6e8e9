package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Operation is one write that was asked for. What the caller asked never
// changes; Settlement tells how it ended, and whether the key is still its own.
type Operation struct {
	ID          string
	Account     string
	Kind        string
	Caller      string
	Key         string // the caller's Idempotency-Key
	Fingerprint []byte // of the payload
	Request     []byte // the payload without secrets
	Amount      string // what it spends, as a decimal; "" for nothing
	Currency    string
	CreatedAt   time.Time
	Holder      string    // the process that makes the vendor call
	GiveUpAt    time.Time // when the holder has surely given up
	Candidates  []byte    // what it may have made, while the outcome is unknown; see SaveCandidates
	Settlement
}

// Settlement is how an operation stands or ended.
type Settlement struct {
	State     OperationState
	SettledAt time.Time // when it came into its state, unknown too; zero while started. See Settled
	Reference string    // the vendor's
	Result    []byte    // what the vendor answered, without secrets
	Problem   []byte    // why it failed or is unknown
	By        string    // who settled an unknown one; "" for the vendor's own answer
	Reason    string    // why, in their words
	KeyFree   bool      // failed before it was sent: its key can begin another operation
}

// Settled is when it ended; zero while that is not known.
func (s Settlement) Settled() time.Time {
	if s.State == Succeeded || s.State == Failed {
		return s.SettledAt
	}
	return time.Time{}
}

// OperationState is how far an operation has come.
type OperationState string

// The states.
const (
	Started   OperationState = "started"
	Succeeded OperationState = "succeeded"
	Failed    OperationState = "failed"
	Unknown   OperationState = "unknown" // it may have happened at the vendor
)

// Spent is money that an operation spends, or may have spent.
type Spent struct{ Amount, Currency string }

const operationColumns = `id, account, kind, caller, idem_key, fingerprint, request, amount, currency, created_at, holder, give_up_at,
	state, settled_at, reference, result, problem, settled_by, reason, candidates`

// BeginOperation records an operation as started, before its vendor call. If
// its caller has used the key before, and that operation has not given it up,
// nothing is recorded and the earlier operation is returned with begun false;
// it has another key if it was settled under this one. allow, if not nil, is
// told what the account's operations since that time have spent or may have
// spent, and forbids this one by an error, which is returned as it is.
func (s *Store) BeginOperation(ctx context.Context, op Operation, since time.Time, allow func([]Spent) error) (_ Operation, begun bool, err error) {
	ctx, cancel := s.durable.begin(ctx)
	defer cancel()
	var refused error
	err = inTx(ctx, s.durable, func(tx *sql.Tx) error {
		if allow != nil {
			// Who else spends for this account waits here.
			if _, err := tx.ExecContext(ctx, `
				INSERT INTO spending_locks (account, turns) VALUES ($1, 1)
				ON CONFLICT (account) DO UPDATE SET turns = spending_locks.turns + 1`, op.Account); err != nil {
				return err
			}
		}
		settled, err := every(ctx, tx, scanOperation, `SELECT `+operationColumns+` FROM operations
			WHERE id = (SELECT operation FROM settlement_keys WHERE caller = $1 AND idem_key = $2)`, op.Caller, op.Key)
		if err != nil {
			return err
		}
		if len(settled) == 1 {
			op = settled[0]
			return nil
		}
		result, err := tx.ExecContext(ctx, `
			INSERT INTO operations (`+operationColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'started', NULL, '', $13, $13, '', '', $13)
			ON CONFLICT (caller, idem_key) DO NOTHING`,
			op.ID, op.Account, op.Kind, op.Caller, op.Key, notNil(op.Fingerprint), notNil(op.Request), op.Amount, op.Currency,
			micros(op.CreatedAt), op.Holder, microsUp(op.GiveUpAt), []byte{})
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			op, err = scanOperation(tx.QueryRowContext(ctx, `SELECT `+operationColumns+` FROM operations WHERE caller = $1 AND idem_key = $2`, op.Caller, op.Key))
			return err
		}
		begun = true
		op.Settlement = Settlement{State: Started}
		if allow == nil {
			return nil
		}
		spent, err := s.spentSince(ctx, tx, op.Account, op.ID, since)
		if err != nil {
			return err
		}
		refused = allow(spent)
		return refused
	})
	switch {
	case refused != nil:
		return Operation{}, false, refused
	case err != nil:
		return Operation{}, false, fmt.Errorf("record an operation: %w", err)
	}
	return op, begun, nil
}

// spentSince looks back further by as much as the clock was set forward since:
// a day that the clock leaps over is no day.
func (s *Store) spentSince(ctx context.Context, tx *sql.Tx, account, except string, since time.Time) ([]Spent, error) {
	return every(ctx, tx, func(r row) (spent Spent, err error) {
		return spent, r.Scan(&spent.Amount, &spent.Currency)
	}, `
		SELECT amount, currency FROM operations
		WHERE account = $1 AND created_at > $2 - (SELECT CASE WHEN ahead_until > `+s.nowSQL()+` THEN ahead ELSE 0 END FROM clock)
			AND amount <> '' AND state <> 'failed' AND id <> $3`, account, micros(since), except)
}

// freedKey follows the key of an operation that gave it up, and the operation's
// id follows that. No caller's key holds it: keys are printable. The index on
// keys stays as it is, because gateways of earlier versions rely on it.
const freedKey = "\n"

// Operation returns one operation; false if there is none with that id.
func (s *Store) Operation(ctx context.Context, id string) (Operation, bool, error) {
	ctx, cancel := s.read.begin(ctx)
	defer cancel()
	op, err := scanOperation(s.read.QueryRowContext(ctx, `SELECT `+operationColumns+` FROM operations WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Operation{}, false, nil
	}
	if err != nil {
		return Operation{}, false, fmt.Errorf("read operation %s: %w", id, err)
	}
	return op, true, nil
}

// OperationFilter chooses operations. Zero members choose all.
type OperationFilter struct {
	Accounts []string // of any of them; not nil and empty: of none
	Kind     string
	State    OperationState
	Since    time.Time        // asked for after it
	Before   *OperationCursor // those that come after it in the list
	Limit    int              // 0: no limit
}

// OperationCursor is a place in a list of operations.
type OperationCursor struct {
	CreatedAt time.Time
	ID        string
}

// Operations lists operations, newest first.
func (s *Store) Operations(ctx context.Context, f OperationFilter) ([]Operation, error) {
	ctx, cancel := s.read.begin(ctx)
	defer cancel()
	where, args := []string{"1 = 1"}, []any{}
	add := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(args)), 1)
		}
		where = append(where, condition)
	}
	if f.Accounts != nil {
		places := []string{"NULL"} // PostgreSQL takes no empty list
		for _, name := range f.Accounts {
			args = append(args, name)
			places = append(places, "$"+strconv.Itoa(len(args)))
		}
		add("account IN (" + strings.Join(places, ", ") + ")")
	}
	if f.Kind != "" {
		add("kind = ?", f.Kind)
	}
	if f.State != "" {
		add("state = ?", string(f.State))
	}
	if !f.Since.IsZero() {
		add("created_at > ?", micros(f.Since))
	}
	if f.Before != nil {
		add("(created_at, id) < (?, ?)", micros(f.Before.CreatedAt), f.Before.ID)
	}
	query := `SELECT ` + operationColumns + ` FROM operations WHERE ` + strings.Join(where, " AND ") + ` ORDER BY created_at DESC, id DESC`
	if f.Limit > 0 {
		args = append(args, f.Limit)
		query += " LIMIT $" + strconv.Itoa(len(args))
	}
	found, err := every(ctx, s.read, scanOperation, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list operations: %w", err)
	}
	return found, nil
}

// UnknownCount is how many operations of an account have an unknown outcome.
type UnknownCount struct {
	Count  int
	Oldest time.Time // when the oldest of them was asked for
}

// UnknownOperations counts the operations whose outcome is unknown, by
// account.
func (s *Store) UnknownOperations(ctx context.Context) (map[string]UnknownCount, error) {
	ctx, cancel := s.read.begin(ctx)
	defer cancel()
	counts := map[string]UnknownCount{}
	_, err := every(ctx, s.read, func(r row) (c UnknownCount, err error) {
		var account string
		var oldest int64
		err = r.Scan(&account, &c.Count, &oldest)
		c.Oldest = fromMicros(oldest)
		counts[account] = c
		return c, err
	}, `SELECT account, count(*), min(created_at) FROM operations WHERE state = 'unknown' GROUP BY account`)
	if err != nil {
		return nil, fmt.Errorf("count unknown operations: %w", err)
	}
	return counts, nil
}

func scanOperation(r row) (Operation, error) {
	var op Operation
	var created, giveUp int64
	var settled sql.NullInt64
	err := r.Scan(&op.ID, &op.Account, &op.Kind, &op.Caller, &op.Key, &op.Fingerprint, &op.Request, &op.Amount, &op.Currency,
		&created, &op.Holder, &giveUp, &op.State, &settled, &op.Reference, &op.Result, &op.Problem, &op.By, &op.Reason, &op.Candidates)
	op.Key, _, op.KeyFree = strings.Cut(op.Key, freedKey)
	op.CreatedAt, op.GiveUpAt = fromMicros(created), fromMicros(giveUp)
	if settled.Valid {
		op.SettledAt = fromMicros(settled.Int64)
	}
	return op, err
}
