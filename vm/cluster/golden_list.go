package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// GoldenEntry is one golden snapshot on this host.
type GoldenEntry struct {
	ID       string    `json:"id"`
	Created  time.Time `json:"created,omitzero"`
	Spec     vm.Spec   `json:"spec"`
	Image    string    `json:"image"`
	Form     vm.Form   `json:"form"`     // of the memory
	Bytes    int64     `json:"bytes"`    // that it takes on disk
	Clusters []string  `json:"clusters"` // that lie over it; those of another state directory are "NAME in DIRECTORY"
	Build    string    `json:"build"`    // of the program that made it
	Damage   string    `json:"damage,omitempty"`
	Stale    string    `json:"stale,omitempty"` // why nothing is restored from it any more; see MarkStale
}

// MarkStale says of the golden snapshots that are whole which are of no use to a
// build of this program.
func MarkStale(entries []GoldenEntry, build string) {
	for i := range entries {
		if e := &entries[i]; e.Damage == "" && e.Build != build {
			e.Stale = "made by another build"
		}
	}
}

// Goldens returns all golden snapshots, the newest first.
func (s Store) Goldens() ([]GoldenEntry, error) {
	names, err := os.ReadDir(s.Home.Goldens())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	entries := []GoldenEntry{}
	for _, name := range names {
		if !name.IsDir() || strings.HasSuffix(name.Name(), buildingSuffix) {
			continue
		}
		entry := GoldenEntry{ID: name.Name()}
		if entry.Clusters, err = s.goldenUsers(entry.ID); err != nil {
			return nil, err
		}
		golden, err := s.openGolden(entry.ID, time.Now())
		if err != nil {
			entry.Damage = err.Error()
			golden = s.saidOf(entry.ID)
		}
		entry.Created, entry.Spec, entry.Image, entry.Form, entry.Build = golden.Created, golden.Spec, golden.Image, golden.Form, golden.Build
		if entry.Bytes, err = store.DiskUsage(s.Home.Golden(entry.ID)); err != nil {
			return nil, err
		}
		entries = append(entries, entry)
	}
	slices.SortFunc(entries, func(a, b GoldenEntry) int { return b.Created.Compare(a.Created) })
	return entries, nil
}

// saidOf is what the record says of a golden snapshot that cannot be used, as far as
// it can be read: it stays in sight while clusters lie over it.
func (s Store) saidOf(id string) *Golden {
	var g Golden
	if err := store.ReadJSON(filepath.Join(s.Home.Golden(id), goldenFile), &g); err != nil {
		return &Golden{}
	}
	return &g
}

// VerifyGoldens reads every byte of all golden snapshots. What it finds damaged
// is never used again, whatever its size and time; EnsureGolden makes it anew.
// One that another process makes is left alone.
func (s Store) VerifyGoldens(ctx context.Context) error {
	all, err := s.Goldens()
	if err != nil {
		return err
	}
	for _, entry := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if entry.Damage != "" {
			continue // that suffices
		}
		err := s.ifUnlocked(entry.ID, func(id string) error {
			_, damage := s.readGolden(id, time.Now(), true)
			if damage == nil || errors.Is(damage, fs.ErrNotExist) {
				return nil // it was removed meanwhile
			}
			return store.WriteFile(filepath.Join(s.Home.Golden(id), damageFile), []byte(damage.Error()), 0o600)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// PruneGoldens removes the golden snapshots that no cluster lies over and that
// unwanted chooses, and abandoned builds. What another process makes stays.
func (s Store) PruneGoldens(ctx context.Context, options DownOptions, unwanted func(GoldenEntry) bool, progress *term.Progress) ([]GoldenEntry, error) {
	if err := s.DiscardAbandoned(ctx, options, progress); err != nil {
		return nil, err
	}
	return s.removeGoldens(unwanted)
}

// DiscardAbandoned removes what builds of golden snapshots have left that were
// killed: machines that run, their memory, their files. What another process
// is building stays.
func (s Store) DiscardAbandoned(ctx context.Context, options DownOptions, progress *term.Progress) error {
	left, err := filepath.Glob(filepath.Join(s.Home.Goldens(), "*"+buildingSuffix))
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range left {
		id := strings.TrimSuffix(filepath.Base(dir), buildingSuffix)
		err := s.ifUnlocked(id, func(id string) error { return s.discardBuilding(ctx, options, id, progress) })
		if err != nil {
			errs = append(errs, fmt.Errorf("abandoned golden snapshot %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// PrunableGoldens are those that PruneGoldens would remove.
func (s Store) PrunableGoldens(unwanted func(GoldenEntry) bool) ([]GoldenEntry, error) {
	all, err := s.Goldens()
	return slices.DeleteFunc(all, func(e GoldenEntry) bool { return len(e.Clusters) > 0 || !unwanted(e) }), err
}

// removeGoldens asks about those that no cluster lies over, the newest first.
func (s Store) removeGoldens(unwanted func(GoldenEntry) bool) ([]GoldenEntry, error) {
	all, err := s.PrunableGoldens(unwanted)
	if err != nil {
		return nil, err
	}
	removed := []GoldenEntry{}
	for _, entry := range all {
		err := s.ifUnlocked(entry.ID, func(id string) error {
			if users, err := s.goldenUsers(id); err != nil || len(users) > 0 { // since we looked
				return err
			}
			removed = append(removed, entry)
			return removeGolden(s.Home.Golden(id))
		})
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// ifUnlocked does something with a golden snapshot under its lock, or nothing
// where another process has that.
func (s Store) ifUnlocked(id string, do func(id string) error) error {
	lock, err := store.TryLock(s.goldenLock(id))
	var locked *store.LockedError
	if errors.As(err, &locked) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Unlock() //nolint:errcheck // the kernel frees it at the latest
	return do(id)
}
