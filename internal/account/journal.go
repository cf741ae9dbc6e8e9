package account

import (
	"context"
	"strings"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// OperationNotFoundError says that the account has no such operation.
type OperationNotFoundError struct{ ID string }

func (e *OperationNotFoundError) Error() string { return "no operation of that id" }

// Operations lists an account's operations, newest first, from after a place
// in the list (nil: from the start), and tells whether there are more. Its
// errors are *NotFoundError and *UnavailableError.
func (s *Service) Operations(ctx context.Context, name string, limit int, before *store.OperationCursor) (_ []Operation, more bool, err error) {
	a, err := s.find(name)
	if err != nil {
		return nil, false, err
	}
	var rows []store.Operation
	err = s.durable.query(ctx, func(ctx context.Context, st *store.Store) (err error) {
		rows, err = st.Operations(ctx, store.OperationFilter{Account: name, Before: before, Limit: limit + 1})
		return err
	})
	if err != nil {
		return nil, false, storeError(ctx, err)
	}
	if more = len(rows) > limit; more {
		rows = rows[:limit]
	}
	operations := make([]Operation, 0, len(rows))
	for _, row := range rows {
		op, err := s.operation(a.Provider, row)
		if err != nil {
			return nil, false, err
		}
		operations = append(operations, op)
	}
	return operations, more, nil
}

// Operation gives one of an account's operations. Its errors are
// *NotFoundError, *OperationNotFoundError and *UnavailableError.
func (s *Service) Operation(ctx context.Context, name, id string) (Operation, error) {
	a, err := s.find(name)
	if err != nil {
		return Operation{}, err
	}
	if strings.Trim(id, operationIDs) != "" {
		return Operation{}, &OperationNotFoundError{ID: id} // no id of ours, and maybe no text that a database takes
	}
	if row, ok := s.unrecorded.get(id); ok && row.Account == name {
		return s.operation(a.Provider, row)
	}
	var row store.Operation
	var found bool
	err = s.durable.query(ctx, func(ctx context.Context, st *store.Store) (err error) {
		row, found, err = st.Operation(ctx, id)
		return err
	})
	switch {
	case err != nil:
		return Operation{}, storeError(ctx, err)
	case !found || row.Account != name:
		return Operation{}, &OperationNotFoundError{ID: id}
	}
	return s.operation(a.Provider, row)
}

// abandoned tells whether an operation's holder will surely not record its end
// any more.
func (s *Service) abandoned(op store.Operation, now time.Time) bool {
	return now.After(op.GiveUpAt) || s.peers.gone(op.Holder)
}

// giveUp makes an abandoned operation unknown.
func (s *Service) giveUp(ctx context.Context, op store.Operation) store.Operation {
	to := unknown(s.label(), provider.Errorf(provider.KindTimeout, "the gateway stopped before it knew how the vendor call ended"))
	// Whoever comes second finds it settled already.
	_ = s.durable.query(ctx, func(ctx context.Context, st *store.Store) error {
		if _, err := st.SettleOperation(ctx, op.ID, to, store.Started); err != nil {
			return err
		}
		settled, found, err := st.Operation(ctx, op.ID)
		if err == nil && found {
			op = settled
		}
		return err
	})
	return op
}

// sweep makes abandoned operations unknown and counts the unknown ones.
func (s *Service) sweep(ctx context.Context) {
	var started []store.Operation
	var counts map[string]store.UnknownCount
	err := s.durable.use(ctx, func(ctx context.Context, st *store.Store) (err error) {
		started, err = st.Operations(ctx, store.OperationFilter{State: store.Started})
		return err
	})
	for _, op := range started {
		if _, waiting := s.unrecorded.get(op.ID); !waiting && s.abandoned(op, s.label()) {
			s.giveUp(ctx, op)
		}
	}
	if err == nil {
		err = s.durable.use(ctx, func(ctx context.Context, st *store.Store) (err error) {
			counts, err = st.UnknownOperations(ctx)
			return err
		})
	}
	if err != nil {
		return // the last counts stand
	}
	s.unknown.Store(&counts)
}
