package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Trends calls each with the last balance of each currency of each account in
// each of n steps of time that end at till: by account, currency and time. It
// costs a look into the index for each of them, however many points there are.
// Only account, currency, time and balance are told. Its other errors are each's.
func (s *Store) Trends(ctx context.Context, accounts []string, till time.Time, step time.Duration, n int, each func(BalancePoint) error) error {
	ctx, cancel := s.history.begin(ctx)
	defer cancel()
	pots, err := s.pots(ctx, accounts)
	if err != nil || len(pots) == 0 {
		return wrapTrends(err)
	}
	var args arguments
	of := make([]string, 0, len(pots))
	for _, p := range pots {
		of = append(of, "("+args.add("TEXT", p.Account)+", "+args.add("TEXT", p.Currency)+")")
	}
	steps := make([]string, 0, n)
	for i := range n {
		steps = append(steps, "("+args.add("BIGINT", micros(till.Add(time.Duration(i+1-n)*step)))+")")
	}
	width := args.add("BIGINT", step.Microseconds())
	within := `FROM balance_history h WHERE h.account = p.account AND h.currency = p.currency
		AND h.as_of > s.till - ` + width + ` AND h.as_of <= s.till ORDER BY h.as_of DESC LIMIT 1`
	// Lists of values, and no join with the history: PostgreSQL would expect far
	// more rows of anything else, and compile the query first.
	rows, err := s.history.QueryContext(ctx, `
		WITH p (account, currency) AS (VALUES `+strings.Join(of, ", ")+`), s (till) AS (VALUES `+strings.Join(steps, ", ")+`)
		SELECT p.account, p.currency, (SELECT h.as_of `+within+`), (SELECT h.balance `+within+`)
		FROM p CROSS JOIN s ORDER BY p.account, p.currency, s.till`, args...)
	if err != nil {
		return wrapTrends(err)
	}
	defer rows.Close()
	for rows.Next() {
		var p BalancePoint
		var asOf sql.NullInt64
		var balance sql.NullString
		if err := rows.Scan(&p.Account, &p.Currency, &asOf, &balance); err != nil {
			return wrapTrends(err)
		}
		if !asOf.Valid {
			continue // nothing was read in that step
		}
		p.AsOf, p.Balance = fromMicros(asOf.Int64), balance.String
		if err := each(p); err != nil {
			return err
		}
	}
	return wrapTrends(rows.Err())
}

// pots are the currencies that accounts have histories in.
func (s *Store) pots(ctx context.Context, accounts []string) ([]BalancePoint, error) {
	if len(accounts) == 0 {
		return nil, nil
	}
	var args arguments
	of := make([]string, 0, len(accounts))
	for _, account := range accounts {
		of = append(of, "("+args.add("TEXT", account)+")")
	}
	return every(ctx, s.history, func(r row) (p BalancePoint, err error) {
		return p, r.Scan(&p.Account, &p.Currency)
	}, `
		WITH RECURSIVE
		a (account) AS (VALUES `+strings.Join(of, ", ")+`),
		p (account, currency) AS (
			SELECT a.account, (SELECT min(h.currency) FROM balance_history h WHERE h.account = a.account) FROM a
			UNION ALL
			SELECT p.account, (SELECT min(h.currency) FROM balance_history h WHERE h.account = p.account AND h.currency > p.currency)
			FROM p WHERE p.currency IS NOT NULL)
		SELECT account, currency FROM p WHERE currency IS NOT NULL`, args...)
}

func wrapTrends(err error) error {
	if err != nil {
		return fmt.Errorf("read the trends of balances: %w", err)
	}
	return nil
}

// arguments of a query of any length.
type arguments []any

// add gives the placeholder of another one.
func (a *arguments) add(sqlType string, value any) string {
	*a = append(*a, value)
	return "CAST($" + strconv.Itoa(len(*a)) + " AS " + sqlType + ")"
}
