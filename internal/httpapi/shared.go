package httpapi

import (
	"context"
	"time"
)

// sharedFor is how long a shared value is good for.
const sharedFor = time.Second

// shared is a value that anybody may ask for and that costs something to make.
// One asker at a time makes it, and all get it for a second from then on.
type shared[T any] struct {
	turn  chan struct{} // holds one while the value is looked at
	made  time.Time     // zero: never
	value T
}

func newShared[T any]() *shared[T] { return &shared[T]{turn: make(chan struct{}, 1)} }

// get gives the value, made by fill if it is too old. Its error is that of ctx.
func (s *shared[T]) get(ctx context.Context, fill func() T) (T, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return *new(T), ctx.Err()
	}
	defer func() { <-s.turn }()
	if s.made.IsZero() || time.Since(s.made) >= sharedFor {
		s.value = fill()
		s.made = time.Now()
	}
	return s.value, nil
}
