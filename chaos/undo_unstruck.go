package chaos

import (
	"context"

	"axolotl/chaos/fault"
	"axolotl/chaos/journal"
	"axolotl/vm"
)

// UndoOf undoes, and proves undone, what a fault would have done to objects, as the
// undo of a run does, where somebody did the same by other means: by hand, as a lab
// tells its learner to. No journal knows of it. What was not done is success.
func UndoOf(ctx context.Context, h *vm.Handle, f fault.Fault, objects []fault.Object) error {
	spec, err := fault.SpecOf(f)
	if err != nil {
		return err
	}
	_, err = undoFault(ctx, h, journal.Entry{Fault: &spec, Objects: objects}, undoWithin, nil)
	return err
}
