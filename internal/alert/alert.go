// Package alert is what needs a person, now: which alerts there are, when each
// opens and closes, and what to do about it. One place computes them, so that
// the API, the page, the metrics and notifications show the same list. It knows
// neither HTTP nor SQL, and no vendor by name.
package alert

import (
	"cmp"
	"time"
)

// Code names an alert, as in the contract.
type Code string

// The codes.
const (
	BalanceNegative     Code = "balance_negative"
	BalanceLow          Code = "balance_low"
	RunsOutSoon         Code = "runs_out_soon"
	QuotaNearlyUsed     Code = "quota_nearly_used" // a counter at 90 % of its limit; critical at 100 %
	ReadingTooOld       Code = "reading_too_old"
	CredentialsRefused  Code = "credentials_refused"
	AccessDenied        Code = "access_denied"
	VendorUnavailable   Code = "vendor_unavailable"
	ReplyNotUnderstood  Code = "reply_not_understood"
	WriteOutcomeUnknown Code = "write_outcome_unknown"
	BudgetNearlyUsed    Code = "budget_nearly_used"
)

// Severity says how soon somebody has to look.
type Severity string

// The severities: now, at any hour; and today.
const (
	Critical Severity = "critical"
	Warning  Severity = "warning"
)

// Alert is one thing that needs a person. Its JSON form is what the store keeps.
type Alert struct {
	Account  string    `json:"account"`
	Provider string    `json:"provider"`
	Code     Code      `json:"code"`
	Severity Severity  `json:"severity"`
	Since    time.Time `json:"since"`  // when it opened, by the clock that replicas share
	Detail   string    `json:"detail"` // the one line that a person on call needs
	Remedy   string    `json:"remedy"` // what to do
	// Value is what was measured and Threshold what it passed, as people read
	// them: "310.20 USD", "3 days"; nil where there is none.
	Value     *string `json:"value"`
	Threshold *string `json:"threshold"`
}

// Compare orders alerts as people should read them: what is critical first, then
// what has been open for longest.
func Compare(a, b Alert) int {
	if a.Severity != b.Severity {
		if a.Severity == Critical {
			return -1
		}
		return 1
	}
	return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Code, b.Code))
}

// Kind is what happened to an alert.
type Kind string

// The kinds.
const (
	Opened  Kind = "opened"
	Changed Kind = "changed" // its severity
	Closed  Kind = "closed"
)

// Change is an alert as it is from now on; of a closed one, with what closed it.
type Change struct {
	Kind  Kind // "": only its figures changed
	Alert Alert
}
