package libvirt

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"axolotl/vm"
)

// untilThawed is a driver of whose restored machines no more is asked.
type untilThawed struct{ untilStarted }

func (d untilThawed) Thaw(ctx context.Context, c *vm.Cluster, frozen string, names ...string) (time.Time, error) {
	resumed, err := d.untilStarted.Thaw(ctx, c, frozen, names...)
	if err == nil && len(names) > 0 {
		err = errStarted
	}
	return resumed, err
}

// recreateNode is 'axolotl recreate CLUSTER NODE', as far as the driver goes.
func (w *world) recreateNode(name, node string, cold bool) error {
	open := func(*vm.Cluster) (vm.Driver, error) { return untilThawed{untilStarted{w.driver()}}, nil }
	err := started(nil, w.clusters().RecreateNodes(w.t.Context(), name, []string{node}, cold, open, quiet))
	if err == nil {
		w.joined(name)
	}
	return err
}

// withoutMachines is a cluster without some of its workers, as 'node remove' leaves it.
func (w *world) withoutMachines(name string, nodes ...string) {
	w.t.Helper()
	c := w.load(name)
	for _, node := range nodes {
		w.must(w.driver().Leave(w.t.Context(), c, node))
		c.Spec = c.Spec.Resize(c.Spec.GroupOf(c.Machine(node)).Name, -1)
		c.Machines = slices.DeleteFunc(c.Machines, func(m vm.Machine) bool { return m.Name == node })
	}
	w.must(w.clusters().Save(c))
}

// grouped is a spec with two groups of one worker each.
func grouped() vm.Spec {
	s := spec(2)
	s.Groups = []vm.Group{
		{Name: vm.ControlPlaneGroup, Role: vm.ControlPlane, Count: 1, CPUs: 1, MemoryMiB: 4},
		{Name: "a", Role: vm.Worker, Count: 1, CPUs: 1, MemoryMiB: 4},
		{Name: "b", Role: vm.Worker, Count: 1, CPUs: 1, MemoryMiB: 4},
	}
	return s
}

// assertBooted sees to it that a machine boots from the node image, with a seed of its
// own, or that it lies over its golden snapshot.
func (w *world) assertBooted(name, node string, want bool) {
	w.t.Helper()
	c := w.load(name)
	disk, err := os.ReadFile(c.Path("machines", node, rootOverlay))
	w.must(err)
	if booted := !strings.Contains(string(disk), w.home.Goldens()); booted != want {
		w.t.Errorf("disk of %s: %s; booted %t, want %t", node, disk, booted, want)
	}
	if !want {
		return
	}
	env := untar(w.t, c.Path("machines", node, seedFile))["etc/axolotl/node.env"]
	if address := "NODE_IP=" + c.Machine(node).Address + "\n"; !strings.Contains(env, address) {
		w.t.Errorf("the seed of %s has not %s: %s", node, address, env)
	}
	if running := w.fake.domains[c.Machine(node).UUID].running; strings.Contains(running, w.home.Goldens()) {
		w.t.Errorf("%s runs with files of the golden snapshot: %s", node, running)
	}
}

// A machine that comes has the number and the settings of the record, also where one
// of the golden snapshot had its name; made anew, it is booted again.
func TestMachineWithANameOfTheGoldenSnapshot(t *testing.T) {
	w := newWorld(t)
	w.golden(grouped())
	w.fake.answer = answering().answer
	w.must(w.up(w.restored("c", grouped())))
	w.healthy("c")
	w.withoutMachines("c", "a-1", "b-1")
	_, err := w.clusters().AddWorkers(t.Context(), "c", "b", 1, w.open, quiet)
	w.must(started(nil, err))
	w.joined("c")
	if m := w.load("c").Machine("b-1"); m.Index != 2 {
		t.Fatalf("%+v", m)
	}
	w.assertBooted("c", "b-1", true)
	w.must(w.recreateNode("c", "b-1", false))
	w.assertBooted("c", "b-1", true)
}

// The settings of a group that was taken out of the file, and is back, are those of
// the file, not those of the golden snapshot.
func TestGroupThatIsBackWithOtherSettings(t *testing.T) {
	for name, change := range map[string]func(*vm.Group){
		"processors": func(g *vm.Group) { g.CPUs = 2 },
		"memory":     func(g *vm.Group) { g.MemoryMiB = 8 },
		"kubelet":    func(g *vm.Group) { g.Kubelet = &vm.Kubelet{MaxPods: 7} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.golden(grouped())
			w.fake.answer = answering().answer
			w.must(w.up(w.restored("c", grouped())))
			w.healthy("c")
			w.withoutMachines("c", "b-1")
			c := w.load("c")
			change(&c.Spec.Groups[2])
			w.must(w.clusters().Save(c))
			_, err := w.clusters().AddWorkers(t.Context(), "c", "b", 1, w.open, quiet)
			w.must(started(nil, err))
			w.joined("c")
			w.assertBooted("c", "b-1", true)
			w.must(w.recreateNode("c", "b-1", false))
			w.assertBooted("c", "b-1", true)
		})
	}
}

// Where the golden snapshot is not to be used, nothing of it is: neither memory nor
// disk. The next time it is back from it where that can be.
func TestWorkerRecreatedWithoutTheGoldenSnapshot(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(1))
	w.fake.answer = answering().answer
	w.must(w.up(w.restored("c", spec(1))))
	w.healthy("c")
	w.must(w.recreateNode("c", "worker-1", true))
	w.assertBooted("c", "worker-1", true)
	w.must(w.recreateNode("c", "worker-1", false))
	w.assertBooted("c", "worker-1", false)
	damage := filepath.Join(w.home.Golden(w.load("c").Golden), "damaged")
	w.must(os.WriteFile(damage, []byte("a byte has changed"), 0o600))
	w.must(w.recreateNode("c", "worker-1", false))
	w.assertBooted("c", "worker-1", true)
	w.must(w.driver().PowerOff(t.Context(), w.load("c"), "worker-1"))
	w.must(w.driver().PowerOn(t.Context(), w.load("c"), "worker-1"))
	if c := w.load("c"); !c.Machine("worker-1").Fresh || c.Machine("cp-1").Fresh {
		t.Errorf("%+v", c.Machines)
	}
	// What is not damaged any more serves the whole cluster, and all its machines.
	w.remove(damage)
	w.must(w.recreate(w.restored("c", spec(1))))
	w.assertBooted("c", "worker-1", false)
}

// A cluster whose machines have come and gone is recreated as its golden snapshot has
// them: with its names and numbers.
func TestRecreatedClusterIsNumberedAnew(t *testing.T) {
	w := newWorld(t)
	w.golden(grouped())
	w.goldenBeside(spec(1))
	w.fake.answer = answering().answer
	for name, test := range map[string]struct {
		spec  vm.Spec
		gone  []string
		added []string
	}{
		"a hole":       {spec(2), []string{"worker-1"}, nil},
		"other places": {grouped(), []string{"a-1", "b-1"}, []string{"b", "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			w.must(w.up(w.options("c", test.spec)))
			w.healthy("c")
			w.withoutMachines("c", test.gone...)
			for _, group := range test.added {
				_, err := w.clusters().AddWorkers(t.Context(), "c", group, 1, w.open, quiet)
				w.must(started(nil, err))
				w.joined("c")
			}
			before := w.load("c")
			w.must(w.recreate(w.restored("c", before.Spec)))
			c := w.load("c")
			for i, planned := range vm.PlanMachines(nil, c.Spec) {
				if m := c.Machines[i]; m.Name != planned.Name || m.Index != planned.Index || m.NodePortBase == 0 {
					t.Errorf("%+v, want %+v", m, planned)
				}
				w.assertBooted("c", planned.Name, false)
			}
			if c.APIPort != before.APIPort {
				t.Errorf("API server at %d, was %d", c.APIPort, before.APIPort)
			}
			w.must(w.down("c"))
		})
	}
}
