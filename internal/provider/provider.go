// Package provider is the contract between the gateway and its vendors: what
// an adapter may be asked (small interfaces), what it answers (Balance,
// Statistics, User in common terms), how it fails (a closed list of kinds) and
// what it declares it can do. It knows no HTTP, no SQL and no vendor.
package provider

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Provider is what every adapter is. What else it can do it shows by
// implementing the interfaces below and declares in Capabilities.
//
// Every method of every interface here is safe for concurrent use, honours
// cancellation of its context, and fails with an *Error or with the context's
// own error. Reads may be tried more than once within the context's deadline;
// writes are sent at most once.
type Provider interface {
	// Capabilities declares each of Operations. It never changes.
	Capabilities() Capabilities
	// CheckCredentials makes one real call that only valid credentials pass.
	CheckCredentials(ctx context.Context) error
}

// Pinger tells whether the vendor answers at all, whatever the credentials.
type Pinger interface {
	Ping(ctx context.Context) error
}

// BalanceReader reads money. Readings.Balance answers the query.
type BalanceReader interface {
	ReadBalance(ctx context.Context, q BalanceQuery) (Readings, error)
}

// StatisticsReader reads counters. Readings.Statistics answers the query.
type StatisticsReader interface {
	ReadStatistics(ctx context.Context, q StatisticsQuery) (Readings, error)
}

// UserReader reads the users that the credentials can see. Readings.Users
// answers the query.
type UserReader interface {
	ReadUsers(ctx context.Context, q UserQuery) (Readings, error)
}

// Readings is all that one vendor call taught. The member that was asked for
// is set and answers the query asked; any other member that is set answers
// the zero query of its kind.
type Readings struct {
	Balance    *Balance
	Statistics *Statistics
	Users      *Users
}

// BalanceQuery asks for a balance; the zero value asks for the vendor's own
// currency.
type BalanceQuery struct {
	Currency Currency // empty: the vendor's default
}

// StatisticsQuery asks for statistics of a period; zero dates ask for the
// vendor's own current period.
type StatisticsQuery struct {
	From, Till Date // both inclusive; either may be zero
}

// UserQuery asks for users; the zero value asks for all that the credentials
// can see.
type UserQuery struct {
	Login string // empty: all of them
}

// Balance is the money in an account. Absent at the vendor is nil, never 0.
type Balance struct {
	Balance Money  `json:"balance"` // may be negative; holds the bonus where there is one
	Blocked *Money `json:"blocked"`
	Credit  *Money `json:"credit"`
	Bonus   *Money `json:"bonus"` // the part of Balance that is bonus
	// Wallets are all pots of a vendor that can keep several, the one of Balance among them; for others there are none.
	Wallets []Wallet `json:"wallets,omitempty"`
	Billing Billing  `json:"billing,omitempty"` // "" if not known
}

// Pots is the money of every pot in the account, each once.
func (b *Balance) Pots() []Money {
	if len(b.Wallets) == 0 {
		return []Money{b.Balance}
	}
	pots := make([]Money, 0, len(b.Wallets))
	for _, w := range b.Wallets {
		pots = append(pots, w.Balance)
	}
	return pots
}

// Wallet is one of several pots of money in an account.
type Wallet struct {
	Name    *string `json:"name"` // nil if it has none
	Balance Money   `json:"balance"`
}

// Billing says what a negative or low balance means.
type Billing string

// The ways of billing.
const (
	Prepaid  Billing = "prepaid"  // without money the service stops
	Postpaid Billing = "postpaid" // what is owed is asked for later
)

// Scope is the time that a figure speaks of.
type Scope string

// The scopes.
const (
	ScopeNow      Scope = "now"
	ScopePeriod   Scope = "period"
	ScopeLifetime Scope = "lifetime"
)

// Statistics is what an account has used. Counters that the vendor did not
// send are absent, never 0.
type Statistics struct {
	Period   *Period   `json:"period"` // the one asked for, else the vendor's own; nil if there is none
	Counters []Counter `json:"counters"`
	Amounts  []Amount  `json:"amounts"`
	Plan     *Plan     `json:"plan"`
	Services []Service `json:"services"`
}

// Period is a span of time in RFC 3339 text. Where dates were asked for, it
// echoes those dates, both inclusive, because vendors do not say in which zone
// their days begin; where the vendor has a period of its own, it is two UTC
// instants, Till exclusive. An open end is nil.
type Period struct {
	From *string `json:"from"`
	Till *string `json:"till"`
}

// Counter is one count. Limit is nil where the vendor has none or does not
// say; Unlimited tells the first from the second. Value may exceed Limit.
type Counter struct {
	Name      string `json:"name"`
	Value     int64  `json:"value"`
	Limit     *int64 `json:"limit"`
	Unlimited bool   `json:"unlimited"`
	Scope     Scope  `json:"scope"`
}

// Amount is one sum among the statistics: of money, or of credits that are no money and may have fractions.
type Amount struct {
	Name  string
	Scope Scope
	Money Money  // without a currency where there is a unit
	Unit  string // of what is no money, such as sms_credits; else ""
}

type amountJSON struct {
	Name   string  `json:"name"`
	Scope  Scope   `json:"scope"`
	Money  *Money  `json:"money,omitempty"`
	Amount *string `json:"amount,omitempty"`
	Unit   string  `json:"unit,omitempty"`
}

// MarshalJSON writes money as Money does, and credits as {"amount":"7.5","unit":"sms_credits"}.
func (a Amount) MarshalJSON() ([]byte, error) {
	out := amountJSON{Name: a.Name, Scope: a.Scope, Unit: a.Unit}
	if a.Unit == "" {
		out.Money = &a.Money
	} else {
		text := a.Money.Amount.String()
		out.Amount = &text
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (a *Amount) UnmarshalJSON(data []byte) error {
	var in amountJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*a = Amount{Name: in.Name, Scope: in.Scope, Unit: in.Unit}
	switch {
	case in.Money != nil && in.Unit == "":
		a.Money = *in.Money
		return nil
	case in.Amount != nil && in.Unit != "":
		amount, err := ParseAmount(*in.Amount)
		a.Money.Amount = amount
		return err
	}
	return errors.New("an amount has either money, or an amount and a unit")
}

// Plan is the tariff of this period and of the next.
type Plan struct {
	ID     string  `json:"id"`
	NextID *string `json:"next_id"`
}

// Service is something bought for a time.
type Service struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	PaidUntil *time.Time `json:"paid_until"`
}

// Users are the users that a query found, in the vendor's order.
type Users struct {
	Users    []User   `json:"users"`
	Warnings []string `json:"warnings,omitempty"` // who is left out, and why: for people
}

// User is one user of the vendor. Absent or empty at the vendor is nil.
// Attributes keep the vendor's fields that have no common name, as text.
type User struct {
	ID           *string           `json:"id"`
	Login        string            `json:"login"`
	Email        *string           `json:"email"`
	FirstName    *string           `json:"first_name"`
	MiddleName   *string           `json:"middle_name"`
	LastName     *string           `json:"last_name"`
	Phone        *string           `json:"phone"`
	Company      *string           `json:"company"`
	Country      *string           `json:"country"`  // ISO 3166-1 alpha-2
	Language     *string           `json:"language"` // ISO 639
	Timezone     *string           `json:"timezone"` // IANA name
	RegisteredAt *time.Time        `json:"registered_at"`
	ParentLogin  *string           `json:"parent_login"`
	Roles        []string          `json:"roles"`
	Active       *bool             `json:"active"`
	APIAccess    *string           `json:"api_access"` // on, off, test
	Attributes   map[string]string `json:"attributes"`
}

// OneCall is for vendors whose one answer holds several readings: the gateway
// then asks once for all of them.
type OneCall interface {
	// OneCall tells whether the zero query of the operation is answered by the
	// call that answers the others' too.
	OneCall(op Operation) bool
}
