package chaos

import (
	"context"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

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

// A run that is refused one thing gives back what it took, and a part of a combined
// run what it took before it had a journal entry: the process may be a daemon.
func TestRefusedRunsKeepNoLock(t *testing.T) {
	c := &vm.Cluster{Dir: t.TempDir()}
	at := func(nodes ...string) *run {
		r := &run{home: c, experiment: &Experiment{Fault: &fault.NodeCordon{}}, scene: &scene{}}
		for _, n := range nodes {
			r.targets = append(r.targets, fault.Object{Target: fault.Target{Kind: fault.OnNodes, Name: n}})
		}
		return r
	}
	free := func(node string) {
		t.Helper()
		lock, err := LockNode(c, node)
		if err != nil {
			t.Fatalf("%s is still at work: %v", node, err)
		}
		if err := lock.Unlock(); err != nil {
			t.Fatal(err)
		}
	}
	taken, err := LockNode(c, "n2")
	if err != nil {
		t.Fatal(err)
	}
	refusedBy(t, at("n1", "n2").lockTargets(t.Context()), "one-at-a-time")
	free("n1")

	whole := at()
	p := &part{run: at("n1")}
	p.whole, whole.parts = whole, []*part{p}
	if err := p.lockTargets(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := whole.undoParts(t.Context()); err != nil {
		t.Fatal(err)
	}
	free("n1")
	if err := taken.Unlock(); err != nil {
		t.Fatal(err)
	}
}

// A pod is at work by what keeps it in the end, also by a fault that leaves it
// running: what breaks the deployment itself breaks the same thing.
func TestPodsAreLockedByTheirControllers(t *testing.T) {
	kept := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-1", UID: "p1"}}
	kept.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "web-1", UID: "rs", Controller: new(true)}}
	single := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-2-1", UID: "p3"}}
	single.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "web-2", UID: "rs2", Controller: new(true)}}
	bare := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "alone", UID: "p2"}}
	for _, name := range []string{"pod-cpu-pressure", "pod-memory-pressure", "pod-disk-full", "pod-deletion", "container-kill"} {
		f, err := fault.New(name)
		if err != nil {
			t.Fatal(err)
		}
		r := &run{experiment: &Experiment{Fault: f}, scene: &scene{namespace: "shop", pods: []corev1.Pod{kept, bare, single}, controllers: []controller{
			{Kind: "ReplicaSet", Name: "web-1", UID: "rs", Owner: &metav1.OwnerReference{Kind: "Deployment", Name: "web", UID: "d"}},
			{Kind: "ReplicaSet", Name: "web-2", UID: "rs2"},
		}}}
		for uid, want := range map[types.UID]string{"p1": "deployment.shop.web", "p2": "pod.shop.alone", "p3": "replicaset.shop.web-2"} {
			r.targets = []fault.Object{{Target: fault.Target{Kind: fault.OnPods, UID: uid}}}
			if got := r.lockKeys(); len(got) != 1 || got[0] != want {
				t.Errorf("%s on pod %s locks %v, want %s", name, uid, got, want)
			}
		}
	}
}

// What a lab breaks no run may break, until it is mended or left; the lab itself
// may break it again.
func TestStrokesLockTheirTargets(t *testing.T) {
	h := &vm.Handle{Cluster: &vm.Cluster{Dir: t.TempDir()}}
	node := []fault.Target{{Kind: fault.OnNodes, Name: "n1"}}
	first, err := lockStroke(t.Context(), h, &fault.NodeCordon{}, node, "lab a")
	if err != nil {
		t.Fatal(err)
	}
	again, err := lockStroke(t.Context(), h, &fault.NodeCordon{}, node, "lab a")
	if err != nil {
		t.Fatalf("the same lab: %v", err)
	}
	first()
	first() // twice is once
	r := &run{home: h.Cluster, experiment: &Experiment{Fault: &fault.NodeCordon{}}, scene: &scene{}, targets: []fault.Object{{Target: node[0]}}}
	refusedBy(t, r.lockTargets(t.Context()), "one-at-a-time")
	_, err = lockStroke(t.Context(), h, &fault.NodeCordon{}, append([]fault.Target{{Kind: fault.OnNodes, Name: "n0"}}, node...), "lab b")
	refusedBy(t, err, "one-at-a-time")
	again()
	if err := r.lockTargets(t.Context()); err != nil {
		t.Error(err)
	}
	_, err = lockStroke(t.Context(), h, &fault.NodeCordon{}, node, "lab a")
	refusedBy(t, err, "one-at-a-time")
	r.unlock()
	for _, n := range []string{"n0", "n1"} {
		lock, err := LockNode(h.Cluster, n)
		if err != nil {
			t.Fatalf("%s is still at work: %v", n, err)
		}
		if err := lock.Unlock(); err != nil {
			t.Fatal(err)
		}
	}
}

// A deployment, and a pod of it, are one thing to be broken, whether by a run or by a
// stroke.
func TestOneWorkloadIsLockedOnce(t *testing.T) {
	t.Parallel()
	h := apart(t)
	standing(t, h, "once", 2, nil)
	at := func(name string) *run {
		e := deletion(t)
		f, err := fault.New(name)
		if err != nil {
			t.Fatal(err)
		}
		e.Fault, e.Target = f, Target{Namespace: "once", Deployment: "pingapp", Count: 1}
		x := runner(t, h).newRun(e)
		if x.scene, err = readScene(t.Context(), h.Kube, e.Target); err != nil {
			t.Fatal(err)
		}
		all, err := x.scene.candidates(t.Context(), h, e)
		if err != nil {
			t.Fatal(err)
		}
		x.targets = []fault.Object{{Target: all[0]}}
		return x
	}
	release, pod := at("image-broken"), at("pod-deletion")
	if err := release.lockTargets(t.Context()); err != nil {
		t.Fatal(err)
	}
	refusedBy(t, pod.lockTargets(t.Context()), "one-at-a-time")
	_, err := lockStroke(t.Context(), h, &fault.PodDeletion{}, []fault.Target{pod.targets[0].Target}, "lab")
	refusedBy(t, err, "one-at-a-time")
	release.unlock()

	unlock, err := lockStroke(t.Context(), h, &fault.PodDeletion{}, []fault.Target{pod.targets[0].Target}, "lab")
	if err != nil {
		t.Fatal(err)
	}
	refusedBy(t, release.lockTargets(t.Context()), "one-at-a-time")
	unlock()
}

// Whoever takes a node takes what others have there: not while one of them has that
// as its target, nor the other way round.
func TestWhatANodeCostsOthersIsLocked(t *testing.T) {
	t.Parallel()
	h := apart(t)
	standing(t, h, "costly", 2, nil)
	standing(t, h, "bystander", 2, nil)
	awaitReady(t, h, "bystander", 2)
	choose := func(name, namespace string) *run {
		e := deletion(t)
		f, err := fault.New(name)
		if err != nil {
			t.Fatal(err)
		}
		e.Fault, e.Target, e.Guards = f, Target{Namespace: namespace, Deployment: "pingapp", Count: 1}, Guards{MaxShare: 100}
		x := runner(t, h).newRun(e)
		if x.scene, err = readScene(t.Context(), h.Kube, e.Target); err != nil {
			t.Fatal(err)
		}
		return x
	}
	pod := choose("pod-deletion", "bystander")
	of := pod.scene.pods[0]
	pod.targets = []fault.Object{{Target: fault.Target{Kind: fault.OnPods, Namespace: of.Namespace, Name: of.Name, UID: of.UID}}}
	node := choose("node-taint", "costly")
	node.targets = []fault.Object{{Target: fault.Target{Kind: fault.OnNodes, Name: of.Spec.NodeName}}}
	for _, x := range []*run{pod, node} {
		var err error
		if x.toll, err = x.readToll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := pod.lockTargets(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := node.lockTargets(t.Context())
	refusedBy(t, err, "one-at-a-time")
	if err == nil || !strings.Contains(err.Error(), "deployment.bystander.pingapp") || !strings.Contains(err.Error(), "run "+pod.id+" of pod-deletion") {
		t.Errorf("%v does not say what is struck, and by which run", err)
	}
	pod.unlock()
	if err := node.lockTargets(t.Context()); err != nil {
		t.Fatal(err)
	}
	refusedBy(t, pod.lockTargets(t.Context()), "one-at-a-time")
	node.unlock()

	// Parts that strike at once may cost others the same: it is one run's.
	whole := choose("node-taint", "costly")
	for range 2 {
		p := &part{run: choose("node-taint", "costly")}
		p.whole, p.toll = whole, node.toll
		whole.parts = append(whole.parts, p)
		if err := p.lockTargets(t.Context()); err != nil {
			t.Errorf("beside another part of its run: %v", err)
		}
	}
	whole.unlock()
	if err := pod.lockTargets(t.Context()); err != nil {
		t.Errorf("after all have ended: %v", err)
	}
	pod.unlock()
}

// What is done within a node's machine, to a pod there, needs the machine for its undo:
// others may be within as well, but nobody strikes the node meanwhile. A step may that
// comes after it.
func TestNodesAreSharedByWhatIsDoneWithin(t *testing.T) {
	c := &vm.Cluster{Dir: t.TempDir()}
	inside := func(name string) *run {
		f, err := fault.New("pod-cpu-pressure")
		if err != nil {
			t.Fatal(err)
		}
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name)}, Spec: corev1.PodSpec{NodeName: "n1"}}
		return &run{home: c, experiment: &Experiment{Fault: f}, scene: &scene{pods: []corev1.Pod{p}},
			targets: []fault.Object{{Target: fault.Target{Kind: fault.OnPods, Name: name, UID: p.UID}}}}
	}
	node := func() *run {
		return &run{home: c, experiment: &Experiment{Fault: &fault.PowerCut{}}, scene: &scene{},
			targets: []fault.Object{{Target: fault.Target{Kind: fault.OnNodes, Name: "n1"}}}}
	}
	first, second, cut := inside("a"), inside("b"), node()
	for _, x := range []*run{first, second} {
		if err := x.lockTargets(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	refusedBy(t, cut.lockTargets(t.Context()), "one-at-a-time")
	first.unlock()
	refusedBy(t, cut.lockTargets(t.Context()), "one-at-a-time")
	second.unlock()
	if err := cut.lockTargets(t.Context()); err != nil {
		t.Fatal(err)
	}
	refusedBy(t, first.lockTargets(t.Context()), "one-at-a-time")
	cut.unlock()

	whole := node()
	before, after := &part{run: inside("a")}, &part{run: node()}
	before.whole, after.whole = whole, whole
	if err := before.lockTargets(t.Context()); err != nil {
		t.Fatal(err)
	}
	before.handOver()
	if err := after.lockTargets(t.Context()); err != nil {
		t.Errorf("a step that comes after it: %v", err)
	}
	refusedBy(t, second.lockTargets(t.Context()), "one-at-a-time")
	after.unlock()
	whole.unlock()
}

// What a target was like before is read when no other run has it.
func TestPriorValuesAreReadUnderTheLock(t *testing.T) {
	t.Parallel()
	h := apart(t)
	standing(t, h, "prior", 2, nil)
	e := deletion(t)
	e.Target = Target{Namespace: "prior", Deployment: "pingapp", Count: 1}
	f := &preparing{}
	e.Fault = f
	x := runner(t, h).newRun(e)
	f.look = func() { f.looks, f.early = f.looks+1, f.early || len(x.locks) == 0 }
	if err := x.perform(t.Context(), []step{{"Wait for the steady state", x.settle}, {"Choose", x.choose}}); err != nil {
		t.Fatal(err)
	}
	x.unlock()
	if f.looks == 0 || f.early {
		t.Errorf("read %d times, and before the target was locked: %t", f.looks, f.early)
	}
}

// preparing looks on while its targets are prepared.
type preparing struct {
	fault.PodDeletion
	look  func()
	looks int
	early bool // once at least before the target was locked
}

func (f *preparing) Prepare(ctx context.Context, h *vm.Handle, targets []fault.Target) ([]fault.Object, error) {
	f.look()
	return f.PodDeletion.Prepare(ctx, h, targets)
}
