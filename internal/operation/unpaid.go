package operation

import (
	"context"
	"errors"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// unpaidTimeout bounds how long a refill waits for the list of unpaid invoices.
const unpaidTimeout = 5 * time.Second

// keepUnpaid keeps, before a refill is sent, which invoices are unpaid: those
// are not its own. Without that list, because the vendor has none or it could
// not be read or kept, the refill goes on, and no lookup settles it.
//
// The call yields to others as background readings do, so that it never takes
// the last of the budget from the refill itself.
//
// The error is a refusal of the credentials or the access, after which the
// refill must not be sent.
func (s *Service) keepUnpaid(ctx context.Context, a *Account, operation string) error {
	finder, ok := a.Adapter.(provider.InvoiceFinder)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(provider.WithCause(ctx, provider.CauseRefresh), unpaidTimeout)
	defer cancel()
	invoices, err := unpaidInvoices(ctx, finder)
	var refused *provider.Error
	if errors.As(err, &refused) && !refused.NotSent && (refused.Kind == provider.KindCredentials || refused.Kind == provider.KindAccess) {
		e := *refused
		e.Refused = true // of the refill nothing was sent
		return &e
	}
	if err == nil {
		ids := make([]string, 0, len(invoices))
		for _, invoice := range invoices {
			ids = append(ids, invoice.ID)
		}
		err = s.gateway.Store.Query(ctx, func(ctx context.Context, st *store.Store) error { return st.SaveUnpaidBefore(ctx, operation, ids) })
	}
	if err != nil {
		s.gateway.Log.Warn().Str("account", a.Name).Str("operation", operation).Err(err).
			Msg("listing unpaid invoices before a refill failed: if its outcome is unknown, it must be settled by hand")
	}
	return nil
}

// unpaidInvoices are those of finder, with their numbers as the references of
// operations have them.
func unpaidInvoices(ctx context.Context, finder provider.InvoiceFinder) ([]provider.UnpaidInvoice, error) {
	invoices, err := finder.UnpaidInvoices(ctx)
	for i := range invoices {
		invoices[i].ID = reference(invoices[i].ID)
	}
	return invoices, err
}

// unpaidBefore reads what keepUnpaid kept of each operation that it kept
// something of.
func unpaidBefore(ctx context.Context, st *store.Store, operations []store.Operation) (map[string]map[string]bool, error) {
	all := map[string]map[string]bool{}
	for _, op := range operations {
		ids, known, err := st.UnpaidBefore(ctx, op.ID)
		if err != nil {
			return nil, err
		}
		if !known {
			continue
		}
		before := make(map[string]bool, len(ids))
		for _, id := range ids {
			before[id] = true
		}
		all[op.ID] = before
	}
	return all, nil
}
