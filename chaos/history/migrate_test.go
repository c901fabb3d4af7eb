package history

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// What an older axolotl wrote is there after the schema has grown.
func TestMigrationKeepsWhatIsThere(t *testing.T) {
	all, err := readMigrations(migrations)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), FileName)
	db, err := raw(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.migrate(t.Context(), all[:1]); err != nil {
		t.Fatal(err)
	}
	if err := db.RecordFiring(t.Context(), Firing{Schedule: "weekly", Due: t0, Outcome: FiringMissed}); err != nil {
		t.Fatal(err)
	}
	if err := db.EndRun(t.Context(), sampleRun("r", t0), nil); err == nil {
		t.Fatal("version 1 has runs already")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		db = openAt(t, path)
		if v, err := version(t.Context(), db.sql); v != len(all) || err != nil {
			t.Errorf("version %d, %v; want %d", v, err, len(all))
		}
		if err := db.EndRun(t.Context(), sampleRun("r", t0), nil); err != nil {
			t.Error(err)
		}
		if last, err := db.LastDue(t.Context(), "weekly"); !last.Equal(t0) || err != nil {
			t.Errorf("the firing of version 1: %v, %v", last, err)
		}
	}
}

// raw opens a file as it is.
func raw(path string) (*DB, error) {
	pool, err := sql.Open("sqlite", path)
	return &DB{path: path, sql: pool}, err
}

// A step that fails in the middle leaves what was there before it.
func TestMigrationThatFails(t *testing.T) {
	db := open(t)
	before, err := version(t.Context(), db.sql)
	if err != nil {
		t.Fatal(err)
	}
	err = db.step(t.Context(), migration{before + 1, "CREATE TABLE half (a); INSERT INTO nowhere VALUES (1)"})
	if err == nil {
		t.Fatal("no error")
	}
	if v, err := version(t.Context(), db.sql); v != before || err != nil {
		t.Errorf("version %d, %v; want %d", v, err, before)
	}
	var tables int
	err = db.sql.QueryRowContext(t.Context(), `SELECT count(*) FROM sqlite_master WHERE name = 'half'`).Scan(&tables)
	if tables != 0 || err != nil {
		t.Errorf("%d tables of it are left, %v", tables, err)
	}
}

func TestMigrationsAreNumberedWithoutGap(t *testing.T) {
	file := &fstest.MapFile{Data: []byte("SELECT 1")}
	for name, files := range map[string]fstest.MapFS{
		"gap":       {"migrations/0001_a.sql": file, "migrations/0003_b.sql": file},
		"twice":     {"migrations/0001_a.sql": file, "migrations/0001_b.sql": file},
		"no number": {"migrations/first.sql": file},
	} {
		if _, err := readMigrations(files); err == nil || !strings.Contains(err.Error(), "want the migration to version") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A newer file is refused with both versions, and not touched.
func TestNewerVersionIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	db := openAt(t, path)
	if _, err := db.sql.ExecContext(t.Context(), "PRAGMA user_version = 99; CREATE TABLE of_the_future (a)"); err != nil {
		t.Fatal(err)
	}
	if err := db.shrink(t.Context()); err != nil { // all of it is in the one file
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), path)
	var newer *NewerError
	if !errors.As(err, &newer) || newer.Is != 99 || newer.Newest != 2 ||
		!strings.Contains(err.Error(), "schema version 99, and this axolotl knows versions up to 2; use the newer axolotl") {
		t.Errorf("%v", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the file was changed, %v", err)
	}
}

func TestOpenSetsTheFileUp(t *testing.T) {
	db := open(t)
	for pragma, want := range map[string]int{"auto_vacuum": 2, "synchronous": 2, "application_id": applicationID, "busy_timeout": 20000} {
		var got int
		if err := db.sql.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); got != want || err != nil {
			t.Errorf("%s is %d, %v; want %d", pragma, got, err, want)
		}
	}
	if err := db.RecordFiring(t.Context(), Firing{Due: t0}); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(db.path + suffix); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v; want it to be there for its owner only", suffix, info, err)
		}
	}
}

// What has ended before it could be written says so, and does not wait.
func TestCancelled(t *testing.T) {
	db := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	if err := db.RecordFiring(ctx, Firing{Due: t0}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took > busyFor/2 {
		t.Errorf("it took %s", took)
	}
}
