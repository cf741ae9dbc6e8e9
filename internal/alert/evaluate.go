package alert

// rule is when an alert of one code is open, and what it says.
type rule struct {
	code Code
	// judge gives the severity that the alert has by the facts, "" if it is
	// closed; was is its severity so far. Without known nothing tells: it stays as
	// it was.
	judge func(f *Facts, was Severity) (now Severity, known bool)
	// tell writes detail, remedy, value and threshold, also of one that closes.
	tell func(f *Facts, a *Alert)
}

// rules has each code once.
var rules = [...]rule{
	{BalanceNegative, judgeNegative, tellNegative},
	{BalanceLow, judgeLow, tellLow},
	{RunsOutSoon, judgeRunway, tellRunway},
	{QuotaNearlyUsed, judgeQuota, tellQuota},
	{ReadingTooOld, judgeReadings, tellReadings},
	{CredentialsRefused, judgeRefused(CredentialsRefused), tellVendor},
	{AccessDenied, judgeRefused(AccessDenied), tellVendor},
	{VendorUnavailable, judgeUnavailable, tellVendor},
	{ReplyNotUnderstood, judgeReplies, tellReplies},
	{WriteOutcomeUnknown, judgeWrites, tellWrites},
	{BudgetNearlyUsed, judgeBudget, tellBudget},
}

// Codes are all that there are.
func Codes() []Code {
	codes := make([]Code, 0, len(rules))
	for _, r := range rules {
		codes = append(codes, r.code)
	}
	return codes
}

// Evaluate appends what changes of an account's alerts, by what is known of it
// now and the alerts that are open so far. An alert closes only on evidence:
// where nothing is known, it stays as it was.
func Evaluate(f *Facts, open []Alert, changes []Change) []Change {
	for i := range rules {
		r := &rules[i]
		var was *Alert
		for k := range open {
			if open[k].Code == r.code {
				was = &open[k]
			}
		}
		var before Severity
		if was != nil {
			before = was.Severity
		}
		now, known := r.judge(f, before)
		if !known || now == "" && was == nil {
			continue
		}
		a := Alert{Account: f.Account, Provider: f.Provider, Code: r.code, Severity: now, Since: f.Now, Remedy: Remedy(r.code, f.Account, f.Credentials)}
		if was != nil {
			a.Since = was.Since
		}
		r.tell(f, &a)
		switch {
		case was == nil:
			changes = append(changes, Change{Opened, a})
		case now == "":
			a.Severity = before
			changes = append(changes, Change{Closed, a})
		case now != before:
			changes = append(changes, Change{Changed, a})
		case !a.same(was):
			changes = append(changes, Change{"", a})
		}
	}
	return changes
}

func (a *Alert) same(b *Alert) bool {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	return a.Provider == b.Provider && a.Severity == b.Severity && a.Detail == b.Detail && a.Remedy == b.Remedy && a.Since.Equal(b.Since) &&
		text(a.Value) == text(b.Value) && text(a.Threshold) == text(b.Threshold)
}

// Gone is the change that closes the alert of an account that is not configured
// any more. What was measured last says nothing of now.
func Gone(a Alert) Change {
	a.Value, a.Threshold = nil, nil
	a.Detail = "the account is no longer configured"
	return Change{Closed, a}
}
