package account

import (
	"context"
	"slices"
	"sync"
	"time"

	"accountgateway/internal/provider"
)

// Service answers for all configured accounts. It is safe for concurrent use.
type Service struct {
	accounts map[string]*watched
	names    []string // sorted
}

// watched is an account and how its vendor calls go.
type watched struct {
	Account
	state *tracker
}

// New makes a service of accounts with distinct names.
func New(accounts []Account) *Service {
	s := &Service{accounts: make(map[string]*watched, len(accounts))}
	for _, a := range accounts {
		s.accounts[a.Name] = &watched{Account: a, state: newTracker(time.Now())}
		s.names = append(s.names, a.Name)
	}
	slices.Sort(s.names)
	return s
}

// List describes every account, by name.
func (s *Service) List() []Info {
	infos := make([]Info, 0, len(s.names))
	for _, name := range s.names {
		infos = append(infos, s.accounts[name].info())
	}
	return infos
}

// Info describes one account. Its error is *NotFoundError.
func (s *Service) Info(name string) (Info, error) {
	a, err := s.find(name)
	if err != nil {
		return Info{}, err
	}
	return a.info(), nil
}

// Check makes one real call with an account's credentials.
func (s *Service) Check(ctx context.Context, name string) error {
	a, err := s.find(name)
	if err != nil {
		return err
	}
	err = a.Adapter.CheckCredentials(provider.WithCause(ctx, provider.CauseProbe))
	a.state.observe(err, time.Now())
	return err
}

// Ping tells whether an account's vendor answers at all. known is false where
// the vendor has no such call.
func (s *Service) Ping(ctx context.Context, name string) (known bool, err error) {
	a, err := s.find(name)
	if err != nil {
		return false, err
	}
	pinger, ok := a.Adapter.(provider.Pinger)
	if !ok {
		return false, nil
	}
	return true, pinger.Ping(provider.WithCause(ctx, provider.CauseProbe))
}

// Balance reads an account's money.
func (s *Service) Balance(ctx context.Context, name string, q provider.BalanceQuery) (Reading[provider.Balance], error) {
	return read(ctx, s, name, provider.OpBalance,
		func(ctx context.Context, r provider.BalanceReader) (provider.Readings, error) {
			return r.ReadBalance(ctx, q)
		},
		func(r provider.Readings) *provider.Balance { return r.Balance })
}

// Statistics reads an account's counters.
func (s *Service) Statistics(ctx context.Context, name string, q provider.StatisticsQuery) (Reading[provider.Statistics], error) {
	return read(ctx, s, name, provider.OpStatistics,
		func(ctx context.Context, r provider.StatisticsReader) (provider.Readings, error) {
			return r.ReadStatistics(ctx, q)
		},
		func(r provider.Readings) *provider.Statistics { return r.Statistics })
}

// Users reads the users that an account's credentials can see.
func (s *Service) Users(ctx context.Context, name string, q provider.UserQuery) (Reading[provider.Users], error) {
	return read(ctx, s, name, provider.OpUsers,
		func(ctx context.Context, r provider.UserReader) (provider.Readings, error) {
			return r.ReadUsers(ctx, q)
		},
		func(r provider.Readings) *provider.Users { return r.Users })
}

// Balances asks every account for its balance at once and answers one item an
// account, by name, whatever failed.
func (s *Service) Balances(ctx context.Context) []FleetItem {
	items := make([]FleetItem, len(s.names))
	var wg sync.WaitGroup
	for i, name := range s.names {
		wg.Go(func() {
			balance, err := s.Balance(ctx, name, provider.BalanceQuery{})
			items[i] = FleetItem{Account: name, Provider: s.accounts[name].Provider, Balance: balance, Err: err}
		})
	}
	wg.Wait()
	return items
}

// read asks the vendor: R is the adapter's interface for the operation, T what
// it answers.
func read[R, T any](
	ctx context.Context, s *Service, name string, op provider.Operation,
	ask func(context.Context, R) (provider.Readings, error), pick func(provider.Readings) *T,
) (Reading[T], error) {
	a, err := s.find(name)
	if err != nil {
		return Reading[T]{}, err
	}
	reader, ok := a.Adapter.(R)
	if support := a.Adapter.Capabilities()[op]; !ok || !a.Adapter.Capabilities().Callable(op) {
		return Reading[T]{}, unsupported(a.Provider, op, support)
	}
	readings, err := ask(ctx, reader)
	now := time.Now()
	a.state.observe(err, now)
	if err != nil {
		return Reading[T]{}, err
	}
	return Reading[T]{Account: a.Name, Provider: a.Provider, AsOf: now, Value: *pick(readings)}, nil
}

func unsupported(vendor string, op provider.Operation, support provider.Support) error {
	if support == provider.NotBuilt {
		return provider.Errorf(provider.KindUnsupportedOperation, "%s is not built for %s yet, though the vendor can do it", op, vendor)
	}
	return provider.Errorf(provider.KindUnsupportedOperation, "%s can't do %s", vendor, op)
}

func (s *Service) find(name string) (*watched, error) {
	a, ok := s.accounts[name]
	if !ok {
		return nil, &NotFoundError{Name: name}
	}
	return a, nil
}

func (a *watched) info() Info {
	return Info{
		Name: a.Name, Provider: a.Provider,
		Capabilities: a.Adapter.Capabilities(), State: a.state.current(),
	}
}
