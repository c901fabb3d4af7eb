package history

import "context"

// RecordFirings records firings that do not run, none of them manual, in one
// transaction: after a weekend's sleep there are thousands. What is accounted
// for already is left as it is.
func (db *DB) RecordFirings(ctx context.Context, firings []Firing) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return db.explain("record firings", err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing to take back once it is committed
	for _, f := range firings {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO firings (schedule, cluster, experiment, manual, due, outcome, reason, run, verdict)
			VALUES (?, ?, ?, FALSE, ?, ?, ?, '', '')
			ON CONFLICT (schedule, due) WHERE NOT manual DO NOTHING`,
			f.Schedule, f.Cluster, f.Experiment, f.Due.UnixNano(), f.Outcome, f.Reason)
		if err != nil {
			return db.explain("record firings", err)
		}
	}
	return db.explain("record firings", tx.Commit())
}
