package libvirt

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"axolotl/vm"
)

// used is a restored cluster whose last worker is off.
func used(w *world) {
	w.must(w.up(w.restored("c", spec(2))))
	w.healthy("c")
	c := w.load("c")
	w.become(c.Machines[2].UUID, vm.MachineStopped)
}

// save is 'axolotl snapshot save'; one that is there is as good.
func save(w *world) error {
	_, err := w.clusters().SaveSnapshot(w.t.Context(), "c", "s", w.open, quiet)
	if err != nil && strings.Contains(err.Error(), `has a snapshot "s" already`) {
		return nil
	}
	return err
}

// Machines that ran go on, and what was interrupted leaves no snapshot.
func TestSnapshotSaveAtEveryCall(t *testing.T) {
	inEachForm(t, func(t *testing.T, w *world) {
		w.golden(spec(2))
		work{
			before: used,
			run:    save,
			again: func(w *world) error {
				// Where it was killed machines may be paused; up has them go on.
				if err := w.up(w.restored("c", spec(2))); err != nil {
					return err
				}
				w.become(w.load("c").Machines[2].UUID, vm.MachineStopped)
				return save(w)
			},
		}.everyCall(t, w, func(w *world) {
			for i, want := range []vm.MachineState{vm.MachineRunning, vm.MachineRunning, vm.MachineStopped} {
				m := w.load("c").Machines[i]
				if got := w.fake.domains[m.UUID].state; got != want {
					t.Errorf("%s is %s, want %s", m.Name, got, want)
				}
			}
		})
	})
}

// A save that fails has the machines go on at once, without anybody's help.
func TestSnapshotSaveThatFails(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(1))
	w.must(w.up(w.restored("c", spec(1))))
	w.healthy("c")
	w.fake.migration = []string{"failed"}
	if err := save(w); err == nil || !strings.Contains(err.Error(), "could not move the machine's state") {
		t.Errorf("error %v", err)
	}
	for _, d := range w.fake.domains {
		if d.state != vm.MachineRunning {
			t.Errorf("%s is %s", d.name, d.state)
		}
	}
	if shots, err := w.clusters().Snapshots("c"); err != nil || len(shots) > 0 {
		t.Errorf("%d snapshots, %v", len(shots), err)
	}
	w.become(w.load("c").Machines[1].UUID, vm.MachinePaused)
	w.fake.migration = nil
	if err := save(w); err == nil || !strings.Contains(err.Error(), "worker-1 is paused") {
		t.Errorf("of a paused machine: %v", err)
	}
}

// What is there when it is restored gives way, in whatever state; what was off
// is off. An interrupted restore is completed by up.
func TestSnapshotRestoreAtEveryCall(t *testing.T) {
	inEachForm(t, func(t *testing.T, w *world) {
		w.golden(spec(2))
		work{
			before: func(w *world) { used(w); w.must(save(w)); wreck(w) },
			run: func(w *world) error {
				return started(w.clusters().RestoreSnapshot(t.Context(), "s", w.restored("c", spec(2)), quiet))
			},
			again: func(w *world) error { return w.up(w.restored("c", spec(2))) },
		}.everyCall(t, w, func(w *world) {
			c := w.load("c")
			for i, want := range []vm.MachineState{vm.MachineRunning, vm.MachineRunning, vm.MachineStopped} {
				d := w.fake.domains[c.Machines[i].UUID]
				if d.state != want || d.incoming {
					t.Errorf("%s is %s, incoming %t, want %s", d.name, d.state, d.incoming, want)
				}
			}
			gone(w)
		})
	})
}

// A machine that is only in the snapshot comes back at ports that are free now: its
// own may have become another cluster's.
func TestSnapshotRestoreTakesNobodysPorts(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(2))
	w.golden(spec(1))
	used(w)
	w.must(save(w))
	c := w.load("c")
	w.must(w.driver().Leave(t.Context(), c, "worker-2"))
	c.Machines, c.Spec.Workers = c.Machines[:2], 1
	w.must(w.clusters().Save(c))
	w.must(w.up(w.restored("other", spec(1))))
	w.must(started(w.clusters().RestoreSnapshot(t.Context(), "s", w.restored("c", spec(2)), quiet)))
	taken := map[int]bool{}
	for _, m := range append(w.load("c").Machines, w.load("other").Machines...) {
		if m.NodePortBase == 0 || overlaps(taken, m.NodePortBase) {
			t.Errorf("%s has ports from %d on; taken are %v", m.Name, m.NodePortBase, taken)
		}
		taken[m.NodePortBase] = true
	}
}

// answering are agents that take files and run programs.
func answering() *guest { return &guest{files: map[float64]*bytes.Buffer{}} }

// A worker that is added, at every call: what was interrupted is completed by
// up, and the others are told.
func TestAddWorkerAtEveryCall(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(1))
	work{
		before: func(w *world) {
			w.fake.answer = answering().answer
			w.must(w.up(w.restored("c", spec(1))))
			w.healthy("c")
		},
		run: func(w *world) error {
			_, err := w.clusters().AddWorkers(t.Context(), "c", "", 1, w.open, quiet)
			return started(nil, err)
		},
		again: func(w *world) error { return w.rejoined() },
	}.everyCall(t, w, func(w *world) {
		c := w.load("c")
		if len(c.Machines) != 3 || c.Machines[2].Name != "worker-2" || !slices.Equal(c.Joining, []string{"worker-2"}) {
			t.Errorf("%+v", c)
		}
		gone(w)
	})
}

// rejoined is up of a cluster in which machines are joining, without the API
// server that it waits for before they do.
func (w *world) rejoined() error {
	c := w.load("c")
	d := untilStarted{w.driver()}
	for _, name := range c.Joining {
		if err := d.Leave(w.t.Context(), c, name); err != nil {
			return err
		}
	}
	for _, action := range append(d.Driver.Up(c), d.Driver.Join(c, c.Joining...)...) {
		if err := action.Run(w.t.Context(), quiet.Start(action.Name)); err != nil {
			return err
		}
	}
	return nil
}

// A machine that leaves takes its disk and its domain with it, and no other's.
func TestLeaveAtEveryCall(t *testing.T) {
	w := newWorld(t)
	work{
		before: func(w *world) { w.must(w.up(w.options("c", spec(2)))) },
		run: func(w *world) error {
			return w.driver().Leave(t.Context(), w.load("c"), "worker-2")
		},
	}.everyCall(t, w, func(w *world) {
		c := w.load("c")
		if len(w.fake.domains) != 2 || w.fake.domains[c.Machines[2].UUID] != nil {
			t.Errorf("domains %v", w.fake.domains)
		}
		if _, err := os.Stat(c.Path("machines", "worker-2")); err == nil {
			t.Error("its files are there")
		}
	})
}

// The console is a person's both ways, until Ctrl-].
func TestConsole(t *testing.T) {
	w, d, uuid := running(t)
	c := w.load("c")
	var out bytes.Buffer
	if err := d.Console(t.Context(), c, "cp-1", strings.NewReader("uptime\x1dlost"), &out); err != nil {
		t.Error(err)
	}
	w.become(uuid, vm.MachineStopped)
	err := d.Console(t.Context(), c, "cp-1", strings.NewReader(""), &out)
	if err == nil || !strings.Contains(err.Error(), "'axolotl node start c cp-1'") {
		t.Errorf("of one that is off: %v", err)
	}
	w.fake.domains[uuid].owner.ClusterID = "another"
	if err := d.Console(t.Context(), c, "cp-1", strings.NewReader(""), &out); err == nil || errors.Is(err, errNoDomain) {
		t.Errorf("of a foreign domain: %v", err)
	}
}

// What is saved, and restored, takes the room of the disks, too.
func TestRoomForDisks(t *testing.T) {
	inEachForm(t, func(t *testing.T, w *world) {
		w.must(w.up(w.options("c", spec(1))))
		w.healthy("c")
		c := w.load("c")
		const disk = 3 << 20
		w.must(os.WriteFile(machineFile(c.Dir, "worker-1", rootOverlay), bytes.Repeat([]byte("used"), disk/4), 0o600))
		memory := uint64(c.Spec.AllMemoryMiB()) << 20
		if room, err := saveBytes(c); err != nil || room < memory+disk || room > memory+2*disk {
			t.Errorf("to save %d bytes, %v", room, err)
		}
		_, err := w.clusters().SaveSnapshot(t.Context(), "c", "s", w.open, quiet)
		w.must(err)
		kept := c.Path("snapshots", "s")
		var saved uint64
		for _, m := range c.Machines {
			if info, err := os.Stat(machineFile(kept, m.Name, savedFile)); err == nil {
				saved += uint64(info.Size())
			}
		}
		if (saved > 0) != (w.restore == vm.Saved) {
			t.Fatalf("%d bytes of save images", saved)
		}
		if room, err := w.driver().LoadBytes(c, kept); err != nil || room < saved+disk || room > saved+2*disk {
			t.Errorf("to restore %d bytes, %v", room, err)
		}
	})
}
