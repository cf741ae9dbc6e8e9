package account

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"accountgateway/internal/alert"
	"accountgateway/internal/durable"
	"accountgateway/internal/store"
)

const (
	// alertInterval is how often alerts are looked at, and how soon a replica
	// knows what the one that keeps them has found.
	alertInterval = time.Second
	// alertLease is for how long one replica keeps the alerts of all.
	alertLease  = 5 * time.Second
	alertsLease = "alerts" // its name
	// goneAfter is how long alerts of accounts that are not configured stay
	// open: a replica that still has them may be about to end.
	goneAfter = time.Minute
	// alertChangesMost is how many changes one transaction makes at most. The
	// rest follows in the next round.
	alertChangesMost = 1000
	// alertEventsFor is how long events are kept at most.
	alertEventsFor = 30 * 24 * time.Hour
)

// alertBook is the open alerts. One replica keeps them in the store, the others
// take them from there; while the store is away each keeps its own.
type alertBook struct {
	shown atomic.Pointer[alertList] // nil: none yet

	mu      sync.Mutex                  // held during a round; for all below
	began   time.Time                   // when this process began to watch
	held    time.Time                   // when the lease was last got; zero: another replica has it
	open    map[string][]alert.Alert    // by account
	synced  bool                        // open is what the store has
	version int64                       // the store's, of open
	alone   map[alertKey]time.Time      // since when alerts are open that were found without the store
	facts   alert.Facts                 // of the account at hand
	changes []alert.Change              // of the round at hand
	lowFrom map[*accountState]time.Time // since when budgets are low
}

type alertKey struct {
	account string
	code    alert.Code
}

// alertList is the open alerts as they are shown. It never changes.
type alertList struct {
	all []alert.Alert // in alert.Compare's order
	of  map[string][]alert.Alert
}

// Alerts lists what needs a person now, of the accounts that sees names, in
// alert.Compare's order.
func (s *Service) Alerts(sees func(account string) bool) []alert.Alert {
	list := s.alerts.shown.Load()
	if list == nil {
		return nil
	}
	var found []alert.Alert
	for _, a := range list.all {
		if s.accounts[a.Account] != nil && sees(a.Account) {
			found = append(found, a)
		}
	}
	return found
}

// alertsOf are one account's alerts, in alert.Compare's order: not to be changed.
func (s *Service) alertsOf(name string) []alert.Alert {
	if list := s.alerts.shown.Load(); list != nil {
		return list.of[name]
	}
	return nil
}

// watchAlerts is one round.
func (s *Service) watchAlerts(ctx context.Context) {
	b := &s.alerts
	b.mu.Lock()
	defer b.mu.Unlock()
	err := s.pullAlerts(ctx)
	mine := false
	if err == nil {
		mine, err = s.keepsAlerts(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		b.synced = false
		b.apply(s.alertChanges())
		return
	case !mine:
		return
	}
	changes := s.alertChanges()
	if len(changes) == 0 {
		clear(b.alone)
		return
	}
	rest := len(changes) > alertChangesMost
	changes = changes[:min(len(changes), alertChangesMost)]
	next, done, err := s.saveAlerts(ctx, changes)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		b.synced = false
		b.apply(changes)
	case done: // else another replica was faster, and the next round sees what it did
		b.version = next
		if !rest {
			clear(b.alone)
		}
		b.apply(changes)
	}
}

// keepsAlerts tells whether this replica is the one that keeps the alerts.
func (s *Service) keepsAlerts(ctx context.Context) (bool, error) {
	b, now := &s.alerts, s.now()
	if !b.held.IsZero() && now.Sub(b.held) < alertLease/2 {
		return true, nil
	}
	b.held = time.Time{}
	mine, err := s.Lease(ctx, alertsLease, alertLease)
	if mine {
		b.held = now
	}
	return mine, err
}

// pullAlerts takes over what the store has, if that is news.
func (s *Service) pullAlerts(ctx context.Context) error {
	b := &s.alerts
	if b.synced {
		version, err := durable.Get(ctx, s.durable.Use, func(ctx context.Context, st *store.Store) (int64, error) { return st.AlertsVersion(ctx) })
		if err != nil || version == b.version {
			return err
		}
	}
	var version int64
	rows, err := durable.Get(ctx, s.durable.Use, func(ctx context.Context, st *store.Store) (rows []store.Alert, err error) {
		rows, version, err = st.Alerts(ctx)
		return rows, err
	})
	if err != nil {
		return err
	}
	open := make(map[string][]alert.Alert, len(rows))
	for _, row := range rows {
		a, err := decodeAlert(row)
		if err != nil {
			s.options.Log.Error().Err(err).Str("account", row.Account).Str("code", row.Code).Msg("an alert in the database is not understood, and not used")
			continue
		}
		open[a.Account] = append(open[a.Account], a)
	}
	if !b.synced {
		for _, own := range b.open {
			for _, a := range own {
				b.alone[alertKey{a.Account, a.Code}] = a.Since
			}
		}
	}
	b.open, b.version, b.synced = open, version, true
	b.show()
	return nil
}

func decodeAlert(row store.Alert) (a alert.Alert, err error) {
	if err := json.Unmarshal(row.Body, &a); err != nil {
		return a, err
	}
	if a.Account != row.Account || string(a.Code) != row.Code {
		return a, fmt.Errorf("it is of %q, %q", a.Account, a.Code)
	}
	return a, nil
}

// OpenAlerts lists the open alerts of all accounts that a store has, in
// alert.Compare's order, and tells whether a gateway keeps them now.
func OpenAlerts(ctx context.Context, st *store.Store) (open []alert.Alert, kept bool, err error) {
	rows, _, err := st.Alerts(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, row := range rows {
		a, err := decodeAlert(row)
		if err != nil {
			return nil, false, fmt.Errorf("alert %s of %s: %w", row.Code, row.Account, err)
		}
		open = append(open, a)
	}
	slices.SortFunc(open, alert.Compare)
	kept, err = st.LeaseHeld(ctx, alertsLease)
	return open, kept, err
}

// saveAlerts tells the store of changes; done is false if it has others by now.
func (s *Service) saveAlerts(ctx context.Context, changes []alert.Change) (next int64, done bool, err error) {
	rows := make([]store.AlertChange, 0, len(changes))
	for _, c := range changes {
		body, err := json.Marshal(c.Alert)
		if err != nil {
			return 0, false, err
		}
		rows = append(rows, store.AlertChange{Account: c.Alert.Account, Code: string(c.Alert.Code), Body: body, Closed: c.Kind == alert.Closed, Kind: string(c.Kind)})
	}
	next, err = durable.Get(ctx, s.durable.Use, func(ctx context.Context, st *store.Store) (next int64, err error) {
		next, done, err = st.ChangeAlerts(ctx, s.alerts.version, rows)
		return next, err
	})
	return next, done, err
}

// alertChanges evaluates every account. What it returns is good until it is
// called again.
func (s *Service) alertChanges() []alert.Change {
	b := &s.alerts
	b.changes = b.changes[:0]
	now := s.stamp()
	if b.began.IsZero() {
		b.began = now.at
	}
	watched := now.at.Sub(b.began)
	unknown := s.Unknown()
	for _, name := range s.names {
		a := s.accounts[name]
		s.gather(a, &b.facts, now, unknown)
		b.facts.Watched = watched
		s.sayUnwatched(a, b.facts.Balance.Value)
		b.changes = alert.Evaluate(&b.facts, b.open[name], b.changes)
	}
	if watched >= goneAfter {
		for name, open := range b.open {
			if s.accounts[name] != nil {
				continue
			}
			for _, a := range open {
				b.changes = append(b.changes, alert.Gone(a))
			}
		}
	}
	for i := range b.changes {
		c := &b.changes[i]
		if since, ok := b.alone[alertKey{c.Alert.Account, c.Alert.Code}]; ok && c.Kind == alert.Opened {
			c.Alert.Since = since
		}
		c.Alert.Since = c.Alert.Since.UTC().Truncate(time.Microsecond)
	}
	return b.changes
}

// apply makes changes of what is open.
func (b *alertBook) apply(changes []alert.Change) {
	if len(changes) == 0 {
		return
	}
	for _, c := range changes {
		open := b.open[c.Alert.Account]
		i := slices.IndexFunc(open, func(a alert.Alert) bool { return a.Code == c.Alert.Code })
		switch {
		case c.Kind == alert.Closed && i >= 0:
			open = slices.Delete(open, i, i+1)
		case c.Kind == alert.Closed:
		case i >= 0:
			open[i] = c.Alert
		default:
			open = append(open, c.Alert)
		}
		if b.open[c.Alert.Account] = open; len(open) == 0 {
			delete(b.open, c.Alert.Account)
		}
	}
	b.show()
}

func (b *alertBook) show() {
	list := &alertList{of: make(map[string][]alert.Alert, len(b.open))}
	for _, open := range b.open {
		list.all = append(list.all, open...)
	}
	slices.SortFunc(list.all, alert.Compare)
	for _, a := range list.all {
		list.of[a.Account] = append(list.of[a.Account], a)
	}
	b.shown.Store(list)
}
