package labs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"axolotl/chaos"
	"axolotl/internal/term"
	"axolotl/vm"
)

// recoverKilled undoes what labs, and runs of chaos, have left in a cluster
// that were killed: a machine that is off, a fault. What the guided lab under
// way did is left, as its processes come one after another.
func recoverKilled(ctx context.Context, h *vm.Handle, progress *term.Progress, now func() time.Time) error {
	open, err := chaos.Unfinished(h.Cluster)
	if err == nil && len(open) == 0 {
		return nil
	}
	var underWay guideState
	if err := readGuide(h, &underWay); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var spared []string
	for _, struck := range underWay.Struck {
		spared = append(spared, struck.ID)
	}
	err = progress.Do("Undo what was left", func(step *term.Step) error {
		done, err := chaos.RecoverBut(ctx, h, spared, now, step)
		for _, e := range done {
			progress.Line("undone: what %s had left (%s)", e.Experiment, e.ID)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("what was killed here before cannot be undone: %w; finish with: axolotl chaos undo --cluster %s", err, h.Cluster.Name)
	}
	return nil
}
