package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	lib "modernc.org/sqlite/lib"
)

// Outcome is what became of a firing.
type Outcome string

// The outcomes.
const (
	FiringRunning     Outcome = "running"
	FiringRan         Outcome = "ran"         // Run and Verdict say how it went
	FiringMissed      Outcome = "missed"      // nobody was there, or came too late
	FiringSkipped     Outcome = "skipped"     // not to be: overlap, quiet time, budget, guard
	FiringInterrupted Outcome = "interrupted" // whoever ran it has ended in the middle
)

// Firing is one time at which a schedule was due.
type Firing struct {
	ID         int64  `json:"id"`
	Schedule   string `json:"schedule"`
	Cluster    string `json:"cluster"`
	Experiment string `json:"experiment"`

	// Manual: somebody asked for it; it is none that the expression gives.
	Manual bool `json:"manual,omitempty"`

	// Due is when the expression says, before the jitter.
	Due     time.Time `json:"due"`
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`

	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
	Run     string  `json:"run,omitempty"` // the run's ID
	Verdict string  `json:"verdict,omitempty"`
}

// ErrAccounted is the error for a firing that is in the history already, with
// whatever outcome: it must not run, or be recorded, again.
var ErrAccounted = errors.New("this firing is accounted for already")

// BeginFiring records that a firing runs, before it does. The outcome is
// FiringRunning, whatever f says.
func (db *DB) BeginFiring(ctx context.Context, f Firing) (id int64, err error) {
	f.Outcome = FiringRunning
	return db.addFiring(ctx, f)
}

// RecordFiring records a firing that does not run: missed or skipped.
func (db *DB) RecordFiring(ctx context.Context, f Firing) error {
	_, err := db.addFiring(ctx, f)
	return err
}

func (db *DB) addFiring(ctx context.Context, f Firing) (int64, error) {
	result, err := db.sql.ExecContext(ctx, `
		INSERT INTO firings (schedule, cluster, experiment, manual, due, started, ended, outcome, reason, run, verdict)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		f.Schedule, f.Cluster, f.Experiment, f.Manual, f.Due.UnixNano(), nanos(f.Started), nanos(f.Ended),
		f.Outcome, f.Reason, f.Run, f.Verdict)
	if code(err) == lib.SQLITE_CONSTRAINT {
		return 0, fmt.Errorf("schedule %q, due %s: %w", f.Schedule, f.Due.UTC().Format(time.RFC3339Nano), ErrAccounted)
	}
	if err != nil {
		return 0, db.explain("record a firing", err)
	}
	return result.LastInsertId()
}

// EndFiring records how a firing ended that runs.
func (db *DB) EndFiring(ctx context.Context, id int64, outcome Outcome, reason, run, verdict string, ended time.Time) error {
	result, err := db.sql.ExecContext(ctx, `
		UPDATE firings SET outcome = ?, reason = ?, run = ?, verdict = ?, ended = ? WHERE id = ? AND outcome = ?`,
		outcome, reason, run, verdict, nanos(ended), id, FiringRunning)
	if err != nil {
		return db.explain("record the end of a firing", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, fmt.Errorf("history: firing %d does not run, so it cannot end", id))
	}
	return nil
}

// InterruptFirings records every firing as interrupted that is said to run,
// and returns how many. It is for the start of the only one who runs firings.
func (db *DB) InterruptFirings(ctx context.Context, now time.Time) (int, error) {
	result, err := db.sql.ExecContext(ctx, `UPDATE firings SET outcome = ?, reason = ?, ended = ? WHERE outcome = ?`,
		FiringInterrupted, "the process that ran it has ended in the middle of it", nanos(now), FiringRunning)
	if err != nil {
		return 0, db.explain("record interrupted firings", err)
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// FiringQuery says which firings are asked for.
type FiringQuery struct {
	Schedule string    // empty: of all
	Since    time.Time // due then or later; zero: all
	Limit    int       // the newest so many; 0: all
}

// Firings returns firings, the newest first. There may be none; the slice is
// not nil, as it is printed as JSON.
func (db *DB) Firings(ctx context.Context, q FiringQuery) ([]Firing, error) {
	limit := q.Limit
	if limit == 0 {
		limit = -1 // SQLite's "no limit"
	}
	rows, err := db.sql.QueryContext(ctx, `
		SELECT id, schedule, cluster, experiment, manual, due, started, ended, outcome, reason, run, verdict
		FROM firings WHERE (?1 = '' OR schedule = ?1) AND (?2 IS NULL OR due >= ?2)
		ORDER BY due DESC, id DESC LIMIT ?3`, q.Schedule, nanos(q.Since), limit)
	if err != nil {
		return nil, db.explain("read the firings", err)
	}
	defer rows.Close()
	all := []Firing{}
	for rows.Next() {
		var f Firing
		var due, started, ended sql.NullInt64
		err := rows.Scan(&f.ID, &f.Schedule, &f.Cluster, &f.Experiment, &f.Manual, &due, &started, &ended,
			&f.Outcome, &f.Reason, &f.Run, &f.Verdict)
		if err != nil {
			return nil, db.explain("read the firings", err)
		}
		f.Due, f.Started, f.Ended = timeOf(due), timeOf(started), timeOf(ended)
		all = append(all, f)
	}
	return all, db.explain("read the firings", rows.Err())
}

// LastDue is the latest time for which a firing of a schedule's expression is
// accounted for; zero for none. What was due later and is past was missed.
func (db *DB) LastDue(ctx context.Context, schedule string) (time.Time, error) {
	var due sql.NullInt64
	err := db.sql.QueryRowContext(ctx, `SELECT max(due) FROM firings WHERE schedule = ? AND NOT manual`, schedule).Scan(&due)
	return timeOf(due), db.explain("read the last firing", err)
}
