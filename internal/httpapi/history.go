package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
)

const (
	day            = 24 * time.Hour
	defaultHistory = 30 * day
	defaultPoints  = 1000 // at most, of a history whose step is not said
	maxStep        = 36_500 * day
)

// getBalanceHistory answers GET /accounts/{account}/balance/history.
func (s *server) getBalanceHistory(ctx context.Context, r *http.Request) (reply, error) {
	params := readParams(r)
	from, till, step := historyQuery(&params, time.Now())
	if err := params.err(); err != nil {
		return reply{}, err
	}
	info, err := s.Accounts.Info(pathParam(r, "account"))
	if err != nil {
		return reply{}, err
	}
	if !info.Capabilities.Callable(provider.OpBalance) {
		return reply{}, provider.Errorf(provider.KindUnsupportedOperation, "the gateway can't read balances of %s, so there is no history", info.Provider)
	}
	whole, err := encode(http.StatusOK, BalanceHistory{
		Account: info.Name, Provider: info.Provider, From: Time{from}, Till: Time{till}, Step: formatStep(step), Points: []BalancePoint{},
	})
	if err != nil {
		return reply{}, err
	}
	// The points are encoded as they come from the database. What is sent is
	// sent after that: a slow reader holds no connection of the database.
	head, tail, _ := bytes.Cut(whole.body, noPoints)
	body := bytes.NewBuffer(make([]byte, 0, 4<<10))
	body.Write(head)
	body.Write(noPoints[:len(noPoints)-1])
	first := true
	err = s.Accounts.EachPoint(ctx, info.Name, from, till.Add(-time.Microsecond), step, func(p account.Point) error { // times are kept in microseconds
		point, err := json.Marshal(BalancePoint{
			AsOf: Time{p.AsOf}, Balance: moneyBody(p.Balance.Balance), Blocked: optionalMoney(p.Balance.Blocked),
			Credit: optionalMoney(p.Balance.Credit), Bonus: optionalMoney(p.Balance.Bonus),
		})
		if !first {
			body.WriteByte(',')
		}
		first = false
		body.Write(point)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	body.WriteByte(']')
	body.Write(tail)
	whole.body = body.Bytes()
	return whole, nil
}

// noPoints is what the points of a history take the place of. No text in JSON
// has these quotes.
var noPoints = []byte(`"points":[]`)

// historyQuery gives the span, from inclusive and till exclusive, and the step.
func historyQuery(p *params, now time.Time) (from, till time.Time, step time.Duration) {
	instant := func(name string, missing time.Time, wholeDay, roundUp time.Duration) time.Time {
		text, given := p.text(name)
		if !given {
			return missing
		}
		t, err := time.Parse(time.DateOnly, text)
		if err == nil {
			t = t.Add(wholeDay)
		} else {
			t, err = time.Parse(time.RFC3339, text)
		}
		// Answers have milliseconds, and say what was looked for.
		t = t.UTC().Add(roundUp).Truncate(time.Millisecond)
		if err != nil || t.Year() < 1 || t.Year() > 9999 { // others can't be answered in RFC 3339
			p.refuse(name, "must be a date as YYYY-MM-DD or an RFC 3339 time, e.g. 2026-01-31T10:15:30Z")
		}
		return t
	}
	// The reading of this very moment belongs to it.
	till = instant("till", now.UTC().Truncate(time.Millisecond).Add(time.Millisecond), day, time.Millisecond-1)
	from = instant("from", till.Add(-defaultHistory), 0, 0)
	if len(p.bad) == 0 && !from.Before(till) {
		if _, given := p.text("till"); given {
			p.refuse("till", "not after from")
		} else {
			p.refuse("from", "not before now")
		}
	}
	step = defaultStep(till.Sub(from))
	if text, given := p.text("step"); given {
		var ok bool
		if step, ok = parseStep(text); !ok {
			p.refuse("step", "must be an integer and s, m, h or d, like 15m or 1d, up to 36500d")
		}
	}
	return from, till, step
}

// defaultStep cuts a span in at most defaultPoints.
func defaultStep(span time.Duration) time.Duration {
	for _, step := range []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour} {
		if span <= defaultPoints*step {
			return step
		}
	}
	days := span / (defaultPoints * day)
	if span%(defaultPoints*day) > 0 {
		days++
	}
	return days * day
}

// stepUnits are the units of a step, the longest first.
var stepUnits = []struct {
	name byte
	unit time.Duration
}{{'d', day}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second}}

func parseStep(text string) (time.Duration, bool) {
	if text == "" || text[0] < '1' || text[0] > '9' { // no sign, no zero
		return 0, false
	}
	last := len(text) - 1
	n, err := strconv.ParseInt(text[:last], 10, 64)
	for _, u := range stepUnits {
		if u.name == text[last] {
			return time.Duration(n) * u.unit, err == nil && n <= int64(maxStep/u.unit)
		}
	}
	return 0, false
}

// formatStep gives the step's shortest form.
func formatStep(step time.Duration) string {
	for _, u := range stepUnits {
		if step%u.unit == 0 {
			return strconv.FormatInt(int64(step/u.unit), 10) + string(u.name)
		}
	}
	return step.String() // no step is shorter than a second
}
