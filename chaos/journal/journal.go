// Package journal keeps what must be undone: one entry a run, safe from a crash
// before the fault is injected, so that whoever comes after one knows what to
// mend and how.
//
// Entries lie in a Place: files of this host (At), or objects of a cluster for
// those who share no disk (In).
package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
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

	// Run is the ID by which Tell ends the run that the entry is of; empty: nobody
	// looks whether it was told to.
	Run string `json:"run,omitempty"`

	// Namespace was made for the run and goes with it; empty for none. It
	// carries the label RunLabel with the run's ID.
	Namespace string `json:"namespace,omitempty"`

	// Fault and Objects are set before the fault is injected. The objects have
	// their prior values until these are restored.
	Fault   *fault.Spec    `json:"fault,omitempty"`
	Objects []fault.Object `json:"objects,omitempty"`

	// Proof is how the undo was proved; Error why it is not yet.
	Proof string     `json:"proof,omitempty"`
	Error string     `json:"error,omitempty"`
	Ended *time.Time `json:"ended,omitempty"`
}

// RunLabel is the label of whatever a run makes, with its ID.
const RunLabel = "axolotl.dev/run"

// Journal is the entries of one cluster.
type Journal struct{ place Place }

// Place is where entries lie, and who holds which.
type Place interface {
	// Hold takes an entry, which need not be there yet, for this process alone,
	// until it is let go or the process ends. The error is a *store.LockedError
	// where another one has it.
	Hold(id string) (Hold, error)
	// Holder is who holds an entry; nil: nobody.
	Holder(id string) (*store.Holder, error)

	// Begin writes an entry that is not there, and Write one that is, and that
	// this process holds: it survives a crash when they return.
	Begin(e Entry) error
	Write(e Entry) error
	// Read reads an entry, and Remove removes it; fs.ErrNotExist is the error of
	// the one, and success for the other, where there is none.
	Read(id string) (Entry, error)
	Remove(id string) error
	// IDs are those of all entries.
	IDs() ([]string, error)
}

// Hold is what a process has of an entry that it holds.
type Hold interface {
	// Unlock lets go.
	Unlock() error
	// Remove lets go of an entry that nobody will hold again.
	Remove() error
}

// In returns the journal in a place.
func In(place Place) *Journal { return &Journal{place} }

// Held is an entry that this process alone may write.
type Held struct {
	Entry
	journal *Journal
	hold    Hold
	told    bool
}

// Begin takes a new entry and writes it.
func (j *Journal) Begin(e Entry) (*Held, error) {
	hold, err := j.place.Hold(e.ID)
	if err != nil {
		return nil, err
	}
	e.State = Open
	if err := j.place.Begin(e); err != nil {
		return nil, errors.Join(fmt.Errorf("journal: %w; nothing was injected without it", err), hold.Unlock())
	}
	return &Held{Entry: e, journal: j, hold: hold}, nil
}

// Write makes the entry as it is now survive a crash.
func (h *Held) Write() error {
	if err := h.journal.place.Write(h.Entry); err != nil {
		return fmt.Errorf("journal: %w; nothing was injected without it", err)
	}
	return nil
}

// Close writes how the undo went and lets go of the entry. With an error the
// entry stays open, for the next one to undo. Without one nobody needs what the
// objects were like before, which may be a whole Secret: that is not kept.
func (h *Held) Close(proof string, undo error, now time.Time) error {
	h.State, h.Proof, h.Error, h.Ended = Undone, proof, "", &now
	if undo != nil {
		h.State, h.Error, h.Ended = Open, undo.Error(), nil
	} else {
		h.Objects = slices.Clone(h.Objects) // the caller may have them too
		for i := range h.Objects {
			h.Objects[i].Prior = nil
		}
	}
	err := h.journal.place.Write(h.Entry)
	var unsaid error
	h.told, unsaid = h.journal.Untell(h.ID)
	if err = errors.Join(err, unsaid); err == nil && undo == nil {
		return h.hold.Remove() // nobody holds what is undone
	}
	return errors.Join(err, h.Release())
}

// Told tells whether the run had been told to end when its entry was closed, also
// while it was undone: too late for that, and in time for what would come after it.
func (h *Held) Told() bool { return h.told }

// Release lets go of the entry as it is.
func (h *Held) Release() error { return h.hold.Unlock() }

// Pending takes every open entry that no living process holds, the newest
// first, as what was done last is undone first. An entry that cannot be read is
// an error beside those that can.
func (j *Journal) Pending() ([]*Held, error) {
	ids, err := j.place.IDs()
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
	e, err := j.place.Read(id)
	if err != nil || e.State == Undone {
		return nil, err
	}
	hold, err := j.place.Hold(id)
	var locked *store.LockedError
	if errors.As(err, &locked) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	h := &Held{journal: j, hold: hold}
	if h.Entry, err = j.place.Read(id); err != nil || h.State == Undone { // undone since it was read
		return nil, errors.Join(err, h.Release())
	}
	return h, nil
}

// All returns every entry that can be read, oldest first, and an error for
// those that cannot.
func (j *Journal) All() ([]Entry, error) {
	ids, err := j.place.IDs()
	if err != nil {
		return nil, err
	}
	var all []Entry
	var errs []error
	for _, id := range ids {
		e, err := j.place.Read(id)
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
