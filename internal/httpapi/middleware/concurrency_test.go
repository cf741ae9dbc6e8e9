package middleware

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// TestHistoriesOfOneCaller: a third one waits, is let in once another is over,
// and is refused when that takes too long. Other callers don't notice.
func TestHistoriesOfOneCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h histories
		first, err1 := h.begin(t.Context(), "a")
		second, err2 := h.begin(t.Context(), "a")
		other, err3 := h.begin(t.Context(), "b")
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		_, err := h.begin(t.Context(), "a")
		var p *Refusal
		if !errors.As(err, &p) || p.Code != CodeTooManyRequests || p.RetryAfter == 0 {
			t.Errorf("a third one: %v", err)
		}
		let := make(chan error)
		go func() {
			end, err := h.begin(t.Context(), "a")
			if err == nil {
				defer end()
			}
			let <- err
		}()
		synctest.Wait()
		first()
		if err := <-let; err != nil {
			t.Errorf("after another was over: %v", err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		again, err := h.begin(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.begin(gone, "a"); !errors.Is(err, context.Canceled) {
			t.Errorf("whose caller has gone: %v", err)
		}
		for _, end := range []func(){second, other, again} {
			end()
		}
		synctest.Wait()
		if len(h.callers) != 0 {
			t.Errorf("%d callers are kept", len(h.callers))
		}
	})
}
