package vm

import (
	"slices"
	"time"
)

// Phase is how far a cluster's making or unmaking has come. A record goes from one to
// the other by the methods below, which say all that changes with it; it is saved
// before the first object follows. Whoever is killed in one leaves it to the next:
// 'up' completes all but the last, 'down' that and all others.
//
//	creating → up → recreating → creating
//	           up → restoring → up
//	           any → deleting
type Phase string

// The phases of a cluster.
const (
	PhaseCreating   Phase = "creating"   // recorded; some of its objects may exist
	PhaseRecreating Phase = "recreating" // what is in it is thrown away, then it is made
	PhaseRestoring  Phase = "restoring"  // what is in it gives way to Snapshot
	PhaseUp         Phase = "up"         // was seen healthy after it was made; machines may be Joining
	PhaseDeleting   Phase = "deleting"   // some of its objects may be gone
	PhaseBroken     Phase = "broken"     // its record cannot be read; never stored
)

// BeginRecreating has all that is in the cluster be thrown away, in whatever phase
// it is.
func (c *Cluster) BeginRecreating() { c.Phase = PhaseRecreating }

// BeginAnew is the cluster with nothing in it any more: its machines will be made as
// at first, all together.
func (c *Cluster) BeginAnew() {
	c.Phase, c.Resumed, c.Joining = PhaseCreating, time.Time{}, nil
	for i := range c.Machines {
		c.Machines[i].Fresh = false
	}
	if c.Golden != "" {
		c.Machines = renumbered(c.Machines, c.Spec)
	}
}

// renumbered are machines by the names and numbers that those of a new cluster have,
// and so of a golden snapshot, whatever has come and gone. What is of this host stays
// what it was: UUIDs and ports.
func renumbered(machines []Machine, spec Spec) []Machine {
	left, anew := slices.Clone(machines), PlanMachines(nil, spec)
	for i := range anew {
		m := &anew[i]
		j := slices.IndexFunc(left, func(was Machine) bool { return was.group() == m.group() })
		if j < 0 {
			return machines // they are not what the spec asks for
		}
		was := left[j]
		was.Name, was.Index, was.Address = m.Name, m.Index, SegmentAddress(m.Index)
		anew[i], left = was, slices.Delete(left, j, j+1)
	}
	return anew
}

// BeginRestoring has all that is in the cluster give way to a snapshot of it.
func (c *Cluster) BeginRestoring(snapshot string) { c.Phase, c.Snapshot = PhaseRestoring, snapshot }

// Become makes of c what other, a record of the same cluster from before, says.
// Its name, ID and directory stay, and so do the ports on this host. A machine that
// is not there now has none: those from before may be another cluster's.
func (c *Cluster) Become(other *Cluster) {
	machines := slices.Clone(other.Machines)
	for i := range machines {
		machines[i].APIPort, machines[i].NodePortBase = 0, 0
		if now := c.Machine(machines[i].Name); now != nil {
			machines[i].APIPort, machines[i].NodePortBase = now.APIPort, now.NodePortBase
		}
	}
	c.Spec, c.Image, c.Golden, c.Machines, c.Joining = other.Spec, other.Image, other.Golden, machines, nil
}

// BeginDeleting has the cluster be taken down: nothing else may be done with it.
func (c *Cluster) BeginDeleting() { c.Phase = PhaseDeleting }

// BeUp is the cluster seen whole and healthy, whatever was done before.
func (c *Cluster) BeUp() { c.Phase, c.Snapshot, c.Joining = PhaseUp, "", nil }

// BeginJoining has machines, new ones or some that are made anew, join the others,
// which run on. They have no part in the golden snapshot, though one of it may have
// had their names, until they are BackFromGolden.
func (c *Cluster) BeginJoining(names ...string) {
	c.Joining = names
	c.setFresh(true, names)
}

// BackFromGolden is the beginning of restoring joining machines from the cluster's
// golden snapshot. It counts once they have joined: whoever completes what was
// interrupted before boots them.
func (c *Cluster) BackFromGolden(names ...string) { c.setFresh(false, names) }

func (c *Cluster) setFresh(fresh bool, names []string) {
	for i := range c.Machines {
		if m := &c.Machines[i]; slices.Contains(names, m.Name) {
			m.Fresh = fresh
		}
	}
}

// HaveJoined is the end of that for machines, or of their being there.
func (c *Cluster) HaveJoined(names ...string) {
	c.Joining = slices.DeleteFunc(slices.Clone(c.Joining), func(name string) bool { return slices.Contains(names, name) })
}
