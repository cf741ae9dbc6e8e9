package operation

import (
	"context"
	"strings"
	"time"

	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// NotFoundError says that the account has no such operation.
type NotFoundError struct{ ID string }

func (e *NotFoundError) Error() string { return "no operation with this ID" }

// Operations lists an account's operations, newest first, from after a place
// in the list (nil: from the start), and tells whether there are more. Its
// errors are Gateway.Account's and *durable.UnavailableError.
func (s *Service) Operations(ctx context.Context, name string, limit int, before *store.OperationCursor) (_ []Operation, more bool, err error) {
	return s.OperationsOf(ctx, []string{name}, store.OperationFilter{Before: before, Limit: limit})
}

// OperationsOf is Operations of several accounts that f chooses, f.Limit at most.
func (s *Service) OperationsOf(ctx context.Context, names []string, f store.OperationFilter) (_ []Operation, more bool, err error) {
	vendors := make(map[string]string, len(names))
	for _, name := range names {
		a, err := s.gateway.Account(name)
		if err != nil {
			return nil, false, err
		}
		vendors[name] = a.Provider
	}
	limit := f.Limit
	f.Accounts, f.Limit = append([]string{}, names...), limit+1
	rows, err := s.list(ctx, s.gateway.Store.Query, f)
	if err != nil {
		return nil, false, durable.Unavailable(ctx, err)
	}
	if more = len(rows) > limit; more {
		rows = rows[:limit]
	}
	operations := make([]Operation, 0, len(rows))
	for _, row := range rows {
		op, err := s.operation(vendors[row.Account], row)
		if err != nil {
			return nil, false, err
		}
		operations = append(operations, op)
	}
	return operations, more, nil
}

// list gives the records that a filter chooses, by Use or Query of the store.
func (s *Service) list(ctx context.Context, use durable.Way, f store.OperationFilter) ([]store.Operation, error) {
	return durable.Get(ctx, use, func(ctx context.Context, st *store.Store) ([]store.Operation, error) { return st.Operations(ctx, f) })
}

// Operation gives one of an account's operations. Its errors are
// those of Operations and *NotFoundError.
func (s *Service) Operation(ctx context.Context, name, id string) (Operation, error) {
	a, err := s.gateway.Account(name)
	if err != nil {
		return Operation{}, err
	}
	if strings.Trim(id, operationIDs) != "" {
		return Operation{}, &NotFoundError{ID: id} // no id of ours, and maybe no text that a database takes
	}
	if row, ok := s.unrecorded.get(id); ok && row.Account == name {
		return s.operation(a.Provider, row)
	}
	var found bool
	row, err := durable.Get(ctx, s.gateway.Store.Query, func(ctx context.Context, st *store.Store) (row store.Operation, err error) {
		row, found, err = st.Operation(ctx, id)
		return row, err
	})
	switch {
	case err != nil:
		return Operation{}, durable.Unavailable(ctx, err)
	case !found || row.Account != name:
		return Operation{}, &NotFoundError{ID: id}
	}
	return s.operation(a.Provider, row)
}

// abandoned tells whether an operation's holder will surely not record its end
// any more.
func (s *Service) abandoned(op store.Operation, now time.Time) bool {
	return now.After(op.GiveUpAt) || s.gateway.Gone(op.Holder)
}

// giveUp makes an abandoned operation unknown.
func (s *Service) giveUp(ctx context.Context, op store.Operation) store.Operation {
	to := unknown(s.now(), provider.Errorf(provider.KindTimeout, "the gateway stopped before the outcome of the vendor call was known"))
	// Whoever comes second finds it settled already.
	_ = s.gateway.Store.Query(ctx, func(ctx context.Context, st *store.Store) error {
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

// Sweep makes abandoned operations unknown and counts the unknown ones.
func (s *Service) Sweep(ctx context.Context) {
	started, err := s.list(ctx, s.gateway.Store.Use, store.OperationFilter{State: store.Started})
	if err != nil {
		return // the last counts stand
	}
	for _, op := range started {
		if _, waiting := s.unrecorded.get(op.ID); !waiting && s.abandoned(op, s.now()) {
			s.giveUp(ctx, op)
		}
	}
	counts, err := durable.Get(ctx, s.gateway.Store.Use, func(ctx context.Context, st *store.Store) (map[string]store.UnknownCount, error) {
		return st.UnknownOperations(ctx)
	})
	if err == nil {
		s.unknown.Store(&counts)
	}
}
