package journal

import (
	"errors"
	"time"
)

// Prune removes entries that were undone before, and returns how many. What is
// open stays, however old, and so does what cannot be read.
func (j *Journal) Prune(before time.Time) (int, error) {
	all, _ := j.All() // what cannot be read is for those to tell who undo
	removed := 0
	var errs []error
	for _, e := range all {
		if e.State != Undone || e.Ended == nil || !e.Ended.Before(before) {
			continue
		}
		if err := j.place.Remove(e.ID); err != nil {
			errs = append(errs, err)
			continue
		}
		removed++
	}
	return removed, errors.Join(errs...)
}
