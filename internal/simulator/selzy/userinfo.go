package selzy

import (
	"time"
)

// userFields are the fields of getUserInfo, in the order of selzy.md 6.1.
var userFields = []string{
	"login", "email", "firstname", "middlename", "lastname", "reg_time", "phone", "company", "channel", "timezone",
	"master", "balance", "balance_bonus", "currency", "emails_paid", "emails_used", "period_emails_paid",
	"period_emails_used", "email_period_start", "email_period_end", "tariff_id", "next_tariff_id", "services", "country",
	"language", "rights", "is_active", "disable_sending", "user_reg_info_subscribers_approx_num",
	"user_reg_info_industry_info", "user_reg_info_city", "reg_ref", "reg_url", "api_mode", "subscribers_total",
	"subscribers_used",
}

// getUserInfo ignores login unless the caller is a reseller (selzy.md 6, documented).
func getUserInfo(c *call) (any, *apiError) {
	a := c.caller
	login, failure := c.args.text("login")
	if a.Reseller && failure != nil {
		return nil, failure
	}
	if a.Reseller && login != "" {
		if a, failure = c.user("login"); failure != nil {
			return nil, failure
		}
	}
	// UniSender: for reseller accounts only (documented). Selzy's page does not tell, its getUsers example has the
	// field: shown to resellers, for their users too (assumed).
	withBonus := c.caller.Reseller
	if c.server.brand == UniSender {
		withBonus = a.Reseller
	}
	return c.userInfo(a, withBonus), nil
}

// getUsers lists a reseller's users, balance_bonus included (documented). Both bounds are inclusive and UTC (assumed).
func getUsers(c *call) (any, *apiError) {
	after, failure := c.minute("registered_after")
	if failure != nil {
		return nil, failure
	}
	before, failure := c.minute("registered_before")
	if failure != nil {
		return nil, failure
	}
	users := []any{}
	for _, a := range c.server.accounts {
		if a.Owner != c.caller.Login || a == c.caller {
			continue
		}
		registered := a.Registered.Truncate(time.Minute)
		if !after.IsZero() && registered.Before(after) || !before.IsZero() && registered.After(before) {
			continue
		}
		users = append(users, c.userInfo(a, true))
	}
	return users, nil
}

// minute reads YYYY-MM-DD hh:mm; zero if the argument is not there.
func (c *call) minute(name string) (time.Time, *apiError) {
	text, failure := c.args.text(name)
	if failure != nil || text == "" {
		return time.Time{}, failure
	}
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		return time.Time{}, badArg(name + " must be YYYY-MM-DD hh:mm")
	}
	return t, nil
}

func (c *call) userInfo(a *account, withBonus bool) object {
	info := object{
		{"login", a.Login},
		{"email", a.Email},
		{"firstname", a.FirstName},
		{"middlename", a.MiddleName},
		{"lastname", a.LastName},
		{"reg_time", date(a.Registered)},
		{"phone", a.Phone},
		{"company", a.Company},
		{"channel", a.Channel},
		{"timezone", a.Timezone},
		{"master", a.Master},
		{"balance", money(a.Balance)},
	}
	if withBonus {
		info = append(info, member{"balance_bonus", money(a.Bonus)})
	}
	info = append(info, object{
		{"currency", a.Currency},
		{"emails_paid", number(a.EmailsPaid)},
		{"emails_used", number(a.EmailsUsed)},
		{"period_emails_paid", number(a.PeriodEmailsPaid)},
		{"period_emails_used", number(a.PeriodEmailsUsed)},
		{"email_period_start", date(a.PeriodStart)},
		{"email_period_end", date(a.PeriodEnd)},
		{"tariff_id", number(a.TariffID)},
		{"next_tariff_id", number(a.NextTariffID)},
		{"services", serviceList(a.Services)},
		{"country", a.Country},
		{"language", a.Language},
		{"rights", rights(a)},
		{"is_active", flag(a.Active)},
	}...)
	if c.caller.CRM {
		info = append(info, object{
			{"disable_sending", flag(a.SendingDisabled)},
			{"user_reg_info_subscribers_approx_num", a.ContactsNote},
			{"user_reg_info_industry_info", a.Industry},
			{"user_reg_info_city", a.City},
		}...)
	}
	var total any // null: the tariff has no contact limit (documented)
	if a.SubscribersTotal != nil {
		total = number(*a.SubscribersTotal)
	}
	info = append(info, object{
		{"reg_ref", a.RegRef},
		{"reg_url", a.RegURL},
		{"api_mode", a.APIMode},
		{"subscribers_total", total},
		{"subscribers_used", number(a.SubscribersUsed)},
	}...)
	return c.quirks.bendUser(info)
}

func rights(a *account) string {
	if a.Reseller {
		return "reseller"
	}
	return ""
}

func serviceList(services []Service) []any {
	list := []any{}
	for _, s := range services {
		list = append(list, object{{"id", number(s.ID)}, {"tariff", s.Tariff}, {"paidUntil", date(s.PaidUntil)}})
	}
	return list
}

// getTotalContactsCount counts the contacts of the caller or of a reseller's user (seen: alexeyco, Selzy WP).
func getTotalContactsCount(c *call) (any, *apiError) {
	a, failure := c.user("login")
	if failure != nil {
		return nil, failure
	}
	return object{{"total", number(a.SubscribersUsed)}}, nil
}
