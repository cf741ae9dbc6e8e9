package selzy

import (
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/wire"
)

// teach is all that an answer about the key's owner teaches. A part that is not understood is left out: it fails the
// read that asks for it, not this one. A reseller's owner is not all the users that it can see.
func (i *info) teach() provider.Readings {
	var learned provider.Readings
	learned.Balance, _ = i.balance()
	learned.Statistics, _ = i.statistics()
	if owner, err := i.owner(); err == nil && !i.reseller() {
		learned.Users = &provider.Users{Users: []provider.User{owner}}
	}
	return learned
}

// balance: the amount already holds the bonus (selzy.md 7).
func (i *info) balance() (*provider.Balance, error) {
	in := i.fields.Afresh()
	amount := in.Amount("balance")
	bonus := in.OptionalAmount("balance_bonus") // resellers only
	currency := in.Currency("currency")
	if err := in.Err(); err != nil {
		return nil, err
	}
	balance := &provider.Balance{Balance: provider.Money{Amount: amount, Currency: currency}}
	if bonus != nil {
		balance.Bonus = &provider.Money{Amount: *bonus, Currency: currency}
	}
	return balance, nil
}

// checkPeriod refuses dates: the vendor has a period of its own and no other.
func checkPeriod(q provider.StatisticsQuery) error {
	field := "date_from"
	switch {
	case q == (provider.StatisticsQuery{}):
		return nil
	case q.From == "":
		field = "date_till"
	}
	return &provider.Error{
		Kind:    provider.KindUnsupportedParameter,
		Message: "the vendor has statistics only of its current period: omit date_from and date_till",
		Field:   field,
		NotSent: true,
	}
}

// statistics: used may exceed paid. All counters are documented to be always there; null is documented for
// only subscribers_total and means that the tariff has no limit.
func (i *info) statistics() (*provider.Statistics, error) {
	in := i.fields.Afresh()
	paid, used := in.Count("emails_paid"), in.Count("emails_used")
	periodPaid, periodUsed := in.Count("period_emails_paid"), in.Count("period_emails_used")
	contacts, unlimited := in.OptionalCount("subscribers_total"), in.Null("subscribers_total")
	if contacts == nil && !unlimited {
		in.Fail("subscribers_total", "is missing")
	}
	out := &provider.Statistics{
		Period: period(in.OptionalTime("email_period_start"), in.OptionalTime("email_period_end")),
		Counters: []provider.Counter{
			{Name: "emails_payg", Value: used, Limit: &paid, Scope: provider.ScopeLifetime},
			{Name: "emails_period", Value: periodUsed, Limit: &periodPaid, Scope: provider.ScopePeriod},
			{Name: "contacts", Value: in.Count("subscribers_used"), Limit: contacts, Unlimited: unlimited, Scope: provider.ScopeNow},
		},
		Amounts:  []provider.Amount{},
		Services: []provider.Service{},
	}
	if id := in.OptionalText("tariff_id"); id != nil {
		out.Plan = &provider.Plan{ID: *id, NextID: in.OptionalText("next_tariff_id")}
	}
	for _, service := range in.Objects("services") {
		out.Services = append(out.Services, provider.Service{
			ID:        service.Text("id"),
			Name:      service.Scalar("tariff"),
			PaidUntil: service.OptionalTime("paidUntil"), // zone not stated: taken as UTC
		})
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// period is the vendor's own: two UTC instants (documented), the end exclusive (assumed).
func period(from, till *time.Time) *provider.Period {
	if from == nil && till == nil {
		return nil
	}
	return &provider.Period{From: instant(from), Till: instant(till)}
}

func instant(t *time.Time) *string {
	if t == nil {
		return nil
	}
	text := t.Format(time.RFC3339)
	return &text
}

// reseller tells whether the user has users of its own.
func (i *info) reseller() bool { return i.fields.Afresh().Code("rights") == "reseller" }

// owner is the key's owner, whose money and counters the other reads show.
func (i *info) owner() (provider.User, error) { return i.user(nil) }

// subUser is a reseller's user. No other read shows its money and counters: they become attributes.
func (i *info) subUser() (provider.User, error) { return i.user(figures) }

// extras are the fields without a common name. reg_time has one, but no zone: the raw text is kept too.
var extras = []string{
	"channel", "reg_ref", "reg_time", "reg_url",
	"user_reg_info_city", "user_reg_info_industry_info", "user_reg_info_subscribers_approx_num",
}

// figures are the fields that the owner's balance and statistics are made of.
var figures = []string{
	"balance", "balance_bonus", "currency",
	"emails_paid", "emails_used", "period_emails_paid", "period_emails_used", "email_period_start", "email_period_end",
	"subscribers_used", "tariff_id", "next_tariff_id",
}

func (i *info) user(more []string) (provider.User, error) {
	in := i.fields.Afresh()
	user := provider.User{
		Login:        in.Text("login"),
		Email:        in.OptionalText("email"),
		FirstName:    in.OptionalText("firstname"),
		MiddleName:   in.OptionalText("middlename"),
		LastName:     in.OptionalText("lastname"),
		Phone:        in.OptionalText("phone"),
		Company:      in.OptionalText("company"),
		Timezone:     in.OptionalText("timezone"),
		RegisteredAt: in.OptionalTime("reg_time"), // zone not stated: taken as UTC
		ParentLogin:  parent(in),
		Active:       in.OptionalFlag("is_active"),
		Roles:        []string{},
		Attributes:   map[string]string{},
	}
	if user.Country = country(in.Code("country")); user.Country == nil {
		keep(user.Attributes, in, "country")
	}
	if user.Language = languageCode(in.Code("language")); user.Language == nil {
		keep(user.Attributes, in, "language")
	}
	switch rights := in.Code("rights"); rights {
	case "reseller":
		user.Roles = append(user.Roles, rights)
	default:
		keep(user.Attributes, in, "rights")
	}
	switch mode := in.Code("api_mode"); mode {
	case "on", "off", "test":
		user.APIAccess = &mode
	default:
		keep(user.Attributes, in, "api_mode")
	}
	for _, field := range extras {
		keep(user.Attributes, in, field)
	}
	if text := in.Scalar("disable_sending"); text != "" { // a flag, whose false says something
		user.Attributes["disable_sending"] = text
	}
	for _, field := range more {
		keep(user.Attributes, in, field)
	}
	if more != nil {
		keepJSON(user.Attributes, in, "subscribers_total") // null means no limit
		keepJSON(user.Attributes, in, "services")
	}
	if err := in.Err(); err != nil {
		return provider.User{}, err
	}
	return user, nil
}

// parent is the login of an additional user's main user; nil if it has none, for which PHP may write 0.
func parent(in *wire.Object) *string {
	if in.Code("master") == "0" {
		return nil
	}
	return in.OptionalText("master")
}

// keep makes an attribute of a field as it was sent, if there is something in it.
func keep(attributes map[string]string, in *wire.Object, field string) {
	if text := in.OptionalText(field); text != nil {
		attributes[field] = *text
	}
}

// keepJSON makes an attribute of a field's JSON.
func keepJSON(attributes map[string]string, in *wire.Object, field string) {
	if text := in.JSON(field); text != "" {
		attributes[field] = text
	}
}
