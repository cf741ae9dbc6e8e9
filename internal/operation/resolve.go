package operation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

const (
	// ResolveInterval is how often Resolve is to be called.
	ResolveInterval = time.Minute
	// resolveFor is how long after it was asked for a refill is looked up; by
	// then it is paid, or a person has to look.
	resolveFor = 3 * 24 * time.Hour
	// settleWithin is how long after a refill was given up a lookup may settle
	// it. What is seen later may be what somebody made by hand because nothing
	// came of the refill.
	settleWithin = 5 * time.Minute
)

// settledByLookup is Operation.SettledBy of a refill whose invoice was found.
const settledByLookup = "lookup"

// Resolve looks for the invoices of refills whose outcome is unknown.
func (s *Service) Resolve(ctx context.Context) {
	refills, err := s.list(ctx, s.gateway.Store.Use, store.OperationFilter{Kind: string(KindRefill), State: store.Unknown, Since: s.now().Add(-resolveFor)})
	if err != nil {
		return
	}
	byAccount := map[string][]store.Operation{}
	for _, op := range refills {
		byAccount[op.Account] = append(byAccount[op.Account], op)
	}
	for name, unknown := range byAccount {
		if a, err := s.gateway.Account(name); err == nil {
			s.resolveAccount(ctx, a, unknown)
		}
	}
}

// resolveAccount looks up one account's invoices, in one replica, settles what
// is theirs beyond doubt, and names what may be theirs.
func (s *Service) resolveAccount(ctx context.Context, a *Account, unknown []store.Operation) {
	finder, ok := a.Adapter.(provider.InvoiceFinder)
	if !ok {
		return
	}
	if mine, err := s.gateway.Lease(ctx, "resolve/"+a.Name, ResolveInterval*3/2); err != nil || !mine {
		return
	}
	call, err := a.Enter(ctx)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(provider.WithCause(ctx, provider.CauseRefresh), s.gateway.CallTimeout)
	defer cancel()
	began := s.now()
	invoices, err := unpaidInvoices(ctx, finder)
	call.End(ctx, err)
	call.Keep(ctx)
	if err != nil {
		return // the next round looks again
	}
	look := lookup{began: began, invoices: invoices}
	err = s.gateway.Store.Query(ctx, func(ctx context.Context, st *store.Store) (err error) {
		look.all, err = st.Operations(ctx, store.OperationFilter{Accounts: []string{a.Name}, Kind: string(KindRefill), Since: s.now().Add(-2 * resolveFor)})
		if err != nil {
			return err
		}
		look.before, err = unpaidBefore(ctx, st, unknown)
		return err
	})
	if err != nil {
		return
	}
	for _, op := range unknown {
		candidates, own := look.refill(op)
		if own != nil {
			s.settleFound(ctx, a, op, *own)
			continue
		}
		s.nameCandidates(ctx, a, op, candidates)
	}
}

// settleFound settles a refill whose invoice was found.
func (s *Service) settleFound(ctx context.Context, a *Account, op store.Operation, invoice provider.UnpaidInvoice) {
	result, err := json.Marshal(invoice.Invoice)
	if err != nil {
		return
	}
	to := store.Settlement{
		State: store.Succeeded, SettledAt: s.now(), Reference: invoice.ID, Result: result, By: settledByLookup,
		Reason: fmt.Sprintf("invoice %s is the only unpaid one that matches", invoice.ID),
	}
	// If it was settled by hand meanwhile, that stands.
	done, err := durable.Get(ctx, s.gateway.Store.Use, func(ctx context.Context, st *store.Store) (bool, error) {
		return st.SettleOperation(ctx, op.ID, to, store.Unknown)
	})
	if err == nil && done {
		s.gateway.Log.Info().Str("account", a.Name).Str("operation", op.ID).Str("reference", invoice.ID).
			Msg("settled an unknown refill: its invoice was found")
	}
}

// nameCandidates keeps the invoices that a refill may have made, for whoever
// looks into it.
func (s *Service) nameCandidates(ctx context.Context, a *Account, op store.Operation, candidates []Candidate) {
	list, err := encodeCandidates(candidates)
	if err != nil || bytes.Equal(list, op.Candidates) {
		return
	}
	err = s.gateway.Store.Use(ctx, func(ctx context.Context, st *store.Store) error { return st.SaveCandidates(ctx, op.ID, list) })
	if err == nil {
		s.gateway.Log.Info().Str("account", a.Name).Str("operation", op.ID).Int("candidates", len(candidates)).
			Msg("an unknown refill may have created these unpaid invoices: check with the vendor and settle the operation")
	}
}
