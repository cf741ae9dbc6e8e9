package alert

import "time"

// judgeRefused is the rule of credentials or access that the vendor refuses. A
// vendor that does not answer says nothing of either.
func judgeRefused(code Code) func(*Facts, Severity) (Severity, bool) {
	return func(f *Facts, _ Severity) (Severity, bool) {
		switch f.Vendor.Trouble { //nolint:exhaustive // the others say nothing
		case code:
			return Critical, true
		case CredentialsRefused, AccessDenied: // the other one
			return "", true
		case "":
			return "", f.Vendor.Known
		}
		return "", false
	}
}

// judgeUnavailable leaves one call that failed to the next.
func judgeUnavailable(f *Facts, was Severity) (Severity, bool) {
	if f.Vendor.Trouble != VendorUnavailable {
		return "", f.Vendor.Known
	}
	if was != "" || f.lasted(f.Vendor.Since, f.Patience) {
		return Warning, true
	}
	return "", true
}

func tellVendor(f *Facts, a *Alert) { a.Detail = f.Vendor.Detail }

// badRepliesWithin is how far apart two replies may be that are no accident,
// where background readings are not further apart.
const badRepliesWithin = 20 * time.Minute

// judgeReplies takes one reply that was not understood for an accident, unless
// nothing better came since.
func judgeReplies(f *Facts, was Severity) (Severity, bool) {
	bad, v := f.Vendor.BadReply, &f.Vendor
	standing := v.Trouble == ReplyNotUnderstood && f.lasted(v.Since, f.Patience)
	recent, twice := false, false
	if bad != nil {
		ago := f.Now.Sub(bad.At)
		recent = ago > -time.Minute && ago <= f.Patience+f.Patience/4
		twice = recent && !bad.Before.IsZero() && bad.At.Sub(bad.Before) <= max(badRepliesWithin, 2*f.Patience)
	}
	switch {
	case standing || twice:
		if bad != nil && bad.Format {
			return Critical, true
		}
		return Warning, true
	case was == "":
		return "", true
	case recent, v.Trouble == ReplyNotUnderstood, v.Trouble == VendorUnavailable, v.Trouble == BudgetNearlyUsed:
		return "", false
	}
	return "", v.Known
}

func tellReplies(f *Facts, a *Alert) {
	a.Detail = f.Vendor.Detail
	if bad := f.Vendor.BadReply; bad != nil && a.Severity != "" {
		a.Detail = bad.Detail
	}
}
