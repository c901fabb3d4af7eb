package chaos

import (
	"errors"
	"testing"

	"axolotl/chaos/fault"
	"axolotl/chaos/journal"
	"axolotl/internal/store"
	"axolotl/vm"
)

// What a run has as its target is known as long as it is at work, and no longer;
// the lock of a node is had by one at a time.
func TestTargetNodes(t *testing.T) {
	c := &vm.Cluster{Name: "c", Dir: t.TempDir()}
	want := func(node, work bool) {
		t.Helper()
		nodes, atWork, err := TargetNodes(c)
		if err != nil || nodes["worker-1"] != node || nodes["web-1"] || atWork != work {
			t.Errorf("targets %v, at work %t, %v", nodes, atWork, err)
		}
	}
	want(false, false)
	entry, err := journalOf(c).Begin(journal.Entry{ID: "r-1", Objects: []fault.Object{
		{Target: fault.Target{Kind: fault.OnNodes, Name: "worker-1"}}, {Target: fault.Target{Kind: fault.OnPods, Name: "web-1"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want(true, true)
	if err := entry.Release(); err != nil { // as the end of its process does
		t.Fatal(err)
	}
	want(false, false)

	lock, err := LockNode(c, "worker-1")
	if err != nil {
		t.Fatal(err)
	}
	var locked *store.LockedError
	if _, err := LockNode(c, "worker-1"); !errors.As(err, &locked) {
		t.Errorf("it is had twice: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
}
