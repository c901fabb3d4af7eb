package labs

import (
	"fmt"
	"slices"

	"axolotl/chaos/fault"
)

// disturbs says what the step does that others on the cluster notice and that
// outlives the lab's namespaces, for a person; "" where it does nothing such.
func (s *Step) disturbs() string {
	for _, action := range slices.Concat(s.Setup, s.Do) {
		switch {
		case action.Machine != nil && action.Machine.Do.ruins():
			return fmt.Sprintf("step %q ruins a machine", s.Name)
		case action.Machine != nil:
			return fmt.Sprintf("step %q switches a machine off and on", s.Name)
		case action.Break != nil && action.Break.fault.Effect().On == fault.OnNodes:
			return fmt.Sprintf("step %q breaks a node by %s", s.Name, action.Break.Fault)
		case action.Break != nil && action.Break.fault.Effect().Role == fault.RoleDNS:
			return fmt.Sprintf("step %q breaks the cluster's DNS by %s", s.Name, action.Break.Fault)
		}
	}
	return ""
}

// Exclusive tells whether the lab breaks what other labs on the cluster stand
// on, so that it must run alone.
func (l *Lab) Exclusive() bool {
	return slices.ContainsFunc(l.Steps, func(s Step) bool { return s.disturbs() != "" })
}
