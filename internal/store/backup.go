package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Backup copies the SQLite database at url into a new file, readable to its
// owner only, while others go on using the database. It changes nothing there;
// tables of an older version stay as they are. file appears when the copy is
// whole and on the disk, and an existing file is not changed.
func Backup(ctx context.Context, url, file string) error {
	if !strings.HasPrefix(url, "sqlite:") {
		return fmt.Errorf("%s: not a SQLite database", setting)
	}
	s, _, err := connect(url, false)
	if err != nil {
		return fmt.Errorf("%s: %w", setting, err)
	}
	defer s.Close()
	if err := s.mustExist(ctx); err != nil {
		return fmt.Errorf("%s: %w", setting, err)
	}
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("%s already exists", file)
	}
	partial, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.partial") // 0600
	if err != nil {
		return err
	}
	err = s.copyInto(ctx, partial)
	if err = errors.Join(err, partial.Close()); err == nil {
		err = os.Rename(partial.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(partial.Name()))
	}
	return nil
}

// copyInto copies the database into an empty file, and reads that again.
func (s *Store) copyInto(ctx context.Context, file *os.File) error {
	// It reads one state of the database, and no writer waits for it.
	if _, err := s.durable.ExecContext(ctx, `VACUUM INTO $1`, file.Name()); err != nil {
		return fmt.Errorf("copy the database: %w", err)
	}
	if err := intact(ctx, file.Name()); err != nil {
		return fmt.Errorf("the copy: %w", err)
	}
	return file.Sync()
}

// intact reads all of a database and fails if it is damaged.
func intact(ctx context.Context, file string) error {
	s, err := openSQLite(file, false)
	if err != nil {
		return err
	}
	defer s.Close()
	var verdict string
	if err := s.read.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return errors.New(verdict)
	}
	return nil
}
