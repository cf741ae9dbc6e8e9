package page

import (
	"time"

	"accountgateway/internal/alert"
)

// alertView is an alert as it is shown.
type alertView struct {
	Account string
	Words   string // "Balance negative"
	Detail  string
	Remedy  string
	Link    string // where it can be done; "" if not on these pages
	Runbook string
	Tone    tone
	Since   *moment
}

func newAlertView(a alert.Alert, now time.Time) alertView {
	v := alertView{
		Account: a.Account, Words: named(string(a.Code)), Detail: sentence(inWords(a.Detail)), Remedy: sentence(a.Remedy), Runbook: RunbookPath + "#" + string(a.Code), Tone: warn, Since: standingSince(a.Since, now),
	}
	if a.Severity == alert.Critical {
		v.Tone = bad
	}
	return v
}

// alerts are what needs a person: a few, more that are folded away, and how many
// there are beside those.
type alerts struct {
	Count       int
	Tone        tone // the worst's
	First, More []alertView
	Rest        string // "12 others"; "" if there are none
}

const (
	firstAlerts = 5
	moreAlerts  = 20
)

// newAlerts shows alerts, the worst of which come first. writes tells whether the
// caller may see operations.
func newAlerts(list []alert.Alert, writes bool, now time.Time) alerts {
	a := alerts{Count: len(list)}
	shown := min(len(list), firstAlerts+moreAlerts)
	if rest := len(list) - shown; rest > 0 {
		a.Rest = plural(rest, "other")
	}
	for i, one := range list[:shown] {
		v := newAlertView(one, now)
		if i == 0 {
			a.Tone = v.Tone
		}
		if writes && one.Code == alert.WriteOutcomeUnknown {
			v.Link = unknownWrites(one.Account)
		}
		if i < firstAlerts {
			a.First = append(a.First, v)
		} else {
			a.More = append(a.More, v)
		}
	}
	return a
}

// whole are all that are shown, of one account.
func (a alerts) whole() []alertView {
	all := append(a.First, a.More...)
	for i := range all {
		all[i].Account = ""
	}
	return all
}
