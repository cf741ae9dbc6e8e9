// Package account is the heart of the gateway: the configured accounts, what
// was read from each and how the last call to its vendor went. It knows
// neither HTTP nor SQL, and no vendor by name.
package account

import (
	"fmt"
	"time"

	"accountgateway/internal/alert"
	"accountgateway/internal/operation"
	"accountgateway/internal/provider"
)

// Account is one configured account.
type Account struct {
	Name     string // as in /accounts/{account}
	Provider string // the vendor's name, as in GATEWAY_ACCOUNTS
	Group    string // the sort of vendor, as in vendor files; "" if not known
	Host     string // where its vendor is: background readings are bounded for each host
	Adapter  provider.Provider
	Budget   *Budget // of vendor calls; nil: not counted
	// Circuit tells whether the breaker keeps calls from the vendor, and for
	// how much longer; nil: there is none.
	Circuit func() (open bool, wait time.Duration)

	Spending operation.Spending
	Limits   alert.Limits // of its alerts
	Login    string       // whom the credentials are of, where they say so
	Secrets  []string     // its credentials: what fingerprints of payloads are keyed with
	// Credentials name the settings that hold them, with their prefix.
	Credentials []string
}

// Info is what callers may know of an account.
type Info struct {
	Name         string
	Provider     string
	Capabilities provider.Capabilities
	State        State
	Remedy       string           // what to do about the state; "" if nothing
	Billing      provider.Billing // as last read, however long ago; "" if not known
	Alerts       []alert.Alert    // what needs a person now, the worst first: not to be changed
}

// NotFoundError says that no account of that name is configured.
type NotFoundError struct{ Name string }

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no account named %q is configured", e.Name)
}
