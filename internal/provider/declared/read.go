package declared

import (
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/wire"
)

// pot is a wallet with all that the balance needs of it.
type pot struct {
	balance provider.Balance
	name    *string
	main    bool
}

// read reads the balance; asked is the caller's currency, chosen the account's setting.
func (s *BalanceSection) read(a *answer, asked, chosen provider.Currency) (*provider.Balance, error) {
	r := &reader{a: a}
	r.refused(s.RefuseWhen)
	var main *pot
	var wallets []provider.Wallet
	if s.Wallets == nil {
		one := s.pot(r)
		main = &one
	} else {
		var pots []pot
		r.each(s.Wallets, maxPots, func() { pots = append(pots, s.pot(r)) })
		for _, p := range pots {
			wallets = append(wallets, provider.Wallet{Name: p.name, Balance: p.balance.Balance})
		}
		if r.err == nil {
			main, r.err = s.choose(pots, asked, chosen)
		}
	}
	billing := r.billing(s.Billing)
	if r.err != nil {
		return nil, r.err
	}
	balance := main.balance
	if asked != "" && asked != balance.Balance.Currency {
		return nil, unsupportedCurrency("the account is kept in " + string(balance.Balance.Currency) + ", and the gateway converts to no other currency")
	}
	balance.Wallets, balance.Billing = wallets, billing
	return &balance, nil
}

// pot reads one pot, or the only one.
func (s *BalanceSection) pot(r *reader) pot {
	currency := r.currency(&s.Currency)
	return pot{
		balance: provider.Balance{
			Balance: provider.Money{Amount: r.amount(&s.Balance), Currency: currency},
			Blocked: r.money(s.Blocked, currency), Credit: r.money(s.Credit, currency), Bonus: r.money(s.Bonus, currency),
		},
		name: r.optionalText(s.Name),
		main: r.flag(s.Main),
	}
}

// choose picks the main pot: by the caller's currency, else by the account's setting; among several that are left, the
// file's rule decides. A single remaining one is it.
func (s *BalanceSection) choose(pots []pot, asked, chosen provider.Currency) (*pot, error) {
	currency := asked
	if currency == "" {
		currency = chosen
	}
	left := only(pots, func(p pot) bool { return currency == "" || p.balance.Balance.Currency == currency })
	switch {
	case len(pots) == 0:
		return nil, wire.BadResponse(s.Wallets.Name, "has no pot: no money known is not 0")
	case len(left) == 0 && asked != "":
		return nil, unsupportedCurrency("the account has no pot in " + string(asked))
	case len(left) == 0:
		// No fault of the caller's, who asked for no currency: it must show in the account's state.
		return nil, provider.Errorf(provider.KindOther, "the account has no pot in %s, which its setting %s asks for", chosen, currencySetting)
	case len(left) > 1:
		left = only(left, func(p pot) bool { return p.main })
	}
	if len(left) == 1 {
		return &left[0], nil
	}
	return nil, wire.BadResponse("balance.main", "names none, or several, of the pots: choose one by the setting "+currencySetting)
}

func only(pots []pot, fits func(pot) bool) []pot {
	var left []pot
	for _, p := range pots {
		if fits(p) {
			left = append(left, p)
		}
	}
	return left
}

func unsupportedCurrency(message string) error {
	return &provider.Error{Kind: provider.KindUnsupportedCurrency, Message: message, Field: "currency"}
}

func (r *reader) billing(e *Expr) provider.Billing {
	text := r.optionalText(e)
	if text == nil {
		return ""
	}
	billing := provider.Billing(*text)
	if billing != provider.Prepaid && billing != provider.Postpaid {
		r.fail(e, "is neither prepaid nor postpaid")
	}
	return billing
}

// read reads the statistics. What the vendor did not send is absent.
func (s *StatisticsSection) read(a *answer) (*provider.Statistics, error) {
	r := &reader{a: a}
	r.refused(s.RefuseWhen)
	out := &provider.Statistics{Counters: []provider.Counter{}, Amounts: []provider.Amount{}, Services: []provider.Service{}}
	if s.Period != nil {
		from, till := r.instant(s.Period.From), r.instant(s.Period.Till)
		if from != nil || till != nil {
			out.Period = &provider.Period{From: from, Till: till}
		}
	}
	for i := range s.Counters {
		row := &s.Counters[i]
		value := r.count(&row.Value)
		if value == nil {
			continue
		}
		c := provider.Counter{Name: row.Name.Text, Value: *value, Scope: provider.Scope(row.Scope.Text), Unlimited: r.flag(row.Unlimited)}
		if !c.Unlimited {
			c.Limit = r.count(row.Limit)
		}
		out.Counters = append(out.Counters, c)
	}
	for i := range s.Amounts {
		row := &s.Amounts[i]
		value := r.optionalAmount(&row.Amount)
		if value == nil {
			continue
		}
		amount := provider.Amount{Name: row.Name.Text, Scope: provider.Scope(row.Scope.Text), Money: provider.Money{Amount: *value}}
		if row.Unit != nil {
			amount.Unit = row.Unit.Text
		} else {
			amount.Money.Currency = r.currency(row.Currency)
		}
		out.Amounts = append(out.Amounts, amount)
	}
	if id := r.optionalText(s.Plan); id != nil {
		out.Plan = &provider.Plan{ID: *id}
	}
	if r.err == nil && len(out.Counters)+len(out.Amounts) == 0 {
		return nil, wire.BadResponse("statistics", "has none of the figures")
	}
	if r.err != nil {
		return nil, r.err
	}
	return out, nil
}

// read reads the users, or the one with the login.
func (s *UsersSection) read(a *answer, login string) (*provider.Users, error) {
	r := &reader{a: a}
	r.refused(s.RefuseWhen)
	if s.Complete != nil && !r.flag(s.Complete) {
		r.fail(s.Complete, "tells that there are more users than the answer holds, which the gateway can't read from this vendor")
	}
	users := &provider.Users{Users: []provider.User{}}
	r.each(&s.Users, maxUsers, func() {
		u := provider.User{
			Login: r.text(&s.Login), ID: r.optionalText(s.ID), Email: r.optionalText(s.Email), FirstName: r.optionalText(s.FirstName),
			LastName: r.optionalText(s.LastName), Phone: r.optionalText(s.Phone), Company: r.optionalText(s.Company),
			Roles: []string{}, Attributes: map[string]string{},
		}
		if s.Active != nil {
			active := r.flag(s.Active)
			u.Active = &active
		}
		if login == "" || u.Login == login {
			users.Users = append(users.Users, u)
		}
	})
	switch {
	case r.err != nil:
		return nil, r.err
	case login != "" && len(users.Users) == 0:
		return nil, &provider.Error{Kind: provider.KindNotFound, Message: "the account has no user with this login at the vendor", Field: "login"}
	}
	return users, nil
}
