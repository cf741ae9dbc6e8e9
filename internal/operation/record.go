package operation

import (
	"encoding/json"
	"fmt"

	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// creation is what is kept of the vendor's answer to a new user.
type creation struct {
	Timezone    string   `json:"timezone,omitempty"` // if it is another than the one asked for
	Warnings    []string `json:"warnings,omitempty"`
	APIKeyShown bool     `json:"api_key_shown,omitempty"`
}

// operation makes what callers see of a record, or of what it will be once the
// store takes it.
func (s *Service) operation(vendor string, row store.Operation) (Operation, error) {
	waiting, ok := s.unrecorded.get(row.ID)
	if ok {
		row = waiting
	}
	op, err := Of(vendor, row)
	op.Recorded = !ok
	return op, err
}

// Of makes an operation of its record; vendor is the account's. It is not known
// here whether a running gateway has an end of it that the store has not taken.
func Of(vendor string, op store.Operation) (Operation, error) {
	out := Operation{
		ID: op.ID, Account: op.Account, Provider: vendor, Kind: Kind(op.Kind), State: op.State, Caller: op.Caller, Key: op.Key,
		CreatedAt: op.CreatedAt, Recorded: true, Reference: op.Reference, Request: op.Request, SettledBy: op.By, Reason: op.Reason, KeyFree: op.KeyFree,
	}
	if at := op.Settled(); !at.IsZero() {
		out.SettledAt = &at
	}
	if op.State == store.Unknown {
		out.UnknownSince = &op.SettledAt
	}
	var asked struct {
		CheckOnly bool `json:"check_only"`
	}
	if err := json.Unmarshal(op.Request, &asked); err != nil {
		return Operation{}, fmt.Errorf("operation %s: its request: %w", op.ID, err)
	}
	out.CheckOnly = asked.CheckOnly
	if len(op.Problem) > 0 && op.State != store.Succeeded {
		out.Problem = new(provider.Failure)
		if err := json.Unmarshal(op.Problem, out.Problem); err != nil {
			return Operation{}, fmt.Errorf("operation %s: its problem: %w", op.ID, err)
		}
	}
	if out.Kind == KindRefill && len(op.Result) > 0 {
		out.Invoice = new(provider.Invoice)
		if err := json.Unmarshal(op.Result, out.Invoice); err != nil {
			return Operation{}, fmt.Errorf("operation %s: its invoice: %w", op.ID, err)
		}
	}
	if out.Kind == KindCreateUser && len(op.Result) > 0 {
		var made creation
		if err := json.Unmarshal(op.Result, &made); err != nil {
			return Operation{}, fmt.Errorf("operation %s: what the vendor answered: %w", op.ID, err)
		}
		out.Warnings, out.APIKeyShown, out.timezone = made.Warnings, made.APIKeyShown, made.Timezone
	}
	if op.State == store.Unknown {
		candidates, err := decodeCandidates(op.Candidates)
		if err != nil {
			return Operation{}, fmt.Errorf("operation %s: its candidates: %w", op.ID, err)
		}
		out.Candidates = candidates
	}
	return out, nil
}
