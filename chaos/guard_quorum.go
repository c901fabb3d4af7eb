package chaos

import (
	"fmt"
	"slices"

	"axolotl/chaos/fault"
)

// guardQuorum keeps etcd's majority, where there are several control planes: a
// single one has none to spare, and what is aimed at it is meant. taken are the
// nodes on which etcd stops answering.
func guardQuorum(s *scene, taken []string, allowed bool) error {
	if allowed {
		return nil
	}
	planes := map[string]bool{}
	for _, n := range s.nodes {
		if _, ok := n.Labels[controlPlaneLabel]; ok {
			planes[n.Name] = true
		}
	}
	lost := map[string]bool{}
	for _, name := range taken {
		if planes[name] {
			lost[name] = true
		}
	}
	majority := len(planes)/2 + 1
	if len(planes) > 1 && len(lost) > 0 && len(planes)-len(lost) < majority {
		return &Refusal{"etcd-quorum", fmt.Sprintf("etcd runs on %d nodes and needs %d; the fault takes %d", len(planes), majority, len(lost)),
			"take fewer control-plane nodes, or set guards.quorum: true"}
	}
	return nil
}

// sparesEtcd are the faults on nodes that leave etcd what it needs: its process, its
// disk, its peers, and memory and processor enough. Of any other one the guard takes it
// that etcd may not write any more, also of one that is yet to come.
var sparesEtcd = []string{
	"node-cordon", "node-drain", "node-taint", "api-server-down", "controller-manager-down", "scheduler-down",
	"cpu-pressure", // the processor is shared by weight
}

// etcdTaken are the nodes among targets on which a fault may keep etcd from writing, or
// from answering the others.
func etcdTaken(f fault.Fault, targets []fault.Object) []string {
	if slices.Contains(sparesEtcd, f.Name()) {
		return nil
	}
	var names []string
	for _, o := range targets {
		if o.Kind == fault.OnNodes {
			names = append(names, o.Name)
		}
	}
	return names
}
