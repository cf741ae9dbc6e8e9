package account_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/govalues/decimal"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/providertest"
	"accountgateway/internal/store"
)

// past is a balance so long before now.
type past struct {
	ago      time.Duration
	amount   string
	currency string // "": USD
}

// series has a balance for each step of a time before now: the amount at its
// begin, and by how much it changes with each step.
func series(begin, step time.Duration, amount, change string) []past {
	now, by := decimal.MustParse(amount), decimal.MustParse(change)
	var all []past
	for ago := begin; ago > 0; ago -= step {
		all = append(all, past{ago: ago, amount: now.String()})
		now, _ = now.Add(by)
	}
	return all
}

const day = 24 * time.Hour

func TestForecast(t *testing.T) {
	tests := []struct {
		name    string
		history []past
		balance string // now
		credit  string // "": the vendor does not say
		status  account.ForecastStatus
		burn    string // a day; "" for none
		left    time.Duration
	}{
		{"steady burn", series(10*day, 6*time.Hour, "200", "-2.5"), "100.00", "", account.ForecastOK, "10.00", 10 * day},
		{"credit lasts too", series(10*day, 6*time.Hour, "200", "-2.5"), "100.00", "50.00", account.ForecastOK, "10.00", 15 * day},
		{"negative balance within credit", series(10*day, 6*time.Hour, "80", "-2.5"), "-20.00", "50.00", account.ForecastOK, "10.00", 3 * day},
		{"negative balance, no credit", series(10*day, 6*time.Hour, "80", "-2.5"), "-20.00", "", account.ForecastOK, "10.00", 0},
		{"exactly used up", series(10*day, 6*time.Hour, "100", "-2.5"), "0.00", "", account.ForecastOK, "10.00", 0},
		{
			"a top-up is not negative burn",
			append(series(10*day, 6*time.Hour, "100", "-2.5")[:20], series(5*day, 6*time.Hour, "150", "-2.5")...),
			"100.00", "", account.ForecastOK, "10.00", 10 * day,
		},
		{"no reading but this one", nil, "100.00", "", account.InsufficientHistory, "", 0},
		{"less than a day", series(23*time.Hour, time.Hour, "200", "-1"), "100.00", "", account.InsufficientHistory, "", 0},
		{"a day", series(24*time.Hour, time.Hour, "124", "-1"), "100.00", "", account.ForecastOK, "24.00", 100 * time.Hour},
		{"before the window", []past{{20 * day, "500", ""}}, "100.00", "", account.InsufficientHistory, "", 0},
		{"a gap counts with what was spent in it", []past{{10 * day, "200", ""}, {9 * day, "190", ""}}, "100.00", "", account.ForecastOK, "10.00", 10 * day},
		{"nothing spent", series(10*day, 6*time.Hour, "100", "0"), "100.00", "", account.ForecastNoBurn, "0.00", 0},
		{"only ever topped up", series(10*day, 6*time.Hour, "10", "2"), "100.00", "", account.ForecastUnpredictable, "", 0},
		{
			"rising in every hour, and nothing in the minutes since",
			append(series(73*time.Hour, time.Hour, "100", "1"), past{ago: 10 * time.Minute, amount: "174"}),
			"174", "", account.ForecastUnpredictable, "", 0,
		},
		{"rounded to the balance's scale", series(10*day, time.Hour, "108", "-0.033333"), "100.000", "", account.ForecastOK, "0.800", 125 * day},
		{
			"another currency counts for nothing",
			append(series(10*day, 6*time.Hour, "200", "-2.5"), past{3 * time.Hour, "1", "RUB"}, past{2 * time.Hour, "90000", "RUB"}, past{time.Hour, "5", "RUB"}),
			"100.00", "", account.ForecastOK, "10.00", 10 * day,
		},
		{"no more than a hundred years", []past{{10 * day, "9000000000.01", ""}}, "9000000000.00", "", account.ForecastOK, "0.00", 36_500 * day},
		{"more than can be counted", []past{{10 * day, "900000000000000.0001", ""}}, "900000000000000.0000", "", account.ForecastOK, "0.0000", 36_500 * day},
		{
			"topped up but for less than a second",
			append(series(10*day, 6*time.Hour, "10", "2"), past{500 * time.Millisecond, "100.00", ""}),
			"100.00", "", account.ForecastUnpredictable, "", 0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(400 * day) // so that the past is after 2000
				balance := provider.Balance{Balance: provider.Money{Amount: decimal.MustParse(tt.balance), Currency: "USD"}}
				if tt.credit != "" {
					balance.Credit = &provider.Money{Amount: decimal.MustParse(tt.credit), Currency: "USD"}
				}
				fake := &providertest.Fake{Balance: func(context.Context, provider.BalanceQuery) (provider.Readings, error) {
					return provider.Readings{Balance: &balance}, nil
				}}
				url := sqliteURL(t)
				seed(t, url, tt.history)
				r := newReplica(t, fake, url)
				f, err := r.Forecast(t.Context(), "a", account.Bound{})
				if err != nil {
					t.Fatal(err)
				}
				if len(f.Currencies) != 1 || f.Currencies[0].Currency != "USD" || !f.From.Equal(f.Balance.AsOf.Add(-14*day)) || !f.Till.Equal(f.Balance.AsOf) {
					t.Fatalf("got %+v", f)
				}
				got := f.Currencies[0]
				burn := ""
				if got.BurnPerDay != nil {
					burn = got.BurnPerDay.Amount.String()
				}
				if got.Status != tt.status || burn != tt.burn {
					t.Errorf("%s, burn %q; want %s, %q", got.Status, burn, tt.status, tt.burn)
				}
				if (got.Left != nil) != (tt.status == account.ForecastOK) {
					t.Fatalf("left %v with %s", got.Left, got.Status)
				}
				if got.Left != nil && (*got.Left-tt.left).Abs() > time.Minute {
					t.Errorf("left %s, want %s", *got.Left, tt.left)
				}
			})
		})
	}
}

// With background readings, what they leave out is not measured: neither the
// time nor what the balance did in it.
func TestForecastMeasures(t *testing.T) {
	const interval, step = 5 * time.Minute, 9 * time.Minute // of readings, each of which costs 1
	tests := []struct {
		name    string
		history []past
		balance string // now
		status  account.ForecastStatus
		burn    string // a day; "" for none
		quality account.ForecastQuality
	}{
		{"no gap", series(2*day, step, "420", "-1"), "100.00", account.ForecastOK, "160.00", account.Measured},
		{
			"a gap that hides a smaller top-up", // 320 were spent in it, and 200 came
			slices.Concat(series(4*day, step, "1000", "-1")[:161], series(day, step, "720", "-1")),
			"560.00", account.ForecastOK, "160.00", account.HasGaps,
		},
		{
			"a short gap", // 106 were spent in it, and 100 came
			slices.Concat(series(3*day, step, "600", "-1")[:161], series(2*day-6*step, step, "434", "-1")),
			"120.00", account.ForecastOK, "160.00", account.Measured,
		},
		{
			"a smaller top-up within an hour", // between two readings
			slices.Concat(series(2*day, step, "420", "-1")[:161], series(day-step, step, "262", "-1")),
			"103.00", account.ForecastOK, "160.00", account.Measured,
		},
		{"once a day", series(10*day, day, "200", "-10"), "100.00", account.InsufficientHistory, "", account.HasGaps},
		{
			"less than a day of ten",
			slices.Concat(series(10*day, day, "1000", "-10"), series(20*time.Hour, step, "233", "-1")),
			"100.00", account.InsufficientHistory, "", account.HasGaps,
		},
		{"no reading but this one", nil, "100.00", account.InsufficientHistory, "", account.HasGaps},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onEngines(t, func(t *testing.T, url string) {
				seed(t, url, tt.history)
				vendor := &wireServer{answer: func(int) (int, string, http.Header) { return http.StatusOK, tt.balance, nil }}
				g := newGateway(t, vendor, gatewayOptions{url: url, interval: interval})
				f, err := g.Forecast(t.Context(), "a", account.Bound{})
				if err != nil {
					t.Fatal(err)
				}
				got, burn := f.Currencies[0], ""
				if got.BurnPerDay != nil {
					burn = got.BurnPerDay.Amount.String()
				}
				if got.Status != tt.status || burn != tt.burn || got.Quality != tt.quality {
					t.Errorf("%s, burn %q, %s; want %s, %q, %s", got.Status, burn, got.Quality, tt.status, tt.burn, tt.quality)
				}
			})
		})
	}
}

// seed puts balances of the account "a" into a database's history.
func seed(t *testing.T, url string, history []past) {
	t.Helper()
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for _, p := range history {
		if p.currency == "" {
			p.currency = "USD"
		}
		point := store.BalancePoint{Account: "a", Currency: p.currency, AsOf: time.Now().Add(-p.ago), Balance: p.amount}
		if err := st.AppendBalance(t.Context(), point); err != nil {
			t.Fatal(err)
		}
	}
}

// History holds what was read, with its time: all of it, or the last of each
// step.
func TestHistory(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		begin := time.Now().Add(-10 * time.Hour).Truncate(time.Hour)
		st, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 { // every 20 minutes
			point := store.BalancePoint{Account: "a", Currency: "USD", AsOf: begin.Add(time.Duration(i) * 20 * time.Minute), Balance: fmt.Sprintf("%d.50", i)}
			if err := st.AppendBalance(t.Context(), point); err != nil {
				t.Fatal(err)
			}
		}
		st.Close()
		r := newReplica(t, &providertest.Fake{}, url)
		tests := []struct {
			name       string
			from, till time.Duration
			step       time.Duration
			want       string
		}{
			{"all", 0, 10 * time.Hour, 0, "0.50 1.50 2.50 3.50 4.50 5.50 6.50 7.50 8.50 9.50"},
			{"both ends included", 20 * time.Minute, time.Hour, 0, "1.50 2.50 3.50"},
			{"the last of each hour", 0, 10 * time.Hour, time.Hour, "2.50 5.50 8.50 9.50"},
			{"none", 5 * time.Hour, 6 * time.Hour, 0, ""},
		}
		for _, tt := range tests {
			points, err := r.History(t.Context(), "a", begin.Add(tt.from), begin.Add(tt.till), tt.step)
			got := ""
			for i, p := range points {
				if i > 0 {
					got += " "
				}
				got += p.Balance.Balance.Amount.String()
			}
			if err != nil || got != tt.want {
				t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, tt.want)
			}
		}
		if _, err := r.History(t.Context(), "b", begin, begin, 0); err == nil {
			t.Error("history of an account that there is not")
		}
	})
}

// The runway in the metrics shrinks with time, and all replicas show the same.
func TestRunway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(400 * day)
		url := sqliteURL(t)
		seed(t, url, series(10*day, 6*time.Hour, "1000", "-2.5"))
		vendor := &wireServer{answer: func(n int) (int, string, http.Header) { return wireOK(900 - n) }}
		o := gatewayOptions{url: url, interval: 6 * time.Hour}
		one, two := newGateway(t, vendor, o), newGateway(t, vendor, o)
		one.run(t)
		two.run(t)
		time.Sleep(65 * time.Second)
		runway := func(g *gateway) string {
			for _, line := range figures(g) {
				if strings.HasPrefix(line, "account_balance_runway_seconds") {
					return line
				}
			}
			return ""
		}
		first := runway(one)
		if first == "" || first != runway(two) {
			t.Errorf("runways %q and %q", first, runway(two))
		}
		time.Sleep(5 * time.Second)
		if later := runway(one); later == first {
			t.Errorf("5 s later it is still %q", later)
		}
	})
}
