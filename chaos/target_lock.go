package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"axolotl/chaos/fault"
	"axolotl/chaos/timeline"
	"axolotl/internal/store"
	"axolotl/vm"
)

// within begins the key of a node that is not the target, and that a fault is done
// within, to pods of it: its undo needs the machine. Such runs share the node; whoever
// strikes it must have it alone.
const within = "within "

// lockTarget takes the lock of one thing that is broken, or mended, by one at a
// time; by says by whom, or nothing.
func lockTarget(c *vm.Cluster, key, by string) (*store.Lock, error) {
	alone, shared := strings.CutPrefix(key, within)
	path := c.Path("locks", "chaos."+alone+".lock")
	if shared {
		return store.TryShareFor(path, by)
	}
	return store.TryLockFor(path, by)
}

// lockAll takes the locks of several things, but for those that are had already.
// Where one is refused none is kept, and the error is a *Refusal.
func lockAll(c *vm.Cluster, keys []string, had map[string]*store.Lock, by string) (map[string]*store.Lock, error) {
	locks := map[string]*store.Lock{}
	for _, key := range keys {
		if had[key] != nil || had[strings.TrimPrefix(key, within)] != nil {
			continue
		}
		shared := had[within+key] // by whom it is to be had alone now
		if shared != nil {
			unlockAll(map[string]*store.Lock{key: shared})
			delete(had, within+key)
		}
		lock, err := lockTarget(c, key, by)
		if err != nil {
			if shared != nil {
				if shared, again := lockTarget(c, within+key, by); again == nil {
					had[within+key] = shared
				}
			}
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
	who := fmt.Sprintf("%q (pid %d)", locked.Holder.Command, locked.Holder.PID)
	if locked.Holder.For != "" {
		who = locked.Holder.For + ", " + who
	}
	return &Refusal{"one-at-a-time", fmt.Sprintf("another experiment is at work on %s: %s", strings.TrimPrefix(key, within), who),
		"wait until it has ended"}
}

func unlockAll(locks map[string]*store.Lock) {
	for _, lock := range locks {
		lock.Unlock() //nolint:errcheck // the kernel frees it at the end at the latest
	}
}

// lockTargets takes the lock of each thing that the run breaks, and of what it costs
// others. They are freed at the end of the process at the latest.
func (r *run) lockTargets(ctx context.Context) error {
	others, err := r.collateralKeys(ctx)
	if err != nil {
		return err
	}
	w := r.whole
	if w == nil {
		r.locks, err = lockAll(r.home, slices.Concat(r.lockKeys(), others), nil, r.by())
		return err
	}
	// A part may strike what a step struck that has ended, and what it costs is the
	// whole's: another part may strike that, or cost it too.
	if r.locks, err = lockAll(r.home, r.lockKeys(), w.locks, r.by()); err != nil {
		return err
	}
	had := maps.Clone(r.locks)
	maps.Copy(had, w.locks)
	for _, p := range r.beside() {
		maps.Copy(had, p.locks)
	}
	cost, err := lockAll(r.home, others, had, r.by())
	if err != nil {
		r.unlock()
		return err
	}
	w.keepLocks(cost)
	return nil
}

// keepLocks adds locks to those of the run.
func (r *run) keepLocks(locks map[string]*store.Lock) {
	if r.locks == nil {
		r.locks = map[string]*store.Lock{}
	}
	maps.Copy(r.locks, locks)
}

func (r *run) unlock() {
	unlockAll(r.locks)
	r.locks = nil
}

// by is how a run is named to others.
func (r *run) by() string { return fmt.Sprintf("run %s of %s", r.tellID(), r.experiment.Name) }

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
	inside := fault.OnMachines(r.experiment.Fault)
	for i := range r.scene.pods {
		p := &r.scene.pods[i]
		struck := slices.ContainsFunc(r.targets, func(o fault.Object) bool { return o.UID == p.UID })
		if struck || slices.ContainsFunc(lost, func(l timeline.Pod) bool { return l.UID == p.UID }) {
			keys = append(keys, targetKey(r.scene.keeper(p)))
		}
		if struck && inside && p.Spec.NodeName != "" {
			keys = append(keys, within+nodeKey(p.Spec.NodeName))
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// collateralKeys name what keeps the other pods that the run takes, or may: somebody
// else may have those as their target.
func (r *run) collateralKeys(ctx context.Context) ([]string, error) {
	if r.toll == nil {
		return nil, nil
	}
	var keys []string
	asked := map[types.UID]bool{}
	for i := range r.toll.pods {
		p := &r.toll.pods[i]
		owner := ownerOf(p).UID
		if !r.toll.own[p.UID] || asked[owner] {
			continue
		}
		asked[owner] = true
		keeper := r.scene.keeper(p)
		if keeper.Kind == "ReplicaSet" {
			var err error
			if keeper, err = keeperOf(ctx, r.kube, p); err != nil {
				return nil, fmt.Errorf("what keeps pod %s/%s: %w", p.Namespace, p.Name, err)
			}
		}
		keys = append(keys, targetKey(keeper))
	}
	own := r.lockKeys()
	keys = slices.DeleteFunc(keys, func(key string) bool { return slices.Contains(own, key) })
	slices.Sort(keys)
	return slices.Compact(keys), nil
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
func LockNode(c *vm.Cluster, node string) (*store.Lock, error) {
	return lockTarget(c, nodeKey(node), "")
}

// TargetNodes are the nodes that runs at work, of whatever process, have as
// their targets, or on which they do something to pods, and whether any run is at work at all.
func TargetNodes(c *vm.Cluster) (nodes map[string]bool, atWork bool, err error) {
	live, err := journalOf(c).Live()
	nodes = map[string]bool{}
	for _, l := range live {
		for _, o := range l.Objects {
			if o.Kind == fault.OnNodes || fault.MachineOf(o) != o.Name { // the undo needs it
				nodes[fault.MachineOf(o)] = true
			}
		}
	}
	return nodes, len(live) > 0, err
}
