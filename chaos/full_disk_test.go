package chaos

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"axolotl/chaos/fault"
	"axolotl/chaos/history"
	"axolotl/internal/disktest"
	"axolotl/vm"
)

// filling is a cordon that takes the last room on a disk, too.
type filling struct {
	fault.Fault
	path string
}

func (f *filling) Inject(ctx context.Context, h *vm.Handle, objects []fault.Object) error {
	return errors.Join(f.Fault.Inject(ctx, h, objects), disktest.Fill(f.path))
}

// FAULTS.md 14: the disk becomes full in the middle of a run. What it did is
// undone; that this could not be written down is told, and made good once there
// is room.
func TestDiskFullInTheMiddleOfARun(t *testing.T) {
	h := cluster(t)
	disk := disktest.Small(t)
	c := *h.Cluster
	c.Dir = filepath.Join(disk, "cluster")
	config, err := os.ReadFile(h.Cluster.Kubeconfig())
	if err := errors.Join(err, os.Mkdir(c.Dir, 0o700), os.WriteFile(c.Kubeconfig(), config, 0o600)); err != nil {
		t.Fatal(err)
	}
	onDisk := &vm.Handle{Cluster: &c, Driver: h.Driver, Kube: h.Kube}
	e, err := Open("node-cordon")
	if err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(disk, "filler")
	e.Probe, e.Lasts, e.Fault = nil, time.Millisecond, &filling{e.Fault, filler}
	r := runner(t, onDisk)
	r.History = openHistoryAt(t, filepath.Join(disk, history.FileName))

	report := r.Run(t.Context(), e)
	if report.Verdict != UndoFailed || !strings.Contains(report.Reason, "no space left on device") {
		t.Errorf("verdict %s (%s)", report.Verdict, report.Reason)
	}
	leftNothing(t, h, report.ID) // the journal that says otherwise is on the full disk
	if open, err := Unfinished(&c); err != nil || len(open) != 1 {
		t.Errorf("open in the journal: %+v, %v", open, err)
	}

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	done, err := Recover(t.Context(), onDisk, time.Now, quiet.Start("undo"))
	if err != nil || len(done) != 1 || done[0].ID != report.ID {
		t.Errorf("undone %+v, %v", done, err)
	}
	if report := r.Run(t.Context(), deletion(t)); report.Verdict != Healed {
		t.Errorf("the next run: verdict %s (%s)", report.Verdict, report.Reason)
	}
}
