// Package journal keeps what must be undone: one file a run, written and
// synced before the fault is injected, so that whoever comes after a crash
// knows what to mend and how.
package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"axolotl/chaos/fault"
	"axolotl/internal/store"
)

// State is how far a run has come.
type State string

// The states of an entry.
const (
	Open   State = "open"   // some of what it names may be in the cluster
	Undone State = "undone" // all of it is proved to be undone
)

// Entry is all that undoing one run needs.
type Entry struct {
	ID         string    `json:"id"`
	Experiment string    `json:"experiment"`
	Cluster    string    `json:"cluster"`
	ClusterID  string    `json:"clusterID"`
	Created    time.Time `json:"created"`
	State      State     `json:"state"`

	// Namespace was made for the run and goes with it; empty for none. It
	// carries the label RunLabel with the run's ID.
	Namespace string `json:"namespace,omitempty"`

	// Fault and Objects are set before the fault is injected.
	Fault   *fault.Spec    `json:"fault,omitempty"`
	Objects []fault.Object `json:"objects,omitempty"`

	// Proof is how the undo was proved; Error why it is not yet.
	Proof string     `json:"proof,omitempty"`
	Error string     `json:"error,omitempty"`
	Ended *time.Time `json:"ended,omitempty"`
}

// RunLabel is the label of whatever a run makes, with its ID.
const RunLabel = "axolotl.dev/run"

// Journal is a directory of entries, of one cluster.
type Journal struct{ dir string }

// At returns the journal in a directory, which need not exist.
func At(dir string) *Journal { return &Journal{dir: dir} }

func (j *Journal) path(id string) string { return filepath.Join(j.dir, id+".json") }
func (j *Journal) lock(id string) string { return filepath.Join(j.dir, id+".lock") }

// Held is an entry that this process alone may write.
type Held struct {
	Entry
	journal *Journal
	lock    *store.Lock
}

// Begin takes a new entry and writes it.
func (j *Journal) Begin(e Entry) (*Held, error) {
	if _, err := os.Stat(filepath.Dir(j.dir)); err != nil {
		return nil, fmt.Errorf("journal: %w; the cluster is gone", err)
	}
	lock, err := store.TryLock(j.lock(e.ID))
	if err != nil {
		return nil, err
	}
	e.State = Open
	h := &Held{Entry: e, journal: j, lock: lock}
	if err := h.Write(); err != nil {
		h.Release()
		return nil, err
	}
	return h, nil
}

// Write makes the entry as it is now survive a crash.
func (h *Held) Write() error {
	if err := h.journal.write(h.Entry); err != nil {
		return fmt.Errorf("journal: %w; nothing was injected without it", err)
	}
	return nil
}

// write writes an entry, but makes no directory: where that is gone, the cluster
// was taken down meanwhile, and nothing of it is to come back.
func (j *Journal) write(e Entry) error {
	if _, err := os.Stat(j.dir); err != nil {
		return err
	}
	return store.WriteJSON(j.path(e.ID), e)
}

// Close writes how the undo went and lets go of the entry. With an error the
// entry stays open, for the next one to undo.
func (h *Held) Close(proof string, undo error, now time.Time) error {
	h.State, h.Proof, h.Error, h.Ended = Undone, proof, "", &now
	if undo != nil {
		h.State, h.Error, h.Ended = Open, undo.Error(), nil
	}
	err := h.journal.write(h.Entry)
	if err == nil && undo == nil {
		err = os.Remove(h.journal.lock(h.ID)) // nobody locks what is undone
	}
	return errors.Join(err, h.Release())
}

// Release lets go of the entry as it is.
func (h *Held) Release() error { return h.lock.Unlock() }

// Pending takes every open entry that no living process holds, the newest
// first, as what was done last is undone first. An entry that cannot be read is
// an error beside those that can.
func (j *Journal) Pending() ([]*Held, error) {
	ids, err := j.ids()
	if err != nil {
		return nil, err
	}
	var held []*Held
	var errs []error
	for _, id := range ids {
		h, err := j.Take(id)
		if errors.Is(err, fs.ErrNotExist) {
			continue // undone, and pruned since
		}
		if err != nil {
			errs = append(errs, err)
		} else if h != nil {
			held = append(held, h)
		}
	}
	slices.SortStableFunc(held, func(a, b *Held) int { return b.Created.Compare(a.Created) })
	return held, errors.Join(errs...)
}

// Take returns an open entry, or nil where it is undone or another process
// has it.
func (j *Journal) Take(id string) (*Held, error) {
	e, err := j.read(id)
	if err != nil || e.State == Undone {
		return nil, err
	}
	lock, err := store.TryLock(j.lock(id))
	var locked *store.LockedError
	if errors.As(err, &locked) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	h := &Held{journal: j, lock: lock}
	if h.Entry, err = j.read(id); err != nil || h.State == Undone { // undone since it was read
		return nil, errors.Join(err, h.Release())
	}
	return h, nil
}

func (j *Journal) read(id string) (Entry, error) {
	var e Entry
	if err := store.ReadJSON(j.path(id), &e); err != nil {
		return e, fmt.Errorf("journal entry %q: %w; see what it names, undo that by hand, and remove the file", id, err)
	}
	return e, nil
}

// All returns every entry that can be read, oldest first, and an error for
// those that cannot.
func (j *Journal) All() ([]Entry, error) {
	ids, err := j.ids()
	if err != nil {
		return nil, err
	}
	var all []Entry
	var errs []error
	for _, id := range ids {
		e, err := j.read(id)
		if errors.Is(err, fs.ErrNotExist) {
			continue // pruned since
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b Entry) int { return a.Created.Compare(b.Created) })
	return all, errors.Join(errs...)
}

func (j *Journal) ids() ([]string, error) {
	files, err := os.ReadDir(j.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var ids []string
	for _, f := range files {
		if id, ok := strings.CutSuffix(f.Name(), ".json"); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
