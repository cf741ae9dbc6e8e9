package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/operation"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// listOperations answers GET /accounts/{account}/operations.
func (s *server) listOperations(ctx context.Context, r *http.Request) (reply, error) {
	params := readParams(r)
	filter := params.operations()
	if err := params.err(); err != nil {
		return reply{}, err
	}
	return s.operations(ctx, []string{pathParam(r, "account")}, filter)
}

// listAllOperations answers GET /operations: of the caller's accounts.
func (s *server) listAllOperations(ctx context.Context, r *http.Request) (reply, error) {
	params := readParams(r)
	filter := params.operations()
	state, given := params.text("state")
	if filter.State = store.OperationState(state); given && !OperationState(state).Valid() {
		params.refuse("state", "must be one of started, succeeded, failed, unknown")
	}
	if filter.Kind, given = params.text("kind"); given && !OperationKind(filter.Kind).Valid() {
		params.refuse("kind", "must be one of create_user, refill")
	}
	if err := params.err(); err != nil {
		return reply{}, err
	}
	var names []string
	for _, info := range s.Accounts.List() {
		if middleware.Of(ctx).Caller.Sees(info.Name) {
			names = append(names, info.Name)
		}
	}
	return s.operations(ctx, names, filter)
}

// operations are the page that the parameters limit and cursor ask for.
func (p *params) operations() store.OperationFilter {
	filter := store.OperationFilter{Limit: p.limit()}
	if text, given := p.text("cursor"); given {
		at, ok := parsePlace(text)
		if !ok {
			p.refuse("cursor", wantCursor)
		}
		filter.Before = &at
	}
	return filter
}

func (s *server) operations(ctx context.Context, names []string, filter store.OperationFilter) (reply, error) {
	list, more, err := s.Accounts.OperationsOf(ctx, names, filter)
	if err != nil {
		return reply{}, err
	}
	body, err := OperationsBody(list)
	if err != nil {
		return reply{}, err
	}
	if last := len(list) - 1; more {
		body.NextCursor = new(formatPlace(store.OperationCursor{CreatedAt: list[last].CreatedAt, ID: list[last].ID}))
	}
	return encode(http.StatusOK, body)
}

// getOperation answers GET /accounts/{account}/operations/{id}.
func (s *server) getOperation(ctx context.Context, r *http.Request) (reply, error) {
	op, err := s.Accounts.Operation(ctx, pathParam(r, "account"), pathParam(r, "id"))
	if err != nil {
		return reply{}, err
	}
	middleware.Of(ctx).Operation = op.ID
	body, err := operationBody(op)
	if err != nil {
		return reply{}, err
	}
	return encode(http.StatusOK, body)
}

// OperationsBody is what GET /operations answers on its last page. It is also
// for the command that shows the same.
func OperationsBody(list []operation.Operation) (Operations, error) {
	body := Operations{Operations: make([]Operation, 0, len(list))}
	for _, op := range list {
		one, err := operationBody(op)
		if err != nil {
			return Operations{}, err
		}
		body.Operations = append(body.Operations, one)
	}
	return body, nil
}

func operationBody(op operation.Operation) (Operation, error) {
	body := Operation{
		ID: op.ID, Account: op.Account, Provider: op.Provider, Kind: OperationKind(op.Kind), State: OperationState(op.State),
		Caller: op.Caller, IdempotencyKey: op.Key, CreatedAt: Time{op.CreatedAt}, SettledAt: optionalTime(op.SettledAt), Reference: present(op.Reference),
		CheckOnly: op.CheckOnly, Recorded: op.Recorded, Invoice: invoiceBody(op.Invoice), SettledBy: present(op.SettledBy), Reason: present(op.Reason), APIKeyShown: op.APIKeyShown,
		Candidates: make([]Candidate, 0, len(op.Candidates)),
	}
	if err := json.Unmarshal(op.Request, &body.Request); err != nil {
		return Operation{}, fmt.Errorf("operation %s: its request: %w", op.ID, err)
	}
	for _, c := range op.Candidates {
		body.Candidates = append(body.Candidates, Candidate{ID: c.ID, Payment: optionalMoney(c.Payment), Date: string(c.Date)})
	}
	if op.Problem != nil {
		p, _ := describe(op.Problem.Err())
		p.Account, p.Provider = &op.Account, &op.Provider
		body.Problem = &p
	}
	return body, nil
}

func invoiceBody(v *provider.Invoice) *Invoice {
	if v == nil {
		return nil
	}
	return &Invoice{
		ID: present(v.ID), Payment: optionalMoney(v.Payment), TotalPayment: optionalMoney(v.TotalPayment),
		Reference: present(v.Reference), Note: present(v.Note),
	}
}

// present is a text, or nil for none.
func present(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
