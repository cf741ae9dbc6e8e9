package account

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

const (
	// resolveInterval is how often unknown refills are looked up.
	resolveInterval = time.Minute
	// resolveFor is how long after it was asked for a refill is looked up; by
	// then it is paid, or a person has to look.
	resolveFor = 3 * 24 * time.Hour
)

// settledByLookup is Operation.SettledBy of a refill whose invoice was found.
const settledByLookup = "lookup"

// resolve looks for the invoices of refills whose outcome nobody knows.
func (s *Service) resolve(ctx context.Context) {
	var refills []store.Operation
	err := s.durable.use(ctx, func(ctx context.Context, st *store.Store) (err error) {
		refills, err = st.Operations(ctx, store.OperationFilter{Kind: string(KindRefill), State: store.Unknown, Since: s.now().Add(-resolveFor)})
		return err
	})
	if err != nil {
		return
	}
	byAccount := map[string][]store.Operation{}
	for _, op := range refills {
		byAccount[op.Account] = append(byAccount[op.Account], op)
	}
	for name, unknown := range byAccount {
		if a, ok := s.accounts[name]; ok {
			s.resolveAccount(ctx, a, unknown)
		}
	}
}

// resolveAccount looks up one account's invoices, in one replica, and settles
// what surely fits.
func (s *Service) resolveAccount(ctx context.Context, a *watched, unknown []store.Operation) {
	finder, ok := a.Adapter.(provider.InvoiceFinder)
	if !ok || a.held.err(false, s.now()) != nil {
		return
	}
	var mine bool
	err := s.durable.use(ctx, func(ctx context.Context, st *store.Store) (err error) {
		mine, err = st.AcquireLease(ctx, "resolve/"+a.Name, s.replica, resolveInterval*3/2)
		return err
	})
	if err != nil || !mine {
		return
	}
	ctx, cancel := context.WithTimeout(provider.WithCause(ctx, provider.CauseRefresh), s.options.LoadTimeout)
	defer cancel()
	invoices, err := finder.UnpaidInvoices(ctx)
	if s.observe(a, err) {
		s.persist(ctx, a, nil, true)
	}
	if err != nil {
		return // the next round looks again
	}
	var all []store.Operation
	err = s.durable.use(ctx, func(ctx context.Context, st *store.Store) (err error) {
		all, err = st.Operations(ctx, store.OperationFilter{Account: a.Name, Kind: string(KindRefill), Since: s.now().Add(-2 * resolveFor)})
		return err
	})
	if err != nil {
		return
	}
	for id, invoice := range fit(unknown, all, invoices) {
		result, err := json.Marshal(invoice.Invoice)
		if err != nil {
			continue
		}
		to := store.Settlement{
			State: store.Succeeded, SettledAt: s.now(), Reference: invoice.ID, Result: result, By: settledByLookup,
			Reason: fmt.Sprintf("invoice %s is among the unpaid ones, and it alone fits", invoice.ID),
		}
		// If it was settled by hand meanwhile, that stands.
		var done bool
		err = s.durable.use(ctx, func(ctx context.Context, st *store.Store) (err error) {
			done, err = st.SettleOperation(ctx, id, to, store.Unknown)
			return err
		})
		if err != nil || !done {
			continue
		}
		s.options.Log.Info().Str("account", a.Name).Str("operation", id).Str("reference", invoice.ID).Msg("an unknown refill is settled: its invoice was found")
	}
}

// claimed are the invoices that surely belong to an operation.
func claimed(all []store.Operation) map[string]bool {
	ids := map[string]bool{}
	for _, op := range all {
		if op.Reference != "" && op.State != store.Unknown {
			ids[op.Reference] = true
		}
	}
	return ids
}

// fit pairs unknown refills with invoices where both leave no doubt: exactly
// one invoice fits the refill, and it fits no other of all refills that may
// have made one that nobody claims, those under way included.
func fit(unknown, all []store.Operation, invoices []provider.UnpaidInvoice) map[string]provider.UnpaidInvoice {
	claimed := claimed(all)
	rivals := map[string]int{} // refills, by the invoice that they may have made
	for _, op := range all {
		if op.State == store.Failed || op.State != store.Unknown && op.Reference != "" {
			continue
		}
		for _, invoice := range invoices {
			if fitsRefill(op, invoice) {
				rivals[invoice.ID]++
			}
		}
	}
	pairs := map[string]provider.UnpaidInvoice{}
	for _, op := range unknown {
		var found []provider.UnpaidInvoice
		for _, invoice := range invoices {
			if !claimed[invoice.ID] && fitsRefill(op, invoice) {
				found = append(found, invoice)
			}
		}
		if len(found) == 1 && rivals[found[0].ID] == 1 {
			pairs[op.ID] = found[0]
		}
	}
	return pairs
}

// fitsRefill tells whether an invoice can be a refill's: by its number if the
// vendor told one, else by method, sum, currency and day.
func fitsRefill(op store.Operation, invoice provider.UnpaidInvoice) bool {
	if op.Reference != "" {
		return op.Reference == invoice.ID
	}
	var asked provider.RefillRequest
	if err := json.Unmarshal(op.Request, &asked); err != nil || invoice.Method != asked.Method {
		return false
	}
	// The vendor tells a day in a zone that it does not name, so a day more on
	// both sides is possible.
	day := 24 * time.Hour
	first, last := op.CreatedAt.Truncate(day).Add(-day), op.GiveUpAt.Truncate(day).Add(day)
	if invoice.Date.Before(first) || invoice.Date.After(last) {
		return false
	}
	return slices.ContainsFunc(invoice.Amounts, func(m provider.Money) bool {
		return m.Currency == asked.Amount.Currency && m.Amount.Cmp(asked.Amount.Amount) == 0
	})
}
