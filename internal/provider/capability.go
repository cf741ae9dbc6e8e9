package provider

import "context"

// Operation is one thing that callers ask of an account.
type Operation string

// The operations. The first five are the capabilities that callers see;
// credential checks and pings are the gateway's own.
const (
	OpBalance    Operation = "balance"
	OpStatistics Operation = "statistics"
	OpUsers      Operation = "users"
	OpCreateUser Operation = "create_user"
	OpRefill     Operation = "refill"
	OpCheck      Operation = "check"
	OpPing       Operation = "ping"
)

// Operations are the capabilities that every adapter declares.
func Operations() []Operation {
	return []Operation{OpBalance, OpStatistics, OpUsers, OpCreateUser, OpRefill}
}

// Support says how far an operation works.
type Support string

// The four states of a capability.
const (
	Supported   Support = "supported"
	Unsupported Support = "unsupported" // the vendor can't do it
	NotBuilt    Support = "not_built"   // the vendor can, the adapter does not yet
	Unverified  Support = "unverified"  // built, but nobody has seen today's vendor do it
)

// Capabilities declares the support of each of Operations.
type Capabilities map[Operation]Support

// Callable tells whether an operation may be tried.
func (c Capabilities) Callable(op Operation) bool {
	return c[op] == Supported || c[op] == Unverified
}

// Refusal is the error of an operation that can't be tried at a vendor.
func (c Capabilities) Refusal(vendor string, op Operation) error {
	if c[op] == NotBuilt {
		return Errorf(KindUnsupportedOperation, "%s is not implemented for %s yet, although the vendor supports it", op, vendor)
	}
	return Errorf(KindUnsupportedOperation, "%s does not support %s", vendor, op)
}

// Cause is why a vendor is called. It travels in the context, because it
// matters only at the two ends: who asks, and the client that counts and
// budgets the call.
type Cause string

// The causes.
const (
	CauseCaller  Cause = "caller"  // somebody waits for the answer
	CauseRefresh Cause = "refresh" // a background reading
	CauseProbe   Cause = "probe"   // a check of reachability or credentials
	CauseRetry   Cause = "retry"   // a further try of any of these
)

type causeKey struct{}

// WithCause says why calls under the context are made.
func WithCause(ctx context.Context, c Cause) context.Context {
	return context.WithValue(ctx, causeKey{}, c)
}

// CauseOf gives the context's cause, CauseCaller if nobody said.
func CauseOf(ctx context.Context) Cause {
	if c, ok := ctx.Value(causeKey{}).(Cause); ok {
		return c
	}
	return CauseCaller
}
