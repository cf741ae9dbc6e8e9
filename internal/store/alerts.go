package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Alert is one that is open.
type Alert struct {
	Account string
	Code    string
	Body    []byte
}

// AlertChange opens an alert, gives an open one another body, or closes it. A
// kind makes an event of it.
type AlertChange struct {
	Account string
	Code    string
	Body    []byte // of a closed one too: for the event
	Closed  bool
	Kind    string // "": no event
}

// AlertEvent is something that happened to an alert.
type AlertEvent struct {
	Seq     int64 // later ones have higher numbers
	At      time.Time
	Kind    string
	Account string
	Code    string
	Body    []byte // of the alert, as it then was
}

// Alerts returns the open alerts, and the number of the last change that they
// are known to hold.
func (s *Store) Alerts(ctx context.Context) (open []Alert, version int64, err error) {
	// The number first: what changes between the two is read again.
	if version, err = s.AlertsVersion(ctx); err != nil {
		return nil, 0, err
	}
	ctx, cancel := s.read.begin(ctx)
	defer cancel()
	open, err = every(ctx, s.read, func(r row) (a Alert, err error) {
		err = r.Scan(&a.Account, &a.Code, &a.Body)
		return a, err
	}, `SELECT account, code, body FROM alerts ORDER BY account, code`)
	if err != nil {
		return nil, 0, fmt.Errorf("read alerts: %w", err)
	}
	return open, version, nil
}

// AlertsVersion is the number of the last change of alerts: while it stays the
// same, so do they.
func (s *Store) AlertsVersion(ctx context.Context) (version int64, err error) {
	ctx, cancel := s.read.begin(ctx)
	defer cancel()
	if err := s.read.QueryRowContext(ctx, `SELECT version FROM alerts_seq`).Scan(&version); err != nil {
		return 0, fmt.Errorf("read the version of alerts: %w", err)
	}
	return version, nil
}

// ChangeAlerts makes changes, at most one of each alert, and records their
// events, all or none, and returns the number of this change. It makes none if
// the last change has another number than version: done is false then.
func (s *Store) ChangeAlerts(ctx context.Context, version int64, changes []AlertChange) (next int64, done bool, err error) {
	var open, closed, events [][]any
	for _, c := range changes {
		if c.Closed {
			closed = append(closed, []any{c.Account, c.Code})
		} else {
			open = append(open, []any{c.Account, c.Code, notNil(c.Body)})
		}
		if c.Kind != "" {
			events = append(events, []any{int64(0), int64(0), c.Kind, c.Account, c.Code, notNil(c.Body)})
		}
	}
	ctx, cancel := s.write.begin(ctx)
	defer cancel()
	err = inTx(ctx, s.write, func(tx *sql.Tx) error {
		var event, now int64
		err := tx.QueryRowContext(ctx, `
			UPDATE alerts_seq SET version = version + 1, event = event + $1 WHERE version = $2
			RETURNING version, event, `+s.nowSQL(), len(events), version).Scan(&next, &event, &now)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range events {
			events[i][0], events[i][1] = event-int64(len(events)-1-i), now
		}
		done = true
		if err := execRows(ctx, tx, `DELETE FROM alerts WHERE (account, code) IN (VALUES `, closed, `)`); err != nil {
			return err
		}
		err = execRows(ctx, tx, `INSERT INTO alerts (account, code, body) VALUES `, open, ` ON CONFLICT (account, code) DO UPDATE SET body = excluded.body`)
		if err != nil {
			return err
		}
		return execRows(ctx, tx, `INSERT INTO alert_events (seq, at, kind, account, code, body) VALUES `, events, ``)
	})
	if err != nil {
		return 0, false, fmt.Errorf("change alerts: %w", err)
	}
	return next, done, nil
}

// execRows runs a statement on rows of values, many at a time: thousands of
// alerts may change at once.
func execRows(ctx context.Context, tx *sql.Tx, before string, rows [][]any, after string) error {
	const most = 500
	for part := range slices.Chunk(rows, most) {
		var query strings.Builder
		query.WriteString(before)
		args := make([]any, 0, len(part)*len(part[0]))
		for i, row := range part {
			if i > 0 {
				query.WriteString(", ")
			}
			for k, value := range row {
				args = append(args, value)
				query.WriteString([]string{"($", ", $"}[min(k, 1)] + strconv.Itoa(len(args)))
			}
			query.WriteString(")")
		}
		query.WriteString(after)
		if _, err := tx.ExecContext(ctx, query.String(), args...); err != nil {
			return err
		}
	}
	return nil
}

// AlertEventsAfter returns up to limit events after the one with the number seq,
// in their order. None is missed, whoever changes alerts at the same time.
func (s *Store) AlertEventsAfter(ctx context.Context, seq int64, limit int) ([]AlertEvent, error) {
	ctx, cancel := s.read.begin(ctx)
	defer cancel()
	events, err := every(ctx, s.read, func(r row) (e AlertEvent, err error) {
		var at int64
		err = r.Scan(&e.Seq, &at, &e.Kind, &e.Account, &e.Code, &e.Body)
		e.At = fromMicros(at)
		return e, err
	}, `SELECT seq, at, kind, account, code, body FROM alert_events WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, limit)
	if err != nil {
		return nil, fmt.Errorf("read alert events: %w", err)
	}
	return events, nil
}

// MaxAlertEvents is how many events PruneAlertEvents leaves at most.
const MaxAlertEvents = 10_000

// PruneAlertEvents deletes the events of before that time, and the oldest of
// those that are too many. It returns how many they were; there may be more if
// they were PruneRows.
func (s *Store) PruneAlertEvents(ctx context.Context, before time.Time) (int64, error) {
	n, err := s.exec(ctx, `
		DELETE FROM alert_events WHERE seq IN (
			SELECT seq FROM alert_events
			WHERE at < $1 OR seq <= (SELECT event FROM alerts_seq) - $2 LIMIT $3)`, micros(before), MaxAlertEvents, PruneRows)
	if err != nil {
		return 0, fmt.Errorf("prune alert events: %w", err)
	}
	return n, nil
}
