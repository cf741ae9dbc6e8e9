package operation

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"accountgateway/internal/durable"
	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// Verdict is how somebody who has looked at the vendor found that an operation
// ended whose outcome is unknown.
type Verdict struct {
	State     store.OperationState // Succeeded or Failed
	Reason    string               // how they know
	Reference string               // the vendor's number of what was made; "" if it is not known, or nothing was
	By        string               // who says so
	Key       string               // their Idempotency-Key; "" for none
}

// What texts of a Verdict may have, in characters.
const (
	MaxReason    = 1000
	maxReference = 255
)

// Faults are what is wrong with a verdict, by the names of its members in the
// API.
func (v Verdict) Faults() []provider.Fault {
	var faults []provider.Fault
	refuse := func(field, message string) { faults = append(faults, provider.Fault{Field: field, Message: message}) }
	if v.State != store.Succeeded && v.State != store.Failed {
		refuse("state", "must be succeeded or failed")
	}
	switch {
	case strings.TrimSpace(v.Reason) == "":
		refuse("reason", "required: how you know the outcome; stored with the operation")
	case !isLine(v.Reason, MaxReason):
		refuse("reason", "must have at most 1000 characters, and no control characters")
	}
	switch {
	case v.Reference != "" && v.State == store.Failed:
		refuse("reference", "only what succeeded has one")
	case !isLine(v.Reference, maxReference):
		refuse("reference", "must have at most 255 characters, and no control characters")
	}
	if strings.TrimSpace(v.By) == "" || !isLine(v.By, maxReference) {
		refuse("by", "required: who settles it; stored with the operation")
	}
	return faults
}

func isLine(text string, most int) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= most && !strings.ContainsFunc(text, unicode.IsControl)
}

// ErrNotUnknown is of an operation that is running or has ended.
var ErrNotUnknown = errors.New("only an operation whose outcome is unknown can be settled")

// Settle says how an operation of unknown outcome ended. Its key answers
// accordingly from then on. The same verdict under the same key is answered as it
// was, with Replayed. Its errors are those of Operation, and *WriteError with the
// reason ErrNotUnknown or ErrKeyReused. A verdict with Faults is refused.
func (s *Service) Settle(ctx context.Context, account, id string, v Verdict) (Operation, error) {
	op, err := s.Operation(ctx, account, id)
	if err != nil {
		return Operation{}, err
	}
	if !op.Recorded { // it has ended, and its record does not say so yet
		return op, &WriteError{Operation: op, Why: ErrNotUnknown}
	}
	var row store.Operation
	var replayed bool
	var refused error
	err = s.gateway.Store.Query(ctx, func(ctx context.Context, st *store.Store) (err error) {
		row, replayed, err = Settle(ctx, st, id, v)
		if errors.Is(err, ErrNotUnknown) || errors.Is(err, ErrKeyReused) {
			refused, err = err, nil // no fault of the store's
		}
		return err
	})
	if err != nil {
		return Operation{}, durable.Unavailable(ctx, err)
	}
	if op, err = s.operation(op.Provider, row); err != nil {
		return Operation{}, err
	}
	op.Replayed = replayed
	if refused != nil {
		return op, &WriteError{Operation: op, Why: refused}
	}
	return op, nil
}

// Settle is Service.Settle for who has only the store: of an operation that is in
// it. With ErrNotUnknown and ErrKeyReused it also gives the operation that stands in
// the way.
func Settle(ctx context.Context, st *store.Store, id string, v Verdict) (op store.Operation, replayed bool, err error) {
	if err := provider.RefuseFaults(v.Faults()); err != nil {
		return store.Operation{}, false, err
	}
	key := v.key(id)
	if op, used, err := usedFor(ctx, st, id, key); used || err != nil {
		return op, err == nil, err
	}
	op, found, err := st.Operation(ctx, id)
	switch {
	case err != nil:
		return store.Operation{}, false, err
	case !found:
		return store.Operation{}, false, &NotFoundError{ID: id}
	}
	to, err := v.settlement(op)
	if err != nil {
		return store.Operation{}, false, err
	}
	done, err := st.SettleByHand(ctx, id, to, key)
	if err != nil {
		return store.Operation{}, false, err
	}
	if !done {
		// Another request with this key may have come first.
		if op, used, err := usedFor(ctx, st, id, key); used || err != nil {
			return op, err == nil, err
		}
	}
	if op, _, err = st.Operation(ctx, id); err != nil {
		return store.Operation{}, false, err
	}
	if !done {
		return op, false, ErrNotUnknown
	}
	return op, false, nil
}

// key is what the store keeps of a verdict's key; nil without one.
func (v Verdict) key(id string) *store.SettlementKey {
	if v.Key == "" {
		return nil
	}
	whole := strings.Join([]string{id, string(v.State), v.Reason, v.Reference}, "\x00") // none of them has one
	sum := sha256.Sum256([]byte(whole))
	return &store.SettlementKey{Caller: v.By, Key: v.Key, Fingerprint: sum[:]}
}

// usedFor finds what a verdict's key was used for: this verdict, or something
// else, which is ErrKeyReused.
func usedFor(ctx context.Context, st *store.Store, id string, key *store.SettlementKey) (op store.Operation, used bool, err error) {
	if key == nil {
		return store.Operation{}, false, nil
	}
	use, used, err := st.KeyUse(ctx, key.Caller, key.Key)
	if err != nil || !used {
		return store.Operation{}, false, err
	}
	if op, _, err = st.Operation(ctx, use.Operation); err != nil {
		return store.Operation{}, false, err
	}
	if !use.Settled || use.Operation != id || string(use.Fingerprint) != string(key.Fingerprint) {
		return op, true, ErrKeyReused
	}
	return op, true, nil
}

// settlement completes a verdict with what the operation's key answers from then
// on.
func (v Verdict) settlement(op store.Operation) (store.Settlement, error) {
	to := store.Settlement{State: v.State, By: v.By, Reason: v.Reason}
	if v.State == store.Failed {
		to.Problem = (&provider.Failure{Kind: provider.KindOther, Message: "settled by hand: the vendor did not do it (" + v.Reason + ")"}).Encode()
		return to, nil
	}
	if to.Reference = v.Reference; to.Reference == "" {
		to.Reference = op.Reference
	}
	to.Result = op.Result
	if op.Amount != "" && len(op.Result) == 0 { // a refill of whose invoice only the number is known
		var err error
		if to.Result, err = json.Marshal(provider.Invoice{ID: to.Reference}); err != nil {
			return store.Settlement{}, err
		}
	}
	return to, nil
}
