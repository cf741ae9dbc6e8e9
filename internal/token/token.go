// Package token is callers' tokens: how they are made, checked, rotated and
// what they grant. It knows neither HTTP nor vendors, and keeps tokens by
// internal/store.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"time"

	"accountgateway/internal/store"
)

// A token's text is gw_, its id, _ and its secret. Both are lower-case base32.
// The id is no secret: it is in lists and logs.
const (
	idLength     = 10
	secretBytes  = 32 // 256 random bits, which is why a plain SHA-256 is enough to keep them
	secretLength = 52
	textLength   = len(Prefix) + idLength + len("_") + secretLength
)

// Prefix is what every token begins with, for secret scanners, and for whoever
// must not take a token for something else.
const Prefix = "gw_"

const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

var encoding = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// Spec is what a new token is to be.
type Spec struct {
	Name     string
	Scopes   []Scope
	Accounts []string      // by name, or only AllAccounts
	Lifetime time.Duration // 0: it never expires
}

// New makes a token. Its text is nowhere else: what is kept is the row.
func New(spec Spec, now time.Time) (text string, row store.Token) {
	id := random(7)[:idLength]
	text = newText(id)
	scopes := make([]string, len(spec.Scopes))
	for i, scope := range spec.Scopes {
		scopes[i] = string(scope)
	}
	row = store.Token{
		ID: id, Name: spec.Name, Hash: hash(text), Scopes: scopes, Accounts: spec.Accounts,
		CreatedAt: now, IssuedAt: now,
	}
	if spec.Lifetime > 0 {
		row.ExpiresAt = now.Add(spec.Lifetime)
	}
	return text, row
}

// Rotate gives a token a new secret. The id, the grants and the time to live
// stay; the old secret is taken for grace more, but never longer than it would
// have been.
func Rotate(was store.Token, grace time.Duration, now time.Time) (text string, row store.Token) {
	row, text = was, newText(was.ID)
	row.Hash, row.IssuedAt = hash(text), now
	row.OldHash, row.OldUntil = nil, time.Time{}
	if grace > 0 {
		row.OldHash, row.OldUntil = was.Hash, now.Add(grace)
		if !was.ExpiresAt.IsZero() && was.ExpiresAt.Before(row.OldUntil) {
			row.OldUntil = was.ExpiresAt
		}
	}
	if !was.ExpiresAt.IsZero() {
		row.ExpiresAt = now.Add(was.ExpiresAt.Sub(was.IssuedAt))
	}
	return text, row
}

// State says in one word how a token stands: active, expired or revoked.
func State(t store.Token, now time.Time) string {
	switch {
	case !t.RevokedAt.IsZero():
		return "revoked"
	case !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt):
		return "expired"
	}
	return "active"
}

func newText(id string) string { return Prefix + id + "_" + random(secretBytes) }

// random is that many random bytes in base32.
func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return encoding.EncodeToString(b)
}

func hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
