package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"axolotl/internal/store"
)

// querier is what a database and a transaction have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// DamagedError is the error for a file that SQLite cannot read as a database.
// Nothing of ours removes or changes such a file.
type DamagedError struct {
	Path string
	Err  error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is damaged (%v) and is left as it is; move it away together with %[3]s-wal, so that a new one is made, and read what it still holds with 'sqlite3 FILE .recover'",
		e.Path, e.Err, filepath.Base(e.Path))
}

func (e *DamagedError) Unwrap() error { return e.Err }

// code is SQLite's primary result code of an error, 0 for others.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff // without what extends it
	}
	return lib.SQLITE_OK
}

func isBusy(err error) bool {
	c := code(err)
	return c == lib.SQLITE_BUSY || c == lib.SQLITE_LOCKED
}

// explain says of an error what was tried, on which file, and what to do.
func (db *DB) explain(what string, err error) error {
	if err == nil {
		return nil
	}
	switch code(err) {
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		err = &DamagedError{db.path, err}
	case lib.SQLITE_FULL:
		room := ""
		if free, e := store.FreeBytes(filepath.Dir(db.path)); e == nil {
			room = fmt.Sprintf(", %d bytes are free", free)
		}
		err = fmt.Errorf("%s: no space on the disk%s; make room, for instance with 'axolotl chaos report prune': %w", db.path, room, err)
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		err = fmt.Errorf("%s has been locked by another process for %s; see which one holds it (fuser %s): %w", db.path, busyFor, db.path, err)
	default:
		var newer *NewerError
		if !errors.As(err, &newer) {
			err = fmt.Errorf("%s: %w", db.path, err)
		}
	}
	return fmt.Errorf("history: %s: %w", what, err)
}

// Check reads the whole file and tells whether it is sound.
func (db *DB) Check(ctx context.Context) error {
	rows, err := db.sql.QueryContext(ctx, "PRAGMA quick_check(10)")
	if err != nil {
		return db.explain("check", err)
	}
	defer rows.Close()
	var faults []string
	for rows.Next() {
		var fault string
		if err := rows.Scan(&fault); err != nil {
			return db.explain("check", err)
		}
		if fault != "ok" {
			faults = append(faults, fault)
		}
	}
	if err := rows.Err(); err != nil {
		return db.explain("check", err)
	}
	if len(faults) > 0 {
		return fmt.Errorf("history: check: %w", &DamagedError{db.path, errors.New(strings.Join(faults, "; "))})
	}
	return nil
}
