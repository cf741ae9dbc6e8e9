package declared

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"accountgateway/internal/provider"
	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/redact"
)

// RunSamples answers the file's requests with its samples. The error is Faults: those that do not come to what they want.
func (v *Vendor) RunSamples() error {
	var faults Faults
	for i := range v.file.Samples {
		s := &v.file.Samples[i]
		r := sampleRun{vendor: v, sample: s, faults: &faults}
		r.run()
	}
	return faults.err()
}

type sampleRun struct {
	vendor *Vendor
	sample *Sample
	faults *Faults
}

func (r *sampleRun) fault(at Position, format string, args ...any) {
	r.faults.add(at, "sample %q: %s", r.sample.Name.Text, fmt.Sprintf(format, args...))
}

func (r *sampleRun) run() {
	s, w := r.sample, r.sample.Want
	op := r.vendor.For(s)
	ops := []provider.Operation{op}
	if w.Problem == nil {
		ops = w.operations()
		for _, wanted := range ops {
			if r.vendor.Request(wanted) != r.vendor.Request(op) {
				r.fault(w.At, "it answers the request of %s, and so can't be read as %s", op, wanted)
				return
			}
		}
		if len(ops) == 0 {
			r.fault(w.At, "it expects nothing; it needs a balance, counters, amounts, users or a problem")
			return
		}
	}
	for _, op := range ops {
		readings, err := r.read(op)
		switch {
		case w.Problem != nil:
			r.problem(err)
		case err != nil:
			r.fault(w.At, "got %v", err)
		case op == provider.OpBalance:
			r.balance(readings.Balance)
		case op == provider.OpStatistics:
			r.statistics(readings.Statistics)
		case op == provider.OpUsers:
			var logins []string
			for _, u := range readings.Users.Users {
				logins = append(logins, u.Login)
			}
			r.same(w.At, "users", strings.Join(logins, ", "), texts(w.Users))
		}
	}
}

// operations are what the sample is read as.
func (w *Want) operations() []provider.Operation {
	var ops []provider.Operation
	if w.Balance != nil || w.Wallets != nil || w.Blocked != nil || w.Credit != nil || w.Bonus != nil || w.Billing != nil {
		ops = append(ops, provider.OpBalance)
	}
	if w.Counters != nil || w.Amounts != nil || w.Plan != nil || w.Period != nil {
		ops = append(ops, provider.OpStatistics)
	}
	if w.Users != nil {
		ops = append(ops, provider.OpUsers)
	}
	return ops
}

// read makes the request and reads the sample as its answer, as an account would; only the network is not there.
func (r *sampleRun) read(op provider.Operation) (provider.Readings, error) {
	c := newClient(r.vendor, r.vendor.SampleAccount(r.sample))
	q := query{}
	if r.sample.Currency != nil {
		q.currency = provider.Currency(r.sample.Currency.Text)
	}
	c.call(op, r.vendor.Request(op))
	return c.readings(r.sample.Answer.answer(redact.New(redact.Texts{Secrets: c.account.Secrets()})), op, q)
}

// SampleAccount has made-up settings, but for those that a sample tells. sample may be nil.
func (v *Vendor) SampleAccount(sample *Sample) Account {
	a := Account{values: map[string]string{}}
	_ = a.Base.UnmarshalText([]byte("https://vendor.example")) // a good one
	if v.head.BaseURL != "" {
		_ = a.Base.UnmarshalText([]byte(v.head.BaseURL)) // checked
	}
	for _, s := range v.head.Fields {
		value := s.Default
		switch {
		case value != "" || !s.Required:
		case len(s.OneOf) > 0:
			value = s.OneOf[0]
		default:
			value = "sample-" + strings.ToLower(strings.ReplaceAll(s.Name, "_", "-"))
		}
		if sample != nil {
			for _, e := range sample.Settings {
				if e.Key.Text == s.Name {
					value = e.Value.Text
				}
			}
		}
		a.set(s, value)
	}
	return a
}

func (r *Reply) answer(secrets *redact.Redactor) upstream.Answer {
	a := upstream.Answer{Status: r.Code(), Header: http.Header{}, Secrets: secrets, Drift: func(string) {}}
	for _, e := range r.Header {
		a.Header.Set(e.Key.Text, e.Value.Text)
	}
	a.Body = []byte(r.Text())
	return a
}

// Text is the body.
func (r *Reply) Text() string {
	if r.Body == nil {
		return ""
	}
	return r.Body.Text
}

// Code is the HTTP status.
func (r *Reply) Code() int {
	if r.Status == 0 {
		return http.StatusOK
	}
	return int(r.Status)
}

func (r *sampleRun) problem(err error) {
	w := r.sample.Want
	var e *provider.Error
	if !errors.As(err, &e) {
		r.fault(w.Problem.At, "it was read, expected %s", w.Problem.Text)
		return
	}
	if string(e.Kind) != w.Problem.Text {
		r.fault(w.Problem.At, "got %v, expected %s", e, w.Problem.Text)
		return
	}
	said := provider.Upstream{}
	if e.Upstream != nil {
		said = *e.Upstream
	}
	if w.Code != nil {
		r.same(w.Code.At, "code", said.Code, w.Code.Text)
	}
	if w.Message != nil {
		r.same(w.Message.At, "message", said.Message, w.Message.Text)
	}
	if w.RetryAfter != nil {
		r.same(w.RetryAfter.At, "retry_after", e.RetryAfter.String(), w.RetryAfter.Text)
	}
}

func (r *sampleRun) same(at Position, what, got, want string) {
	if got != want {
		r.fault(at, "%s is %s, expected %s", what, orNone(got), orNone(want))
	}
}

func orNone(s string) string {
	if s == "" {
		return "absent"
	}
	return s
}

func text(t *Text) string {
	if t == nil {
		return ""
	}
	return t.Text
}

func texts(list []Text) string {
	var all []string
	for _, t := range list {
		all = append(all, t.Text)
	}
	return strings.Join(all, ", ")
}

func moneyText(m *provider.Money) string {
	if m == nil {
		return ""
	}
	return m.Amount.String() + " " + string(m.Currency)
}

func (r *sampleRun) balance(b *provider.Balance) {
	w := r.sample.Want
	r.same(w.At, "balance", moneyText(&b.Balance), text(w.Balance))
	r.same(w.At, "blocked", moneyText(b.Blocked), text(w.Blocked))
	r.same(w.At, "credit", moneyText(b.Credit), text(w.Credit))
	r.same(w.At, "bonus", moneyText(b.Bonus), text(w.Bonus))
	if w.Billing != nil {
		r.same(w.At, "billing", string(b.Billing), w.Billing.Text)
	}
	var got, want, add []string
	for _, one := range b.Wallets {
		name, key := "", ""
		if one.Name != nil {
			name, key = *one.Name+": ", "name: "+strconv.Quote(*one.Name)+", "
		}
		got = append(got, name+moneyText(&one.Balance))
		add = append(add, "{"+key+"balance: "+moneyText(&one.Balance)+"}")
	}
	if w.Wallets == nil && add != nil {
		r.fault(w.At, "several pots are read: add wallets: [%s] to want", strings.Join(add, ", "))
		return
	}
	for _, one := range w.Wallets {
		name := ""
		if one.Name != nil {
			name = one.Name.Text + ": "
		}
		want = append(want, name+one.Balance.Text)
	}
	r.same(w.At, "wallets", strings.Join(got, ", "), strings.Join(want, ", "))
}

func (r *sampleRun) statistics(s *provider.Statistics) {
	w := r.sample.Want
	var got, want []string
	for _, c := range s.Counters {
		got = append(got, counterText(c.Name, c.Value, c.Limit, c.Unlimited))
	}
	for _, e := range w.Counters {
		want = append(want, counterText(e.Key.Text, e.Value.Value, e.Value.Limit, e.Value.Unlimited))
	}
	r.same(w.At, "counters", sorted(got), sorted(want))
	got, want = nil, nil
	for _, a := range s.Amounts {
		got = append(got, a.Name+": "+a.Money.Amount.String()+" "+string(a.Money.Currency)+a.Unit)
	}
	for _, e := range w.Amounts {
		want = append(want, e.Key.Text+": "+e.Value.Text)
	}
	r.same(w.At, "amounts", sorted(got), sorted(want))
	plan := ""
	if s.Plan != nil {
		plan = s.Plan.ID
	}
	r.same(w.At, "plan", plan, text(w.Plan))
	var period, wanted provider.Period
	if s.Period != nil {
		period = *s.Period
	}
	if w.Period != nil {
		if w.Period.From != nil {
			wanted.From = &w.Period.From.Text
		}
		if w.Period.Till != nil {
			wanted.Till = &w.Period.Till.Text
		}
	}
	r.same(w.At, "period.from", deref(period.From), deref(wanted.From))
	r.same(w.At, "period.till", deref(period.Till), deref(wanted.Till))
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func sorted(list []string) string {
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func counterText(name string, value int64, limit *int64, unlimited bool) string {
	text := name + ": " + strconv.FormatInt(value, 10)
	switch {
	case limit != nil:
		text += " of " + strconv.FormatInt(*limit, 10)
	case unlimited:
		text += " (unlimited)"
	}
	return text
}
