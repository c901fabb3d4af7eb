package drivertest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/cluster"
	"axolotl/vm/kubeadm"
)

// watch: it tells first what each machine is, and ends with its context.
func (s *story) watch(t *testing.T) {
	watcher, ok := s.driver.(vm.Watcher)
	if !ok {
		t.Skip("it is none")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told, err := watcher.Watch(ctx, s.c)
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]vm.MachineState{}
	for status := range told {
		states[status.Name] = status.State
		if len(states) == len(s.c.Machines) {
			cancel()
		}
	}
	for _, m := range s.c.Machines {
		if states[m.Name] != vm.MachineRunning {
			t.Errorf("%s: told %q", m.Name, states[m.Name])
		}
	}
}

// nobody: a machine that is none is an error that names it, and no machine is
// touched.
func (s *story) nobody(t *testing.T) {
	for ability, err := range s.acts(t.Context(), "nobody") {
		if err == nil || !strings.Contains(err.Error(), `"nobody"`) {
			t.Errorf("%s: error %v", ability, err)
		}
	}
	s.states(t, s.c, vm.MachineRunning, nil)
}

// acts does to a machine all that the driver can.
func (s *story) acts(ctx context.Context, machine string) map[string]error {
	errs := map[string]error{}
	if d, ok := s.driver.(vm.Executor); ok {
		_, errs["Exec"] = d.Exec(ctx, s.c, machine, "/bin/true")
	}
	if d, ok := s.driver.(vm.Consoler); ok {
		errs["Console"] = d.Console(ctx, s.c, machine, strings.NewReader(""), &strings.Builder{})
	}
	if d, ok := s.driver.(vm.Powerer); ok {
		errs["PowerOff"] = d.PowerOff(ctx, s.c, machine)
		errs["PowerOn"] = d.PowerOn(ctx, s.c, machine)
	}
	if d, ok := s.driver.(vm.Resetter); ok {
		errs["Reset"] = d.Reset(ctx, s.c, machine)
	}
	if d, ok := s.driver.(vm.Pauser); ok {
		errs["Pause"] = d.Pause(ctx, s.c, machine)
		errs["Resume"] = d.Resume(ctx, s.c, machine)
	}
	s.actsOnHardware(ctx, machine, errs)
	return errs
}

func (s *story) power(t *testing.T) {
	power, ok := s.driver.(vm.Powerer)
	if !ok {
		t.Skip("it is none")
	}
	twice(t, func() error { return power.PowerOff(t.Context(), s.c, s.last()) })
	s.states(t, s.c, vm.MachineRunning, map[string]vm.MachineState{s.last(): vm.MachineStopped})
	twice(t, func() error { return power.PowerOn(t.Context(), s.c, s.last()) })
	s.states(t, s.c, vm.MachineRunning, nil)
	// Up gives power to what has none, too.
	if s.driver.Traits().RealMachines {
		must(t, power.PowerOff(t.Context(), s.c, s.last()))
		run(t, func() []vm.Action { return s.driver.Up(s.c) })
		s.states(t, s.c, vm.MachineRunning, nil)
	}
}

func (s *story) reset(t *testing.T) {
	reset, ok := s.driver.(vm.Resetter)
	if !ok {
		t.Skip("it is none")
	}
	twice(t, func() error { return reset.Reset(t.Context(), s.c, s.last()) })
	s.states(t, s.c, vm.MachineRunning, nil)
	if power, ok := s.driver.(vm.Powerer); ok {
		must(t, power.PowerOff(t.Context(), s.c, s.last()))
		must(t, reset.Reset(t.Context(), s.c, s.last()))
		s.states(t, s.c, vm.MachineRunning, nil)
	}
}

func (s *story) pause(t *testing.T) {
	pauser, ok := s.driver.(vm.Pauser)
	if !ok {
		t.Skip("it is none")
	}
	twice(t, func() error { return pauser.Pause(t.Context(), s.c, s.last()) })
	s.states(t, s.c, vm.MachineRunning, map[string]vm.MachineState{s.last(): vm.MachinePaused})
	twice(t, func() error { return pauser.Resume(t.Context(), s.c, s.last()) })
	s.states(t, s.c, vm.MachineRunning, nil)
	power, ok := s.driver.(vm.Powerer)
	if !ok {
		return
	}
	must(t, power.PowerOff(t.Context(), s.c, s.last()))
	if err := pauser.Pause(t.Context(), s.c, s.last()); err == nil {
		t.Error("a machine that is off was paused")
	}
	if err := pauser.Resume(t.Context(), s.c, s.last()); err == nil {
		t.Error("a machine that is off was resumed")
	}
	must(t, power.PowerOn(t.Context(), s.c, s.last()))
}

// grow: a machine comes and goes, and the others do not notice.
func (s *story) grow(t *testing.T) {
	grower, ok := s.driver.(vm.Grower)
	if !ok {
		t.Skip("it is none")
	}
	before := slices.Clone(s.c.Machines)
	s.c.Spec = s.c.Spec.Resize(vm.WorkerGroup, 1)
	s.planned(t, s.c)
	if n := len(before); len(s.c.Machines) != n+1 || !slices.Equal(s.c.Machines[:n], before) {
		t.Fatalf("grown to %+v, from %+v", s.c.Machines, before)
	}
	name := s.last()
	// What is joining is left to Join.
	s.c.Joining = []string{name}
	must(t, cluster.Run(t.Context(), quiet, s.driver.Up(s.c)))
	run(t, func() []vm.Action { return grower.Join(s.c, name) })
	s.c.Joining = nil
	s.states(t, s.c, vm.MachineRunning, nil)
	s.settled(t)
	if ruiner, ok := s.driver.(vm.Ruiner); ok {
		twice(t, func() error { return ruiner.Ruin(t.Context(), s.c, name) })
		s.states(t, s.c, vm.MachineRunning, map[string]vm.MachineState{name: vm.MachineMissing})
	}
	twice(t, func() error { return grower.Leave(t.Context(), s.c, name) })
	s.c.Machines = s.c.Machines[:len(before)]
	s.c.Spec = s.c.Spec.Resize(vm.WorkerGroup, -1)
	s.states(t, s.c, vm.MachineRunning, nil)
}

// save: machines that are saved go on, and come back, as often as one likes.
func (s *story) save(t *testing.T) {
	saver, ok := s.driver.(vm.Saver)
	if !ok {
		t.Skip("it is none")
	}
	dir := t.TempDir()
	step := func() *term.Step { return quiet.Start("save") }
	must(t, saver.Save(t.Context(), s.c, dir, step()))
	s.states(t, s.c, vm.MachineRunning, nil)
	files := tree(t, dir)
	if len(files) == 0 {
		t.Error("nothing was saved")
	}
	resumed, running, err := saver.Load(t.Context(), s.c, dir, step())
	must(t, err)
	if resumed.IsZero() || len(running) != len(s.c.Machines) {
		t.Errorf("resumed at %s: %v", resumed, running)
	}
	s.states(t, s.c, vm.MachineRunning, nil)
	if left := tree(t, dir); !slices.Equal(left, files) {
		t.Errorf("what was saved is %v now, was %v", left, files)
	}
	s.settled(t)
}

// tree are the files below a directory.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	must(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	}))
	return files
}

// freeze: the machines of one cluster become those of another, which can be
// made of them again and again.
func (s *story) freeze(t *testing.T) {
	freezer, ok := s.driver.(vm.Freezer)
	if !ok {
		t.Skip("it is none")
	}
	_, frozen := s.New(t, 1)
	frozen.SharedMemory = filepath.Join(frozen.Dir, "shared")
	s.planned(t, frozen)
	must(t, cluster.Run(t.Context(), quiet, s.driver.Up(frozen)))
	must(t, freezer.Freeze(t.Context(), frozen))
	s.states(t, frozen, vm.MachineMissing, nil)
	_, thawed := s.New(t, 1)
	t.Cleanup(func() { s.down(t, thawed) })
	s.planned(t, thawed)
	// Whoever thaws has the credentials of what was frozen.
	must(t, os.CopyFS(kubeadm.NodeDir(thawed.Dir, ""), os.DirFS(kubeadm.NodeDir(frozen.Dir, ""))))
	for range 2 {
		resumed, err := freezer.Thaw(t.Context(), thawed, frozen.Dir)
		must(t, err)
		if resumed.IsZero() {
			t.Error("nobody knows when they began to run")
		}
		s.states(t, thawed, vm.MachineRunning, nil)
	}
	s.states(t, s.c, vm.MachineRunning, nil)
}
