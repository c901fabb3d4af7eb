package chaos

import (
	"time"

	"axolotl/chaos/journal"
	"axolotl/vm"
)

// Unfinished returns the runs of a cluster that may have left something in it:
// those at work and those that were killed.
func Unfinished(c *vm.Cluster) ([]journal.Entry, error) {
	all, err := journalOf(c).All()
	var open []journal.Entry
	for _, e := range all {
		if e.State == journal.Open {
			open = append(open, e)
		}
	}
	return open, err
}

// PruneJournal removes from a cluster's journal what was undone before.
func PruneJournal(c *vm.Cluster, before time.Time) error {
	_, err := journalOf(c).Prune(before)
	return err
}
