// Package drivertest holds drivers to the contract that stands in the comments
// of vm.Driver and of what a driver may be beside it. Each driver's own tests
// call Run.
package drivertest

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/cluster"
)

// Subject is a driver under test.
type Subject struct {
	// New returns a driver, and the record of a cluster that it has not planned
	// yet, with so many workers and a directory that is there. Clusters of one
	// subject may be on one host.
	New func(t *testing.T, workers int) (vm.Driver, *vm.Cluster)

	// Settle returns when the nodes of a cluster that is up have come as far
	// as its machines need to be worked with; nil: at once.
	Settle func(t *testing.T, c *vm.Cluster)
}

// Run tells one story of a cluster, from before it is made until after it is
// gone, and fails where the driver does not keep the contract.
func Run(t *testing.T, subject Subject) {
	driver, c := subject.New(t, 1)
	s := &story{Subject: subject, driver: driver, c: c}
	t.Cleanup(func() { s.down(t, c) })
	s.chapter(t, "traits", s.traits)
	s.chapter(t, "checks", s.checks)
	s.chapter(t, "plan", s.plan)
	s.chapter(t, "nothing is made by a plan", s.nothing)
	s.chapter(t, "up", s.up)
	s.chapter(t, "salvage", s.salvage)
	s.chapter(t, "watch", s.watch)
	s.chapter(t, "no such machine", s.nobody)
	s.chapter(t, "power", s.power)
	s.chapter(t, "reset", s.reset)
	s.chapter(t, "pause", s.pause)
	s.chapter(t, "links", s.links)
	s.chapter(t, "disk limits", s.diskLimits)
	s.chapter(t, "broken disk", s.brokenDisk)
	s.chapter(t, "CPU limit", s.cpuLimit)
	s.chapter(t, "grow", s.grow)
	s.chapter(t, "save", s.save)
	s.chapter(t, "freeze", s.freeze)
	s.chapter(t, "down", s.gone)
}

type story struct {
	Subject
	driver vm.Driver
	c      *vm.Cluster
	broken bool // what follows would fail by what went before
}

func (s *story) chapter(t *testing.T, name string, tell func(*testing.T)) {
	t.Run(name, func(t *testing.T) {
		if s.broken {
			t.Skip("a chapter before has failed")
		}
		tell(t)
		s.broken = t.Failed()
	})
}

var quiet = term.NewProgress(io.Discard, true)

// run runs actions twice: each is idempotent.
func run(t *testing.T, actions func() []vm.Action) {
	t.Helper()
	for range 2 {
		must(t, cluster.Run(t.Context(), quiet, actions()))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// twice does what must be success also where it is so already.
func twice(t *testing.T, do func() error) {
	t.Helper()
	must(t, do())
	must(t, do())
}

// states wants every machine in one state, but for those that are named.
func (s *story) states(t *testing.T, c *vm.Cluster, want vm.MachineState, but map[string]vm.MachineState) {
	t.Helper()
	statuses, err := s.driver.Machines(t.Context(), c)
	must(t, err)
	if len(statuses) != len(c.Machines) {
		t.Fatalf("%d states of %d machines", len(statuses), len(c.Machines))
	}
	for i, status := range statuses {
		wanted := want
		if other, ok := but[status.Name]; ok {
			wanted = other
		}
		if status.Name != c.Machines[i].Name || status.State != wanted {
			t.Errorf("machine %d is %+v, want %s %s", i, status, c.Machines[i].Name, wanted)
		}
	}
}

// last is the machine that most is done to.
func (s *story) last() string { return s.c.Machines[len(s.c.Machines)-1].Name }

func (s *story) settled(t *testing.T) {
	t.Helper()
	if s.Settle != nil {
		s.Settle(t, s.c)
	}
}

// written is a record as it is on disk.
func written(t *testing.T, c *vm.Cluster) string {
	t.Helper()
	data, err := json.Marshal(c)
	must(t, err)
	return string(data)
}

// reread is a record as another process has it.
func reread(t *testing.T, c *vm.Cluster) *vm.Cluster {
	t.Helper()
	var again vm.Cluster
	must(t, json.Unmarshal([]byte(written(t, c)), &again))
	again.Dir = c.Dir
	return &again
}

// traits: whoever has real pods and made the machines can act in them; of
// somebody else's cluster nothing can be changed.
func (s *story) traits(t *testing.T) {
	if name := s.driver.Name(); name == "" || strings.ToLower(name) != name {
		t.Errorf("name %q", name)
	}
	able := map[string]bool{}
	_, able["Executor"] = s.driver.(vm.Executor)
	_, able["Consoler"] = s.driver.(vm.Consoler)
	_, able["Powerer"] = s.driver.(vm.Powerer)
	_, able["Resetter"] = s.driver.(vm.Resetter)
	_, able["Pauser"] = s.driver.(vm.Pauser)
	_, able["Linker"] = s.driver.(vm.Linker)
	_, able["DiskLimiter"] = s.driver.(vm.DiskLimiter)
	_, able["DiskBreaker"] = s.driver.(vm.DiskBreaker)
	_, able["CPULimiter"] = s.driver.(vm.CPULimiter)
	_, able["Freezer"] = s.driver.(vm.Freezer)
	_, able["Grower"] = s.driver.(vm.Grower)
	_, able["Saver"] = s.driver.(vm.Saver)
	_, able["ImageLoader"] = s.driver.(vm.ImageLoader)
	_, able["Watcher"] = s.driver.(vm.Watcher)
	traits := s.driver.Traits()
	for ability, has := range able {
		if traits.Foreign && has {
			t.Errorf("it is a %s of somebody else's machines", ability)
		}
	}
	if traits.Foreign {
		return
	}
	if traits.RealPods && (!able["Executor"] || !able["ImageLoader"]) {
		t.Error("its pods are real, and nothing can be run in or put into its machines")
	}
	if traits.RealMachines && !able["Powerer"] {
		t.Error("its machines are real and have no power")
	}
}

func (s *story) checks(t *testing.T) {
	for _, check := range s.driver.Checks() {
		if check.Name == "" {
			t.Error("a check has no name")
		}
		// It may fail on this host; then it says why.
		if found, err := check.Run(t.Context()); err == nil && found == "" || err != nil && err.Error() == "" {
			t.Errorf("%s: %q, %v", check.Name, found, err)
		}
	}
}

// plan: every machine gets what makes it one of its own, and what has that
// keeps it.
func (s *story) plan(t *testing.T) {
	s.planned(t, s.c)
	want := s.c.Spec.Nodes()
	if s.driver.Traits().Foreign {
		want = 0
	}
	if len(s.c.Machines) != want {
		t.Fatalf("%d machines, want %d", len(s.c.Machines), want)
	}
	seen := map[any]bool{}
	for _, m := range s.c.Machines {
		its := []any{m.Name, m.UUID, m.Index}
		if !s.driver.Traits().Formed { // else the address comes with the machine
			its = append(its, m.Address)
		}
		for _, own := range its {
			if seen[own] || reflect.ValueOf(own).IsZero() {
				t.Errorf("%+v: %v is missing, or another's", m, own)
			}
			seen[own] = true
		}
	}
	before := written(t, s.c)
	s.planned(t, s.c)
	if after := written(t, s.c); after != before {
		t.Errorf("planned again it is\n%s\nwas\n%s", after, before)
	}
}

// planned plans a cluster and records it, so that others do not take its ports.
func (s *story) planned(t *testing.T, c *vm.Cluster) {
	t.Helper()
	must(t, s.driver.Plan(t.Context(), c))
	must(t, store.WriteJSON(c.Path(vm.RecordFile), c))
}

func (s *story) nothing(t *testing.T) {
	s.states(t, s.c, vm.MachineMissing, nil)
	s.down(t, s.c)
	s.states(t, s.c, vm.MachineMissing, nil)
}

// up: also of another process, which knows what is on disk.
func (s *story) up(t *testing.T) {
	run(t, func() []vm.Action { return s.driver.Up(s.c) })
	again := reread(t, s.c)
	run(t, func() []vm.Action { return s.driver.Up(again) })
	if config, err := clientcmd.LoadFromFile(s.c.Kubeconfig()); err != nil || config.Contexts[config.CurrentContext] == nil {
		t.Errorf("the kubeconfig: %+v, %v", config, err)
	}
	s.states(t, s.c, vm.MachineRunning, nil)
	s.settled(t)
}

func (s *story) salvage(t *testing.T) {
	salvager, ok := s.driver.(cluster.Salvager)
	if !ok {
		t.Skip("it is none")
	}
	if id, err := salvager.Salvage(t.Context(), s.c.Name, s.c.Dir); err != nil || id != s.c.ID {
		t.Errorf("ID %q, %v, want %q", id, err, s.c.ID)
	}
	if id, err := salvager.Salvage(t.Context(), s.c.Name, t.TempDir()); err != nil || id != "" {
		t.Errorf("of another directory: %q, %v", id, err)
	}
}

func (s *story) down(t *testing.T, c *vm.Cluster) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // it has ended where this is a cleanup
	for range 2 {
		if err := cluster.Run(ctx, quiet, s.driver.Down(c)); err != nil {
			t.Error(err)
		}
	}
}

// gone: nothing runs; what is left on disk is the caller's to remove.
func (s *story) gone(t *testing.T) {
	s.down(t, s.c)
	statuses, err := s.driver.Machines(t.Context(), s.c)
	must(t, err)
	for _, status := range statuses {
		if !slices.Contains([]vm.MachineState{vm.MachineMissing, vm.MachineStopped}, status.State) {
			t.Errorf("%+v", status)
		}
	}
	must(t, os.RemoveAll(s.c.Dir))
	s.down(t, s.c)
}
