package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Token is what is kept of a caller's token. Its secret is not.
type Token struct {
	ID         string
	Name       string
	Hash       []byte    // of the text with the present secret
	OldHash    []byte    // of the text with the secret before; empty for none
	OldUntil   time.Time // until when the old secret is taken; zero if there is none
	Scopes     []string
	Accounts   []string
	CreatedAt  time.Time
	IssuedAt   time.Time // when the present secret was made
	ExpiresAt  time.Time // zero: never
	RevokedAt  time.Time // zero: not revoked
	LastUsedAt time.Time // zero: never
}

//nolint:gosec // names of columns, no credentials
const tokenColumns = `id, name, hash, old_hash, old_until, scopes, accounts, created_at, issued_at, expires_at, revoked_at, last_used_at`

// AddToken keeps a new token. It is an error if there is one with its id.
func (s *Store) AddToken(ctx context.Context, t Token) error {
	ctx, cancel := s.durable.begin(ctx)
	defer cancel()
	_, err := s.durable.ExecContext(ctx, `
		INSERT INTO tokens (`+tokenColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		t.ID, t.Name, notNil(t.Hash), notNil(t.OldHash), optional(t.OldUntil), strings.Join(t.Scopes, ","), strings.Join(t.Accounts, ","),
		micros(t.CreatedAt), micros(t.IssuedAt), optional(t.ExpiresAt), optional(t.RevokedAt), optional(t.LastUsedAt))
	if err != nil {
		return fmt.Errorf("keep token %s: %w", t.ID, err)
	}
	return nil
}

// Token returns one token; false if there is none with that id.
func (s *Store) Token(ctx context.Context, id string) (Token, bool, error) {
	ctx, cancel := s.read.begin(ctx)
	defer cancel()
	t, err := scanToken(s.read.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM tokens WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return Token{}, false, nil
	}
	if err != nil {
		return Token{}, false, fmt.Errorf("read token %s: %w", id, err)
	}
	return t, true, nil
}

// Tokens lists every token that there ever was, oldest first.
func (s *Store) Tokens(ctx context.Context) ([]Token, error) {
	return s.tokens(ctx, `SELECT `+tokenColumns+` FROM tokens ORDER BY created_at, id`)
}

// LiveTokens lists the tokens that are not revoked and did not expire before
// since, oldest first.
func (s *Store) LiveTokens(ctx context.Context, since time.Time) ([]Token, error) {
	return s.tokens(ctx, `
		SELECT `+tokenColumns+` FROM tokens
		WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at >= $1) ORDER BY created_at, id`, micros(since))
}

func (s *Store) tokens(ctx context.Context, query string, args ...any) ([]Token, error) {
	ctx, cancel := s.read.begin(ctx)
	defer cancel()
	all, err := every(ctx, s.read, scanToken, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return all, nil
}

// RevokeToken ends a token for good. It is false if there is none with that
// id, or it is revoked already.
func (s *Store) RevokeToken(ctx context.Context, id string, at time.Time) (bool, error) {
	return s.changeToken(ctx, id, `UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL`, id, micros(at))
}

// RotateToken replaces the secret of a token by that of t, and its times. It
// is false, and nothing is changed, if the token is revoked or its present
// hash is not was: then another has rotated it meanwhile.
func (s *Store) RotateToken(ctx context.Context, t Token, was []byte) (bool, error) {
	return s.changeToken(ctx, t.ID, `
		UPDATE tokens SET hash = $3, old_hash = $4, old_until = $5, issued_at = $6, expires_at = $7
		WHERE id = $1 AND hash = $2 AND revoked_at IS NULL`,
		t.ID, was, t.Hash, notNil(t.OldHash), optional(t.OldUntil), micros(t.IssuedAt), optional(t.ExpiresAt))
}

func (s *Store) changeToken(ctx context.Context, id, query string, args ...any) (bool, error) {
	ctx, cancel := s.durable.begin(ctx)
	defer cancel()
	result, err := s.durable.ExecContext(ctx, query, args...)
	if err != nil {
		return false, fmt.Errorf("change token %s: %w", id, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("change token %s: %w", id, err)
	}
	return n == 1, nil
}

// TouchTokens says when tokens, by id, were used last. It never moves a time
// back.
func (s *Store) TouchTokens(ctx context.Context, used map[string]time.Time) error {
	ctx, cancel := s.write.begin(ctx)
	defer cancel()
	err := inTx(ctx, s.write, func(tx *sql.Tx) error {
		// In order, so that two replicas never wait for each other.
		for _, id := range slices.Sorted(maps.Keys(used)) {
			_, err := tx.ExecContext(ctx, `
				UPDATE tokens SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)`, id, micros(used[id]))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("say when tokens were used: %w", err)
	}
	return nil
}

func scanToken(r row) (Token, error) {
	var t Token
	var scopes, accounts string
	var created, issued int64
	var oldUntil, expires, revoked, lastUsed sql.NullInt64
	err := r.Scan(&t.ID, &t.Name, &t.Hash, &t.OldHash, &oldUntil, &scopes, &accounts, &created, &issued, &expires, &revoked, &lastUsed)
	t.Scopes, t.Accounts = strings.Split(scopes, ","), strings.Split(accounts, ",")
	t.CreatedAt, t.IssuedAt = fromMicros(created), fromMicros(issued)
	t.OldUntil, t.ExpiresAt, t.RevokedAt, t.LastUsedAt = fromOptional(oldUntil), fromOptional(expires), fromOptional(revoked), fromOptional(lastUsed)
	return t, err
}

// optional is how a time is kept that may be zero: as NULL then.
func optional(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: micros(t), Valid: !t.IsZero()}
}

func fromOptional(us sql.NullInt64) time.Time {
	if !us.Valid {
		return time.Time{}
	}
	return fromMicros(us.Int64)
}
