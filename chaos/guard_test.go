package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/rest"

	"axolotl/chaos/fault"
	"axolotl/internal/kube"
	"axolotl/internal/store"
	"axolotl/vm"
)

// refusedBy fails unless err is the refusal of a guard that says what would
// satisfy it.
func refusedBy(t *testing.T, err error, guard string) {
	t.Helper()
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Guard != guard || refusal.Reason == "" || refusal.Remedy == "" {
		t.Errorf("error %v, want a refusal by %q", err, guard)
	}
}

// kubeconfig writes a kubeconfig for a server that trusts a CA, or nobody.
func kubeconfig(t *testing.T, dir, ca string) string {
	t.Helper()
	path := filepath.Join(dir, "admin.conf")
	text := "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n" +
		"users: [{name: u}]\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:6443', certificate-authority-data: " + ca + "}}]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestGuardOwnCluster(t *testing.T) {
	const ours = "b3Vycw==" // base64
	c := &vm.Cluster{Name: "demo", Dir: t.TempDir()}
	kubeconfig(t, c.Dir, ours)
	client := func(host, ca string, insecure bool) *kube.Client {
		return &kube.Client{Config: &rest.Config{Host: host, TLSClientConfig: rest.TLSClientConfig{CAData: []byte(ca), Insecure: insecure}}}
	}
	const local = "https://127.0.0.1:6443"
	if err := guardOwnCluster(c, client(local, "ours", false)); err != nil {
		t.Errorf("our own cluster: %v", err)
	}
	refusedBy(t, guardOwnCluster(c, client(local, "foreign", false)), "own-cluster")
	refusedBy(t, guardOwnCluster(c, client(local, "", false)), "own-cluster")
	refusedBy(t, guardOwnCluster(c, client(local, "ours", true)), "own-cluster")
	refusedBy(t, guardOwnCluster(c, client("https://127.0.0.1:6444", "ours", false)), "own-cluster") // a clone of the same snapshot
	moved := *c
	moved.APIPort = 6444
	refusedBy(t, guardOwnCluster(&moved, client(local, "ours", false)), "own-cluster") // its kubeconfig leads elsewhere
	refusedBy(t, guardOwnCluster(c, client("https://prod.example.com:6443", "ours", false)), "own-cluster")
	refusedBy(t, guardOwnCluster(&vm.Cluster{Name: "none", Dir: t.TempDir()}, client(local, "ours", false)), "own-cluster")
}

func TestGuardNamespace(t *testing.T) {
	for _, ns := range systemNamespaces {
		refusedBy(t, guardNamespace(ns), "system-namespace")
	}
	if err := guardNamespace("default"); err != nil {
		t.Error(err)
	}
}

func TestGuardShare(t *testing.T) {
	refusedBy(t, guardShare(2, 3, 50), "max-share")
	refusedBy(t, guardShare(1, 1, 50), "max-share")
	for _, ok := range [][3]int{{1, 3, 50}, {1, 2, 50}, {3, 3, 100}} {
		if err := guardShare(ok[0], ok[1], ok[2]); err != nil {
			t.Errorf("%v: %v", ok, err)
		}
	}
}

// What parts strike at once is counted of what each of them may strike: not a worker of
// one among the control planes of another.
func TestSharesOfParts(t *testing.T) {
	nodes := func(names ...string) (all []fault.Target) {
		for _, n := range names {
			all = append(all, fault.Target{Kind: fault.OnNodes, Name: n, UID: types.UID(n)})
		}
		return all
	}
	ask := func(maxShare int, candidates [2][]fault.Target, targets [2]string) error {
		whole := &run{}
		for i := range 2 {
			x := &run{whole: whole, scene: &scene{}, candidates: candidates[i], experiment: &Experiment{Fault: &fault.NodeCordon{}, Guards: Guards{MaxShare: maxShare}}}
			x.targets = []fault.Object{{Target: nodes(targets[i])[0]}}
			whole.parts = append(whole.parts, &part{run: x})
		}
		return whole.parts[1].guardShares()
	}
	workers, planes, all := nodes("w1", "w2"), nodes("cp"), nodes("cp", "w1", "w2")
	if err := ask(100, [2][]fault.Target{workers, planes}, [2]string{"w1", "cp"}); err != nil {
		t.Errorf("a worker and the control plane: %v", err)
	}
	refusedBy(t, ask(99, [2][]fault.Target{workers, planes}, [2]string{"w1", "cp"}), "max-share") // the control plane
	refusedBy(t, ask(50, [2][]fault.Target{workers, workers}, [2]string{"w1", "w2"}), "max-share")
	refusedBy(t, ask(70, [2][]fault.Target{workers, all}, [2]string{"w1", "w2"}), "max-share") // both of the workers
	if err := ask(50, [2][]fault.Target{workers, workers}, [2]string{"w1", "w1"}); err != nil {
		t.Errorf("one struck twice: %v", err)
	}
}

// tollOf is what takes some pods of others, given as "namespace/name:owner", all ready.
func tollOf(lost string, pods ...string) *toll {
	t := &toll{lost: map[types.UID]bool{}}
	for _, pod := range pods {
		name, owner, _ := strings.Cut(pod, ":")
		p := corev1.Pod{}
		p.Namespace, p.Name, _ = strings.Cut(name, "/")
		p.UID = types.UID(name)
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		if kind, name, kept := strings.Cut(owner, " "); kept {
			p.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: name, UID: types.UID(owner), Controller: new(true)}}
		}
		t.pods = append(t.pods, p)
		t.lost[p.UID] = slices.Contains(strings.Fields(lost), name)
	}
	return t
}

func TestGuardLastReplica(t *testing.T) {
	two := []string{"shop/a:StatefulSet web", "shop/b:StatefulSet web"}
	ask := func(t *toll, g Guards) error {
		return guardLastReplica(context.Background(), &run{toll: t, experiment: &Experiment{Guards: g}})
	}
	if err := ask(tollOf("shop/a", two...), Guards{}); err != nil {
		t.Error(err)
	}
	refusedBy(t, ask(tollOf("shop/a shop/b", two...), Guards{}), "last-replica")
	if err := ask(tollOf("shop/a shop/b", two...), Guards{LastReplica: true}); err != nil {
		t.Errorf("where it is allowed: %v", err)
	}
	unready := tollOf("shop/a", two...)
	unready.pods[1].Status.Conditions = nil
	refusedBy(t, ask(unready, Guards{}), "last-replica")
	refusedBy(t, ask(tollOf("bank/alone", "bank/alone"), Guards{}), "last-replica")
	if err := ask(tollOf("bank/sum", "bank/sum:Job sum"), Guards{}); err != nil {
		t.Errorf("of a Job: %v", err)
	}
}

// What the cluster itself has on a node, and what is of the node, keeps nobody from
// breaking it.
func TestSpared(t *testing.T) {
	pods := tollOf("", "kube-system/coredns:ReplicaSet coredns", "logs/agent:DaemonSet agent", "bank/ledger:ReplicaSet ledger", "x/static", "axolotl-ingress/traefik:ReplicaSet traefik").pods
	pods[3].Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x"}
	for i, want := range []bool{true, true, false, true, true} {
		if got := spared(&pods[i]); got != want {
			t.Errorf("%s is spared: %t", pods[i].Name, got)
		}
	}
}

func TestGuardQuorum(t *testing.T) {
	planes := func(names ...string) *scene {
		s := &scene{}
		for _, name := range names {
			n := corev1.Node{}
			n.Name, n.Labels = name, map[string]string{controlPlaneLabel: ""}
			s.nodes = append(s.nodes, n)
		}
		worker := corev1.Node{}
		worker.Name = "w1"
		s.nodes = append(s.nodes, worker)
		return s
	}
	three := planes("a", "b", "c")
	refusedBy(t, guardQuorum(three, []string{"a", "b"}, false), "etcd-quorum")
	refusedBy(t, guardQuorum(planes("a", "b"), []string{"b"}, false), "etcd-quorum")
	for name, err := range map[string]error{
		"one of three":                guardQuorum(three, []string{"a", "a", "w1"}, false),
		"workers":                     guardQuorum(three, []string{"w1"}, false),
		"the only one":                guardQuorum(planes("a"), []string{"a"}, false),
		"where it is allowed":         guardQuorum(three, []string{"a", "b", "c"}, true),
		"none, and two are not there": guardQuorum(planes("a", "b"), nil, false),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	at := []fault.Object{{Target: fault.Target{Kind: fault.OnNodes, Name: "a"}}}
	for _, f := range fault.All() {
		if f.Effect().On != fault.OnNodes {
			continue
		}
		want := 1
		switch f.Name() {
		case "node-cordon", "node-drain", "node-taint", "api-server-down", "controller-manager-down", "scheduler-down", "cpu-pressure":
			want = 0
		}
		if got := len(etcdTaken(f, at)); got != want {
			t.Errorf("%s takes etcd from %d nodes, want %d", f.Name(), got, want)
		}
	}
	lossy, err := fault.Spec{Name: "slow-network", With: []byte(`{"loss":100}`)}.Fault()
	if err != nil || len(etcdTaken(lossy, at)) != 1 {
		t.Errorf("a network that loses all is not cut off (%v)", err)
	}
}

func TestGuardHealthy(t *testing.T) {
	s := &scene{controllers: []controller{{Kind: "ReplicaSet", Name: "a", Wanted: 3, Ready: 2}}}
	err := guardHealthy(s)
	refusedBy(t, err, "healthy-before")
	if !strings.Contains(err.Error(), "ReplicaSet a has 2 of 3 pods ready") {
		t.Errorf("%v does not say what is not well", err)
	}
}

func TestGuardOneAtATime(t *testing.T) {
	dir := t.TempDir()
	at := func() *run {
		return &run{home: &vm.Cluster{Dir: dir}, experiment: &Experiment{Fault: &fault.NodeCordon{}}, scene: &scene{},
			targets: []fault.Object{{Target: fault.Target{Kind: "Node", Name: "n1"}}}}
	}
	first, second := at(), at()
	if err := first.lockTargets(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := second.lockTargets(t.Context())
	refusedBy(t, err, "one-at-a-time")
	if !strings.Contains(err.Error(), "node.n1") || !strings.Contains(err.Error(), "pid") {
		t.Errorf("%v does not say what is locked and by whom", err)
	}
	first.unlock()
	if err := second.lockTargets(t.Context()); err != nil {
		t.Errorf("after the first has ended: %v", err)
	}
	second.unlock()
}

// Each guard is asked: what only it keeps from happening does not happen.
func TestEachGuardIsAsked(t *testing.T) {
	t.Parallel()
	h := apart(t)
	budgets := h.Kube.Typed.PolicyV1().PodDisruptionBudgets("default")
	one := intstr.FromInt32(1)
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "asked", Namespace: "default"}, Spec: policyv1.PodDisruptionBudgetSpec{
		MinAvailable: &one, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"kept": "by-budget"}},
	}}
	if _, err := budgets.Create(t.Context(), budget, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := budgets.Delete(context.Background(), budget.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	// One of two pods, of three control planes none: nobody objects.
	harmless := func() *run {
		x := runner(t, h).newRun(&Experiment{Fault: &fault.PodDeletion{}, Target: Target{Namespace: "default"}, Guards: Guards{MaxShare: 50}})
		x.toll = tollOf("default/a", "default/a:StatefulSet web", "default/b:StatefulSet web")
		x.toll.namespace = "default"
		x.scene = &scene{namespace: "default", pods: x.toll.pods}
		for _, name := range []string{"a", "b", "c"} {
			n := corev1.Node{}
			n.Name, n.UID, n.Labels = name, types.UID(name), map[string]string{controlPlaneLabel: ""}
			n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
			x.scene.nodes = append(x.scene.nodes, n)
		}
		for i := range x.scene.pods {
			p := &x.scene.pods[i]
			x.candidates = append(x.candidates, fault.Target{Kind: fault.OnPods, Namespace: p.Namespace, Name: p.Name, UID: p.UID})
		}
		x.targets = []fault.Object{{Target: x.candidates[0]}}
		return x
	}
	for name, spoil := range map[string]func(*testing.T, *run){
		"own-cluster":      func(t *testing.T, x *run) { x.handle = foreign(t) },
		"system-namespace": func(_ *testing.T, x *run) { x.experiment.Target.Namespace = "kube-system" },
		"bounds":           func(_ *testing.T, x *run) { x.bounds = &Bounds{Faults: []string{"pod-eviction"}} },
		"annotated":        func(t *testing.T, x *run) { x.handle, x.allowed = foreign(t), x.home.Name },
		"zero-targets":     func(_ *testing.T, x *run) { x.targets, x.toll.lost = nil, nil },
		"max-share":        func(_ *testing.T, x *run) { x.experiment.Guards.MaxShare = 49 },
		"last-replica":     func(_ *testing.T, x *run) { x.toll = tollOf("default/a", "default/a:StatefulSet web") },
		"disruption-budget": func(t *testing.T, x *run) {
			x.toll.pods[0].Labels = map[string]string{"kept": "by-budget"}
		},
		"etcd-quorum": func(t *testing.T, x *run) {
			x.experiment.Fault, x.candidates, x.targets, x.toll.lost = &fault.MachineReset{}, nil, nil, nil
			for _, n := range x.scene.nodes {
				x.candidates = append(x.candidates, fault.Target{Kind: fault.OnNodes, Name: n.Name, UID: n.UID})
			}
			x.targets = []fault.Object{{Target: x.candidates[0]}, {Target: x.candidates[1]}}
			x.experiment.Guards.MaxShare = 100
		},
		"healthy-before": func(_ *testing.T, x *run) { x.scene.nodes[2].Status.Conditions = nil },
		"one-at-a-time": func(t *testing.T, x *run) {
			lock, err := lockTarget(x.home, "statefulset.default.web", "run r of e")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { unlockAll(map[string]*store.Lock{"": lock}) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := harmless()
			if err := errors.Join(x.ask(t.Context(), guardsBefore), x.ask(t.Context(), guards)); err != nil {
				t.Fatalf("what is harmless: %v", err)
			}
			x.unlock()
			x = harmless()
			spoil(t, x)
			err := x.ask(t.Context(), guardsBefore)
			if err == nil {
				err = x.ask(t.Context(), guards)
			}
			x.unlock()
			refusedBy(t, err, name)
		})
	}
}

// TestGuardsRefuseOnARealCluster runs experiments that each break one bound:
// none of them may touch its target.
func TestGuardsRefuseOnARealCluster(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	tests := map[string]struct {
		guard  string
		change func(*Experiment)
	}{
		"system namespace": {"system-namespace", func(e *Experiment) {
			e.Target = Target{Namespace: "kube-system", Deployment: "coredns", Count: 1}
		}},
		"nothing matches": {"zero-targets", func(e *Experiment) {
			e.Target = Target{Namespace: "default", Selector: map[string]string{"app": "none"}, Count: 1}
		}},
		"too many":      {"max-share", func(e *Experiment) { e.Target.Count = 2 }},
		"the only one":  {"last-replica", func(e *Experiment) { e.Target.Replicas, e.Guards.MaxShare = 1, 100 }},
		"all, by share": {"last-replica", func(e *Experiment) { e.Target.Count, e.Target.Percent, e.Guards.MaxShare = 0, 100, 100 }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := deletion(t)
			test.change(e)
			report := runner(t, h).Run(t.Context(), e)
			if report.Verdict != Refused || report.Refusal.Guard != test.guard || report.ExitCode != 13 {
				t.Errorf("verdict %s by %+v (%s)", report.Verdict, report.Refusal, report.Reason)
			}
			if report.Proof != "" || len(report.Pods) > 0 {
				t.Errorf("something was injected: %+v", report)
			}
			leftNothing(t, h, report.ID)
		})
	}
}

func TestUnhealthyClusterIsRefused(t *testing.T) {
	t.Parallel()
	h := cluster(t)
	// Pods that no node takes keep the workload from being complete.
	standing(t, h, "broken", 2, func(deployment *unstructured.Unstructured) {
		nowhere := map[string]any{"no": "where"}
		if err := unstructured.SetNestedMap(deployment.Object, nowhere, "spec", "template", "spec", "nodeSelector"); err != nil {
			t.Fatal(err)
		}
	})
	e := deletion(t)
	e.Target = Target{Namespace: "broken", Deployment: "pingapp", Count: 1}
	report := runner(t, h).Run(t.Context(), e)
	if report.Verdict != Refused || report.Refusal.Guard != "healthy-before" {
		t.Errorf("verdict %s (%s)", report.Verdict, report.Reason)
	}
	if !strings.Contains(report.Reason, "0 of 2 pods ready") {
		t.Errorf("%q does not say what is not well", report.Reason)
	}
}

// The shipped experiment takes a majority of however many control planes there are,
// also where only one of them runs pods of the target.
func TestEtcdQuorumLost(t *testing.T) {
	e, err := Open("etcd-quorum-lost")
	if err != nil {
		t.Fatal(err)
	}
	for planes, want := range map[int]int{1: 1, 3: 2, 5: 3} {
		s := &scene{}
		for i := range planes {
			n := corev1.Node{}
			n.Name, n.Labels = fmt.Sprintf("cp-%d", i+1), map[string]string{controlPlaneLabel: ""}
			s.nodes = append(s.nodes, n)
		}
		s.pods = []corev1.Pod{{Spec: corev1.PodSpec{NodeName: "cp-1"}}}
		if got := len(choose(s.nodeTargets(e), e.Target, 1)); got != want {
			t.Errorf("of %d it takes %d, want %d", planes, got, want)
		}
	}
}
