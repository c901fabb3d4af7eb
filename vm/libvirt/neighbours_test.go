package libvirt

import (
	"slices"
	"strings"
	"testing"

	"axolotl/vm"
	"axolotl/vm/cluster"
)

// grown is a cluster from a golden snapshot with one worker, to which worker-2 came
// while worker-1 was in a state.
func (w *world) grown(was vm.MachineState) (*guest, *vm.Cluster) {
	w.t.Helper()
	w.golden(spec(1))
	w.must(w.up(w.restored("c", spec(1))))
	w.healthy("c")
	noting(w)
	w.become(w.load("c").Machines[1].UUID, was)
	_, err := w.clusters().AddWorkers(w.t.Context(), "c", "", 1, w.open, quiet)
	w.must(started(nil, err))
	w.joined("c")
	return noting(w), w.load("c") // from here on
}

// joined notes what follows where nodes are seen to be Ready.
func (w *world) joined(name string) {
	w.t.Helper()
	c := w.load(name)
	c.HaveJoined(c.Joining...)
	w.must(w.clusters().Save(c))
}

// assertTold sees to it that a machine was given names and routes of another one, and
// follows them, or was told nothing.
func (w *world) assertTold(g *guest, c *vm.Cluster, name, of string) {
	w.t.Helper()
	m, other := c.Machine(name), c.Machine(of)
	files := g.written[m.UUID]
	if hosts := string(files["/etc/hosts"]); !strings.Contains(hosts, other.Address+" "+of) {
		w.t.Errorf("/etc/hosts of %s: %q", name, hosts)
	}
	if env := string(files["/etc/axolotl/node.env"]); !strings.Contains(env, vm.PodSubnet(other.Index)+"="+other.Address) {
		w.t.Errorf("node.env of %s: %q", name, env)
	}
	if restart := "/bin/systemctl[restart axolotl-network.service]"; !slices.Contains(g.ran[m.UUID], restart) {
		w.t.Errorf("%s ran %q, not %s", name, g.ran[m.UUID], restart)
	}
}

// A machine from the golden snapshot knows of a later one what the snapshot does:
// nothing, until it is told.
func TestMachineThatIsRestoredLearnsOfLaterOnes(t *testing.T) {
	inEachForm(t, func(t *testing.T, w *world) {
		g, c := w.grown(vm.MachineRunning)
		_, err := w.driver().Thaw(t.Context(), c, w.home.Golden(c.Golden), "worker-1")
		w.must(err)
		w.assertTold(g, c, "worker-1", "worker-2")
		if len(g.ran) > 1 {
			t.Errorf("others were told, too: %v", g.ran)
		}
	})
}

// Whoever was not there to be told of a new machine is told when it is, however it
// comes back, and once.
func TestMachineThatWasAwayLearnsOfNewOnes(t *testing.T) {
	upAll := func(d *Driver, c *vm.Cluster) error { return cluster.Run(t.Context(), quiet, d.Up(c)) }
	for name, test := range map[string]struct {
		was  vm.MachineState
		back func(d *Driver, c *vm.Cluster) error
	}{
		"off, and given power": {vm.MachineStopped, func(d *Driver, c *vm.Cluster) error { return d.PowerOn(t.Context(), c, "worker-1") }},
		"off, and reset":       {vm.MachineStopped, func(d *Driver, c *vm.Cluster) error { return d.Reset(t.Context(), c, "worker-1") }},
		"paused, and resumed":  {vm.MachinePaused, func(d *Driver, c *vm.Cluster) error { return d.Resume(t.Context(), c, "worker-1") }},
		"off, and up":          {vm.MachineStopped, upAll},
		"paused, and up":       {vm.MachinePaused, upAll},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			g, c := w.grown(test.was)
			w.must(test.back(w.driver(), c))
			w.assertTold(g, c, "worker-1", "worker-2")
			again := noting(w)
			w.must(w.driver().PowerOff(t.Context(), c, "worker-1"))
			w.must(w.driver().PowerOn(t.Context(), c, "worker-1"))
			if len(again.ran)+len(again.written) > 0 {
				t.Errorf("it is told again: %v", again.ran)
			}
		})
	}
}

// Nobody waits for an agent where nobody came, or where one has only gone.
func TestNobodyIsToldOfNothing(t *testing.T) {
	w := newWorld(t)
	w.golden(spec(2))
	w.must(w.up(w.restored("c", spec(2))))
	w.must(w.up(w.options("booted", spec(1))))
	w.fake.silence = 1 << 30
	d := w.driver()
	for _, name := range []string{"c", "booted"} {
		c := w.load(name)
		c.Machines = slices.DeleteFunc(c.Machines, func(m vm.Machine) bool { return m.Name == "worker-2" })
		w.must(d.PowerOff(t.Context(), c, "worker-1"))
		w.must(d.PowerOn(t.Context(), c, "worker-1"))
	}
}

// A machine has the address of one that has gone: it is another one.
func TestNeighbourWithAnotherName(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(2))))
	g, c := noting(w), w.load("c")
	c.Machines[2].Name = "other-1"
	w.must(w.driver().PowerOff(t.Context(), c, "worker-1"))
	w.must(w.driver().PowerOn(t.Context(), c, "worker-1"))
	w.assertTold(g, c, "worker-1", "other-1")
}
