package selzy

import (
	"strings"
	"time"

	"github.com/govalues/decimal"
)

// The values of Account.APIMode (selzy.md 5).
const (
	ModeOn   = "on"
	ModeOff  = "off"
	ModeTest = "test"
)

// Account is one user of the vendor (selzy.md 6.1). Times are UTC.
type Account struct {
	APIKey   string
	Owner    string // login of the reseller whose user this is; "": nobody's
	Reseller bool
	CRM      bool            // its owner sees the CRM fields of users
	Discount decimal.Decimal // per cent that a reseller's transfers credit on top

	Login, Email                    string
	FirstName, MiddleName, LastName string
	Registered                      time.Time
	Phone, Company, Channel         string
	Timezone                        string          // IANA name
	Master                          string          // login of the main user of an additional one
	Balance                         decimal.Decimal // bonus included
	Bonus                           decimal.Decimal
	Currency                        string
	EmailsPaid, EmailsUsed          int64
	PeriodEmailsPaid                int64
	PeriodEmailsUsed                int64
	PeriodStart, PeriodEnd          time.Time // zero: none
	TariffID, NextTariffID          int64
	Services                        []Service
	Country                         string // ISO 3166-1 alpha-3
	Language                        string
	Active, SendingDisabled         bool
	ContactsNote, Industry, City    string // told at sign-up, CRM only
	RegRef, RegURL                  string
	APIMode                         string // ModeOn, ModeOff, ModeTest
	SubscribersTotal                *int64 // nil: unlimited
	SubscribersUsed                 int64

	SenderDomains []SenderDomain
	Senders       []Sender
}

// Service is one included service.
type Service struct {
	ID        int64
	Tariff    string
	PaidUntil time.Time
}

// SenderDomain is a domain set by setSenderDomain.
type SenderDomain struct{ Domain, Status, Key string }

// Sender is an address that mail may come from once it is checked.
type Sender struct {
	Email, Name string
	Checked     bool
}

// account is an Account with state.
type account struct{ Account }

// byKey finds the account of a key; nil if there is none. The caller holds the lock, as for all below.
func (s *Server) byKey(key string) *account {
	return s.find(func(a *account) bool { return key != "" && a.APIKey == key })
}

func (s *Server) byLogin(login string) *account {
	return s.find(func(a *account) bool { return login != "" && strings.EqualFold(a.Login, login) })
}

func (s *Server) byEmail(email string) *account {
	return s.find(func(a *account) bool { return email != "" && strings.EqualFold(a.Email, email) })
}

func (s *Server) find(matches func(*account) bool) *account {
	for _, a := range s.accounts {
		if matches(a) {
			return a
		}
	}
	return nil
}

// sees holds for the caller itself and, for a reseller, for its users.
func (c *call) sees(a *account) bool {
	return a != nil && (a == c.caller || c.caller.Reseller && a.Owner == c.caller.Login)
}

// user is the account that an argument names. One that the caller may not see fails like one that does not exist
// (selzy.md 6, code assumed).
func (c *call) user(argument string) (*account, *apiError) {
	login, failure := c.args.required(argument)
	if failure != nil {
		return nil, failure
	}
	a := c.server.byLogin(login)
	if !c.sees(a) {
		return nil, badArg(argument + " names no user of this account")
	}
	return a, nil
}
