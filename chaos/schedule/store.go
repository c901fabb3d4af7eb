package schedule

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"axolotl/internal/store"
	"axolotl/vm/cluster"
)

// Record is a schedule as it is kept, one file each.
type Record struct {
	Schedule Schedule  `json:"schedule"`
	Added    time.Time `json:"added"` // intervals count from it, and firings are due after it
	// Counted is since when runs that did not heal count for the budget: when
	// it was added, or resumed.
	Counted time.Time `json:"counted"`
	Paused  *Pause    `json:"paused,omitempty"`
	// Resumed is when it was last resumed: what was due while it was paused
	// is not made up for.
	Resumed time.Time `json:"resumed,omitzero"`

	// Broken is why it cannot be used; it is never stored.
	Broken string `json:"broken,omitempty"`
}

// Pause is since when a schedule rests, and why.
type Pause struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// State is the record's state in a word.
func (r *Record) State(now time.Time) string {
	switch {
	case r.Broken != "":
		return "broken"
	case r.Paused != nil:
		return "paused"
	}
	if timetable, err := r.Timetable(); err == nil && !timetable.expires.IsZero() && now.After(timetable.expires) {
		return "expired"
	}
	return "active"
}

// Timetable is the schedule's timetable.
func (r *Record) Timetable() (*Timetable, error) { return r.Schedule.Timetable(r.Added) }

// Since is the moment after which firings are due, where the history knows of
// none.
func (r *Record) Since() time.Time {
	if r.Resumed.After(r.Added) {
		return r.Resumed
	}
	return r.Added
}

// Store is the schedules on this host.
type Store struct{ dir string }

// At returns the schedules under a home.
func At(home store.Home) Store { return Store{filepath.Join(home.State, "schedules")} }

// NotFoundError is the error for a schedule that nobody added.
type NotFoundError struct {
	Name  string
	Known []string
}

func (e *NotFoundError) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("there is no schedule %q; add it with 'axolotl schedule add'", e.Name)
	}
	return fmt.Sprintf("there is no schedule %q; known schedules: %s", e.Name, strings.Join(e.Known, ", "))
}

func (s Store) path(name string) string { return filepath.Join(s.dir, name+".json") }

// Load reads one schedule and sees whether it can be used.
func (s Store) Load(name string) (*Record, error) {
	if err := ValidateName(name); err != nil {
		return nil, err
	}
	var r Record
	err := store.ReadJSON(s.path(name), &r)
	if errors.Is(err, fs.ErrNotExist) {
		known, _ := s.names() // without them the error says what it must
		return nil, &NotFoundError{name, known}
	}
	if err == nil && r.Schedule.Name != name {
		err = fmt.Errorf("it is of a schedule %q", r.Schedule.Name)
	}
	if err == nil {
		_, err = r.Timetable()
	}
	if err != nil {
		return nil, fmt.Errorf("schedule %q cannot be read (%w); remove it with 'axolotl schedule remove %s'", name, err, name)
	}
	return &r, nil
}

// List returns all schedules by name. One that cannot be read is there too,
// with what is wrong in Broken.
func (s Store) List() ([]*Record, error) {
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	all := []*Record{} // not nil: it is printed as JSON
	for _, name := range names {
		r, err := s.Load(name)
		var missing *NotFoundError
		switch {
		case errors.As(err, &missing): // removed meanwhile
			continue
		case err != nil:
			r = &Record{Schedule: Schedule{Name: name}, Broken: err.Error()}
		}
		all = append(all, r)
	}
	return all, nil
}

func (s Store) names() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("schedules: %w", err)
	}
	var names []string
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), ".json"); ok && ValidateName(name) == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Save writes a schedule.
func (s Store) Save(r *Record) error { return store.WriteJSON(s.path(r.Schedule.Name), r) }

// Change loads a schedule, changes it and saves it, while no other process
// does. The change may say that there is nothing to save.
func (s Store) Change(name string, change func(*Record) (changed bool)) (*Record, error) {
	lock, err := s.lock()
	if err != nil {
		return nil, err
	}
	defer lock.Unlock() //nolint:errcheck // the kernel frees it at the latest
	r, err := s.Load(name)
	if err != nil || !change(r) {
		return r, err
	}
	return r, s.Save(r)
}

// Add keeps a new schedule. One of that name is replaced where replace is set: what
// is due, and what runs that did not heal count for, counts from now on, but a pause
// stays until it is resumed, as that of a budget is for a person to see to.
func (s Store) Add(schedule Schedule, now time.Time, replace bool) (*Record, error) {
	lock, err := s.lock()
	if err != nil {
		return nil, err
	}
	defer lock.Unlock() //nolint:errcheck // the kernel frees it at the latest
	_, err = os.Stat(s.path(schedule.Name))
	if err == nil && !replace {
		return nil, fmt.Errorf("there is a schedule %q already; replace it with --replace or choose another name", schedule.Name)
	}
	r := &Record{Schedule: schedule, Added: now.UTC().Truncate(time.Second)}
	r.Counted = r.Added
	if before, err := s.Load(schedule.Name); err == nil { // a broken one has nothing to keep
		r.Paused = before.Paused
	}
	if _, err := r.Timetable(); err != nil {
		return nil, err
	}
	return r, s.Save(r)
}

// Remove removes a schedule, also one that cannot be read.
func (s Store) Remove(name string) error {
	if err := ValidateName(name); err != nil {
		return err
	}
	if _, err := os.Stat(s.path(name)); errors.Is(err, fs.ErrNotExist) {
		known, _ := s.names() // without them the error says what it must
		return &NotFoundError{name, known}
	}
	return store.RemoveFile(s.path(name))
}

// Fingerprint is another one whenever a schedule was added, changed or
// removed: a file that is replaced is another file, also within one tick of
// the clock.
func (s Store) Fingerprint() (uint64, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	hash := fnv.New64a()
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".json" {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		fmt.Fprintln(hash, entry.Name(), info.ModTime().UnixNano(), info.Size(), info.Sys().(*syscall.Stat_t).Ino)
	}
	return hash.Sum64(), nil
}

func (s Store) lock() (*store.Lock, error) { return store.TryLock(filepath.Join(s.dir, ".lock")) }

// ValidateName accepts what may be the name of a schedule.
func ValidateName(name string) error {
	if cluster.ValidateName(name) != nil {
		return fmt.Errorf("schedule name %q is no DNS label of at most 40 characters; use small letters, digits and -", name)
	}
	return nil
}
