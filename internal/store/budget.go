package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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

// TakeSlot takes a slot for one vendor call, in all of its budgets or in none;
// then it tells for each how long it has none: 0 if it is not that one. A call
// under way counts with the longest it may take, and a background asker whose
// reserve leaves it nothing is told Per. hold is the longest that the call can
// take: if the process dies, the slot is free after hold and Per. End the slot
// with EndSlot or ReleaseSlot, also when the call's context has ended. A budget
// that accounts share stands behind theirs, so that nobody waits for each other.
func (s *Store) TakeSlot(ctx context.Context, of []BudgetShare, by Asker, hold time.Duration) (slot Slot, wait []time.Duration, err error) {
	err = s.withClock(ctx, func(checked bool) error {
		ctx, cancel := s.write.begin(ctx)
		defer cancel()
		return inTx(ctx, s.write, func(tx *sql.Tx) (err error) {
			slot, wait, err = s.takeSlot(ctx, tx, of, by, hold, checked)
			return err
		})
	})
	if err != nil {
		return Slot{}, nil, fmt.Errorf("take from the budgets of %q: %w", of[0].Name, err)
	}
	return slot, wait, nil
}

func (s *Store) takeSlot(ctx context.Context, tx *sql.Tx, of []BudgetShare, by Asker, hold time.Duration, checked bool) (Slot, []time.Duration, error) {
	locked, err := s.lockBudgets(ctx, tx, of)
	if err != nil {
		return Slot{}, nil, err
	}
	wait, granted := make([]time.Duration, len(of)), true
	for i, share := range of {
		if locked[i].id%sweepEvery == 0 {
			if _, err := tx.ExecContext(ctx, `DELETE FROM budget_slots WHERE account = $1 AND free_at <= $2`, share.Name, locked[i].now); err != nil {
				return Slot{}, nil, err
			}
		}
		if wait[i], err = locked[i].wait(ctx, tx, share, by); err != nil {
			return Slot{}, nil, err
		}
		granted = granted && wait[i] == 0
	}
	if !granted {
		_, err := s.hear(checked, func(columns string) *sql.Row { return tx.QueryRowContext(ctx, `SELECT `+columns) })
		return Slot{}, wait, err // if the clock was set, slots seem used that are free
	}
	slot := Slot{caller: by.Caller}
	for i, share := range of {
		slot.parts = append(slot.parts, slotPart{budget: share.Name, id: locked[i].id, per: share.Limit.Per})
	}
	return slot, wait, s.keepSlot(ctx, tx, slot, hold, checked)
}

// sweepEvery is of how many calls in a budget one deletes the slots that are
// free again.
const sweepEvery = 64

// lockedBudget is a budget whose row is locked: who else asks for it waits.
type lockedBudget struct {
	id           int64         // of the slot that may be taken now
	oldest       sql.NullInt64 // the lowest ID of a slot that was there before it was locked, used or free again
	drainedUntil int64
	now          int64 // not from before it was locked
}

// lockBudgets locks budgets in their order, and draws the next slot of each.
func (s *Store) lockBudgets(ctx context.Context, tx *sql.Tx, of []BudgetShare) ([]lockedBudget, error) {
	rows, args := make([]string, len(of)), make([]any, len(of))
	for i, share := range of {
		rows[i], args[i] = fmt.Sprintf("($%d, 1, 0)", i+1), share.Name
	}
	type named struct {
		lockedBudget
		name string
	}
	found, err := every(ctx, tx, func(r row) (b named, err error) {
		err = r.Scan(&b.name, &b.id, &b.drainedUntil, &b.now, &b.oldest)
		return b, err
	}, `
		INSERT INTO budgets (account, last_slot, drained_until) VALUES `+strings.Join(rows, ", ")+`
		ON CONFLICT (account) DO UPDATE SET last_slot = budgets.last_slot + 1
		RETURNING account, last_slot, drained_until, `+s.nowSQL()+`,
			(SELECT id FROM budget_slots WHERE budget_slots.account = budgets.account ORDER BY id LIMIT 1)`, args...)
	if err != nil {
		return nil, err
	}
	locked, now := make([]lockedBudget, len(of)), int64(0)
	for _, b := range found {
		now = max(now, b.now) // waiting for the last took some
	}
	for i, share := range of {
		for _, b := range found {
			if b.name == share.Name {
				locked[i] = b.lockedBudget
			}
		}
		locked[i].now = now
	}
	return locked, nil
}

// wait is how long an asker has to wait for a slot; 0 if one is free.
func (b lockedBudget) wait(ctx context.Context, tx *sql.Tx, share BudgetShare, by Asker) (time.Duration, error) {
	wait := max(0, time.Duration(b.drainedUntil-b.now)*time.Microsecond)
	l := share.Limit
	if l.Calls == 0 {
		return wait, nil
	}
	mine := l.Calls
	if by.Background {
		mine -= l.Reserve
	}
	if mine <= 0 {
		return max(wait, l.Per), nil
	}
	own, bound := mine, by.Caller != "" && l.PerCaller > 0
	if bound {
		own = l.PerCaller
	}
	// Slots are numbered, so no more are used than there are numbers from the
	// oldest on. Mostly that is few enough, and nothing has to be counted.
	if b.oldest.Valid && b.id-b.oldest.Int64 < int64(min(mine, own)) {
		return wait, nil
	}
	all, err := slotsWait(ctx, tx, share.Name, "", mine, b.now)
	if err != nil || !bound {
		return max(wait, all), err
	}
	callers, err := slotsWait(ctx, tx, share.Name, by.Caller, own, b.now)
	return max(wait, all, callers), err
}

// slotsWait is how long it takes until fewer than so many slots are used, of
// all or of a caller's: until all but the latest most-1 have run out.
func slotsWait(ctx context.Context, tx *sql.Tx, account, caller string, most int, now int64) (time.Duration, error) {
	var freeAt int64
	err := tx.QueryRowContext(ctx, `
		SELECT free_at FROM budget_slots WHERE account = $1 AND free_at > $2 AND ($4 = '' OR caller = $4)
		ORDER BY free_at DESC LIMIT 1 OFFSET $3`, account, now, most-1, caller).Scan(&freeAt)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return time.Duration(freeAt-now) * time.Microsecond, err
}

// keepSlot counts a call from now on: it is free after Per, and what it may
// take before. It fails with errClockSet if the clock was set: then slots seem
// free that are not.
func (s *Store) keepSlot(ctx context.Context, tx *sql.Tx, slot Slot, takes time.Duration, checked bool) error {
	var rows []string
	var args []any
	for _, part := range slot.parts {
		n := len(args)
		rows = append(rows, fmt.Sprintf("($%d, $%d, %s + $%d, $%d)", n+1, n+2, s.nowSQL(), n+3, n+4))
		args = append(args, part.budget, part.id, microsFor(takes+part.per), slot.caller)
	}
	_, err := s.hear(checked, func(columns string) *sql.Row {
		return tx.QueryRowContext(ctx, `
			INSERT INTO budget_slots (account, id, free_at, caller) VALUES `+strings.Join(rows, ", ")+`
			ON CONFLICT (account, id) DO UPDATE SET free_at = excluded.free_at
			RETURNING `+columns, args...)
	})
	return err
}

// EndSlot says that the call has ended now: the slot is free after Per. It
// counts from now even if the call took longer than its hold.
func (s *Store) EndSlot(ctx context.Context, slot Slot) error {
	err := s.withClock(ctx, func(checked bool) error {
		ctx, cancel := s.write.begin(ctx)
		defer cancel()
		return inTx(ctx, s.write, func(tx *sql.Tx) error { return s.keepSlot(ctx, tx, slot, 0, checked) })
	})
	if err != nil {
		return fmt.Errorf("end a slot of %q: %w", slot.parts[0].budget, err)
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
