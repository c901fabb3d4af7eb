// Package history keeps what chaos has done, on this host, for as long as its
// retention says: runs, firings of schedules, machines that were made anew. It
// is one SQLite file under the state directory.
//
// It is the one source of reports, and not an index of report files, since it
// must outlive the clusters in whose directories those lay, answer questions
// over a year of runs, and be pruned as a whole. What a run knows is written as
// it begins, again with its plan before the fault, and whole at its end; so a
// crash loses the run in flight at most, which is interrupted from the next
// open on. Only where the history cannot be written does a report become a
// file, which is moved in here as soon as that is possible (chaos.TakeIn): a
// full disk or a damaged file loses no run. The journal stays apart: an undo
// must not hang on a database.
//
// A daemon and commands may use it at once: it is in WAL mode, a writer waits
// for another, and readers wait for nobody.
package history

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"axolotl/internal/store"

	_ "modernc.org/sqlite" // the driver "sqlite", which needs no C
)

// FileName is the file's name in the state directory.
const FileName = "history.db"

// busyFor is how long a writer waits for another one. A write takes
// milliseconds; a process that was stopped in the middle may take longer.
const busyFor = 20 * time.Second

// DB is an open history.
type DB struct {
	path string
	sql  *sql.DB
}

// Path is the history's file under a home.
func Path(home store.Home) string { return filepath.Join(home.State, FileName) }

// Open opens the history in a file, which is made where it is missing, and
// brings it to this version's schema. Runs that are said to be under way whose
// process has ended are interrupted from then on. The error is a *NewerError where a newer
// axolotl has written it, and a *DamagedError where it cannot be read as a
// database; both leave the file as it is.
func Open(ctx context.Context, path string) (*DB, error) {
	if err := create(path); err != nil {
		return nil, err
	}
	query := url.Values{
		// FULL: what is said to be written survives a power cut too.
		"_pragma": {fmt.Sprintf("busy_timeout(%d)", busyFor.Milliseconds()), "synchronous(FULL)", "foreign_keys(1)"},
		"_txlock": {"immediate"}, // else a transaction that turns to writing fails where it should wait
	}
	pool, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(maxConns)
	db := &DB{path: path, sql: pool}
	if err := db.prepare(ctx); err != nil {
		pool.Close() //nolint:errcheck // nothing was written
		return nil, db.explain("open", err)
	}
	return db, nil
}

// maxConns bounds the connections: each has a page cache of its own.
const maxConns = 4

// create makes the file and its directory, readable by the owner only; SQLite
// gives the files beside it the same permissions.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// prepare sets what is kept in the file itself.
func (db *DB) prepare(ctx context.Context) error {
	all, err := readMigrations(migrations)
	if err != nil {
		return err
	}
	if err := db.refuseNewer(ctx, len(all)); err != nil { // before anything is changed
		return err
	}
	if err := db.setModes(ctx); err != nil {
		return err
	}
	if err := db.migrate(ctx, all); err != nil {
		return err
	}
	return db.interruptRuns(ctx)
}

// setModes makes of a new file one that can shrink, and sets WAL mode.
func (db *DB) setModes(ctx context.Context) error {
	conn, err := db.sql.Conn(ctx) // the first setting is the connection's until the second writes
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "PRAGMA auto_vacuum = INCREMENTAL"); err != nil {
		return err
	}
	var mode string
	// NOTE: unlike other writes, the change to WAL does not wait by itself
	// for another process that is at it too.
	err = untilFree(ctx, func() error { return conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode) })
	if err == nil && mode != "wal" {
		err = fmt.Errorf("this file system allows no WAL mode (it stays %q); keep the state on a local disk", mode)
	}
	return err
}

// untilFree tries until no other process has the file locked, for busyFor.
func untilFree(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, busyFor)
	defer cancel()
	tick := time.NewTicker(tryEvery)
	defer tick.Stop()
	for {
		err := try()
		if !isBusy(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

const tryEvery = 20 * time.Millisecond

// Close closes the history.
func (db *DB) Close() error { return db.sql.Close() }

// nanos is a time as the tables hold it; NULL for none.
func nanos(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixNano()
}

// timeOf is what nanos was made of, in UTC.
func timeOf(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.Unix(0, n.Int64).UTC()
}
