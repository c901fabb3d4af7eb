package chaos

import (
	"context"
	"fmt"
	"time"

	"axolotl/chaos/fault"
	"axolotl/chaos/journal"
	"axolotl/vm"
)

// Stroke is a fault that Strike injected. Its entry in the journal is held by
// this process, so that nobody else undoes it, and its target is locked, so that
// no run breaks it too, until it is mended or released.
type Stroke struct {
	handle *vm.Handle
	entry  *journal.Held
	unlock func()
	now    func() time.Time
}

// Strike injects a fault outside of an experiment, for whoever watches the
// healing by other means (a lab's step): it writes the journal, injects, and
// waits until the fault is proved. who is named in the journal, and may strike one
// thing several times. The stroke is nil only where nothing was injected; beside an
// error it is what may have been, to be mended.
func Strike(ctx context.Context, h *vm.Handle, f fault.Fault, targets []fault.Target, who string, now func() time.Time) (stroke *Stroke, err error) {
	if err := guardCluster(h, ""); err != nil {
		return nil, err
	}
	unlock, err := lockStroke(ctx, h, f, targets, who)
	if err != nil {
		return nil, err
	}
	defer func() {
		if stroke == nil {
			unlock()
		}
	}()
	objects, err := f.Prepare(ctx, h, targets)
	if err != nil {
		return nil, err
	}
	spec, err := fault.SpecOf(f)
	if err != nil {
		return nil, err
	}
	started := now()
	entry, err := journalOf(h.Cluster).Begin(journal.Entry{
		ID:         runID(started, newSuffix()),
		Experiment: who, Cluster: h.Cluster.Name, ClusterID: h.Cluster.ID, Created: started, Fault: &spec, Objects: objects,
	})
	if err != nil {
		return nil, err
	}
	s := &Stroke{handle: h, entry: entry, unlock: unlock, now: now}
	if err := f.Inject(ctx, h, objects); err != nil {
		return s, err
	}
	_, err = proved(ctx, "the fault has taken effect", proofTime(f), func(ctx context.Context) (string, error) {
		return f.Injected(ctx, h, objects)
	})
	return s, err
}

// ID is that of the journal's entry, by which Mend undoes a stroke that was
// released.
func (s *Stroke) ID() string { return s.entry.ID }

// Mend undoes the stroke and proves it. Where it cannot, the entry stays open
// and is released.
func (s *Stroke) Mend(ctx context.Context) error {
	defer s.unlock()
	return mend(ctx, s.handle, s.entry, s.now)
}

// Release leaves the stroke to others: to Mend, and to the next run of an
// experiment or "chaos undo", which undo what nobody holds.
func (s *Stroke) Release() error {
	defer s.unlock()
	return s.entry.Release()
}

// Mend undoes what Strike did under this ID, and proves it. What is undone
// already is success.
func Mend(ctx context.Context, h *vm.Handle, id string, now func() time.Time) error {
	entry, err := journalOf(h.Cluster).Take(id)
	if err != nil || entry == nil {
		return err
	}
	return mend(ctx, h, entry, now)
}

func mend(ctx context.Context, h *vm.Handle, entry *journal.Held, now func() time.Time) error {
	proof, err := undoFault(ctx, h, entry.Entry, undoWithin, nil)
	if err := closeEntry(h, entry, proof, err, now()); err != nil {
		return fmt.Errorf("undo %s: %w", entry.ID, err)
	}
	return nil
}
