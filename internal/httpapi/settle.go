package httpapi

import (
	"context"
	"io"
	"net/http"

	"accountgateway/internal/httpapi/middleware"
	"accountgateway/internal/operation"
	"accountgateway/internal/store"
)

// settleOperation answers POST /accounts/{account}/operations/{id}/settlement.
func (s *server) settleOperation(ctx context.Context, r *http.Request) (reply, error) {
	name := pathParam(r, "account")
	if _, err := s.Accounts.Info(name); err != nil {
		return reply{}, err
	}
	if err := checkMediaType(r.Header); err != nil {
		return reply{}, err
	}
	key, err := idempotencyKey(r.Header)
	if err != nil {
		return reply{}, err
	}
	verdict, err := newVerdict(r.Body, operation.Verdict{By: middleware.CallerName(middleware.Of(ctx).Caller), Key: key})
	if err != nil {
		return reply{}, err
	}
	op, err := s.Accounts.Settle(ctx, name, pathParam(r, "id"), verdict)
	if err != nil {
		return reply{}, err
	}
	middleware.Of(ctx).Operation = op.ID
	body, err := operationBody(op)
	if err != nil {
		return reply{}, err
	}
	a, err := encode(http.StatusCreated, body)
	a.location, a.replayed = locationOf(op), op.Replayed
	return a, err
}

// newVerdict completes a verdict with what a body says of the outcome.
func newVerdict(body io.Reader, v operation.Verdict) (operation.Verdict, error) {
	f, err := readForm(body, "state", "reason", "reference")
	if err != nil {
		return operation.Verdict{}, err
	}
	v.State = store.OperationState(f.text("state", maxText))
	v.Reason, v.Reference = f.text("reason", operation.MaxReason), f.text("reference", maxText)
	for _, fault := range v.Faults() {
		f.refuse(fault.Field, fault.Message)
	}
	return v, f.err()
}
