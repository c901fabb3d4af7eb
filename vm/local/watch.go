package local

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/tools/cache"

	"axolotl/internal/kube"
	"axolotl/vm"
)

var _ vm.Watcher = (*Driver)(nil)

// Watch implements vm.Watcher: a simulated machine's power is a label of its
// node, and all of them end with the supervisor. Nobody can tell any more once
// that has ended, or another has taken its place.
func (d *Driver) Watch(ctx context.Context, c *vm.Cluster) (<-chan vm.MachineStatus, error) {
	ctx, stop := context.WithCancel(ctx)
	ended, err := supervisorEnds(ctx, c.ID)
	if err != nil {
		stop()
		return nil, err
	}
	changed := make(chan struct{}, 1)
	if err := watchPower(ctx, c, changed); err != nil {
		stop()
		return nil, err
	}
	told := make(chan vm.MachineStatus)
	go func() {
		defer close(told)
		defer stop()
		known := map[string]vm.MachineStatus{}
		tell := func() bool {
			now, err := d.Machines(ctx, c)
			if err != nil {
				return false
			}
			for _, status := range now {
				if known[status.Name] == status {
					continue
				}
				select {
				case told <- status:
					known[status.Name] = status
				case <-ctx.Done():
					return false
				}
			}
			return true
		}
		for tell() {
			select {
			case <-changed:
			case <-ended:
				tell()
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return told, nil
}

// watchPower gives a sign whenever a node has got another power, until ctx
// ends; it outlives restarts of the API server.
func watchPower(ctx context.Context, c *vm.Cluster, changed chan<- struct{}) error {
	client, err := kube.Open(c.Kubeconfig(), "")
	if err != nil {
		return err
	}
	sign := func() {
		select {
		case changed <- struct{}{}:
		default: // one is there that nobody has taken note of yet
		}
	}
	all := cache.NewListWatchFromClient(client.Typed.CoreV1().RESTClient(), "nodes", "", fields.Everything())
	nodes := cache.NewSharedInformer(all, &corev1.Node{}, 0)
	// NOTE: the default handler logs to stderr, beside our own log.
	silent := func(context.Context, *cache.Reflector, error) {}
	if err := nodes.SetWatchErrorHandlerWithContext(silent); err != nil {
		return err
	}
	_, err = nodes.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { sign() },
		DeleteFunc: func(any) { sign() },
		UpdateFunc: func(before, after any) {
			if powerOf(before.(*corev1.Node)) != powerOf(after.(*corev1.Node)) {
				sign()
			}
		},
	})
	if err != nil {
		return err
	}
	go nodes.RunWithContext(ctx)
	return nil
}

// supervisorEnds returns a channel that is closed when a cluster's supervisor
// has ended, or ctx has. Where none runs it is closed at once.
func supervisorEnds(ctx context.Context, cluster string) (<-chan struct{}, error) {
	ended := make(chan struct{})
	running, err := kind.Find(supervisorOf(cluster))
	if err != nil {
		return nil, err
	}
	if len(running) == 0 {
		close(ended)
		return ended, nil
	}
	pidfd, ok, err := kind.Hold(running[0])
	if err != nil {
		return nil, err
	}
	if !ok {
		close(ended)
		return ended, nil
	}
	if err := unix.SetNonblock(pidfd, true); err != nil {
		unix.Close(pidfd)
		return nil, fmt.Errorf("wait for the supervisor's end: %w", err)
	}
	// Go's poller waits: a pidfd becomes readable when its process has ended.
	process := os.NewFile(uintptr(pidfd), "pidfd")
	raw, err := process.SyscallConn()
	if err != nil {
		process.Close()
		return nil, err
	}
	context.AfterFunc(ctx, func() { process.Close() })
	go func() {
		defer close(ended)
		_ = raw.Read(func(fd uintptr) bool { // its error is that it was closed
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
			return n > 0 && err == nil
		})
	}()
	return ended, nil
}
