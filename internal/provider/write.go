package provider

import (
	"context"
	"strings"
	"time"
)

// UserCreator creates users at the vendor.
type UserCreator interface {
	// CreateUser sends the request at most once. An error with NoEffect surely
	// left no user behind; after any other error the outcome is unknown.
	CreateUser(ctx context.Context, u NewUser) (CreatedUser, error)
}

// UserChecker is for creators whose vendor documents what it takes.
type UserChecker interface {
	// CheckUser finds all that the vendor's documents forbid in a new user. It
	// asks nobody. CreateUser refuses the same.
	CheckUser(u NewUser) []Fault
}

// Fault is what is wrong with one field of an input.
type Fault struct {
	Field       string // in our terms
	Message     string // what the vendor wants instead
	Unsupported bool   // the vendor has no such field, or no such currency
}

// RefuseFaults is the error of an input that is not sent for its faults; nil
// if it has none.
func RefuseFaults(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	e := &Error{Kind: KindUnsupportedParameter, Field: faults[0].Field, NotSent: true}
	if OnlyCurrency(faults) {
		e.Kind = KindUnsupportedCurrency
	}
	var texts []string
	for _, f := range faults {
		texts = append(texts, f.Field+": "+f.Message)
		if !f.Unsupported {
			e.Kind = KindRejected
		}
	}
	e.Message = strings.Join(texts, "; ")
	return e
}

// OnlyCurrency tells whether all that is wrong is that the vendor does not have the
// currency.
func OnlyCurrency(faults []Fault) bool {
	return len(faults) == 1 && faults[0].Field == "currency" && faults[0].Unsupported
}

// Refiller asks the vendor for an invoice to top the account up.
type Refiller interface {
	// Refill sends the request at most once. An error with NoEffect surely
	// left no invoice behind; after any other error the outcome is unknown. The vendor
	// may also answer that it does not know: Invoice.Unsure.
	Refill(ctx context.Context, r RefillRequest) (Invoice, error)
}

// RefillChecker is for refillers whose vendor documents what it takes.
type RefillChecker interface {
	// CheckRefill finds all that the vendor's documents forbid in a refill. It asks
	// nobody. Refill refuses the same.
	CheckRefill(r RefillRequest) []Fault
}

// InvoiceFinder looks up unpaid invoices: before a refill, so that it is known
// which are not its own, and after one whose outcome is unknown.
type InvoiceFinder interface {
	// UnpaidInvoices are the account's unpaid top-up invoices, newest first if
	// the vendor says; all of them, or an error.
	UnpaidInvoices(ctx context.Context) ([]UnpaidInvoice, error)
}

// NewUser is a user to be created. Empty texts are not sent.
type NewUser struct {
	Login      string            `json:"login"`
	Password   string            `json:"password"` // in no log, record, trace or error
	Email      string            `json:"email"`
	FirstName  string            `json:"first_name,omitempty"`
	MiddleName string            `json:"middle_name,omitempty"`
	LastName   string            `json:"last_name,omitempty"`
	Phone      string            `json:"phone,omitempty"`
	Company    string            `json:"company,omitempty"`
	Country    string            `json:"country,omitempty"` // ISO 3166-1 alpha-2
	Language   string            `json:"language,omitempty"`
	Timezone   string            `json:"timezone,omitempty"`
	CheckOnly  bool              `json:"check_only,omitempty"` // a dry run: the vendor checks and creates nothing
	Attributes map[string]string `json:"attributes,omitempty"` // the vendor's own fields, by their names there
}

// CreatedUser is what the vendor answers to a creation.
type CreatedUser struct {
	ID       string   // "" if the vendor has no ids
	APIKey   string   // a secret that the vendor says once; "" if it has none
	Timezone string   // the zone that the vendor gave the user; "" if that is the one asked for
	Warnings []string // what the vendor remarks, for people
}

// RefillMethod is a way to pay an invoice.
type RefillMethod string

// The methods.
const (
	WebMoney    RefillMethod = "webmoney"
	YandexMoney RefillMethod = "yandex_money"
)

// RefillRequest asks for an invoice.
type RefillRequest struct {
	Method   RefillMethod `json:"method"`
	WalletID string       `json:"wallet_id,omitempty"` // the payer's, for WebMoney
	Amount   Money        `json:"amount"`
}

// Invoice is a bill that tops the account up once it is paid.
type Invoice struct {
	ID           string `json:"id"`
	Payment      *Money `json:"payment"`       // what the account gains
	TotalPayment *Money `json:"total_payment"` // what is to be paid, with fees
	Reference    string `json:"reference"`     // the payment system's number; "" if there is none
	Note         string `json:"note"`          // the vendor's remark; may be ""
	Unsure       bool   `json:"-"`             // the vendor itself does not know whether the payment system has it
}

// UnpaidInvoice is an invoice that nobody has paid yet.
type UnpaidInvoice struct {
	Invoice
	Method   RefillMethod // "" if it is none of ours
	WalletID string       // the payer's; "" if the vendor does not show it
	Currency Currency     // what it is to be paid in; "" if the vendor does not show it
	Amounts  []Money      // the sum that the account gains, without fees, in each currency that the vendor tells it in
	Date     time.Time    // the vendor's day, at midnight UTC; its zone is not known
}
