package token_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"accountgateway/internal/store"
	"accountgateway/internal/token"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openStore(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), url, store.Options{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// keeper is one that has read the store.
func keeper(t testing.TB, s *store.Store) *token.Keeper {
	t.Helper()
	k := token.NewKeeper(zerolog.Nop())
	k.Attach(s)
	must(t, k.Load(context.Background()))
	return k
}

var billing = token.Spec{Name: "billing", Scopes: []token.Scope{token.Read, token.UsersRead}, Accounts: []string{"regru", "shop"}, Lifetime: time.Hour}

// add makes a token and keeps it.
func add(t testing.TB, s *store.Store, spec token.Spec, now time.Time) (string, store.Token) {
	t.Helper()
	text, row := token.New(spec, now)
	must(t, s.AddToken(context.Background(), row))
	return text, row
}

func TestCheck(t *testing.T) {
	s := openStore(t, "sqlite::memory:")
	now := time.Now()
	text, row := add(t, s, billing, now)
	other, _ := add(t, s, billing, now)
	revoked, revokedRow := add(t, s, billing, now)
	if ok, err := s.RevokeToken(t.Context(), revokedRow.ID, now); !ok || err != nil {
		t.Fatal(ok, err)
	}
	past, _ := add(t, s, billing, now.Add(-31*24*time.Hour))
	expired, _ := add(t, s, billing, now.Add(-2*time.Hour))
	forever, foreverRow := add(t, s, token.Spec{Name: "ops", Scopes: token.Scopes(), Accounts: []string{"*"}}, now)
	k := keeper(t, s)

	caller := token.Caller{ID: row.ID, Name: "billing", Scopes: billing.Scopes, Accounts: billing.Accounts}
	flip := func(text string, at int) string {
		b := []byte(text)
		b[at] = 'a' + (b[at]-'a'+1)%26
		return string(b)
	}
	tests := []struct {
		name string
		text string
		now  time.Time
		want token.Caller
		err  error
	}{
		{"right", text, now, caller, nil},
		{"until it expires", text, now.Add(time.Hour - time.Microsecond), caller, nil},
		{"expires between two looks at the store", text, now.Add(time.Hour), token.Caller{}, token.ErrExpired},
		{"expired", expired, now, token.Caller{}, token.ErrExpired},
		{"expired long ago", past, now, token.Caller{}, token.ErrUnknown},
		{"expired, with a wrong secret", flip(expired, 20), now, token.Caller{}, token.ErrUnknown},
		{"never expires", forever, now.AddDate(100, 0, 0), token.Caller{ID: foreverRow.ID, Name: "ops", Scopes: token.Scopes(), Accounts: []string{"*"}}, nil},
		{"revoked", revoked, now, token.Caller{}, token.ErrUnknown},
		{"another's secret", text[:14] + other[14:], now, token.Caller{}, token.ErrUnknown},
		{"first letter of the secret", flip(text, 14), now, token.Caller{}, token.ErrUnknown},
		{"last letter of the secret", flip(text, 65), now, token.Caller{}, token.ErrUnknown},
		{"unknown id", flip(text, 5), now, token.Caller{}, token.ErrUnknown},
		{"prefix", "GW" + text[2:], now, token.Caller{}, token.ErrUnknown},
		{"separator", text[:13] + "-" + text[14:], now, token.Caller{}, token.ErrUnknown},
		{"capitals", strings.ToUpper(text), now, token.Caller{}, token.ErrUnknown},
		{"too short", text[:65], now, token.Caller{}, token.ErrUnknown},
		{"too long", text + "a", now, token.Caller{}, token.ErrUnknown},
		{"a NUL behind", text + "\x00", now, token.Caller{}, token.ErrUnknown},
		{"empty", "", now, token.Caller{}, token.ErrUnknown},
		{"only the id", row.ID, now, token.Caller{}, token.ErrUnknown},
		{"the hash", string(row.Hash), now, token.Caller{}, token.ErrUnknown},
		{"NULs", strings.Repeat("\x00", 66), now, token.Caller{}, token.ErrUnknown},
		{"huge", strings.Repeat(text, 10_000), now, token.Caller{}, token.ErrUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := k.Check(tt.text, tt.now)
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("caller (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckBeforeLoad(t *testing.T) {
	k := token.NewKeeper(zerolog.Nop())
	text, _ := token.New(billing, time.Now())
	if _, err := k.Check(text, time.Now()); !errors.Is(err, token.ErrNotLoaded) {
		t.Errorf("before a store: %v", err)
	}
	must(t, k.Load(t.Context()))
	k.Attach(openStore(t, "sqlite::memory:"))
	if _, err := k.Check(text, time.Now()); !errors.Is(err, token.ErrNotLoaded) {
		t.Errorf("before it is read: %v", err)
	}
	must(t, k.Load(t.Context()))
	if _, err := k.Check(text, time.Now()); !errors.Is(err, token.ErrUnknown) {
		t.Errorf("after it was read: %v", err)
	}
}

func TestCheckRotated(t *testing.T) {
	s := openStore(t, "sqlite::memory:")
	now := time.Now()
	first, row := add(t, s, billing, now)
	rotate := func(grace time.Duration) string {
		was := row.Hash
		var text string
		text, row = token.Rotate(row, grace, now)
		if ok, err := s.RotateToken(t.Context(), row, was); !ok || err != nil {
			t.Fatal(ok, err)
		}
		return text
	}
	second := rotate(10 * time.Minute)
	k := keeper(t, s)
	check := func(name, text string, at time.Time, want error) {
		t.Helper()
		caller, err := k.Check(text, at)
		if !errors.Is(err, want) || want == nil && caller.ID != row.ID {
			t.Errorf("%s: %+v %v, want error %v", name, caller, err, want)
		}
	}
	check("the new one", second, now, nil)
	check("the old one within the grace", first, now.Add(10*time.Minute-time.Microsecond), nil)
	check("the old one after it", first, now.Add(10*time.Minute), token.ErrUnknown)
	third := rotate(0)
	must(t, k.Load(t.Context()))
	check("the newest one", third, now, nil)
	check("the one before without a grace", second, now, token.ErrUnknown)
	check("the first one, though its grace is not over", first, now, token.ErrUnknown)
}

// TestFollow has two replicas on one database: what is made or ended in
// another process reaches both within two seconds.
func TestFollow(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer cancel()
		other := openStore(t, url) // such as "gateway token" opens
		keepers := []*token.Keeper{keeper(t, openStore(t, url)), keeper(t, openStore(t, url))}
		for _, k := range keepers {
			go k.Run(ctx)
		}
		within := func(step, text string, want error) {
			t.Helper()
			time.Sleep(2 * time.Second) // of the bubble's clock
			for i, k := range keepers {
				if _, err := k.Check(text, time.Now()); !errors.Is(err, want) {
					t.Errorf("%s, replica %d: %v, want %v", step, i, err, want)
				}
			}
		}
		text, row := add(t, other, billing, time.Now())
		within("made", text, nil)
		newer, rotated := token.Rotate(row, 0, time.Now())
		if ok, err := other.RotateToken(ctx, rotated, row.Hash); !ok || err != nil {
			t.Fatal(ok, err)
		}
		within("rotated", text, token.ErrUnknown)
		within("rotated, the new one", newer, nil)
		if ok, err := other.RevokeToken(ctx, row.ID, time.Now()); !ok || err != nil {
			t.Fatal(ok, err)
		}
		within("revoked", newer, token.ErrUnknown)
	})
}

// TestLookup: a token that is made or rotated works at once, not when the store is
// looked at next. What was ended stays ended.
func TestLookup(t *testing.T) {
	s := openStore(t, "sqlite::memory:")
	now := time.Now()
	k := keeper(t, s)
	lookup := func(name, text string, want error) {
		t.Helper()
		if _, err := k.Lookup(t.Context(), text, now); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		now = now.Add(time.Second)
	}
	text, row := add(t, s, billing, now)
	lookup("with another's secret", text[:14]+strings.Repeat("a", 52), token.ErrUnknown)
	lookup("new", text, nil)
	if caller, err := k.Check(text, now); err != nil || caller.ID != row.ID {
		t.Errorf("from memory, after that: %+v %v", caller, err)
	}
	newer, rotated := token.Rotate(row, 0, now)
	if ok, err := s.RotateToken(t.Context(), rotated, row.Hash); !ok || err != nil {
		t.Fatal(ok, err)
	}
	lookup("rotated", newer, nil)
	lookup("rotated, the old one", text, token.ErrUnknown)

	revoked, row := add(t, s, billing, now)
	if ok, err := s.RevokeToken(t.Context(), row.ID, now); !ok || err != nil {
		t.Fatal(ok, err)
	}
	lookup("revoked before it was ever seen", revoked, token.ErrUnknown)
	expired, _ := add(t, s, billing, now.Add(-2*time.Hour))
	lookup("expired before it was ever seen", expired, token.ErrExpired)
	if _, err := token.NewKeeper(zerolog.Nop()).Lookup(t.Context(), text, now); !errors.Is(err, token.ErrNotLoaded) {
		t.Errorf("before the store is there: %v", err)
	}
}

// TestManyFirstRequests: whoever comes with a new token at the same moment is let in.
func TestManyFirstRequests(t *testing.T) {
	s := openStore(t, "sqlite::memory:")
	k := keeper(t, s)
	now := time.Now()
	text, _ := add(t, s, billing, now)
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if _, err := k.Lookup(t.Context(), text, now); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestGuessingCostsNoDatabase: after some guesses the store is not asked any
// more, as a token shows that it alone knows; a second later it is again.
func TestGuessingCostsNoDatabase(t *testing.T) {
	s := openStore(t, "sqlite::memory:")
	k := keeper(t, s)
	now := time.Now()
	text, _ := add(t, s, billing, now)
	for range 1000 {
		guess, _ := token.New(billing, now)
		if _, err := k.Lookup(t.Context(), guess, now); !errors.Is(err, token.ErrUnknown) {
			t.Fatal(err)
		}
	}
	if _, err := k.Lookup(t.Context(), text, now); !errors.Is(err, token.ErrUnknown) {
		t.Errorf("the store was asked once more: %v", err)
	}
	if _, err := k.Lookup(t.Context(), text, now.Add(time.Second)); err != nil {
		t.Errorf("a second later: %v", err)
	}
}

// TestLookupWhileTheStoreIsAway: it is not asked again until it is known to be
// back.
func TestLookupWhileTheStoreIsAway(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")
	away := openStore(t, url)
	k := keeper(t, away)
	must(t, away.Close())
	back := openStore(t, url)
	now := time.Now()
	text, _ := add(t, back, billing, now)
	if _, err := k.Lookup(t.Context(), text, now); !errors.Is(err, token.ErrUnknown) {
		t.Errorf("while it is away: %v", err)
	}
	k.Attach(back)
	if _, err := k.Lookup(t.Context(), text, now); !errors.Is(err, token.ErrUnknown) {
		t.Errorf("before it is known to be back: %v", err)
	}
	other, _ := add(t, back, billing, now)
	must(t, k.Load(t.Context()))
	unseen, _ := add(t, back, billing, now)
	for _, text := range []string{text, other, unseen} {
		if _, err := k.Lookup(t.Context(), text, now); err != nil {
			t.Error(err)
		}
	}
}

// TestStoreAway: what was read last stands, and the log has one line.
func TestStoreAway(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, url)
		text, _ := add(t, s, billing, time.Now())
		log := new(bytes.Buffer)
		k := token.NewKeeper(zerolog.New(log))
		k.Attach(s)
		must(t, k.Load(t.Context()))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			k.Run(ctx)
		}()
		must(t, s.Close())
		time.Sleep(10 * time.Second)
		if _, err := k.Check(text, time.Now()); err != nil {
			t.Errorf("while the store is away: %v", err)
		}
		k.Attach(openStore(t, url))
		time.Sleep(2 * time.Second)
		cancel()
		<-done
		if lines := strings.Split(strings.TrimSpace(log.String()), "\n"); len(lines) != 2 ||
			!strings.Contains(lines[0], "using those read last") || !strings.Contains(lines[1], "can be read again") {
			t.Errorf("log:\n%s", log)
		}
	})
}

// TestLastUse is in the store within two seconds where a token is used now and
// then, within ten where it is used all the time, and at the end.
func TestLastUse(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t, url)
		text, row := add(t, s, billing, time.Now())
		unused, unusedRow := add(t, s, billing, time.Now())
		k := keeper(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			k.Run(ctx)
		}()
		lastUse := func(id string) time.Time {
			row, _, err := s.Token(context.Background(), id)
			must(t, err)
			return row.LastUsedAt
		}
		use := func(text string) time.Time {
			_, _ = k.Check(text, time.Now())
			return time.Now()
		}
		time.Sleep(300 * time.Millisecond) // apart from the keeper's own turns
		for range 3 {
			at := use(text)
			use(unused[:len(unused)-1] + "!") // a wrong secret is no use
			time.Sleep(2 * time.Second)
			if got := lastUse(row.ID); !got.Equal(at) {
				t.Errorf("used at %s, and two seconds later the store says %s", at, got)
			}
		}
		var at time.Time
		written := map[time.Time]bool{}
		for range 600 {
			at = use(text)
			time.Sleep(100 * time.Millisecond)
			got := lastUse(row.ID)
			written[got] = true
			if at.Sub(got) > 12*time.Second {
				t.Fatalf("used at %s, the store says %s", at, got)
			}
		}
		if len(written) > 10 {
			t.Errorf("written %d times in a minute of use", len(written))
		}
		last := use(text)
		cancel()
		<-done
		if at := lastUse(row.ID); !at.Equal(last) && last.Sub(at) > time.Second {
			t.Errorf("after the end: %s, want %s", at, last)
		}
		if at := lastUse(unusedRow.ID); !at.IsZero() {
			t.Errorf("the other: %s", at)
		}
	})
}

// FuzzCheck: no text but the right one is let in, and none does harm.
func FuzzCheck(f *testing.F) {
	s := openStore(f, "sqlite::memory:")
	text, _ := add(f, s, billing, time.Now())
	k := keeper(f, s)
	for _, seed := range []string{"", text, text[:20], text + text, "gw__", strings.Repeat("_", 66), "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, try string) {
		if _, err := k.Check(try, time.Now()); (err == nil) != (try == text) {
			t.Errorf("%q: %v", try, err)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	s := openStore(b, "sqlite::memory:")
	now := time.Now()
	text, _ := add(b, s, billing, now)
	for range 100 {
		add(b, s, billing, now)
	}
	k := keeper(b, s)
	unknown, _ := token.New(billing, now)
	for name, text := range map[string]string{"right": text, "wrong secret": text[:14] + unknown[14:], "unknown id": unknown, "malformed": "x"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = k.Check(text, now)
			}
		})
	}
}
