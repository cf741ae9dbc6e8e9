package account

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"accountgateway/internal/alert"
	"accountgateway/internal/config"
	"accountgateway/internal/durable"
	"accountgateway/internal/operation"
	"accountgateway/internal/provider"
)

// Options set up a Service.
type Options struct {
	TTL             map[provider.Operation]time.Duration // how long a reading is fresh
	StaleIfError    time.Duration                        // how old a reading may be served when the vendor can't be asked
	RefreshInterval time.Duration                        // of background readings; 0: none
	HistoryFor      time.Duration                        // how long balance history is kept
	KeepUsers       bool                                 // keep readings of users in the store too, not only in memory
	LoadTimeout     time.Duration                        // the longest that one load may take, from when it has its turn among replicas
	Now             func() time.Time                     // the clock, also of the durable state; nil: time.Now
	Registry        prometheus.Registerer
	Log             zerolog.Logger
}

// Service answers for all configured accounts. It is safe for concurrent use.
type Service struct {
	*operation.Service // their writes

	options  Options
	now      func() time.Time
	durable  *durable.Store
	accounts map[string]*accountState
	names    []string         // sorted
	budgets  map[*Budget]bool // of the accounts and of the hosts that they share
	replica  string           // names this process among those that share the store

	memory *memory
	fleet  *fleetGate
	lag    refreshLag // of background readings
	tasks  *tasks
	calls  *calls
	sync   syncer
	peers  peers
	turns  turns
	skew   skew
	alerts alertBook

	exchanging sync.Mutex
	metrics    *metrics
}

// accountState is an account and how its vendor calls go.
type accountState struct {
	Account
	state     *tracker
	lockout   lockout
	backoff   backoff                // of background readings
	runway    atomic.Pointer[runway] // nil: no forecast yet
	pepper    pepper
	writes    *operation.Account
	moneyless bool // its vendor tells of no money, only of credits

	capabilities provider.Capabilities // of the adapter: they never change

	saidUnwatched bool // the log has it; alertBook.mu is held

	// writtenAt is when the last write to the vendor ended, by any replica.
	// Readings from before it may be wrong and are asked anew.
	writtenAt atomic.Pointer[write]
}

// New makes a service of accounts with distinct names. It has d to itself, and
// gives it its clock.
func New(accounts []Account, d *durable.Store, o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now //nolint:forbidigo // the default
	}
	d.UseClock(o.Now)
	s := &Service{
		options: o, now: o.Now, durable: d, accounts: make(map[string]*accountState, len(accounts)), replica: newReplicaName(),
		budgets: map[*Budget]bool{}, memory: newMemory(), fleet: newFleetGate(), tasks: newTasks(),
		alerts: alertBook{open: map[string][]alert.Alert{}, alone: map[alertKey]time.Time{}, lowFrom: map[*accountState]time.Time{}},
	}
	s.calls = newCalls(s.tasks)
	s.turns = turns{replica: s.replica, durable: d, longest: o.LoadTimeout}
	for _, a := range accounts {
		w := &accountState{Account: a, state: newTracker(s.label(), o.RefreshInterval), pepper: newPepper(a.Name, a.Secrets), capabilities: a.Adapter.Capabilities()}
		w.lockout = lockout{account: a.Name, durable: d, now: s.now, credentials: func() []byte {
			return w.fingerprint("credentials", []byte(a.Host+"\x00"+a.Login))
		}}
		w.writes = s.newWrites(w)
		w.moneyless = w.capabilities[provider.OpBalance] == provider.Unsupported
		s.accounts[a.Name] = w
		s.names = append(s.names, a.Name)
		s.fleet.add(a.Host)
		if a.Budget != nil {
			for _, b := range a.Budget.all() {
				s.budgets[b] = true
			}
		}
	}
	slices.Sort(s.names)
	s.Service = s.newOperations()
	s.metrics = newMetrics(s, o.Registry)
	return s
}

// List describes every account, by name.
func (s *Service) List() []Info {
	infos := make([]Info, 0, len(s.names))
	for _, name := range s.names {
		infos = append(infos, s.info(s.accounts[name]))
	}
	return infos
}

// Info describes one account. Its error is *NotFoundError.
func (s *Service) Info(name string) (Info, error) {
	a, err := s.find(name)
	if err != nil {
		return Info{}, err
	}
	return s.info(a), nil
}

// Check makes one real call with an account's credentials, whatever the vendor
// said before. TellLockouts tells others how it ended.
func (s *Service) Check(ctx context.Context, name string) error {
	a, err := s.find(name)
	if err != nil {
		return err
	}
	err = a.Adapter.CheckCredentials(provider.WithCause(ctx, provider.CauseProbe))
	a.lockout.ended(ctx, claim{}, err)
	if s.observe(a, err) {
		s.persist(ctx, a, nil, true)
	}
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
func (s *Service) Balance(ctx context.Context, name string, q provider.BalanceQuery, b Bound) (Reading[provider.Balance], error) {
	k := key{account: name, op: provider.OpBalance}
	if q.Currency != "" {
		k.query = "currency=" + string(q.Currency)
	}
	return read[provider.Balance](ctx, s, k, b, q, provider.BalanceReader.ReadBalance)
}

// Statistics reads an account's counters.
func (s *Service) Statistics(ctx context.Context, name string, q provider.StatisticsQuery, b Bound) (Reading[provider.Statistics], error) {
	k := key{account: name, op: provider.OpStatistics}
	if q != (provider.StatisticsQuery{}) {
		k.query = "date_from=" + string(q.From) + "&date_till=" + string(q.Till)
	}
	return read[provider.Statistics](ctx, s, k, b, q, provider.StatisticsReader.ReadStatistics)
}

// Users reads the users that an account's credentials can see.
func (s *Service) Users(ctx context.Context, name string, q provider.UserQuery, b Bound) (Reading[provider.Users], error) {
	k := key{account: name, op: provider.OpUsers}
	if q.Login != "" {
		k.query = "login=" + q.Login
	}
	return read[provider.Users](ctx, s, k, b, q, provider.UserReader.ReadUsers)
}

func (s *Service) find(name string) (*accountState, error) {
	a, ok := s.accounts[name]
	if !ok {
		return nil, &NotFoundError{Name: name}
	}
	return a, nil
}

func (s *Service) info(a *accountState) Info {
	info := Info{
		Name: a.Name, Provider: a.Provider,
		Capabilities: a.capabilities, State: a.state.current(), Alerts: s.alertsOf(a.Name),
	}
	info.Remedy = alert.Remedy(troubleOf(info.State.State), a.Name, a.Credentials)
	unwatched := ""
	if e := s.memory.get(key{account: a.Name, op: provider.OpBalance}); e != nil {
		if balance, ok := e.value.(*provider.Balance); ok {
			info.Billing = balance.Billing
			if a.Limits.Unwatched(balance) {
				unwatched = fmt.Sprintf("; %s_BALANCE_LOW is in %s, in which the account has no balance: a low one goes unnoticed",
					config.Prefix(a.Name), a.Limits.BalanceLow.Currency)
			}
		}
	}
	if a.Circuit != nil {
		if open, wait := a.Circuit(); open {
			info.State.Detail += fmt.Sprintf("; not called for another %d s because calls kept failing", int(wait.Seconds())+1)
		}
	}
	info.State.Detail += unwatched
	return info
}

// observe takes note of how a vendor call ended, and tells whether the
// account's state or its detail changed. A new state is logged, once.
func (s *Service) observe(a *accountState, err error) (changed bool) {
	before := a.state.current()
	changed = a.state.observe(err, s.stamp())
	after := a.state.current()
	if after.State == StateOK {
		a.backoff.succeeded()
	}
	if before.State == after.State {
		return changed
	}
	level := zerolog.WarnLevel
	if after.State == StateOK {
		level = zerolog.InfoLevel
	}
	s.options.Log.WithLevel(level).Str("account", a.Name).Str("provider", a.Provider).Str("state", after.State).Str("before", before.State).
		Str("detail", after.Detail).Msg("account state changed")
	return changed
}
