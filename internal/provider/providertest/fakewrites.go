package providertest

import (
	"context"
	"slices"
	"strconv"
	"time"

	"accountgateway/internal/provider"
)

// CreateUser takes every login once.
func (f *Fake) CreateUser(ctx context.Context, u provider.NewUser) (provider.CreatedUser, error) {
	if f.Creates == nil && ctx.Err() != nil {
		return provider.CreatedUser{}, &provider.Error{Kind: provider.KindUnavailable, Message: "given up", NotSent: true, Err: ctx.Err()}
	}
	f.count(provider.OpCreateUser)
	if f.Creates != nil {
		return f.Creates(ctx, u)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.logins[u.Login] {
		return provider.CreatedUser{}, &provider.Error{Kind: provider.KindConflict, Message: "the login is taken", Field: "login", Refused: true}
	}
	if u.CheckOnly {
		return provider.CreatedUser{}, nil
	}
	if f.logins == nil {
		f.logins = map[string]bool{}
	}
	f.logins[u.Login] = true
	return provider.CreatedUser{ID: strconv.Itoa(len(f.logins))}, nil
}

// Refill makes an invoice without fees, of today.
func (f *Fake) Refill(ctx context.Context, r provider.RefillRequest) (provider.Invoice, error) {
	if f.Refills == nil && ctx.Err() != nil {
		return provider.Invoice{}, &provider.Error{Kind: provider.KindUnavailable, Message: "given up", NotSent: true, Err: ctx.Err()}
	}
	f.count(provider.OpRefill)
	if f.Refills != nil {
		return f.Refills(ctx, r)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	invoice := provider.Invoice{ID: strconv.Itoa(len(f.invoices) + 1), Payment: &r.Amount, TotalPayment: &r.Amount}
	f.invoices = append(f.invoices, provider.UnpaidInvoice{
		Invoice: invoice, Method: r.Method, WalletID: r.WalletID, Currency: r.Amount.Currency,
		Amounts: []provider.Money{r.Amount}, Date: time.Now().UTC().Truncate(24 * time.Hour),
	})
	return invoice, nil
}

// UnpaidInvoices are those that Refill made: nobody pays them.
func (f *Fake) UnpaidInvoices(ctx context.Context) ([]provider.UnpaidInvoice, error) {
	f.count(OpUnpaid)
	switch {
	case f.Unpaid != nil:
		return f.Unpaid(ctx)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.invoices), nil
}
