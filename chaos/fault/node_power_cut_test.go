package fault

import (
	"context"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/vm/local/localtest"
)

// breakable are clusters for tests that take nodes away.
var breakable = localtest.Pool{Nodes: 2, Most: 2}

// TestPowerCutOfASimulatedNode: the control plane misses it by itself, and it is
// back in another boot.
func TestPowerCutOfASimulatedNode(t *testing.T) {
	t.Parallel()
	silenced(t, &PowerCut{}, "stopped", true)
}

// One that is frozen is missed as well, and is back as it was.
func TestFreezeOfASimulatedNode(t *testing.T) {
	t.Parallel()
	silenced(t, &NodeFreeze{}, "paused", false)
}

// silenced strikes a simulated node. anew tells whether it is in another boot
// afterwards.
func silenced(t *testing.T, f Fault, state string, anew bool) {
	t.Helper()
	h := breakable.Lend(t)
	ctx := t.Context()
	must(t, f.Available(t.Context(), h))
	nodes := h.Kube.Typed.CoreV1().Nodes()
	before, err := nodes.Get(ctx, h.Cluster.Machines[1].Name, metav1.GetOptions{})
	must(t, err)
	objects, err := f.Prepare(ctx, h, []Target{{Kind: OnNodes, Name: before.Name, UID: before.UID}})
	must(t, err)
	must(t, f.Undo(ctx, h, objects))
	if words, err := f.Injected(ctx, h, objects); err == nil {
		t.Errorf("proved before it was done: %s", words)
	}
	must(t, f.Inject(ctx, h, objects))
	t.Cleanup(func() { must(t, f.Undo(context.Background(), h, objects)) })
	if words, err := f.Injected(ctx, h, objects); err != nil || words != "machine "+before.Name+" is "+state {
		t.Errorf("%q, %v", words, err)
	}
	await(t, "the control plane misses it", func(ctx context.Context) error {
		node, err := nodes.Get(ctx, before.Name, metav1.GetOptions{})
		if err == nil && ready(node) {
			err = fmt.Errorf("%s is Ready", node.Name)
		}
		return err
	})
	if words, err := f.Undone(ctx, h, objects); err == nil {
		t.Errorf("the undo is proved while it is off: %s", words)
	}
	for range 2 {
		must(t, f.Undo(ctx, h, objects))
	}
	words := proof(t, h, objects, f.Undone)
	after, err := nodes.Get(ctx, before.Name, metav1.GetOptions{})
	must(t, err)
	if boot := after.Status.NodeInfo.BootID; (boot != before.Status.NodeInfo.BootID) != anew || !strings.HasSuffix(words, "is Ready in boot "+boot) {
		t.Errorf("it is in boot %q, before it was in %q; %s", boot, before.Status.NodeInfo.BootID, words)
	}
}
