package account

import (
	"errors"
	"sync/atomic"
	"time"

	"accountgateway/internal/provider"
)

// holdTime is how long an account is left alone after its vendor refused the
// credentials or the access: asking again changes nothing before somebody
// mends them, and REG.RU is said to block an address for an hour after ten
// identical refused calls (regru.md 2.4).
const holdTime = 10 * time.Minute

// hold keeps callers from repeating a call that was refused for reasons that
// only people can mend.
type hold struct{ last atomic.Pointer[refusal] }

type refusal struct {
	at  time.Time
	err error
}

func (h *hold) observe(err error, now time.Time) {
	switch kind := provider.KindOf(err); {
	case kind == provider.KindCredentials || kind == provider.KindAccess:
		h.last.Store(&refusal{at: now, err: err})
	case err == nil:
		h.last.Store(nil)
	}
}

// err is the refusal that still holds; nil if there is none, or if the caller
// wants the vendor asked anyway.
func (h *hold) err(anyway bool, now time.Time) error {
	last := h.last.Load()
	if last == nil || anyway {
		return nil
	}
	left := holdTime - now.Sub(last.at)
	if left <= 0 {
		return nil
	}
	var refused *provider.Error
	if !errors.As(last.err, &refused) {
		return last.err
	}
	again := *refused
	again.RetryAfter, again.NotSent, again.Err = left, true, nil
	return &again
}
