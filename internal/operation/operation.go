package operation

import (
	"encoding/json"
	"errors"
	"time"

	"accountgateway/internal/provider"
	"accountgateway/internal/store"
)

// Kind is what an operation does.
type Kind string

// The kinds.
const (
	KindCreateUser Kind = "create_user"
	KindRefill     Kind = "refill"
)

// Order is who asks for a write, and under which key.
type Order struct {
	Account string
	Caller  string // whose keys they are
	Key     string // Idempotency-Key
}

// Operation is a write that was asked for, and how it ended.
type Operation struct {
	ID           string
	Account      string
	Provider     string
	Kind         Kind
	State        store.OperationState
	Caller       string
	Key          string // the caller's Idempotency-Key
	CreatedAt    time.Time
	SettledAt    *time.Time      // nil while it is not known how it ended
	UnknownSince *time.Time      // nil unless its outcome is unknown
	Reference    string          // the vendor's: a user's id, an invoice's number; "" if there is none
	CheckOnly    bool            // a dry run
	Request      json.RawMessage // what was asked for, without secrets and personal data
	Invoice      *provider.Invoice
	Problem      *provider.Failure // nil unless failed or unknown
	SettledBy    string            // who settled an unknown one: an operator, or "lookup"; "" for the vendor's own answer
	Reason       string            // why, in their words
	// Candidates are the unpaid invoices that a refill may have made while
	// its outcome is unknown. Nil for none.
	Candidates []Candidate
	Replayed   bool // this is the answer to an earlier request under the same key
	Recorded   bool // false: the database has not taken the end yet, and a crash would lose it
	KeyFree    bool // it failed before it was sent, and its key can be used again

	// User and APIKey are of a creation's answer and never stored: User is
	// made anew from the payload, APIKey is only in the first answer.
	User   *provider.User
	APIKey string

	// Warnings are the vendor's, for people. APIKeyShown tells that the vendor
	// gave the new user an API key.
	Warnings    []string
	APIKeyShown bool
	timezone    string // as in creation
}

// WriteError says why a write, of which there is an operation, has no result.
type WriteError struct {
	Operation Operation
	// Why is ErrInProgress, ErrOutcomeUnknown, ErrKeyReused, or of a write that
	// surely changed nothing the *provider.Error that it failed with.
	Why error
}

func (e *WriteError) Error() string { return "operation " + e.Operation.ID + ": " + e.Why.Error() }
func (e *WriteError) Unwrap() error { return e.Why }

// The reasons of a WriteError beside failures.
var (
	// ErrInProgress: the operation under this key is running.
	ErrInProgress = errors.New("it is still running")
	// ErrOutcomeUnknown: the outcome of the operation under this key is unknown. It is
	// never sent again.
	ErrOutcomeUnknown = errors.New("it ended without an answer: the outcome at the vendor is unknown")
	// ErrKeyReused: the key was used with another payload.
	ErrKeyReused = errors.New("it has this key, and had another payload")
)

// vendorError is the *provider.Error that a write failed with, as it was or as it
// would be kept.
func vendorError(err error) error {
	var e *provider.Error
	if errors.As(err, &e) {
		return e
	}
	return provider.FailureOf(err).Err()
}
