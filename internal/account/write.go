package account

import (
	"context"
	"errors"

	"accountgateway/internal/operation"
)

// newOperations are the writes of the service's accounts. What they need of it
// is told here, and nowhere else.
func (s *Service) newOperations() *operation.Service {
	return operation.New(operation.Gateway{
		Store: s.durable, Replica: s.replica, CallTimeout: s.options.LoadTimeout, Log: s.options.Log,
		Account: func(name string) (*operation.Account, error) {
			a, err := s.find(name)
			if err != nil {
				return nil, err
			}
			return a.writes, nil
		},
		Gone: s.peers.gone, Await: s.peers.settle, Lease: s.Lease,
		Start: s.tasks.run, Closing: s.tasks.closing,
	})
}

// newWrites is an account as writes see it.
func (s *Service) newWrites(a *accountState) *operation.Account {
	return &operation.Account{
		Name: a.Name, Provider: a.Provider, Adapter: a.Adapter, Spending: a.Spending, Fingerprint: a.fingerprint,
		Enter: func(ctx context.Context) (operation.Call, error) { return s.enter(ctx, a) },
	}
}

// enter asks for the right to make one vendor call of a write.
func (s *Service) enter(ctx context.Context, a *accountState) (operation.Call, error) {
	leave, err := a.lockout.enter(ctx, false, false)
	if err != nil {
		return operation.Call{}, err
	}
	var wrote, stateChanged bool
	return operation.Call{
		End: func(ctx context.Context, err error) {
			leave(ctx, err)
			if !errors.Is(err, context.Canceled) {
				stateChanged = s.observe(a, err)
			}
		},
		Wrote: func() {
			a.written(write{stamp: s.stamp(), ours: true})
			wrote = true
		},
		Keep: func(ctx context.Context) {
			if wrote {
				s.persistWrite(ctx, a)
			}
			if stateChanged {
				s.persist(ctx, a, nil, true)
			}
		},
	}, nil
}
