package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"axolotl/chaos/history"
	"axolotl/internal/store"
	"axolotl/vm"
)

// begin records the run as one that is under way, with what is known of it.
// An error is no reason not to run: the end of the run tries again, and tells.
func (r *run) begin(ctx context.Context) {
	if r.history == nil {
		return
	}
	if row, _, err := rowOf(r.outline()); err == nil {
		_ = r.history.BeginRun(ctx, row)
	}
}

// keep records the report in the history. Where that cannot be, it becomes a
// file of the cluster, which TakeIn puts into the history once that can be
// written.
func (r *run) keep(ctx context.Context, report *Report) error {
	var failed error
	if r.history != nil {
		if failed = put(ctx, r.history, report); failed == nil {
			return nil
		}
	}
	if r.home.Gone() != nil {
		return failed // nothing of it is to come back
	}
	file := runFile(r.home, r.id)
	if err := store.WriteJSON(file, report); err != nil {
		return errors.Join(failed, err)
	}
	if failed != nil {
		r.progress.Line("%v; the report is kept in %s until it can be put there", failed, file)
	}
	return nil
}

func runFile(c *vm.Cluster, id string) string { return c.Path("runs", id+".json") }

func reportFiles(home store.Home) []string {
	names, _ := fs.Glob(os.DirFS(home.Clusters()), "*/runs/*.json") // its one error is a bad pattern
	for i, name := range names {
		names[i] = filepath.Join(home.Clusters(), name)
	}
	return names
}

// HasFiles tells whether there is anything for TakeIn.
func HasFiles(home store.Home) bool { return len(reportFiles(home)) > 0 }

// TakeIn moves reports into the history that were written as files: by an
// older axolotl, or while the history could not be written. A file that cannot
// be read stays, and is in the error.
func TakeIn(ctx context.Context, db *history.DB, home store.Home) error {
	var errs []error
	for _, file := range reportFiles(home) {
		var report Report
		err := store.ReadJSON(file, &report)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another process was first
		}
		if err == nil && report.ID+".json" != filepath.Base(file) {
			err = fmt.Errorf("%s is no report of run %q; move it away", file, strings.TrimSuffix(filepath.Base(file), ".json"))
		}
		if err == nil {
			err = put(ctx, db, &report)
		}
		if err == nil {
			err = store.RemoveFile(file)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func put(ctx context.Context, db Recorder, report *Report) error {
	row, raw, err := rowOf(report)
	if err != nil {
		return err
	}
	return db.EndRun(ctx, row, raw)
}

// rowOf is a report as the history holds it, and its raw data beside it.
func rowOf(p *Report) (history.Run, []byte, error) {
	var raw []byte
	if p.Raw != nil {
		var err error
		if raw, err = json.Marshal(p.Raw); err != nil {
			return history.Run{}, nil, err
		}
	}
	lean := *p
	lean.Raw = nil
	text, err := json.Marshal(lean)
	return history.Run{
		ID: p.ID, Cluster: p.Cluster, Experiment: p.Experiment, Driver: p.Driver, Simulated: p.Simulated,
		Seed: p.Seed, Started: p.Started, Took: p.Took, Verdict: string(p.Verdict), Reason: p.Reason,
		HealedAfter: p.HealedAfter, Phases: p.Times(), Report: text,
	}, raw, err
}

// Reports returns the reports of the runs that are asked for, oldest first,
// without their raw data, and an error for those that cannot be read. The
// slice is not nil, as it is printed as JSON.
func Reports(ctx context.Context, db *history.DB, q history.RunQuery) ([]*Report, error) {
	rows, err := db.Runs(ctx, q)
	all := []*Report{}
	errs := []error{err}
	for _, row := range rows {
		var p Report
		if err := json.Unmarshal(row.Report, &p); err != nil {
			errs = append(errs, fmt.Errorf("the report of run %q: %w", row.ID, err))
			continue
		}
		p.Verdict, p.Reason = Verdict(row.Verdict), row.Reason // of one that was interrupted, only the row knows
		all = append(all, &p)
	}
	return all, errors.Join(errs...)
}

// ReadReport returns the report of one run, of a cluster (empty: of any).
func ReadReport(ctx context.Context, db *history.DB, cluster, id string) (*Report, error) {
	all, err := Reports(ctx, db, history.RunQuery{ID: id, Cluster: cluster})
	switch {
	case err != nil:
		return nil, err
	case len(all) > 0 && id != "":
		return all[0], nil
	case cluster != "":
		return nil, fmt.Errorf("cluster %q has no run %q; see 'axolotl chaos report'", cluster, id)
	}
	return nil, fmt.Errorf("there is no run %q; see 'axolotl chaos report'", id)
}

// AddRaw reads the raw data of a report's run, where any were kept.
func (p *Report) AddRaw(ctx context.Context, db *history.DB) error {
	data, err := db.Raw(ctx, p.ID)
	if err != nil || data == nil {
		return err
	}
	p.Raw = &Raw{}
	return json.Unmarshal(data, p.Raw)
}
