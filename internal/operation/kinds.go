package operation

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"accountgateway/internal/durable"
	"accountgateway/internal/plain"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// giveUpMargin is how much later than its holder others give an operation up:
// with the record of its end, and more than what they know of the time differs.
const giveUpMargin = 4*time.Second + recordPatience

// CreateUser creates a user at an account's vendor, or replays what was
// answered under the same key.
func (s *Service) CreateUser(ctx context.Context, o Order, u provider.NewUser) (Operation, error) {
	a, creator, err := writer[provider.UserCreator](s, o.Account, provider.OpCreateUser)
	if err != nil {
		return Operation{}, err
	}
	op, err := s.newOperation(a, o, KindCreateUser, u, userRecord(u))
	if err != nil {
		return Operation{}, err
	}
	return s.do(ctx, a, work{
		op:     op,
		dryRun: u.CheckOnly,
		send: func(ctx context.Context) (sent, error) {
			created, err := creator.CreateUser(ctx, u)
			if err != nil {
				return sent{}, err
			}
			answer := sent{apiKey: created.APIKey, result: creation{Warnings: created.Warnings}}
			if !u.CheckOnly {
				answer.reference = reference(created.ID)
				answer.result = creation{Timezone: created.Timezone, Warnings: created.Warnings, APIKeyShown: created.APIKey != ""}
			}
			return answer, nil
		},
		complete: func(out *Operation) {
			if out.State == store.Succeeded && !u.CheckOnly {
				out.User = newUser(u, out.Reference, out.timezone)
			}
		},
	})
}

// CheckUser finds what an account's vendor is known not to take of a new user.
func (s *Service) CheckUser(name string, u provider.NewUser) []provider.Fault {
	a, err := s.gateway.Account(name)
	if err != nil {
		return nil
	}
	if checker, ok := a.Adapter.(provider.UserChecker); ok {
		return checker.CheckUser(u)
	}
	return nil
}

// CheckRefill finds what an account's vendor is known not to take of a refill.
func (s *Service) CheckRefill(name string, r provider.RefillRequest) []provider.Fault {
	a, err := s.gateway.Account(name)
	if err != nil {
		return nil
	}
	if checker, ok := a.Adapter.(provider.RefillChecker); ok {
		return checker.CheckRefill(r)
	}
	return nil
}

// Refill asks an account's vendor for a top-up invoice, or replays what was
// answered under the same key.
func (s *Service) Refill(ctx context.Context, o Order, r provider.RefillRequest) (Operation, error) {
	a, refiller, err := writer[provider.Refiller](s, o.Account, provider.OpRefill)
	if err != nil {
		return Operation{}, err
	}
	op, err := s.newOperation(a, o, KindRefill, r, r)
	if err != nil {
		return Operation{}, err
	}
	if _, ok := a.Adapter.(provider.InvoiceFinder); ok {
		op.GiveUpAt = op.GiveUpAt.Add(unpaidTimeout)
	}
	op.Amount, op.Currency = r.Amount.Amount.String(), string(r.Amount.Currency)
	return s.do(ctx, a, work{
		op:    op,
		since: op.CreatedAt.Add(-spendingDay),
		allow: func(spent []store.Spent) error { return a.Spending.allow(r.Amount, spent) },
		send: func(ctx context.Context) (sent, error) {
			if err := s.keepUnpaid(ctx, a, op.ID); err != nil {
				return sent{notBegun: true}, err
			}
			invoice, err := refiller.Refill(ctx, r)
			if err != nil {
				return sent{}, err
			}
			invoice.ID = reference(invoice.ID)
			answer := sent{reference: invoice.ID, result: invoice}
			if invoice.Unsure {
				answer.unsure = "the vendor does not know whether the payment system got the invoice: look it up before asking again"
			}
			return answer, nil
		},
		complete: func(*Operation) {},
	})
}

// reference is a vendor's number of what it made, as it is kept and compared:
// PostgreSQL has no text with a NUL, and a success must not fail to be recorded
// for one.
func reference(id string) string { return plain.Line(id) }

// Writable tells why an account can't be asked for a write: *NotFoundError, or
// *provider.Error of kind unsupported_operation. It is nil where it can.
func (s *Service) Writable(name string, op provider.Operation) error {
	a, err := s.gateway.Account(name)
	if err != nil {
		return err
	}
	if caps := a.Adapter.Capabilities(); !caps.Callable(op) {
		return caps.Refusal(a.Provider, op)
	}
	return nil
}

// writer finds the account's adapter for a write.
func writer[W any](s *Service, name string, op provider.Operation) (*Account, W, error) {
	var none W
	a, err := s.gateway.Account(name)
	if err != nil {
		return nil, none, err
	}
	w, ok := a.Adapter.(W)
	if caps := a.Adapter.Capabilities(); !ok || !caps.Callable(op) {
		return nil, none, caps.Refusal(a.Provider, op)
	}
	return a, w, nil
}

// operationIDs are the characters that operations' ids are made of.
const operationIDs = "abcdefghijklmnopqrstuvwxyz234567"

// newOperation makes the record of a write. payload is all that was asked for
// and goes into the fingerprint alone; kept is what may be stored.
func (s *Service) newOperation(a *Account, o Order, kind Kind, payload, kept any) (store.Operation, error) {
	whole, err := json.Marshal(payload)
	if err != nil {
		return store.Operation{}, err
	}
	request, err := json.Marshal(kept)
	if err != nil {
		return store.Operation{}, err
	}
	now := s.now()
	return store.Operation{
		ID: strings.ToLower(rand.Text()), Account: a.Name, Kind: string(kind), Caller: o.Caller, Key: o.Key,
		Fingerprint: a.Fingerprint(string(kind), whole), Request: request, CreatedAt: now, Holder: s.gateway.Replica,
		GiveUpAt: now.Add(durable.Timeout + s.gateway.CallTimeout + giveUpMargin),
	}, nil
}

// userRecord is what is kept of a creation: whose account it is, and which
// fields were given, but neither secrets nor personal data.
func userRecord(u provider.NewUser) map[string]any {
	given := map[string]string{
		"password": u.Password, "email": u.Email, "first_name": u.FirstName, "middle_name": u.MiddleName, "last_name": u.LastName,
		"phone": u.Phone, "company": u.Company, "country": u.Country, "language": u.Language, "timezone": u.Timezone,
	}
	maps.DeleteFunc(given, func(_, value string) bool { return value == "" })
	fields := slices.Collect(maps.Keys(given))
	for name := range u.Attributes {
		fields = append(fields, "attributes."+name)
	}
	slices.Sort(fields)
	return map[string]any{"login": u.Login, "check_only": u.CheckOnly, "fields": fields}
}

// newUser is the user as it was asked for, with the vendor's id and, if the
// vendor set another one, its time zone.
func newUser(u provider.NewUser, id, timezone string) *provider.User {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	if timezone == "" {
		timezone = u.Timezone
	}
	attributes := map[string]string{}
	maps.Copy(attributes, u.Attributes)
	return &provider.User{
		ID: text(id), Login: u.Login, Email: text(u.Email), FirstName: text(u.FirstName), MiddleName: text(u.MiddleName),
		LastName: text(u.LastName), Phone: text(u.Phone), Company: text(u.Company), Country: text(u.Country),
		Language: text(u.Language), Timezone: text(timezone), Roles: []string{}, Attributes: attributes,
	}
}
