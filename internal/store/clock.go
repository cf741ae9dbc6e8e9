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

// newcomer is how long a process that has just begun to look leaves it to
// others to see that the clock was set forward: it can't tell.
const newcomer = 5 * time.Second

// spendingDay is how long a set clock is taken into account for the spending
// of the last 24 hours.
const spendingDay = 24 * time.Hour

// errClockSet says that the database's clock was set since CheckClock.
var errClockSet = errors.New("the database's clock was set")

// heard is what a look at the database's clock heard, in microseconds since
// 1970.
type heard struct {
	said     int64
	timesSet int64 // how often it has been set
	last     int64 // the last that a process heard, of those that can tell whether it was set forward; 0: nobody has looked
	highest  int64 // the most that any process heard since it was last set
}

// heardSQL is what a look hears, as the columns of a query.
func (s *Store) heardSQL() string {
	return s.nowSQL() + `, (SELECT times_set FROM clock), (SELECT last FROM clock), (SELECT highest FROM clock)`
}

func (h *heard) scan(row *sql.Row) error { return row.Scan(&h.said, &h.timesSet, &h.last, &h.highest) }

// anchor ties the database's clock to this process's monotonic one: what it
// said between two times.
type anchor struct {
	heard
	before, after time.Time
}

// setBy is by how much the clock was set, as is heard between two times. a may
// be nil: then only a clock that was set back is seen.
func (a *anchor) setBy(h heard, before, after time.Time) time.Duration {
	if h.last == 0 {
		return 0
	}
	least, most := h.last, int64(0) // that it can say unless it was set
	if a != nil {
		most = h.last + after.Sub(a.before).Microseconds()
		if a.timesSet == h.timesSet {
			least = max(least, a.said+before.Sub(a.after).Microseconds())
			most = max(most, a.said+after.Sub(a.before).Microseconds())
		}
	}
	noise := clockNoise.Microseconds()
	switch {
	case h.said < max(least, h.highest)-noise:
		return time.Duration(h.said-max(least, h.highest)) * time.Microsecond
	case a != nil && h.said > most+noise:
		return time.Duration(h.said-least) * time.Microsecond
	}
	return 0
}

// hear looks at the clock without changing anything, and fails with errClockSet
// if it was set. checked says that CheckClock has just looked. ask runs a query
// for these columns; what else it does is to be undone if the clock was set.
func (s *Store) hear(checked bool, ask func(columns string) *sql.Row) (heard, error) {
	before := s.now()
	var h heard
	if err := h.scan(ask(s.heardSQL())); err != nil {
		return heard{}, err
	}
	if !checked && s.anchor.Load().setBy(h, before, s.now()) != 0 {
		return h, errClockSet
	}
	return h, nil
}

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
	switch {
	case s.ownClock:
		return `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`
	case s.boundClock:
		return nowParameter
	}
	return strconv.FormatInt(micros(s.now()), 10)
}

// withClock runs f, and once more after CheckClock if f finds that the clock
// was set, or seems so because the database was slow. f gives back the
// connection that it uses.
func (s *Store) withClock(ctx context.Context, f func(checked bool) error) error {
	err := f(false)
	if !errors.Is(err, errClockSet) {
		return err
	}
	if _, err := s.CheckClock(ctx); err != nil {
		return err
	}
	return f(true)
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
		// The row is the lock: who looks at the same time waits here.
		if _, err := tx.ExecContext(ctx, `UPDATE clock SET last = last`); err != nil {
			return err
		}
		look.before = s.now()
		if err := look.scan(tx.QueryRowContext(ctx, `SELECT `+s.heardSQL())); err != nil {
			return err
		}
		look.after = s.now()
		set = s.anchor.Load().setBy(look.heard, look.before, look.after)
		switch {
		case set != 0:
			look.timesSet++
			look.last, look.highest = look.said, look.said
			if err := moveTimes(ctx, tx, set.Microseconds(), look.said); err != nil {
				return err
			}
		case look.last == 0 || look.before.Sub(s.firstLook(look.before)) >= newcomer:
			look.last, look.highest = look.said, look.said
		default:
			look.highest = max(look.highest, look.said)
		}
		_, err := tx.ExecContext(ctx, `UPDATE clock SET times_set = $1, last = $2, highest = $3`, look.timesSet, look.last, look.highest)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("check the database's clock: %w", err)
	}
	s.anchor.Store(&look)
	return set, nil
}

// firstLook is when this process first looked at the clock.
func (s *Store) firstLook(now time.Time) time.Time {
	s.looked.CompareAndSwap(nil, &now)
	return *s.looked.Load()
}

// moveTimes moves by some microseconds whatever must not end earlier or later
// because the clock was set. said is what it says now. Leases come first, then
// budgets, then their slots: in that order all who need several of them lock them.
func moveTimes(ctx context.Context, tx *sql.Tx, by, said int64) error {
	for _, statement := range []string{
		`UPDATE leases SET expires_at = expires_at + $1`,
		`UPDATE budgets SET drained_until = drained_until + $1 WHERE drained_until > 0`,
		`UPDATE budget_slots SET free_at = free_at + $1`,
		`UPDATE lockouts SET try_at = try_at + $1, force_at = force_at + $1`,
		`UPDATE notify_destinations SET told_at = told_at + $1 WHERE told_at > 0`,
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
