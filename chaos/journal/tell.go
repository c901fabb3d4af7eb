package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"axolotl/internal/store"
)

// Teller is a Place by which another process tells a run at work to end, and
// nothing else that its process does.
type Teller interface {
	// Tell tells the run with this ID, which looks by Told.
	Tell(id string) error
	Told(id string) bool
	// Untell forgets it, and tells whether there was anything to forget: who told it
	// an instant before is heard, or is told of by the next Untell, and by one of both.
	Untell(id string) (told bool, err error)
	// SweepTold forgets it of all runs that nobody holds any more.
	SweepTold() error
}

// teller is the journal's Teller, or one for places that are none: nobody is told.
func (j *Journal) teller() Teller {
	if t, ok := j.place.(Teller); ok {
		return t
	}
	return mute{}
}

// Tell tells a run to end; it notices within a second or two.
func (j *Journal) Tell(id string) error { return j.teller().Tell(id) }

// Told tells whether a run was told to end.
func (j *Journal) Told(id string) bool { return j.teller().Told(id) }

// Untell forgets that a run was told to end, as it has, and tells whether it was.
func (j *Journal) Untell(id string) (told bool, err error) { return j.teller().Untell(id) }

// SweepTold forgets it of runs whose processes have ended.
func (j *Journal) SweepTold() error { return j.teller().SweepTold() }

type mute struct{}

func (mute) Tell(string) error { return errors.New("runs of this journal cannot be told to end") }
func (mute) Told(string) bool  { return false }
func (mute) SweepTold() error  { return nil }

func (mute) Untell(string) (bool, error) { return false, nil }

// tellSuffix is that of the file, beside a run's entry, which tells it to end.
const tellSuffix = ".abort"

func (f files) told(id string) string { return filepath.Join(f.dir, id+tellSuffix) }

// Tell implements Teller.
func (f files) Tell(id string) error {
	if _, err := os.Stat(f.dir); err != nil {
		return err
	}
	return store.WriteFile(f.told(id), nil, 0o600)
}

// Told implements Teller.
func (f files) Told(id string) bool {
	_, err := os.Stat(f.told(id))
	return err == nil
}

// Untell implements Teller.
func (f files) Untell(id string) (told bool, err error) {
	if !f.Told(id) {
		return false, nil // nothing is to be synced, as a rule
	}
	return true, store.RemoveFile(f.told(id))
}

// SweepTold implements Teller.
func (f files) SweepTold() error {
	names, err := os.ReadDir(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, name := range names {
		id, ok := strings.CutSuffix(name.Name(), tellSuffix)
		if !ok {
			continue
		}
		holder, err := f.Holder(id)
		if err == nil && holder == nil {
			_, err = f.Untell(id)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
