package alert

import "accountgateway/internal/config"

// Remedy is what to do about an alert of an account.
func Remedy(c Code, account string) string {
	prefix := config.Prefix(account)
	switch c {
	case BalanceNegative:
		return "top up the account: the vendor may refuse orders or stop services"
	case BalanceLow:
		return "top up the account, or set " + prefix + "_BALANCE_LOW to another threshold"
	case RunsOutSoon:
		return "top up the account, or set " + prefix + "_DAYS_LOW to fewer days"
	case QuotaNearlyUsed:
		return "buy more from the vendor, which may refuse use beyond the limit"
	case ReadingTooOld:
		return "see the account's health: until it is read again, nobody watches its money"
	case CredentialsRefused:
		return "check the credentials in the account's " + prefix + "_* settings"
	case AccessDenied:
		return "in the vendor's panel, allow this machine's address and enable API access"
	case VendorUnavailable:
		return "check the vendor's status page, the network and " + prefix + "_BASE_URL"
	case ReplyNotUnderstood:
		return "compare the field named here with the vendor's documentation: its format may have changed"
	case WriteOutcomeUnknown:
		return "check with the vendor whether it was done, then settle each: gateway operations list --state unknown --account " + account
	case BudgetNearlyUsed:
		return "find out who calls so much; lower " + prefix + "_RATE if the vendor allows less, raise it if it allows more"
	}
	return ""
}
