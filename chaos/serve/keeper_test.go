package serve

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"axolotl/chaos/schedule"
	"axolotl/internal/store"
	"axolotl/vm"
)

// machines are those of the one cluster that a world keeps, as a test has them.
type machines struct {
	mu      sync.Mutex
	states  map[string]vm.MachineStatus
	nodes   map[string]string // what is wrong with them
	targets map[string]bool
	gone    error // of whoever begins to watch
	told    []chan vm.MachineStatus

	recreated []string
	fail      error // of every recreation
}

// kept gives a world a keeper of its one cluster, of two machines.
func (w *world) kept() *machines {
	m := &machines{states: map[string]vm.MachineStatus{}, nodes: map[string]string{}, targets: map[string]bool{}}
	for _, name := range []string{"cp-1", "worker-1"} {
		m.become(name, vm.MachineRunning)
		m.nodes[name] = ""
	}
	w.Keeper = &Keeper{
		Keeps: func() ([]Keep, error) {
			return []Keep{{Cluster: "axolotl", UnhealthyTimeout: schedule.Duration(time.Minute), MaxRecreations: 2, Window: schedule.Duration(time.Hour)}}, nil
		},
		Watch:    m.watch,
		Check:    func(context.Context, string) (map[string]string, error) { return maps.Clone(m.nodes), nil },
		Look:     m.look,
		Targets:  func(string) (map[string]bool, error) { return maps.Clone(m.targets), nil },
		Recreate: func(_ context.Context, _, machine string) error { return m.recreate(w, machine) },
		Record:   w.db.RecordRecreation, Recent: w.db.Recreations,
	}
	return m
}

// become has a machine be in a state, and tells who watches.
func (m *machines) become(name string, state vm.MachineState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.states[name] = vm.MachineStatus{Name: name, State: state}
	for _, to := range m.told {
		to <- m.states[name]
	}
}

func (m *machines) watch(context.Context, string) (<-chan vm.MachineStatus, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gone != nil {
		return nil, m.gone
	}
	told := make(chan vm.MachineStatus, 100)
	for _, status := range m.states {
		told <- status
	}
	m.told = append(m.told, told)
	return told, nil
}

// disconnect ends all watches, as the end of libvirtd does.
func (m *machines) disconnect(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone = err
	for _, told := range m.told {
		close(told)
	}
	m.told = nil
}

func (m *machines) look(context.Context, string) (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := watch{machines: m.states, nodes: m.nodes}
	return w.unhealthy(), nil
}

// recreate takes seven seconds.
func (m *machines) recreate(w *world, machine string) error {
	m.recreated = append(m.recreated, machine)
	if m.fail != nil {
		return m.fail
	}
	w.clock.Step(7 * time.Second)
	m.become(machine, vm.MachineRunning)
	m.nodes[machine] = ""
	return nil
}

// watch lets time pass in steps of ten seconds, and the keeper hear of all that
// was told by then; what is begun ends at once.
func (w *world) watch(m *machines, d time.Duration) {
	for end := w.clock.Now().Add(d); w.clock.Now().Before(end); {
		w.at(w.clock.Now().Add(checkEvery))
		w.hear(m)
		w.settle()
	}
}

// hear waits until the keeper knows what there is to know, and lets the daemon
// look, as its loop does after each word.
func (w *world) hear(m *machines) {
	for _, watch := range w.Keeper.watches {
		for watch.checking || watch.stop != nil && (m.told == nil || !maps.Equal(watch.machines, m.states)) {
			(<-w.done)()
		}
	}
	w.tick(w.t.Context())
}

// wantRecreations holds the recreations so far, with their machine and how they ended, to
// what is expected.
func (w *world) wantRecreations(want ...string) {
	w.t.Helper()
	all, err := w.db.Recreations(w.t.Context(), "axolotl", time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	var got []string
	for _, r := range all {
		ended := r.Error
		if ended == "" {
			ended = r.Ready.String()
		}
		got = append(got, r.Machine+": "+r.Reason+": "+ended)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		w.t.Errorf("recreations\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

const crashed = "worker-1: machine is crashed: 7s"

func TestKeeper(t *testing.T) {
	w := newWorld(t)
	m := w.kept()
	w.begin()
	w.watch(m, 5*time.Minute)
	w.wantRecreations()
	m.become("worker-1", vm.MachinePaused)
	w.watch(m, 50*time.Second)
	m.become("worker-1", vm.MachineRunning) // by itself
	w.watch(m, 2*time.Minute)
	w.wantRecreations()

	m.become("worker-1", vm.MachineCrashed)
	w.watch(m, 50*time.Second)
	w.wantRecreations()
	w.watch(m, 20*time.Second)
	w.wantRecreations(crashed)
	w.watch(m, 5*time.Minute)
	if len(m.recreated) != 1 {
		t.Errorf("recreated %v", m.recreated)
	}

	m.nodes["cp-1"] = "node is not Ready: Unknown" // which nothing tells of
	w.watch(m, 90*time.Second)
	w.wantRecreations(crashed, "cp-1: node is not Ready: Unknown: 7s")
}

// It fails, and then the limit is reached: told once, nothing more is done
// before the window has passed.
func TestKeeperLimit(t *testing.T) {
	w := newWorld(t)
	m := w.kept()
	w.begin()
	m.fail = errors.New("no space")
	m.become("worker-1", vm.MachineMissing)
	w.watch(m, 20*time.Minute)
	failed := "worker-1: machine is missing: no space"
	w.wantRecreations(failed, failed)
	if n := w.logs.FilterMessageSnippet("limit of recreations").Len(); n != 1 {
		t.Errorf("the limit was told %d times", n)
	}
	m.fail = nil
	w.watch(m, time.Hour)
	w.wantRecreations(failed, failed, "worker-1: machine is missing: 7s")
}

// What a run is at work on is left alone, as long as it is and as long again as
// machines have to become well; also where only the lock tells.
func TestKeeperLeavesTargetsAlone(t *testing.T) {
	w := newWorld(t)
	m := w.kept()
	w.begin()
	m.targets["worker-1"] = true
	m.become("worker-1", vm.MachineCrashed)
	w.watch(m, 10*time.Minute)
	delete(m.targets, "worker-1")
	w.watch(m, 60*time.Second)
	w.wantRecreations()
	m.fail = &store.LockedError{Path: "chaos.node.worker-1.lock"}
	w.watch(m, 3*time.Minute)
	w.wantRecreations()
	if len(m.recreated) == 0 {
		t.Error("the lock was not asked")
	}
	m.fail = nil
	w.watch(m, 90*time.Second)
	w.wantRecreations(crashed)
}

// Two are broken: one after the other, and never beside a run on the cluster,
// however close those follow each other.
func TestKeeperOneAtATime(t *testing.T) {
	w := newWorld(t)
	w.add("a", "cron: '@every 10s'\n")
	m := w.kept()
	w.hold = make(chan struct{})
	w.begin()
	m.become("worker-1", vm.MachineCrashed)
	m.become("cp-1", vm.MachineStopped)
	for range 12 {
		w.at(w.clock.Now().Add(checkEvery))
		w.hear(m)
	}
	if len(m.recreated) > 0 || len(w.busy) != 1 {
		t.Errorf("recreated %v beside a run", m.recreated)
	}
	close(w.hold)
	w.settle()
	w.watch(m, 10*time.Second)
	w.wantRecreations("cp-1: machine is stopped: 7s")
	w.watch(m, 2*time.Minute)
	w.wantRecreations("cp-1: machine is stopped: 7s", crashed)
}

// FAULTS.md 13 under serve: libvirtd goes away, which is told once, and comes
// back: what happened meanwhile is known.
func TestKeeperWatchesAnew(t *testing.T) {
	w := newWorld(t)
	m := w.kept()
	w.begin()
	w.watch(m, time.Minute)
	m.disconnect(errors.New("connection refused"))
	for w.Keeper.watches["axolotl"].stop != nil {
		(<-w.done)()
	}
	m.become("worker-1", vm.MachineCrashed)
	for range 3 {
		w.at(w.clock.Now().Add(checkEvery))
		for watch := w.Keeper.watches["axolotl"]; watch.checking || watch.stop != nil; {
			(<-w.done)()
		}
	}
	if n := w.logs.FilterMessageSnippet("nobody can tell").Len(); n != 1 {
		t.Errorf("it is told %d times that nobody can tell", n)
	}
	w.wantRecreations()
	m.gone = nil
	w.watch(m, 2*time.Minute)
	w.wantRecreations(crashed)
}

// What a killed run has left is undone first; that may be all.
func TestKeeperUndoesFirst(t *testing.T) {
	w := newWorld(t)
	m := w.kept()
	w.begin()
	w.Recover = func(context.Context, string) (int, error) { m.become("worker-1", vm.MachineRunning); return 1, nil }
	m.become("worker-1", vm.MachineStopped)
	w.watch(m, 5*time.Minute)
	if w.wantRecreations(); len(m.recreated) != 0 {
		t.Errorf("recreated %v", m.recreated)
	}
}

// A machine that is added is watched, and one that is removed is not missed.
func TestKeeperFollowsTheCluster(t *testing.T) {
	w := newWorld(t)
	m := w.kept()
	w.begin()
	w.watch(m, time.Minute)
	m.mu.Lock()
	delete(m.states, "worker-1")
	m.states["worker-2"] = vm.MachineStatus{Name: "worker-2", State: vm.MachineCrashed}
	m.nodes = map[string]string{"cp-1": "", "worker-2": ""}
	m.mu.Unlock()
	for range 15 {
		w.at(w.clock.Now().Add(checkEvery))
		for watch := w.Keeper.watches["axolotl"]; watch.checking; {
			(<-w.done)()
		}
		w.tick(t.Context())
		w.hear(m)
		w.settle()
	}
	w.wantRecreations("worker-2: machine is crashed: 7s")
}

// A panic of a driver ends nothing.
func TestKeeperPanic(t *testing.T) {
	w := newWorld(t)
	m := w.kept()
	check := w.Keeper.Check
	w.Keeper.Check = func(context.Context, string) (map[string]string, error) { panic("out of axolotls") }
	w.begin()
	w.watch(m, 30*time.Second)
	w.Keeper.Check = check
	m.become("worker-1", vm.MachineCrashed)
	w.watch(m, 2*time.Minute)
	w.wantRecreations(crashed)
	if n := w.logs.FilterMessageSnippet("panicked").Len(); n != 3 {
		t.Errorf("told %d times", n)
	}
}

func TestKeeps(t *testing.T) {
	dir := t.TempDir()
	keeps := KeepsAt(store.Home{State: dir})
	if all, err := keeps.List(); err != nil || all == nil || len(all) > 0 {
		t.Errorf("%v, %v", all, err)
	}
	good := Keep{"demo", schedule.Duration(time.Minute), 1, schedule.Duration(time.Hour)}
	if err := errors.Join(keeps.Set(good), os.WriteFile(filepath.Join(dir, "keep", "torn.json"), []byte("{"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if all, err := keeps.List(); len(all) != 1 || all[0] != good || err == nil || !strings.Contains(err.Error(), "torn.json is damaged") {
		t.Errorf("%+v, %v", all, err)
	}
	if err := keeps.Set(Keep{Cluster: "demo"}); err == nil {
		t.Error("limits of nothing are taken")
	}
	if err := errors.Join(keeps.Remove("demo"), keeps.Remove("demo"), keeps.Remove("torn")); err != nil {
		t.Error(err)
	}
}
