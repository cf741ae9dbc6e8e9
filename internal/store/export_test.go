package store

import (
	"context"
	"database/sql"
)

// Exec runs any SQL on the write pool.
func (s *Store) Exec(ctx context.Context, query string, args ...any) error {
	_, err := s.write.ExecContext(ctx, query, args...)
	return err
}

// Pools are a Store's connections by name.
func (s *Store) Pools() map[string]*sql.DB {
	return map[string]*sql.DB{"write": s.write, "durable": s.durable, "read": s.read}
}
