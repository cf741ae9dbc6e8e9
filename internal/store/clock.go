package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// All times in the store are told by one clock, the database's: PostgreSQL's
// own, or the machine's for an SQLite file, or Options.Now. So the clocks of
// replicas need not agree. That one clock may be set, too: CheckClock sees it
// and moves whatever has to last as long as before.

// clockNoise is by how much two looks at a clock may differ from the time
// between them without the clock having been set.
const clockNoise = 200 * time.Millisecond

// spendingDay is how long a set clock is taken into account for the spending
// of the last 24 hours.
const spendingDay = 24 * time.Hour

// errClockSet says that the database's clock was set since CheckClock.
var errClockSet = errors.New("the database's clock was set")

// anchor ties the database's clock to this process's monotonic one.
type anchor struct {
	before, after time.Time // of a look, by Options.Now or the machine's clock
	said          int64     // what the database's clock said, in microseconds
	timesSet      int64     // how often it had been set by then
}

// newcomer is how long a process that has just begun to look leaves it to
// others to say what the clock should show: only they can tell whether it was
// set forward.
const newcomer = 5 * time.Second

// Now is the database's time, without asking it: what it said at the last
// CheckClock, plus the time since.
func (s *Store) Now() time.Time {
	now := s.now()
	if a := s.anchor.Load(); a != nil && s.ownClock {
		return fromMicros(a.said).Add(now.Sub(a.after))
	}
	return now.Round(0).UTC()
}

// nowSQL is the database's time in microseconds, as SQL.
func (s *Store) nowSQL() string {
	if s.ownClock {
		return `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`
	}
	return strconv.FormatInt(micros(s.now()), 10)
}

// asExpected fails with errClockSet if the clock can't say now without having
// been set since it was set for the timesSet-th time; last is the latest that
// any replica has heard of it.
func (s *Store) asExpected(now, last, timesSet int64) error {
	if now < last-clockNoise.Microseconds() || s.anchor.Load().exceeded(now, last, timesSet, s.now()) {
		return errClockSet
	}
	return nil
}

// asExpectedSQL is asExpected as a condition on the row of clock; now is SQL.
func (s *Store) asExpectedSQL(now string) string {
	condition := fmt.Sprintf(`%s >= last - %d`, now, clockNoise.Microseconds())
	if a := s.anchor.Load(); a != nil {
		most := (s.now().Sub(a.before) + clockNoise).Microseconds()
		condition += fmt.Sprintf(` AND (%s <= last + %d OR times_set = %d AND %s <= %d)`, now, most, a.timesSet, now, a.said+most)
	}
	return condition
}

// withClock runs f, and once more after CheckClock if f finds that the clock
// was set. f gives back the connection that it uses.
func (s *Store) withClock(ctx context.Context, f func() error) error {
	err := f()
	if !errors.Is(err, errClockSet) {
		return err
	}
	if _, err := s.CheckClock(ctx); err != nil {
		return err
	}
	return f()
}

// CheckClock looks at the database's clock and returns by how much it was set
// since any replica last looked: 0 if it was not. What is to last as long as
// before moves with it: slots of budgets, drains, lockouts, leases and operations
// under way. Readings from before it was set back are Unsure from then on. Call it
// every second or so.
//
// What can't be seen is a clock that is set while no process looks: forward, or
// back by less than the time that passes meanwhile.
func (s *Store) CheckClock(ctx context.Context) (set time.Duration, err error) {
	ctx, cancel := s.write.begin(ctx)
	defer cancel()
	var look anchor
	err = inTx(ctx, s.write, func(tx *sql.Tx) error {
		set = 0
		// The row is the lock: who looks at the same time waits here.
		if _, err := tx.ExecContext(ctx, `UPDATE clock SET last = last`); err != nil {
			return err
		}
		look.before = s.now()
		var last int64
		if err := tx.QueryRowContext(ctx, `SELECT last, times_set, `+s.nowSQL()+` FROM clock`).Scan(&last, &look.timesSet, &look.said); err != nil {
			return err
		}
		look.after = s.now()
		set = s.clockSet(look, last)
		switch {
		case set != 0:
			look.timesSet++
			if err := moveTimes(ctx, tx, set.Microseconds(), look.said); err != nil {
				return err
			}
		case last != 0 && look.before.Sub(s.firstLook(look.before)) < newcomer:
			return nil
		}
		_, err := tx.ExecContext(ctx, `UPDATE clock SET last = $1, times_set = $2`, look.said, look.timesSet)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("check the database's clock: %w", err)
	}
	s.anchor.Store(&look)
	return set, nil
}

// clockSet is by how much the clock was set, given a look and what the last
// look of any replica heard.
func (s *Store) clockSet(look anchor, last int64) time.Duration {
	if last == 0 {
		return 0 // nobody ever looked
	}
	a := s.anchor.Load()
	least := time.Duration(0) // that has passed since that look
	if a != nil && a.timesSet == look.timesSet && a.said >= last {
		last, least = a.said, look.before.Sub(a.after) // ours came later
	}
	passed := time.Duration(look.said-last) * time.Microsecond // if the clock was not set
	if passed < least-clockNoise || a.exceeded(look.said, last, look.timesSet, look.after) {
		return passed - least
	}
	return 0
}

// firstLook is when this process first looked at the clock.
func (s *Store) firstLook(now time.Time) time.Time {
	s.looked.CompareAndSwap(nil, &now)
	return *s.looked.Load()
}

// exceeded tells whether the clock says more than it can at that time unless it
// was set forward. last is the latest that any replica has heard of it since it
// was set for the timesSet-th time.
func (a *anchor) exceeded(said, last, timesSet int64, now time.Time) bool {
	if a == nil {
		return false // this process can't tell
	}
	if a.timesSet == timesSet {
		last = max(last, a.said)
	}
	return said > last+(now.Sub(a.before)+clockNoise).Microseconds()
}

// moveTimes moves by some microseconds whatever must not end earlier or later
// because the clock was set. said is what it says now.
func moveTimes(ctx context.Context, tx *sql.Tx, by, said int64) error {
	for _, statement := range []string{
		`UPDATE budget_slots SET free_at = free_at + $1`,
		`UPDATE budgets SET drained_until = drained_until + $1 WHERE drained_until > 0`,
		`UPDATE lockouts SET try_at = try_at + $1, force_at = force_at + $1`,
		`UPDATE leases SET expires_at = expires_at + $1`,
		`UPDATE operations SET give_up_at = give_up_at + $1 WHERE state = 'started'`,
	} {
		if _, err := tx.ExecContext(ctx, statement, by); err != nil {
			return err
		}
	}
	if by < 0 {
		_, err := tx.ExecContext(ctx, `UPDATE clock SET unsure_seq = (SELECT last FROM readings_seq),
			ahead = CASE WHEN ahead + $1 > 0 THEN ahead + $1 ELSE 0 END, ahead_until = ahead_until + $1`, by)
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE clock SET ahead = CASE WHEN ahead_until > $2 THEN ahead ELSE 0 END + $1, ahead_until = $3`,
		by, said-by, said+spendingDay.Microseconds())
	return err
}
