package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"accountgateway/internal/store"
)

// aToken is a token made at the epoch that never expires.
func aToken(id string) store.Token {
	return store.Token{
		ID: id, Name: "name of " + id, Hash: []byte("hash " + id), Scopes: []string{"read", "users:read"}, Accounts: []string{"regru", "shop"},
		CreatedAt: epoch, IssuedAt: epoch,
	}
}

func wantTokens(t *testing.T, what string, got []store.Token, err error, want ...store.Token) {
	t.Helper()
	must(t, err)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestTokens(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		ctx := t.Context()
		at := func(d time.Duration) time.Time { return epoch.Add(d) }
		got, err := s.Tokens(ctx)
		wantTokens(t, "none", got, err)

		all := store.Token{
			ID: "all", Name: "every member", Hash: []byte{0, 1, 255}, OldHash: []byte("old"), OldUntil: at(1 * time.Hour), Scopes: []string{"read"}, Accounts: []string{"*"},
			CreatedAt: at(-time.Hour), IssuedAt: at(2 * time.Hour), ExpiresAt: at(3 * time.Hour), RevokedAt: at(4 * time.Hour), LastUsedAt: at(5 * time.Hour),
		}
		forever, short, revoked := aToken("forever"), aToken("short"), aToken("revoked")
		short.ExpiresAt, revoked.RevokedAt = at(time.Minute), at(time.Second)
		for _, row := range []store.Token{short, revoked, all, forever} {
			must(t, s.AddToken(ctx, row))
		}
		if err := s.AddToken(ctx, short); err == nil {
			t.Error("one id was taken twice")
		}
		got, err = s.Tokens(ctx)
		wantTokens(t, "all, oldest first", got, err, all, forever, revoked, short)
		got, err = s.LiveTokens(ctx, at(time.Minute))
		wantTokens(t, "live", got, err, forever, short)
		got, err = s.LiveTokens(ctx, at(time.Minute+time.Microsecond))
		wantTokens(t, "live a moment later", got, err, forever)
		one, ok, err := s.Token(ctx, "all")
		if !ok {
			t.Error("it is not found")
		}
		wantTokens(t, "one", []store.Token{one}, err, all)
		if _, ok, err := s.Token(ctx, "none"); ok || err != nil {
			t.Errorf("none: %v %v", ok, err)
		}
	})
}

func TestRevokeToken(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		row := aToken("a")
		must(t, s.AddToken(t.Context(), row))
		for i, test := range []struct {
			id   string
			want bool
		}{{"b", false}, {"a", true}, {"a", false}} {
			got, err := s.RevokeToken(t.Context(), test.id, epoch.Add(time.Duration(i)*time.Hour))
			must(t, err)
			if got != test.want {
				t.Errorf("step %d: %v", i, got)
			}
		}
		row.RevokedAt = epoch.Add(time.Hour) // and the second time changed nothing
		got, err := s.Tokens(t.Context())
		wantTokens(t, "revoked", got, err, row)
	})
}

func TestRotateToken(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		row := aToken("a")
		must(t, s.AddToken(t.Context(), row))
		first := row.Hash
		row.Hash, row.OldHash, row.OldUntil = []byte("second"), first, epoch.Add(time.Minute)
		row.IssuedAt, row.ExpiresAt = epoch.Add(time.Second), epoch.Add(time.Hour)
		rotate := func(name string, row store.Token, was []byte, want bool) {
			t.Helper()
			got, err := s.RotateToken(t.Context(), row, was)
			must(t, err)
			if got != want {
				t.Errorf("%s: %v", name, got)
			}
		}
		rotate("at once by two, the first", row, first, true)
		late := row
		late.Hash = []byte("third")
		rotate("at once by two, the second", late, first, false)
		rotate("unknown", aToken("b"), first, false)
		got, err := s.Tokens(t.Context())
		wantTokens(t, "rotated", got, err, row)

		if _, err := s.RevokeToken(t.Context(), "a", epoch); err != nil {
			t.Fatal(err)
		}
		rotate("revoked", late, row.Hash, false)
	})
}

func TestTouchTokens(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		s := open(t, url, newClock())
		a, b := aToken("a"), aToken("b")
		must(t, s.AddToken(t.Context(), a))
		must(t, s.AddToken(t.Context(), b))
		for _, used := range []map[string]time.Time{
			{}, {"a": epoch.Add(2 * time.Hour), "unknown": epoch},
			{"a": epoch.Add(time.Hour), "b": epoch.Add(time.Hour)}, // of a replica that comes late
		} {
			must(t, s.TouchTokens(t.Context(), used))
		}
		a.LastUsedAt, b.LastUsedAt = epoch.Add(2*time.Hour), epoch.Add(time.Hour)
		got, err := s.Tokens(t.Context())
		wantTokens(t, "used", got, err, a, b)
	})
}
