package history

import (
	"context"
	"database/sql"
	"time"
)

// Recreation is a machine that was thrown away and made anew.
type Recreation struct {
	Cluster string    `json:"cluster"`
	Machine string    `json:"machine"`
	Reason  string    `json:"reason"` // what was wrong with it
	Started time.Time `json:"started"`

	// Ready is how long it took from Started until the node was Ready; 0 where
	// it was not, and then Error says why.
	Ready time.Duration `json:"readyNs,omitempty"`
	Error string        `json:"error,omitempty"`
}

// RecordRecreation records a recreation that has ended, well or not.
func (db *DB) RecordRecreation(ctx context.Context, r Recreation) error {
	_, err := db.sql.ExecContext(ctx, `
		INSERT INTO recreations (cluster, machine, reason, started, ready, error) VALUES (?, ?, ?, ?, ?, ?)`,
		r.Cluster, r.Machine, r.Reason, r.Started.UnixNano(), int64(r.Ready), r.Error)
	return db.explain("record a recreation", err)
}

// Recreations returns those of a cluster (empty: of all) that started at since
// or later, oldest first.
func (db *DB) Recreations(ctx context.Context, cluster string, since time.Time) ([]Recreation, error) {
	rows, err := db.sql.QueryContext(ctx, `
		SELECT cluster, machine, reason, started, ready, error FROM recreations
		WHERE (?1 = '' OR cluster = ?1) AND (?2 IS NULL OR started >= ?2) ORDER BY started, id`, cluster, nanos(since))
	if err != nil {
		return nil, db.explain("read the recreations", err)
	}
	defer rows.Close()
	all := []Recreation{}
	for rows.Next() {
		var r Recreation
		var started sql.NullInt64
		var ready int64
		if err := rows.Scan(&r.Cluster, &r.Machine, &r.Reason, &started, &ready, &r.Error); err != nil {
			return nil, db.explain("read the recreations", err)
		}
		r.Started, r.Ready = timeOf(started), time.Duration(ready)
		all = append(all, r)
	}
	return all, db.explain("read the recreations", rows.Err())
}
