package token

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"accountgateway/internal/store"
)

const (
	// followEvery is how often the keeper asks the store. A revocation is
	// known after that and the time of one query.
	followEvery = time.Second

	// writeEvery is how often the last use of a token is written that is used all
	// the time. Others' are written at the next turn of followEvery.
	writeEvery = 10 * time.Second

	// usedEvery is how exactly the last use is known. It is finer than
	// followEvery, so that a token that is used all the time is told from others.
	usedEvery = 100 * time.Millisecond

	// expiredFor is how long an expired token is told from an unknown one.
	expiredFor = 30 * 24 * time.Hour

	// storeTimeout bounds one use of the store.
	storeTimeout = 2 * time.Second
)

// The errors of Check. None says more, and none holds a piece of the token.
var (
	// ErrUnknown: there is no such token, or it is revoked, or its secret is
	// wrong, or it is no token at all.
	ErrUnknown = errors.New("unknown token")
	// ErrExpired: it was good once.
	ErrExpired = errors.New("the token has expired")
	// ErrNotLoaded: the store has not been read since the start.
	ErrNotLoaded = errors.New("tokens are not loaded yet")
)

// Keeper checks tokens. It does so from memory and follows the store, so that
// a change reaches every process within a second or two. While the store is
// away, what was read last stands. Its methods are safe for concurrent use.
type Keeper struct {
	log   zerolog.Logger
	store atomic.Pointer[store.Store]        // nil until Attach
	known atomic.Pointer[map[string]*record] // by id; nil until the store was read; never changed, only replaced

	lookups lookups

	loading sync.Mutex // one Load at a time, so that none brings back what an older one has read
	mu      sync.Mutex // of what follows
	down    bool
	unsaid  bool              // last uses could not be written
	used    map[string]*usage // by id
}

// record is one token in memory.
type record struct {
	caller   Caller
	hash     [sha256.Size]byte
	oldHash  [sha256.Size]byte // all zeros, which no text has, for none
	oldUntil time.Time
	expires  time.Time // zero: never
	usage    *usage
}

// usage is when a token was used last, in microseconds since 1970.
type usage struct {
	last    atomic.Int64
	written int64 // the last that the store knows of; under Keeper.mu
}

// nobody is compared with where there is no such token, so that a miss costs
// what a hit does.
var nobody = record{usage: new(usage)}

// NewKeeper makes a keeper that knows no token until Attach and Load.
func NewKeeper(log zerolog.Logger) *Keeper {
	return &Keeper{log: log, lookups: newLookups(), used: map[string]*usage{}}
}

// Attach begins to use an open store. The caller closes it, after Run has
// ended.
func (k *Keeper) Attach(s *store.Store) { k.store.Store(s) }

// Check finds, only from memory, who has this token. It always hashes once and
// compares twice, whatever is wrong.
func (k *Keeper) Check(text string, now time.Time) (Caller, error) {
	known := k.known.Load()
	if known == nil {
		return Caller{}, ErrNotLoaded
	}
	var padded [textLength]byte // a copy on the stack, of one length for every text
	copy(padded[:], text)
	sum := sha256.Sum256(padded[:])
	r := &nobody
	if len(text) == textLength {
		if found, ok := (*known)[text[len(Prefix):len(Prefix)+idLength]]; ok {
			r = found
		}
	}
	right := subtle.ConstantTimeCompare(sum[:], r.hash[:])
	old := subtle.ConstantTimeCompare(sum[:], r.oldHash[:])
	switch {
	case right|old == 0 || r == &nobody:
		return Caller{}, ErrUnknown
	case right == 0 && !now.Before(r.oldUntil):
		return Caller{}, ErrUnknown
	case !r.expires.IsZero() && !now.Before(r.expires):
		return Caller{}, ErrExpired
	}
	if last := r.usage.last.Load(); now.UnixMicro()-last > usedEvery.Microseconds() {
		r.usage.last.Store(now.UnixMicro())
	}
	return r.caller, nil
}

// Name is what a token is called that is good, or was until lately; "" for others.
func (k *Keeper) Name(id string) string {
	known := k.known.Load()
	if known == nil || (*known)[id] == nil {
		return ""
	}
	return (*known)[id].caller.Name
}

// Run follows the store until ctx ends; then it writes the last uses and
// returns.
func (k *Keeper) Run(ctx context.Context) {
	follow := time.NewTicker(followEvery)
	defer follow.Stop()
	for {
		select {
		case now := <-follow.C:
			if k.Load(ctx) == nil { // else it has logged it, and the next turn comes
				k.write(ctx, func(u *usage, last int64) bool {
					return last-u.written >= writeEvery.Microseconds() || now.UnixMicro()-last >= followEvery.Microseconds()
				})
			}
		case <-ctx.Done():
			k.write(context.WithoutCancel(ctx), func(*usage, int64) bool { return true })
			return
		}
	}
}

// Load reads the tokens from the store once. It does nothing before Attach.
func (k *Keeper) Load(ctx context.Context) error {
	s := k.store.Load()
	if s == nil {
		return nil
	}
	k.loading.Lock()
	defer k.loading.Unlock()
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	rows, err := s.LiveTokens(bounded, time.Now().Add(-expiredFor))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		if !k.down {
			k.log.Error().Err(err).Msg("can't read the tokens: using those read last")
		}
		k.down = true
		return err
	}
	if k.down {
		k.log.Info().Msg("tokens can be read again")
	}
	k.down = false
	k.lookups.off.Store(false)
	known := make(map[string]*record, len(rows))
	for _, row := range rows {
		known[row.ID] = k.record(row)
	}
	k.known.Store(&known)
	return nil
}

func (k *Keeper) record(row store.Token) *record {
	r := &record{
		caller:   Caller{ID: row.ID, Name: row.Name, Scopes: make([]Scope, len(row.Scopes)), Accounts: row.Accounts},
		oldUntil: row.OldUntil, expires: row.ExpiresAt, usage: k.used[row.ID],
	}
	for i, scope := range row.Scopes {
		r.caller.Scopes[i] = Scope(scope)
	}
	copy(r.hash[:], row.Hash)
	copy(r.oldHash[:], row.OldHash)
	if r.usage == nil {
		r.usage = new(usage)
		k.used[row.ID] = r.usage
	}
	return r
}

// write tells the store when tokens were used last: those whose last use is not
// written, and of which due says so.
func (k *Keeper) write(ctx context.Context, due func(u *usage, last int64) bool) {
	s := k.store.Load()
	if s == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	fresh := map[string]time.Time{}
	for id, u := range k.used {
		if last := u.last.Load(); last > u.written && due(u, last) {
			fresh[id] = time.UnixMicro(last)
		}
	}
	if len(fresh) == 0 {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err := s.TouchTokens(bounded, fresh)
	if err != nil {
		if !k.unsaid {
			k.log.Warn().Err(err).Msg("can't record when tokens were last used: retrying")
		}
		k.unsaid = true
		return
	}
	k.unsaid = false
	for id, at := range fresh {
		k.used[id].written = at.UnixMicro()
	}
}
