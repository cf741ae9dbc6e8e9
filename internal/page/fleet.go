package page

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
	"accountgateway/internal/token"
)

// fleet is the page of all accounts.
type fleet struct {
	frame
	Accounts  []*overview
	Attention []*overview // those that somebody has to look at
	Totals    []*figure   // per currency
	Uncounted []string    // accounts without a reading that may be counted
	None      bool        // no account is configured at all
	Away      bool        // the database does not answer
	Settled   bool        // Attention is empty and there are accounts
}

// Fleet answers GET FleetPath.
func (p *Page) Fleet(w http.ResponseWriter, r *http.Request) {
	caller, ok := p.reader(w, r)
	if !ok {
		return
	}
	infos := p.Accounts.List()
	page := fleet{frame: p.frame(r, "Accounts", &caller), None: len(infos) == 0}
	page.Accounts = p.overviews(r.Context(), infos, caller)
	now := p.now()
	for _, o := range page.Accounts {
		o.judge(p.Accounts, now)
	}
	var figures []*figure
	for _, o := range page.Accounts {
		figures = append(figures, o.Balance)
		page.Away = page.Away || o.Away
		if o.Attention() {
			page.Attention = append(page.Attention, o)
		}
	}
	align(figures...)
	page.Totals, page.Uncounted = totals(page.Accounts)
	page.Settled = len(page.Attention) == 0 && len(page.Accounts) > 0
	page.Drawn = exactly(now)
	if n := len(page.Attention); n > 0 {
		page.Title = "(" + plural(n, "alert") + ") Accounts"
	}
	p.draw(w, r, http.StatusOK, fleetPage, page)
}

// atOnce bounds how many accounts one page reads from the store at once.
const atOnce = 4

// overviews gathers the accounts that the caller sees, in their order.
func (p *Page) overviews(ctx context.Context, infos []account.Info, caller token.Caller) []*overview {
	infos = slices.DeleteFunc(infos, func(i account.Info) bool { return !caller.Sees(i.Name) })
	all := make([]*overview, len(infos))
	now := p.now()
	var wg sync.WaitGroup
	turns := make(chan struct{}, atOnce)
	for i, info := range infos {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			all[i] = p.overview(ctx, info, caller, now)
		})
	}
	wg.Wait()
	return all
}

// totals sums balances per currency, never across. What is too old to be
// served is not counted.
func totals(accounts []*overview) (sums []*figure, uncounted []string) {
	var read []provider.Money
	for _, o := range accounts {
		if o.NoBalance {
			continue
		}
		if o.Read == nil || o.TooOld {
			uncounted = append(uncounted, o.Name)
			continue
		}
		read = append(read, o.money.Pots()...)
	}
	for _, total := range provider.Totals(read) {
		sums = append(sums, figureOf(total.Amount, total.Currency))
	}
	align(sums...)
	return sums, uncounted
}
