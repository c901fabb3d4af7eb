package chaos

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos/fault"
	"axolotl/internal/store"
	"axolotl/vm"
	"axolotl/vm/local"
)

// resettable is a driver whose one machine is well again after some of what can
// be done to it.
type resettable struct {
	*local.Driver
	cures string
	done  []string
}

func (d *resettable) Traits() vm.Traits { return vm.Traits{RealPods: true, RealMachines: true} }

func (d *resettable) Reset(context.Context, *vm.Cluster, string) error {
	d.done = append(d.done, "reboot")
	return nil
}

// clinging is a fault whose undo alone does nothing.
type clinging struct {
	fault.PowerCut
	driver *resettable
}

func (*clinging) Undo(context.Context, *vm.Handle, []fault.Object) error { return nil }

func (f *clinging) Undone(context.Context, *vm.Handle, []fault.Object) (string, error) {
	if slices.Contains(f.driver.done, f.driver.cures) {
		return "it is well", nil
	}
	return "", errors.New("the machine is silent")
}

// TestUndoEscalates: each harder way is gone after the one before it has failed,
// and no further than is needed.
func TestUndoEscalates(t *testing.T) {
	t.Parallel()
	ways := []string{"retry", "reboot", "restore", "recreate"}
	for i, cure := range []string{"reboot", "restore", "recreate", "nothing"} {
		t.Run(cure, func(t *testing.T) {
			t.Parallel()
			d := &resettable{cures: cure}
			h := &vm.Handle{Driver: d, Cluster: &vm.Cluster{Name: "c", Machines: []vm.Machine{{Name: "n1"}}}}
			h.Recreate = func(_ context.Context, cold bool, nodes ...string) error {
				if !slices.Equal(nodes, []string{"n1"}) {
					t.Errorf("of %v", nodes)
				}
				way := "restore"
				if cold {
					way = "recreate"
				}
				d.done = append(d.done, way)
				return nil
			}
			u := &undoing{handle: h, fault: &clinging{driver: d}, within: 20 * time.Millisecond, harder: 20 * time.Millisecond, objects: []fault.Object{
				{Target: fault.Target{Kind: fault.OnNodes, Name: "n1"}},
				{Target: fault.Target{Kind: fault.OnNodes, Name: "of somebody else"}},
			}}
			if n := len(u.rungs()); n != mostRungs { // of which UndoAtMost is made
				t.Errorf("%d harder ways, not %d", n, mostRungs)
			}
			words, err := u.run(t.Context())
			if cure == "nothing" {
				if err == nil {
					t.Fatal(words)
				}
				words = err.Error()
			} else if err != nil || !strings.HasSuffix(words, ": it is well") {
				t.Fatalf("%q, %v", words, err)
			}
			if want := ways[1:min(i+2, len(ways))]; !slices.Equal(d.done, want) {
				t.Errorf("it did %v, want %v", d.done, want)
			}
			for _, way := range ways[:min(i+2, len(ways))] {
				if !strings.Contains(words, way) {
					t.Errorf("%s is not told of: %s", way, words)
				}
			}
		})
	}
}

// deaf is a driver whose one machine runs no command until it was cured.
type deaf struct{ *resettable }

func (d deaf) Exec(context.Context, *vm.Cluster, string, ...string) (string, error) {
	if slices.Contains(d.done, d.cures) {
		return "it is well", nil
	}
	return "", errors.New("the agent does not answer")
}

// TestUndoOfPodsEscalates: what was done to pods in a machine goes with its boot.
func TestUndoOfPodsEscalates(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pod-cpu-pressure", "pod-memory-pressure", "pod-disk-full", "readiness-lost", "container-kill"} {
		f, err := fault.New(name)
		if err != nil {
			t.Fatal(err)
		}
		d := deaf{&resettable{cures: "restore"}}
		h := &vm.Handle{Driver: d, Cluster: &vm.Cluster{Name: "c", Machines: []vm.Machine{{Name: "n1"}, {Name: "n2"}}}}
		h.Recreate = func(_ context.Context, _ bool, nodes ...string) error {
			if !slices.Equal(nodes, []string{"n1"}) {
				t.Errorf("%s: of %v", name, nodes)
			}
			d.done = append(d.done, "restore")
			return nil
		}
		u := &undoing{handle: h, fault: f, within: 20 * time.Millisecond, harder: 20 * time.Millisecond}
		for _, pod := range []string{"web-a", "web-b"} { // both on one
			u.objects = append(u.objects, fault.Object{
				Target: fault.Target{Kind: fault.OnPods, Namespace: "shop", Name: pod, UID: types.UID(pod)}, Prior: map[string]string{"machine": "n1"},
			})
		}
		words, err := u.run(t.Context())
		if err != nil || !strings.Contains(words, "reboot of n1") || !slices.Equal(d.done, []string{"reboot", "restore"}) {
			t.Errorf("%s: %q, %v, it did %v", name, words, err, d.done)
		}
	}
	u := &undoing{handle: &vm.Handle{Driver: &resettable{}, Cluster: &vm.Cluster{}}, fault: &fault.PodDeletion{}}
	if n := len(u.rungs()); n != 0 {
		t.Errorf("%d harder ways for what was done through the API server", n)
	}
}

// TestUndoRestoresTrials: where trials have a snapshot, the whole cluster comes back
// from it, for faults of whatever kind, and no machine from its golden one.
func TestUndoRestoresTrials(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		node string
		want []string
	}{
		"a machine of ours":   {"n1", []string{"reboot", "restore of all"}},
		"no machine, or none": {"of somebody else", []string{"restore of all"}},
	} {
		d := &resettable{cures: "restore of all"}
		h := &vm.Handle{Driver: d, Cluster: &vm.Cluster{Name: "c", Machines: []vm.Machine{{Name: "n1"}}}}
		h.Recreate = func(_ context.Context, cold bool, nodes ...string) error {
			t.Errorf("%s: %v are made anew (cold: %t)", name, nodes, cold)
			return nil
		}
		h.Restore = func(context.Context) error {
			d.done = append(d.done, "restore of all")
			return nil
		}
		u := &undoing{handle: h, fault: &clinging{driver: d}, within: 20 * time.Millisecond, harder: 20 * time.Millisecond,
			objects: []fault.Object{{Target: fault.Target{Kind: fault.OnNodes, Name: test.node}}}}
		words, err := u.run(t.Context())
		if err != nil || !strings.Contains(words, "restore of the cluster (") || !slices.Equal(d.done, test.want) {
			t.Errorf("%s: %q, %v, it did %v", name, words, err, d.done)
		}
	}
}

// TestUndoDoesNotEscalate where nothing is wrong, and where it is no machine that
// the fault is on, or none of ours.
func TestUndoDoesNotEscalate(t *testing.T) {
	t.Parallel()
	d := &resettable{cures: "reboot"}
	h := &vm.Handle{Driver: d, Cluster: &vm.Cluster{Name: "c", Machines: []vm.Machine{{Name: "n1"}}}}
	u := undoing{handle: h, fault: &clinging{driver: d}, within: 20 * time.Millisecond, harder: 20 * time.Millisecond,
		objects: []fault.Object{{Target: fault.Target{Kind: fault.OnNodes, Name: "n2"}}}}
	if words, err := u.run(t.Context()); err == nil || d.done != nil {
		t.Errorf("of another's machine: %q, it did %v", words, d.done)
	}
	simulated := u
	simulated.handle = &vm.Handle{Driver: local.New(store.Home{}), Cluster: h.Cluster}
	if words, err := simulated.run(t.Context()); err == nil || d.done != nil {
		t.Errorf("of a simulated machine: %q, it did %v", words, d.done)
	}
	d.done = []string{"reboot"}
	if words, err := u.run(t.Context()); err != nil || words != "it is well" || len(d.done) != 1 {
		t.Errorf("%q, %v, it did %v", words, err, d.done)
	}
}

// TestUndoThatComesTrueLate: what is proved only after the last try is success, and
// no machine is rebooted for it.
func TestUndoThatComesTrueLate(t *testing.T) {
	t.Parallel()
	d := &resettable{}
	h := &vm.Handle{Driver: d, Cluster: &vm.Cluster{Name: "c", Machines: []vm.Machine{{Name: "n1"}}}}
	f := &late{after: time.Now().Add(time.Second)} // far from within, also on a busy host
	u := undoing{handle: h, fault: f, within: 20 * time.Millisecond, harder: time.Hour,
		objects: []fault.Object{{Target: fault.Target{Kind: fault.OnNodes, Name: "n1"}}}}
	words, err := u.run(t.Context())
	if err != nil || !strings.HasPrefix(words, "after retry (") || !strings.HasSuffix(words, "): it is well") || d.done != nil {
		t.Errorf("%q, %v, it did %v", words, err, d.done)
	}
}

// late is a fault whose undo is proved after an instant, for which one look waits.
type late struct {
	fault.PowerCut
	after time.Time
}

func (*late) Undo(context.Context, *vm.Handle, []fault.Object) error { return nil }

func (f *late) Undone(ctx context.Context, _ *vm.Handle, _ []fault.Object) (string, error) {
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-time.After(time.Until(f.after)):
		return "it is well", nil
	}
}

// TestOneThatCannotBeHadBack keeps no other from it.
func TestOneThatCannotBeHadBack(t *testing.T) {
	t.Parallel()
	d := &resettable{}
	h := &vm.Handle{Driver: d, Cluster: &vm.Cluster{Name: "c", Machines: []vm.Machine{{Name: "cp-1"}, {Name: "n1"}}}}
	var restored []string
	h.Recreate = func(_ context.Context, cold bool, nodes ...string) error {
		if slices.Contains(nodes, "cp-1") {
			return errors.New("it is the only control plane")
		}
		if !cold {
			restored = append(restored, nodes...)
		}
		return nil
	}
	u := undoing{handle: h, fault: &clinging{driver: d}, within: 20 * time.Millisecond, harder: 20 * time.Millisecond,
		objects: []fault.Object{
			{Target: fault.Target{Kind: fault.OnNodes, Name: "cp-1"}},
			{Target: fault.Target{Kind: fault.OnNodes, Name: "n1"}},
		}}
	d.cures = "nothing"
	if words, err := u.run(t.Context()); err == nil || !strings.Contains(err.Error(), "it is the only control plane") {
		t.Errorf("%q, %v", words, err)
	}
	if !slices.Equal(restored, []string{"n1"}) {
		t.Errorf("restored %v", restored)
	}
}
