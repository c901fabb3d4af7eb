package chaos

import (
	"axolotl/chaos/fault"
	"axolotl/internal/store"
	"axolotl/vm"
)

// lockTarget takes the lock of one thing that is broken, or mended, by one at a
// time.
func lockTarget(c *vm.Cluster, key string) (*store.Lock, error) {
	return store.TryLock(c.Path("locks", "chaos."+key+".lock"))
}

func nodeKey(node string) string { return "node." + node }

// LockNode keeps runs from taking a node as their target until it is unlocked.
// The error is a *store.LockedError where one has it.
func LockNode(c *vm.Cluster, node string) (*store.Lock, error) { return lockTarget(c, nodeKey(node)) }

// TargetNodes are the nodes that runs at work, of whatever process, have as
// their targets, and whether any run is at work at all.
func TargetNodes(c *vm.Cluster) (nodes map[string]bool, atWork bool, err error) {
	live, err := journalOf(c).Live()
	nodes = map[string]bool{}
	for _, l := range live {
		for _, o := range l.Objects {
			if o.Kind == fault.OnNodes {
				nodes[o.Name] = true
			}
		}
	}
	return nodes, len(live) > 0, err
}
