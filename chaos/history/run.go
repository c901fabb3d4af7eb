package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// What stands in the place of a verdict for runs that have none.
const (
	RunRunning     = "running"
	RunInterrupted = "interrupted" // its process has ended in the middle
)

// Run is one run of an experiment. What the report and the raw data are is
// their writer's affair; the other fields are what runs are sought by.
type Run struct {
	ID         string
	Cluster    string
	Experiment string
	Driver     string
	Simulated  bool
	Seed       uint64
	Started    time.Time
	Took       time.Duration
	Verdict    string
	Reason     string

	HealedAfter *time.Duration // nil: it did not heal
	Phases      []Phase        // in the order in which they are shown
	Report      []byte         // JSON
}

// Phase is a time that runs of an experiment can be compared by.
type Phase struct {
	Name string        `json:"name"`
	Took time.Duration `json:"tookNs"`
}

// BeginRun records that a run is under way, in this process, with what is
// known of it so far; it may be called again as more is known.
func (db *DB) BeginRun(ctx context.Context, r Run) error {
	r.Verdict = RunRunning
	holder, err := self()
	if err != nil {
		return err
	}
	// NOTE: what has ended is not made to run again.
	return db.explain("record a run", putRun(ctx, db.sql, r, nil, holder, `verdict = 'running'`))
}

// EndRun records a run that has ended, whether or not its beginning was
// recorded. raw is JSON too; nil for none.
func (db *DB) EndRun(ctx context.Context, r Run, raw []byte) error {
	return db.explain("record a run", putRun(ctx, db.sql, r, raw, "", `true`))
}

// putRun writes a run. Where it is there already it is replaced if the
// condition holds for what is there.
func putRun(ctx context.Context, q querier, r Run, raw []byte, holder, condition string) error {
	phases, err := json.Marshal(r.Phases)
	if err != nil {
		return err
	}
	var healed, packed any
	if r.HealedAfter != nil {
		healed = int64(*r.HealedAfter)
	}
	if raw != nil {
		packed = pack(raw)
	}
	_, err = q.ExecContext(ctx, `
		INSERT INTO runs (id, cluster, experiment, driver, simulated, seed, started, took, verdict, reason, healed, phases, holder, report, raw)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET took = excluded.took, verdict = excluded.verdict, reason = excluded.reason,
			healed = excluded.healed, phases = excluded.phases, holder = excluded.holder, report = excluded.report, raw = excluded.raw
		WHERE `+condition,
		r.ID, r.Cluster, r.Experiment, r.Driver, r.Simulated, int64(r.Seed), r.Started.UnixNano(), int64(r.Took),
		r.Verdict, r.Reason, healed, string(phases), holder, pack(r.Report), packed)
	return err
}

// interruptRuns records runs as interrupted whose process has ended.
func (db *DB) interruptRuns(ctx context.Context) error {
	rows, err := db.sql.QueryContext(ctx, `SELECT id, holder FROM runs WHERE verdict = ?`, RunRunning)
	if err != nil {
		return err
	}
	defer rows.Close()
	ended := map[string]string{}
	for rows.Next() {
		var id, holder string
		if err := rows.Scan(&id, &holder); err != nil {
			return err
		}
		if !alive(holder) {
			ended[id] = holder
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for id, holder := range ended {
		_, err := db.sql.ExecContext(ctx, `UPDATE runs SET verdict = ?, reason = ? WHERE id = ? AND holder = ? AND verdict = ?`,
			RunInterrupted, "its process has ended in the middle of it; what it did is undone by the next run, or by 'axolotl chaos undo'",
			id, holder, RunRunning)
		if err != nil {
			return err
		}
	}
	return nil
}

// RunQuery says which runs are asked for; what is empty or zero does not
// matter.
type RunQuery struct {
	ID         string
	Cluster    string
	Experiment string
	Since      time.Time // started then or later
	Limit      int       // the newest so many
}

// Runs returns runs, the oldest first. A row that cannot be read is an error
// beside those that can.
func (db *DB) Runs(ctx context.Context, q RunQuery) ([]Run, error) {
	limit := q.Limit
	if limit == 0 {
		limit = -1 // SQLite's "no limit"
	}
	rows, err := db.sql.QueryContext(ctx, `
		SELECT id, cluster, experiment, driver, simulated, seed, started, took, verdict, reason, healed, phases, report FROM runs
		WHERE (?1 = '' OR id = ?1) AND (?2 = '' OR cluster = ?2) AND (?3 = '' OR experiment = ?3) AND (?4 IS NULL OR started >= ?4)
		ORDER BY started DESC, id DESC LIMIT ?5`, q.ID, q.Cluster, q.Experiment, nanos(q.Since), limit)
	if err != nil {
		return nil, db.explain("read the runs", err)
	}
	defer rows.Close()
	var all []Run
	var errs []error
	for rows.Next() {
		r, err := scanRun(rows)
		if err != nil {
			errs = append(errs, db.explain(fmt.Sprintf("read run %q", r.ID), err))
			continue
		}
		all = append(all, r)
	}
	slices.Reverse(all)
	return all, errors.Join(append(errs, db.explain("read the runs", rows.Err()))...)
}

func scanRun(rows *sql.Rows) (Run, error) {
	var r Run
	var seed, took int64
	var started, healed sql.NullInt64
	var phases string
	var packed []byte
	err := rows.Scan(&r.ID, &r.Cluster, &r.Experiment, &r.Driver, &r.Simulated, &seed, &started, &took,
		&r.Verdict, &r.Reason, &healed, &phases, &packed)
	if err != nil {
		return r, err
	}
	r.Seed, r.Started, r.Took = uint64(seed), timeOf(started), time.Duration(took)
	if healed.Valid {
		after := time.Duration(healed.Int64)
		r.HealedAfter = &after
	}
	if err := json.Unmarshal([]byte(phases), &r.Phases); err != nil {
		return r, err
	}
	r.Report, err = unpack(packed)
	return r, err
}

// Raw returns the raw data of a run; nil where none were kept.
func (db *DB) Raw(ctx context.Context, id string) ([]byte, error) {
	var packed []byte
	err := db.sql.QueryRowContext(ctx, `SELECT raw FROM runs WHERE id = ?`, id).Scan(&packed)
	if err != nil || packed == nil {
		return nil, db.explain(fmt.Sprintf("read the raw data of run %q", id), err)
	}
	raw, err := unpack(packed)
	return raw, db.explain(fmt.Sprintf("read the raw data of run %q", id), err)
}
