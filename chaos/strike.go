package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"axolotl/chaos/fault"
	"axolotl/chaos/journal"
	"axolotl/vm"
)

// Strike injects a fault outside of an experiment, for whoever watches the
// healing by other means (a lab's step): it writes the journal, injects, and
// waits until the fault is proved. who is named in the journal. Mend undoes by
// the ID that is returned, which is empty only where nothing was injected. The
// journal's entry is held by nobody then: the next run of an experiment, or
// "chaos undo", would undo it.
func Strike(ctx context.Context, h *vm.Handle, f fault.Fault, targets []fault.Target, who string, now func() time.Time) (id string, err error) {
	if err := guardCluster(h, ""); err != nil {
		return "", err
	}
	objects, err := f.Prepare(ctx, h, targets)
	if err != nil {
		return "", err
	}
	spec, err := fault.SpecOf(f)
	if err != nil {
		return "", err
	}
	started := now()
	entry, err := journalOf(h.Cluster).Begin(journal.Entry{
		ID:         runID(started, newSuffix()),
		Experiment: who, Cluster: h.Cluster.Name, ClusterID: h.Cluster.ID, Created: started, Fault: &spec, Objects: objects,
	})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, entry.Release()) }()
	if err := f.Inject(ctx, h, objects); err != nil {
		return entry.ID, err
	}
	_, err = proved(ctx, "the fault has taken effect", proofTime(f), func(ctx context.Context) (string, error) {
		return f.Injected(ctx, h, objects)
	})
	return entry.ID, err
}

// Mend undoes what Strike did under this ID, and proves it. What is undone
// already is success.
func Mend(ctx context.Context, h *vm.Handle, id string, now func() time.Time) error {
	entry, err := journalOf(h.Cluster).Take(id)
	if err != nil || entry == nil {
		return err
	}
	proof, err := undoFault(ctx, h, entry.Entry)
	if err := errors.Join(err, entry.Close(proof, err, now())); err != nil {
		return fmt.Errorf("undo %s: %w", id, err)
	}
	return nil
}
