// Package alert is what needs a person, now: which alerts there are, when each
// opens and closes, and what to do about it. One place computes them, so that
// the API, the page, the metrics and notifications show the same list. It knows
// neither HTTP nor SQL, and no vendor by name.
package alert

import "time"

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

// Alert is one thing that needs a person.
type Alert struct {
	Account  string
	Provider string
	Code     Code
	Severity Severity
	Since    time.Time // when it opened, by the clock that replicas share
	Detail   string    // the one line that a person on call needs
	Remedy   string    // what to do
	// Value is what was measured and Threshold what it passed, as people read
	// them: "310.20 USD", "3 days"; nil where there is none.
	Value     *string
	Threshold *string
}
