package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"axolotl/chaos/fault"
	"axolotl/chaos/timeline"
	"axolotl/internal/store"
	"axolotl/vm"
)

// lockTarget takes the lock of one thing that is broken, or mended, by one at a
// time.
func lockTarget(c *vm.Cluster, key string) (*store.Lock, error) {
	return store.TryLock(c.Path("locks", "chaos."+key+".lock"))
}

// lockAll takes the locks of several things, but for those that are had already.
// Where one is refused none is kept, and the error is a *Refusal.
func lockAll(c *vm.Cluster, keys []string, had map[string]*store.Lock) (map[string]*store.Lock, error) {
	locks := map[string]*store.Lock{}
	for _, key := range keys {
		if had[key] != nil {
			continue
		}
		lock, err := lockTarget(c, key)
		if err != nil {
			unlockAll(locks)
			return nil, atWork(key, err)
		}
		locks[key] = lock
	}
	return locks, nil
}

// atWork is the refusal where an error says that somebody else has a lock.
func atWork(key string, err error) error {
	var locked *store.LockedError
	if !errors.As(err, &locked) {
		return err
	}
	return &Refusal{"one-at-a-time", fmt.Sprintf("another experiment is at work on %s: %q (pid %d)", key, locked.Holder.Command, locked.Holder.PID),
		"wait until it has ended"}
}

func unlockAll(locks map[string]*store.Lock) {
	for _, lock := range locks {
		lock.Unlock() //nolint:errcheck // the kernel frees it at the end at the latest
	}
}

// lockTargets takes the lock of each thing that the run breaks. They are freed at
// the end of the process at the latest.
func (r *run) lockTargets() error {
	var had map[string]*store.Lock
	if r.whole != nil {
		had = r.whole.locks // of steps that have ended
	}
	locks, err := lockAll(r.home, r.lockKeys(), had)
	r.locks = locks
	return err
}

func (r *run) unlock() {
	unlockAll(r.locks)
	r.locks = nil
}

// lockKeys name what the run breaks, sorted: its targets, and what keeps the pods
// that it strikes or takes. Whoever breaks another pod of the same workload, the next
// one in the place of this, or the workload itself, breaks the same thing.
func (r *run) lockKeys() []string {
	var keys []string
	for _, o := range r.targets {
		if o.Kind != fault.OnPods {
			keys = append(keys, targetKey(o.Target))
		}
	}
	lost := r.lostPods()
	for i := range r.scene.pods {
		p := &r.scene.pods[i]
		struck := slices.ContainsFunc(r.targets, func(o fault.Object) bool { return o.UID == p.UID })
		if struck || slices.ContainsFunc(lost, func(l timeline.Pod) bool { return l.UID == p.UID }) {
			keys = append(keys, targetKey(r.scene.keeper(p)))
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func targetKey(t fault.Target) string {
	if t.Kind == fault.OnNodes {
		return nodeKey(t.Name)
	}
	return strings.ToLower(t.Kind) + "." + t.Namespace + "." + t.Name
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
