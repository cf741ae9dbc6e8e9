package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// SaveUnpaidBefore keeps the numbers of the invoices that were unpaid before
// an operation's vendor call. It survives a loss of power.
func (s *Store) SaveUnpaidBefore(ctx context.Context, operation string, invoices []string) error {
	ctx, cancel := s.durable.begin(ctx)
	defer cancel()
	if invoices == nil {
		invoices = []string{}
	}
	list, err := json.Marshal(invoices)
	if err != nil {
		return err
	}
	if _, err := s.durable.ExecContext(ctx, `INSERT INTO unpaid_before (operation_id, invoices) VALUES ($1, $2)`, operation, list); err != nil {
		return fmt.Errorf("keep the unpaid invoices before operation %s: %w", operation, err)
	}
	return nil
}

// UnpaidBefore are the numbers that SaveUnpaidBefore kept; known is false if it
// kept none for the operation.
func (s *Store) UnpaidBefore(ctx context.Context, operation string) (invoices []string, known bool, err error) {
	ctx, cancel := s.read.begin(ctx)
	defer cancel()
	var list []byte
	err = s.read.QueryRowContext(ctx, `SELECT invoices FROM unpaid_before WHERE operation_id = $1`, operation).Scan(&list)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err == nil {
		err = json.Unmarshal(list, &invoices)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the unpaid invoices before operation %s: %w", operation, err)
	}
	return invoices, true, nil
}

// SaveCandidates keeps what an operation with an unknown outcome may have made.
// It changes no other operation.
func (s *Store) SaveCandidates(ctx context.Context, operation string, candidates []byte) error {
	if _, err := s.exec(ctx, `UPDATE operations SET candidates = $2 WHERE id = $1 AND state = 'unknown'`, operation, notNil(candidates)); err != nil {
		return fmt.Errorf("keep the candidates of operation %s: %w", operation, err)
	}
	return nil
}
