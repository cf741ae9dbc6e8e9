package selzy

import (
	"time"

	"github.com/govalues/decimal"
)

// DefaultAccounts are the accounts of a Server without Options.Accounts, their periods around now:
//
//	ordinarykey  acme_shop: slightly below zero, no contact limit, sent more than its counters allow
//	resellerkey  nord_partner: a reseller with bonus money and six users
//	crmkey       crm_desk: sees the CRM fields
//	offkey       quiet_office: API switched off
//	testkey      sandbox_lab: a reseller in test mode, with one user
func DefaultAccounts(brand Brand, now time.Time) []Account {
	start := periodStart(now)
	end := start.AddDate(0, 1, 0)
	far, other := "KZT", "BRL"
	if brand == UniSender {
		far, other = "RUB", "UAH"
	}
	accounts := []Account{
		{
			APIKey: "ordinarykey", Login: "acme_shop", Email: "owner@acme.example",
			FirstName: "Ada", LastName: "Byron", Registered: at("2021-06-14 09:12:45"), Phone: "+15550100",
			Company: "Acme", Timezone: "America/New_York", Balance: decimal.MustParse("-4.75"), Currency: "USD",
			EmailsPaid: 5_000, EmailsUsed: 5_317, PeriodEmailsPaid: 15_000, PeriodEmailsUsed: 212,
			TariffID: 71, NextTariffID: 71, Country: "USA", Language: "en",
			Services:        []Service{{ID: 9, Tariff: "crm_basic_3m", PaidUntil: start.AddDate(0, 3, 0)}},
			SubscribersUsed: 998, Senders: []Sender{{Email: "owner@acme.example", Name: "Acme", Checked: true}},
		},
		{
			APIKey: "resellerkey", Login: "nord_partner", Email: "desk@nord.example", Reseller: true,
			Discount: decimal.MustParse("10"), FirstName: "Freja", MiddleName: "Marie", LastName: "Østergård",
			Registered: at("2015-02-28 23:59:59"), Phone: "+4520123456", Company: "Nord & Søn ApS", Channel: "adwords",
			Timezone: "Europe/Copenhagen", Balance: decimal.MustParse("1530.07"), Bonus: decimal.MustParse("30.07"),
			Currency: "EUR", EmailsPaid: 100_000, EmailsUsed: 99_999, PeriodEmailsPaid: 600_000, PeriodEmailsUsed: 431_207,
			TariffID: 90, NextTariffID: 72, Country: "DNK", Language: "en", RegRef: "https://search.example/?q=mail",
			SubscribersTotal: count(50_000), SubscribersUsed: 51_234,
			Services: []Service{
				{ID: 9, Tariff: "crm_basic_3m", PaidUntil: start.AddDate(0, 2, 11)},
				{ID: 12, Tariff: "<b>ip_dedicated</b>", PaidUntil: start.AddDate(1, 0, 0)},
			},
		},
		{
			APIKey: "lumikey", Owner: "nord_partner", Login: "lumi_cafe", Email: "hello@lumi.example",
			FirstName: "Aino", LastName: "Laine", Registered: at("2023-11-05 07:30:00"), Phone: "+358401234567",
			Company: "Lumi Cafe", Timezone: "Europe/Helsinki", Balance: decimal.MustParse("18.52"), Currency: "EUR",
			PeriodEmailsPaid: 60_000, PeriodEmailsUsed: 1_804, TariffID: 72, NextTariffID: 72, Country: "FIN", Language: "en",
			SubscribersTotal: count(5_000), SubscribersUsed: 4_321,
		},
		{
			Owner: "nord_partner", Login: "lumi_cafe_staff", Email: "staff@lumi.example", Master: "lumi_cafe",
			FirstName: "Onni", Registered: at("2024-01-15 12:00:01"), Timezone: "Europe/Helsinki", Currency: "EUR",
			TariffID: 72, NextTariffID: 72, Country: "FIN", Language: "en", SubscribersTotal: count(0),
		},
		{
			Owner: "nord_partner", Login: "steppe_books", Email: "shop@steppe.example", FirstName: "Айгерим",
			LastName: "Сулейменова", Registered: at("2022-03-01 00:00:00"), Company: "Steppe Books", Timezone: "Asia/Almaty",
			Balance: decimal.MustParse("184250.5"), Bonus: decimal.MustParse("250.5"), Currency: far,
			EmailsPaid: 20_000, EmailsUsed: 20_000, PeriodEmailsPaid: 15_000, PeriodEmailsUsed: 15_000,
			TariffID: 71, NextTariffID: 1, Country: "KAZ", Language: "ru", APIMode: ModeOff, SubscribersUsed: 12_007,
		},
		{
			Owner: "nord_partner", Login: "rio_flores", Email: "oi@rio.example", FirstName: "João", LastName: "Souza",
			Registered: at("2020-08-30 16:45:10"), Phone: "+552140001234", Timezone: "America/Sao_Paulo",
			Balance: decimal.MustParse("0.01"), Currency: other, TariffID: 1, NextTariffID: 1, Country: "BRA", Language: "pt",
			APIMode: ModeTest, SubscribersTotal: count(100), SubscribersUsed: 100,
		},
		{
			Owner: "nord_partner", Login: "old.timer@nord.example", Email: "old.timer@nord.example",
			Registered: at("2010-12-31 22:00:00"), Timezone: "UTC", Currency: "USD", TariffID: 1, NextTariffID: 1,
			Country: "GBR", Language: "en",
		},
		{
			Owner: "nord_partner", Login: "second_desk", Email: "second@nord.example", Reseller: true,
			FirstName: "Nils", Registered: at("2019-05-05 05:05:05"), Timezone: "Europe/Oslo",
			Balance: decimal.MustParse("-0.5"), Currency: "EUR", TariffID: 71, NextTariffID: 71, Country: "NOR", Language: "en",
		},
		{
			APIKey: "crmkey", CRM: true, Login: "crm_desk", Email: "crm@desk.example", FirstName: "Olena", LastName: "Koval",
			Registered: at("2018-09-09 18:01:02"), Timezone: "Europe/Kyiv", Balance: decimal.MustParse("2310.4"), Currency: "UAH",
			PeriodEmailsPaid: 15_000, PeriodEmailsUsed: 14_999, TariffID: 71, NextTariffID: 71, Country: "UKR", Language: "en",
			ContactsNote: "up to 5 thousand", Industry: "retail", City: "Lviv", SubscribersUsed: 4_870,
		},
		{
			APIKey: "offkey", Login: "quiet_office", Email: "info@quiet.example", Registered: at("2017-07-07 07:07:07"),
			Timezone: "Europe/London", Currency: "USD", TariffID: 1, NextTariffID: 1, Country: "GBR", Language: "en",
			APIMode: ModeOff, SubscribersTotal: count(100),
		},
		{
			APIKey: "testkey", Login: "sandbox_lab", Email: "lab@sandbox.example", Reseller: true, Company: "Sandbox",
			Registered: at("2024-02-29 10:20:30"), Timezone: "UTC", Balance: decimal.MustParse("100.00"), Currency: "USD",
			TariffID: 71, NextTariffID: 71, Country: "USA", Language: "en", APIMode: ModeTest,
		},
		{
			Owner: "sandbox_lab", Login: "sandbox_user", Email: "user@sandbox.example", Registered: at("2024-03-01 00:00:00"),
			Timezone: "UTC", Balance: decimal.MustParse("50.00"), Currency: "USD", TariffID: 1, NextTariffID: 1, Country: "USA",
			Language: "en", SubscribersTotal: count(100),
		},
	}
	for i := range accounts {
		a := &accounts[i]
		a.RegURL = "https://" + string(brand) + ".com/en/registration/"
		a.Active = a.Login != "rio_flores"
		if a.APIMode == "" {
			a.APIMode = ModeOn
		}
		if a.Login != "old.timer@nord.example" { // has no period
			a.PeriodStart, a.PeriodEnd = start, end
		}
	}
	return accounts
}

// periodStart is midnight of the last fifth of a month.
func periodStart(now time.Time) time.Time {
	now = now.UTC()
	start := time.Date(now.Year(), now.Month(), 5, 0, 0, 0, 0, time.UTC)
	if start.After(now) {
		start = start.AddDate(0, -1, 0)
	}
	return start
}

// at reads a time that stands in this file; a misspelt one is zero, which a test would see.
func at(text string) time.Time {
	t, _ := time.Parse(dateLayout, text)
	return t
}

func count(n int64) *int64 { return &n }
