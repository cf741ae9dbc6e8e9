package alert_test

import (
	"slices"
	"testing"
	"time"

	"accountgateway/internal/alert"
)

// TestRemedies has what alerts advise where that depends on more than their code.
func TestRemedies(t *testing.T) {
	with := func(settings ...string) change { return func(f *alert.Facts) { f.Credentials = settings } }
	for _, tt := range []struct {
		name string
		code alert.Code
		do   change
		want string
	}{
		{"one setting", alert.CredentialsRefused, all(vendor(alert.CredentialsRefused), with("A_1_API_KEY")), "check A_1_API_KEY; then run gateway check"},
		{"two settings", alert.CredentialsRefused, all(vendor(alert.CredentialsRefused), with("A_1_USERNAME", "A_1_PASSWORD")), "check A_1_USERNAME and A_1_PASSWORD; then run gateway check"},
		{"settings that are not known", alert.CredentialsRefused, vendor(alert.CredentialsRefused), "check the credentials in A_1_*; then run gateway check"},
		{"money for some days", alert.RunsOutSoon, ends(3 * day), "top up the account, or set A_1_DAYS_LOW to fewer days"},
		{"money for less than an hour", alert.RunsOutSoon, ends(time.Minute), "top up the account, or set A_1_DAYS_LOW to fewer days"},
		{"no money", alert.RunsOutSoon, ends(0), "top up the account"},
		{"not read because of the credentials", alert.ReadingTooOld, all(old, vendor(alert.CredentialsRefused), with("A_1_API_KEY")),
			"check A_1_API_KEY; then run gateway check; until it is read again, nobody watches its money"},
		{"not read, and nobody knows why", alert.ReadingTooOld, old, "run gateway check, which calls the vendor; until it is read again, nobody watches its money"},
	} {
		f := calm()
		tt.do(f)
		open := applied(nil, alert.Evaluate(f, nil, nil))
		i := slices.IndexFunc(open, func(a alert.Alert) bool { return a.Code == tt.code })
		if i < 0 {
			t.Errorf("%s: not open", tt.name)
		} else if open[i].Remedy != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, open[i].Remedy, tt.want)
		}
	}
}
