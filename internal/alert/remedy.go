package alert

import (
	"strings"

	"accountgateway/internal/config"
)

const (
	topUp     = "top up the account"
	unwatched = "; until it is read again, nobody watches its money"
)

// Remedy is what to do about an alert of an account. The settings with the
// account's credentials are named; without any, by their prefix.
func Remedy(c Code, account string, credentials []string) string {
	prefix := config.Prefix(account)
	switch c {
	case BalanceNegative:
		return topUp + ": the vendor may refuse orders or stop services"
	case BalanceLow:
		return topUp + ", or set " + prefix + "_BALANCE_LOW to another threshold"
	case RunsOutSoon:
		return topUp + ", or set " + prefix + "_DAYS_LOW to fewer days"
	case QuotaNearlyUsed:
		return "buy more from the vendor, which may refuse use beyond the limit"
	case ReadingTooOld:
		return "run gateway check, which calls the vendor" + unwatched
	case CredentialsRefused:
		settings := strings.Join(credentials, " and ")
		if settings == "" {
			settings = "the credentials in " + prefix + "_*"
		}
		return "check " + settings + "; then run gateway check"
	case AccessDenied:
		return "in the vendor's panel, allow this machine's address and enable API access"
	case VendorUnavailable:
		return "check the vendor's status page, the network and " + prefix + "_BASE_URL"
	case ReplyNotUnderstood:
		return "compare the field in question with the vendor's documentation: its format may have changed"
	case WriteOutcomeUnknown:
		return "check with the vendor whether it was done, then settle each: gateway operations list --state unknown --account " + account
	case BudgetNearlyUsed:
		return "find out who calls so much; lower " + prefix + "_RATE if the vendor allows less, raise it if it allows more"
	}
	return ""
}
