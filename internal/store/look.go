package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// lookTimeout bounds Look: a person waits for it.
const lookTimeout = 10 * time.Second

// Look tells whether the database at url can be used: that it is reached, and
// takes a write. It makes and changes nothing, tables of an older version
// included. made is false if there is none yet and Open could make it.
func Look(ctx context.Context, url string) (made bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	made, err = look(ctx, url)
	if err != nil {
		return false, fmt.Errorf("%s: %w", setting, err)
	}
	return made, nil
}

func look(ctx context.Context, url string) (made bool, err error) {
	s, _, err := connect(url, false)
	if errors.Is(err, fs.ErrNotExist) {
		_, rest, _ := strings.Cut(url, ":")
		return false, takesFile(filepath.Dir(sqlitePath(rest)))
	}
	if err != nil {
		return false, err
	}
	defer s.Close()
	switch err := s.mustExist(ctx); {
	case errors.Is(err, ErrNoDatabase):
		return false, nil
	case err != nil:
		return false, err
	}
	undo := errors.New("undo")
	err = inTx(ctx, s.durable, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE readings_seq SET last = last`); err != nil {
			return err
		}
		return undo
	})
	if !errors.Is(err, undo) {
		return false, err
	}
	return true, nil
}

// takesFile tells whether a file can be made in a folder.
func takesFile(dir string) error {
	file, err := os.CreateTemp(dir, ".gateway-check-*")
	if err != nil {
		var path *fs.PathError // of the file made here, which is nobody's business
		if errors.As(err, &path) {
			err = path.Err
		}
		return fmt.Errorf("sqlite: no file can be created in the directory %s: %w", dir, err)
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}
