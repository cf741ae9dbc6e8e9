package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"accountgateway/internal/account"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// ListOperations answers GET /accounts/{account}/operations.
func (s *server) ListOperations(ctx context.Context, r ListOperationsRequestObject) (ListOperationsResponseObject, error) {
	var bad invalidParameters
	limit := defaultLimit
	if r.Params.Limit != nil {
		if limit = int(*r.Params.Limit); limit < 1 || limit > maxLimit {
			bad = append(bad, FieldError{Field: "limit", Message: wantLimit})
		}
	}
	var before *store.OperationCursor
	if r.Params.Cursor != nil {
		at, ok := parsePlace(*r.Params.Cursor)
		if !ok {
			bad = append(bad, FieldError{Field: "cursor", Message: "want the next_cursor of an earlier page"})
		}
		before = &at
	}
	if len(bad) > 0 {
		return nil, bad
	}
	list, more, err := s.Accounts.Operations(ctx, r.Account, limit, before)
	if err != nil {
		return nil, err
	}
	body := Operations{Operations: make([]Operation, 0, len(list))}
	for _, op := range list {
		one, err := operationBody(op)
		if err != nil {
			return nil, err
		}
		body.Operations = append(body.Operations, one)
	}
	if last := len(list) - 1; more {
		body.NextCursor = new(formatPlace(store.OperationCursor{CreatedAt: list[last].CreatedAt, ID: list[last].ID}))
	}
	return encode(http.StatusOK, body)
}

// GetOperation answers GET /accounts/{account}/operations/{id}.
func (s *server) GetOperation(ctx context.Context, r GetOperationRequestObject) (GetOperationResponseObject, error) {
	op, err := s.Accounts.Operation(ctx, r.Account, r.ID)
	if err != nil {
		return nil, err
	}
	noteOf(ctx).operation = op.ID
	body, err := operationBody(op)
	if err != nil {
		return nil, err
	}
	return encode(http.StatusOK, body)
}

func operationBody(op account.Operation) (Operation, error) {
	body := Operation{
		ID: op.ID, Account: op.Account, Provider: op.Provider, Kind: OperationKind(op.Kind), State: OperationState(op.State),
		Caller: op.Caller, CreatedAt: Time{op.CreatedAt}, SettledAt: optionalTime(op.SettledAt), Reference: present(op.Reference),
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

// placeMark tells a place in a list of operations from other base64 text.
const placeMark = "operation:"

// formatPlace makes the cursor of the page after an operation.
func formatPlace(at store.OperationCursor) string {
	return cursorEncoding.EncodeToString([]byte(placeMark + strconv.FormatInt(at.CreatedAt.UnixMicro(), 10) + ":" + at.ID))
}

// parsePlace gives back what formatPlace was given.
func parsePlace(text string) (store.OperationCursor, bool) {
	raw, err := cursorEncoding.DecodeString(text)
	if err != nil {
		return store.OperationCursor{}, false
	}
	place, marked := strings.CutPrefix(string(raw), placeMark)
	micros, id, whole := strings.Cut(place, ":")
	n, err := strconv.ParseInt(micros, 10, 64)
	at := store.OperationCursor{CreatedAt: time.UnixMicro(n), ID: id}
	return at, marked && whole && err == nil && wellFormedID(id) && formatPlace(at) == text // it has one form
}
