package durable

import (
	"context"
	"errors"

	"accountgateway/internal/store"
)

// UnavailableError says that an answer needs the store, and that is away.
type UnavailableError struct {
	Err  error
	Slow bool // it is there, but did not do this in time or has no room
}

func (e *UnavailableError) Error() string {
	return "the gateway's database is unavailable: " + e.Err.Error()
}
func (e *UnavailableError) Unwrap() error { return e.Err }

// Unavailable makes an *UnavailableError of an error of the store, unless that is
// about the question or about who asks.
func Unavailable(ctx context.Context, err error) error {
	var tooMany *store.TooManyPointsError
	if ctx.Err() != nil || errors.As(err, &tooMany) {
		return err
	}
	return &UnavailableError{Err: err, Slow: store.TroubleOf(err) == store.Busy}
}
