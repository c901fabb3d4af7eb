package chaos

import (
	"fmt"

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

// etcdTaken are the nodes among targets on which a fault keeps etcd from
// answering the others.
func etcdTaken(f fault.Fault, targets []fault.Object) []string {
	var names []string
	for _, o := range targets {
		if effect := f.Effect(); o.Kind == fault.OnNodes && (effect.Etcd || effect.Takes.Nodes()) {
			names = append(names, o.Name)
		}
	}
	return names
}
