package chaos

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos/fault"
	"axolotl/chaos/probe"
	"axolotl/chaos/timeline"
	"axolotl/vm"
)

// shaky is a fault on nodes that can be had everywhere.
type shaky struct{ fault.MachineReset }

func (*shaky) Available(context.Context, *vm.Handle) error { return nil }

// The client looks through a machine that nothing strikes, where there is one; else
// through one that the seed does not strike.
func TestTheClientsPathIsNotStruck(t *testing.T) {
	h := &vm.Handle{Cluster: &vm.Cluster{}}
	s := &scene{}
	for _, name := range []string{"cp-1", "w-1", "w-2", "w-3"} {
		n := corev1.Node{}
		n.Name, n.UID = name, types.UID(name)
		if name == "cp-1" {
			n.Labels = map[string]string{controlPlaneLabel: ""}
		}
		s.nodes = append(s.nodes, n)
		h.Cluster.Machines = append(h.Cluster.Machines, vm.Machine{Name: name})
	}
	on := func(nodes string) Step { return Step{Fault: &shaky{}, Nodes: nodes} }
	each := on("worker")
	each.Each = true
	for name, test := range map[string]struct {
		steps []Step
		want  string
	}{
		"a control plane":           {[]Step{{Fault: &fault.PodDeletion{}}, on("control-plane")}, "w-1"},
		"workers":                   {[]Step{each, on("worker")}, "cp-1"},
		"the one, and any other":    {[]Step{{Parallel: []Step{on("control-plane"), on("worker")}}}, ""},
		"after each, a chosen one":  {[]Step{on("control-plane"), on("worker")}, ""},
		"all of them, in some turn": {[]Step{on("control-plane"), each}, "cp-1"},
	} {
		for seed := range uint64(5) {
			r := &run{experiment: &Experiment{Steps: test.steps, Target: Target{Count: 1}}, target: Target{Count: 1}, home: h.Cluster, handle: h, seed: seed, now: time.Now, log: timeline.NewLog(time.Now)}
			got := r.vantage(t.Context(), s).Name
			if test.want != "" {
				if got != test.want {
					t.Errorf("%s: it looks through %s, want %s", name, got, test.want)
				}
				continue
			}
			// What is struck is what parts choose, by the seeds that they have.
			for _, step := range test.steps {
				for _, m := range step.members() {
					p := r.part(t.Context(), 1, m)
					for _, struck := range choose(s.nodeTargets(p.experiment), p.target, p.seed) {
						if struck.Name == got {
							t.Errorf("%s, seed %d: it looks through %s, which is struck", name, seed, got)
						}
					}
				}
			}
		}
	}
}

// Where there is no other way the report says that it was struck.
func TestAStruckPathIsTold(t *testing.T) {
	at := func(f fault.Fault, path string) *run {
		return &run{experiment: &Experiment{Fault: f}, injected: true, client: &client{path: path},
			targets: []fault.Object{{Target: fault.Target{Kind: fault.OnNodes, Name: "n1"}}}}
	}
	if got := at(&shaky{}, "n1").pathStruck(); got != "n1" {
		t.Errorf("struck %q", got)
	}
	whole := &run{experiment: &Experiment{}, client: &client{path: "n1"}, parts: []*part{{run: at(&shaky{}, "")}}}
	if got := whole.pathStruck(); got != "n1" {
		t.Errorf("by a step: struck %q", got)
	}
	if got := at(&shaky{}, "n2").pathStruck() + at(&fault.NodeCordon{}, "n1").pathStruck(); got != "" {
		t.Errorf("what was not struck: %q", got)
	}
	var out strings.Builder
	p := &Report{PathStruck: "n1", Client: &probe.Summary{}, Verdict: NotHealed}
	if err := p.Draw(&out); err != nil || !strings.Contains(out.String(), "it looked through n1, which was struck") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
