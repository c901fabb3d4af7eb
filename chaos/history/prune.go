package history

import (
	"context"
	"database/sql"
	"time"
)

// Retention says what may go. What is zero does not matter.
type Retention struct {
	Before   time.Time // what began before
	MaxBytes int64     // the oldest runs, until the history takes no more than this
	DryRun   bool      // only tell
}

// Pruned is what went, or with DryRun would.
type Pruned struct {
	Runs        int   `json:"runs"`
	Firings     int   `json:"firings"`
	Recreations int   `json:"recreations"`
	BytesBefore int64 `json:"bytesBefore"`
	Bytes       int64 `json:"bytes"` // what the history takes now
}

// Prune removes what is too old or too much, and gives the space back. Runs
// that are under way stay, and so does the last firing of each schedule, which
// tells what was missed since. A damaged history is not touched, as removing
// from it may damage more.
func (db *DB) Prune(ctx context.Context, r Retention) (Pruned, error) {
	if err := db.Check(ctx); err != nil {
		return Pruned{}, err
	}
	p, err := db.prune(ctx, r)
	if err == nil && !r.DryRun {
		err = db.shrink(ctx)
	}
	return p, db.explain("prune", err)
}

func (db *DB) prune(ctx context.Context, r Retention) (Pruned, error) {
	var p Pruned
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return p, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing to do once it is committed
	if p.BytesBefore, err = used(ctx, tx); err != nil {
		return p, err
	}
	if !r.Before.IsZero() {
		if err := pruneOld(ctx, tx, r.Before, &p); err != nil {
			return p, err
		}
	}
	if r.MaxBytes > 0 {
		if err := pruneToSize(ctx, tx, r.MaxBytes, &p); err != nil {
			return p, err
		}
	}
	if p.Bytes, err = used(ctx, tx); err != nil || r.DryRun {
		return p, err
	}
	return p, tx.Commit()
}

func pruneOld(ctx context.Context, tx *sql.Tx, before time.Time, p *Pruned) error {
	for _, part := range []struct {
		count *int
		text  string
	}{
		{&p.Runs, `DELETE FROM runs WHERE started < ?1 AND verdict <> 'running'`},
		{&p.Firings, `DELETE FROM firings WHERE due < ?1 AND outcome <> 'running'
			AND id NOT IN (SELECT id FROM (SELECT id, max(due) FROM firings WHERE NOT manual GROUP BY schedule))`},
		{&p.Recreations, `DELETE FROM recreations WHERE started < ?1`},
	} {
		n, err := changed(tx.ExecContext(ctx, part.text, before.UnixNano()))
		if err != nil {
			return err
		}
		*part.count += n
	}
	return nil
}

// pruneToSize removes runs, the oldest first: all else is small.
func pruneToSize(ctx context.Context, tx *sql.Tx, limit int64, p *Pruned) error {
	for {
		bytes, err := used(ctx, tx)
		if err != nil || bytes <= limit {
			return err
		}
		n, err := changed(tx.ExecContext(ctx, `
			DELETE FROM runs WHERE id = (SELECT id FROM runs WHERE verdict <> 'running' ORDER BY started, id LIMIT 1)`))
		if err != nil || n == 0 {
			return err
		}
		p.Runs += n
	}
}

func changed(result sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// used is how many bytes of the file hold something.
func used(ctx context.Context, q querier) (int64, error) {
	var bytes int64
	err := q.QueryRowContext(ctx, `
		SELECT (p.page_count - f.freelist_count) * s.page_size
		FROM pragma_page_count() p, pragma_freelist_count() f, pragma_page_size() s`).Scan(&bytes)
	return bytes, err
}

// shrink gives free pages back to the file system, and what the write-ahead
// log has taken. It needs no room of its own, unlike VACUUM.
func (db *DB) shrink(ctx context.Context) error {
	for _, text := range []string{"PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		rows, err := db.sql.QueryContext(ctx, text)
		if err != nil {
			return err
		}
		for rows.Next() { // NOTE: each step frees a page; it must be led to the end
		}
		err = rows.Err()
		rows.Close() //nolint:errcheck // its error is that of Err
		if err != nil {
			return err
		}
	}
	return nil
}
