package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"
	"time"
)

// The budget is a sliding log that all replicas share: one row for each
// vendor call that still counts. A slot is taken before the call and becomes
// free Per after the call ended. The vendor counts arrivals, which lie between
// start and end, so no span of length Per, however aligned, holds more than
// Calls of them.

// BudgetLimit is how many calls a budget allows.
type BudgetLimit struct {
	Calls   int           // in any span of length Per; 0: no limit
	Per     time.Duration // see Calls
	Reserve int           // slots that background readings may not take

	// PerCaller is how many of the slots one caller may have; 0: all.
	PerCaller int
}

// BudgetShare is one of the budgets that a call counts in: its account's, and
// one that several accounts share.
type BudgetShare struct {
	Name  string
	Limit BudgetLimit
}

// Asker is who wants a slot.
type Asker struct {
	Background bool
	Caller     string // "" is nobody in particular, whom PerCaller does not bound
}

// Budget is what is left.
type Budget struct {
	// Remaining is the number of slots that this kind of asker could take now;
	// math.MaxInt when there is no limit.
	Remaining int
	// RetryAfter is, when nothing remains, the time until a slot is free for
	// this kind of asker. A call under way counts with the longest it may
	// take. A background asker whose reserve leaves it nothing is told Per.
	RetryAfter time.Duration
}

// Slot is the right to make one vendor call. The zero value is none.
type Slot struct {
	parts  []slotPart // one in each of the budgets
	caller string
}

type slotPart struct {
	budget string
	id     int64
	per    time.Duration
}

// Granted tells whether the call may be made.
func (s Slot) Granted() bool { return len(s.parts) > 0 }

// TakeSlot takes a slot for one vendor call, in all of its budgets or in none.
// It says what is left in each, after it; or, with a slot that is not Granted,
// when to come again. hold is the longest that the call can take: if the process
// dies, the slot is free after hold and Per. End the slot with EndSlot or
// ReleaseSlot, also when the call's context has ended. A budget that accounts
// share stands behind theirs, so that nobody waits for each other.
func (s *Store) TakeSlot(ctx context.Context, of []BudgetShare, by Asker, hold time.Duration) (Slot, []Budget, error) {
	var slot Slot
	var left []Budget
	take := func(ctx context.Context, tx *sql.Tx, checked bool) error {
		slot, left = Slot{caller: by.Caller}, nil
		// The rows are the lock: who else asks for these budgets waits here.
		// Their counters name the slot.
		parts, drainedUntil := make([]slotPart, len(of)), make([]int64, len(of))
		for i, share := range of {
			parts[i] = slotPart{budget: share.Name, per: share.Limit.Per}
			err := tx.QueryRowContext(ctx, `
				INSERT INTO budgets (account, last_slot, drained_until) VALUES ($1, 1, 0)
				ON CONFLICT (account) DO UPDATE SET last_slot = budgets.last_slot + 1
				RETURNING last_slot, drained_until`, share.Name).Scan(&parts[i].id, &drainedUntil[i])
			if err != nil {
				return err
			}
		}
		// Only now is the time read: waiting for the lock took some.
		clock, err := s.hear(checked, func(query string) *sql.Row { return tx.QueryRowContext(ctx, query) })
		if err != nil {
			return err // if it was set, slots seem free that are not
		}
		now := fromMicros(clock.said)
		granted := true
		for i, share := range of {
			if _, err := tx.ExecContext(ctx, `DELETE FROM budget_slots WHERE account = $1 AND free_at <= $2`,
				share.Name, micros(now)); err != nil {
				return err
			}
			one, err := budgetLeft(ctx, tx, share.Name, drainedUntil[i], share.Limit, by, now)
			if err != nil {
				return err
			}
			left, granted = append(left, one), granted && one.Remaining > 0
		}
		if !granted {
			return nil
		}
		for i, part := range parts {
			if _, err := tx.ExecContext(ctx, `INSERT INTO budget_slots (account, id, free_at, caller) VALUES ($1, $2, $3, $4)`,
				part.budget, part.id, microsUp(now.Add(hold+part.per)), by.Caller); err != nil {
				return err
			}
			if left[i].Remaining != math.MaxInt {
				left[i].Remaining--
			}
		}
		slot.parts = parts
		return nil
	}
	err := s.withClock(ctx, func(checked bool) error {
		ctx, cancel := s.write.begin(ctx)
		defer cancel()
		return inTx(ctx, s.write, func(tx *sql.Tx) error { return take(ctx, tx, checked) })
	})
	if err != nil {
		return Slot{}, nil, fmt.Errorf("take from the budgets of %q: %w", of[0].Name, err)
	}
	return slot, left, nil
}

// EndSlot says that the call has ended now: the slot is free after Per. It
// counts from now even if the call took longer than its hold.
func (s *Store) EndSlot(ctx context.Context, slot Slot) error {
	for _, part := range slot.parts {
		err := s.withClock(ctx, func(checked bool) error {
			now, unset := s.nowSQL(), "1 = 1"
			if !checked {
				unset = s.unsetSQL(now)
			}
			n, err := s.exec(ctx, `
				INSERT INTO budget_slots (account, id, free_at, caller)
				SELECT $1, $2, `+now+` + $3, $4 FROM clock WHERE `+unset+`
				ON CONFLICT (account, id) DO UPDATE SET free_at = excluded.free_at`,
				part.budget, part.id, part.per.Microseconds(), slot.caller)
			if err == nil && n == 0 {
				err = errClockSet
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("end a slot of %q: %w", part.budget, err)
		}
	}
	return nil
}

// slotsAtOnce is how many rows AddSlots writes by one statement.
const slotsAtOnce = 200

// AddSlots counts calls that were made without slots, by how long ago they
// ended; negative for those that may still be under way.
func (s *Store) AddSlots(ctx context.Context, account string, per time.Duration, ago []time.Duration) error {
	ctx, cancel := s.write.begin(ctx)
	defer cancel()
	err := inTx(ctx, s.write, func(tx *sql.Tx) error {
		var id int64
		err := tx.QueryRowContext(ctx, `
			INSERT INTO budgets (account, last_slot, drained_until) VALUES ($1, $2, 0)
			ON CONFLICT (account) DO UPDATE SET last_slot = budgets.last_slot + $2
			RETURNING last_slot`, account, len(ago)).Scan(&id)
		now := s.nowSQL()
		for ; len(ago) > 0 && err == nil; ago = ago[min(len(ago), slotsAtOnce):] {
			rows, args := []string{}, []any{account}
			for _, d := range ago[:min(len(ago), slotsAtOnce)] {
				args = append(args, id, (per-d).Microseconds()+1)
				rows = append(rows, fmt.Sprintf("($1, $%d, %s + $%d, '')", len(args)-1, now, len(args)))
				id--
			}
			_, err = tx.ExecContext(ctx, `INSERT INTO budget_slots (account, id, free_at, caller) VALUES `+strings.Join(rows, ", "), args...)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("add to the slots of %q: %w", account, err)
	}
	return nil
}

// ReleaseSlot gives the slot back at once, because the vendor surely did not
// see the call.
func (s *Store) ReleaseSlot(ctx context.Context, slot Slot) error {
	for _, part := range slot.parts {
		if _, err := s.exec(ctx, `DELETE FROM budget_slots WHERE account = $1 AND id = $2`, part.budget, part.id); err != nil {
			return fmt.Errorf("release a slot of %q: %w", part.budget, err)
		}
	}
	return nil
}

// DrainBudget lets nobody take a slot for a time, because the vendor said that
// its limit is reached. It never shortens an earlier drain.
func (s *Store) DrainBudget(ctx context.Context, account string, d time.Duration) error {
	_, err := s.exec(ctx, `
		INSERT INTO budgets (account, last_slot, drained_until) VALUES ($1, 0, `+s.nowSQL()+` + $2)
		ON CONFLICT (account) DO UPDATE SET drained_until = excluded.drained_until
		WHERE excluded.drained_until > budgets.drained_until`, account, d.Microseconds())
	if err != nil {
		return fmt.Errorf("drain the budget of %q: %w", account, err)
	}
	return nil
}

// budgetLeft counts what is left at now.
func budgetLeft(ctx context.Context, tx *sql.Tx, account string, drainedUntil int64, l BudgetLimit, by Asker, now time.Time) (Budget, error) {
	drained := Budget{RetryAfter: max(0, fromMicros(drainedUntil).Sub(now))}
	if l.Calls == 0 {
		if drained.RetryAfter > 0 {
			return drained, nil
		}
		return Budget{Remaining: math.MaxInt}, nil
	}
	mine := l.Calls
	if by.Background {
		mine -= l.Reserve
	}
	if mine <= 0 {
		return Budget{RetryAfter: max(l.Per, drained.RetryAfter)}, nil
	}
	left, err := slotsLeft(ctx, tx, account, "", mine, now)
	if err != nil {
		return Budget{}, err
	}
	if by.Caller != "" && l.PerCaller > 0 {
		own, err := slotsLeft(ctx, tx, account, by.Caller, l.PerCaller, now)
		if err != nil {
			return Budget{}, err
		}
		left.Remaining = min(left.Remaining, own.Remaining)
		left.RetryAfter = max(left.RetryAfter, own.RetryAfter)
	}
	if left.RetryAfter = max(left.RetryAfter, drained.RetryAfter); left.RetryAfter > 0 {
		left.Remaining = 0
	}
	return left, nil
}

// slotsLeft counts what is left of so many slots: of all that are used, or of
// a caller's. It is one statement, so that both answers are of one moment. A
// slot is free once fewer than most are used: when all but the latest most-1
// have run out.
func slotsLeft(ctx context.Context, tx *sql.Tx, account, caller string, most int, now time.Time) (Budget, error) {
	var used int
	var freeAt sql.NullInt64
	err := tx.QueryRowContext(ctx, `
		SELECT count(*), CASE WHEN count(*) >= $3 THEN (
			SELECT free_at FROM budget_slots WHERE account = $1 AND free_at > $2 AND ($5 = '' OR caller = $5)
			ORDER BY free_at DESC LIMIT 1 OFFSET $4) END
		FROM budget_slots WHERE account = $1 AND free_at > $2 AND ($5 = '' OR caller = $5)`,
		account, micros(now), most, most-1, caller).Scan(&used, &freeAt)
	if err != nil {
		return Budget{}, err
	}
	if freeAt.Valid {
		return Budget{RetryAfter: fromMicros(freeAt.Int64).Sub(now)}, nil
	}
	return Budget{Remaining: most - used}, nil
}

// UsedSlots counts the slots of every budget that are not free yet.
func (s *Store) UsedSlots(ctx context.Context) (map[string]int, error) {
	ctx, cancel := s.read.begin(ctx)
	defer cancel()
	used, err := counts[int](ctx, s.read, `SELECT account, count(*) FROM budget_slots WHERE free_at > `+s.nowSQL()+` GROUP BY account`)
	if err != nil {
		return nil, fmt.Errorf("count the budgets' slots: %w", err)
	}
	return used, nil
}
