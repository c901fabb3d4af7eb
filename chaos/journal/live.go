package journal

import (
	"errors"

	"axolotl/internal/store"
)

// Live is an open entry that a process holds: its run is at work.
type Live struct {
	Entry
	Holder store.Holder
}

// Live returns the entries whose runs are at work, oldest first.
func (j *Journal) Live() ([]Live, error) {
	all, err := j.All()
	var live []Live
	errs := []error{err}
	for _, e := range all {
		holder, err := j.Holder(e.ID)
		errs = append(errs, err)
		if holder != nil && e.State == Open {
			live = append(live, Live{e, *holder})
		}
	}
	return live, errors.Join(errs...)
}

// Holder is who holds an entry; nil: nobody.
func (j *Journal) Holder(id string) (*store.Holder, error) { return j.place.Holder(id) }
