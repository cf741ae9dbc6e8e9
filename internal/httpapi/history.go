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

// GetBalanceHistory answers GET /accounts/{account}/balance/history.
func (s *server) GetBalanceHistory(ctx context.Context, r GetBalanceHistoryRequestObject) (GetBalanceHistoryResponseObject, error) {
	from, till, step, bad := historyQuery(r.Params, time.Now())
	if len(bad) > 0 {
		return nil, bad
	}
	info, err := s.Accounts.Info(r.Account)
	if err != nil {
		return nil, err
	}
	if !info.Capabilities.Callable(provider.OpBalance) {
		return nil, provider.Errorf(provider.KindUnsupportedOperation, "the gateway can't read balances of %s, so it has no history of them", info.Provider)
	}
	whole, err := encode(http.StatusOK, BalanceHistory{
		Account: info.Name, Provider: info.Provider, From: Time{from}, Till: Time{till}, Step: formatStep(step), Points: []BalancePoint{},
	})
	if err != nil {
		return nil, err
	}
	// The points are encoded as they come from the database. What is sent is
	// sent after that: a slow reader holds no connection of the database.
	head, tail, _ := bytes.Cut(whole.body, noPoints)
	body := bytes.NewBuffer(make([]byte, 0, 4<<10))
	body.Write(head)
	body.Write(noPoints[:len(noPoints)-1])
	first := true
	err = s.Accounts.EachPoint(ctx, r.Account, from, till.Add(-time.Microsecond), step, func(p account.Point) error { // times are kept in microseconds
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
		return nil, err
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
func historyQuery(p GetBalanceHistoryParams, now time.Time) (from, till time.Time, step time.Duration, bad invalidParameters) {
	instant := func(field string, text *string, missing time.Time, wholeDay, roundUp time.Duration) time.Time {
		if text == nil {
			return missing
		}
		t, err := time.Parse(time.DateOnly, *text)
		if err == nil {
			t = t.Add(wholeDay)
		} else {
			t, err = time.Parse(time.RFC3339, *text)
		}
		// Answers have milliseconds, and say what was looked for.
		t = t.UTC().Add(roundUp).Truncate(time.Millisecond)
		if err != nil || t.Year() < 1 || t.Year() > 9999 { // others can't be answered in RFC 3339
			bad = append(bad, FieldError{Field: field, Message: "want a day as YYYY-MM-DD or an RFC 3339 time like 2026-01-31T10:15:30Z"})
		}
		return t
	}
	// The reading of this very moment belongs to it.
	till = instant("till", p.Till, now.UTC().Truncate(time.Millisecond).Add(time.Millisecond), day, time.Millisecond-1)
	from = instant("from", p.From, till.Add(-defaultHistory), 0, 0)
	if len(bad) == 0 && !from.Before(till) {
		field, message := "till", "not after from"
		if p.Till == nil {
			field, message = "from", "not before now"
		}
		bad = append(bad, FieldError{Field: field, Message: message})
	}
	step = defaultStep(till.Sub(from))
	if p.Step != nil {
		var ok bool
		if step, ok = parseStep(*p.Step); !ok {
			bad = append(bad, FieldError{Field: "step", Message: "want a whole number and s, m, h or d, like 15m or 1d, up to 36500d"})
		}
	}
	return from, till, step, bad
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
