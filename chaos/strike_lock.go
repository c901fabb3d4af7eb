package chaos

import (
	"context"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/chaos/fault"
	"axolotl/internal/store"
	"axolotl/vm"
)

// strokeLock is the lock of one thing that strokes have broken. Those of one lab
// share it: a lab may break a thing twice before it mends either.
type strokeLock struct {
	lock    *store.Lock
	who     string
	strokes int
}

// strokeLocks are those of this process, by their cluster's directory and key.
var strokeLocks = struct {
	sync.Mutex
	by map[[2]string]*strokeLock
}{by: map[[2]string]*strokeLock{}}

// lockStroke takes the locks of what a stroke breaks, as a run does, and returns
// what gives them back. The error is a *Refusal where somebody else is at work there.
func lockStroke(ctx context.Context, h *vm.Handle, f fault.Fault, targets []fault.Target, who string) (unlock func(), err error) {
	var keys []string
	for _, t := range targets {
		of, err := strokeKeys(ctx, h, f, t)
		if err != nil {
			return nil, err
		}
		keys = append(keys, of...)
	}
	strokeLocks.Lock()
	defer strokeLocks.Unlock()
	var taken []string
	for _, key := range keys {
		if err := takeStrokeLock(h.Cluster, key, who); err != nil {
			giveStrokeLocks(h.Cluster, taken)
			return nil, err
		}
		taken = append(taken, key)
	}
	return sync.OnceFunc(func() {
		strokeLocks.Lock()
		defer strokeLocks.Unlock()
		giveStrokeLocks(h.Cluster, taken)
	}), nil
}

// strokeKeys are the keys by which a run would lock a target. The node that a fault is
// done within is not shared: one lab may strike the node, too.
func strokeKeys(ctx context.Context, h *vm.Handle, f fault.Fault, t fault.Target) ([]string, error) {
	if t.Kind != fault.OnPods {
		return []string{targetKey(t)}, nil
	}
	pod, err := h.Kube.Typed.CoreV1().Pods(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	keeper, err := keeperOf(ctx, h.Kube, pod)
	keys := []string{targetKey(keeper)}
	if fault.OnMachines(f) && pod.Spec.NodeName != "" {
		keys = append(keys, nodeKey(pod.Spec.NodeName))
	}
	return keys, err
}

// takeStrokeLock and giveStrokeLocks are called with strokeLocks locked.
func takeStrokeLock(c *vm.Cluster, key, who string) error {
	at := [2]string{c.Dir, key}
	if l := strokeLocks.by[at]; l != nil && l.who == who {
		l.strokes++
		return nil
	}
	lock, err := lockTarget(c, key, who)
	if err != nil {
		return atWork(key, err)
	}
	strokeLocks.by[at] = &strokeLock{lock, who, 1}
	return nil
}

func giveStrokeLocks(c *vm.Cluster, keys []string) {
	for _, key := range keys {
		at := [2]string{c.Dir, key}
		l := strokeLocks.by[at]
		if l.strokes--; l.strokes == 0 {
			l.lock.Unlock() //nolint:errcheck // the kernel frees it at the end at the latest
			delete(strokeLocks.by, at)
		}
	}
}
