package history

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// migrations make the schema: NNNN_NAME.sql turns version NNNN-1 into NNNN. A
// file that has been released is never changed; what is new is a new file.
//
//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks the file as ours in its header ("axol").
const applicationID = 0x61786f6c

// migration is one step of the schema.
type migration struct {
	version int
	text    string
}

// readMigrations returns the steps in order, and fails where one is missing.
func readMigrations(files fs.FS) ([]migration, error) {
	entries, err := fs.Glob(files, "migrations/*.sql") // sorted, by its documentation
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, name := range entries {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("%s: want the migration to version %d", name, i+1)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		all = append(all, migration{version, string(text)})
	}
	return all, nil
}

// NewerError is the error for a history that a newer axolotl has written.
type NewerError struct {
	Path       string
	Is, Newest int // versions of the schema: of the file, and the newest known here
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s has schema version %d, and this axolotl knows versions up to %d; use the newer axolotl that wrote it, or move the file away",
		e.Path, e.Is, e.Newest)
}

// version reads the schema's version; 0 for a new file.
func version(ctx context.Context, q querier) (int, error) {
	var version int
	err := q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	return version, err
}

// refuseNewer fails where the file has a version that this axolotl does not
// know.
func (db *DB) refuseNewer(ctx context.Context, newest int) error {
	is, err := version(ctx, db.sql)
	if err == nil && is > newest {
		err = &NewerError{db.path, is, newest}
	}
	return err
}

// migrate does those steps that the file lacks, each in a transaction of its
// own: a crash leaves a version that is whole.
func (db *DB) migrate(ctx context.Context, all []migration) error {
	is, err := version(ctx, db.sql)
	if err != nil {
		return err
	}
	for _, m := range all[min(is, len(all)):] {
		if err := db.step(ctx, m); err != nil {
			return fmt.Errorf("to schema version %d: %w", m.version, err)
		}
	}
	return nil
}

// step does one migration, unless another process has done it meanwhile.
func (db *DB) step(ctx context.Context, m migration) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing to do once it is committed
	is, err := version(ctx, tx)
	if err != nil || is >= m.version {
		return err
	}
	// NOTE: a PRAGMA takes no parameters.
	text := fmt.Sprintf("%s; PRAGMA user_version = %d; PRAGMA application_id = %d;", m.text, m.version, applicationID)
	if _, err := tx.ExecContext(ctx, text); err != nil {
		return err
	}
	return tx.Commit()
}
