package addon

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/kube"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// Label is on all that an add-on is made of, with its name.
const Label = "axolotl.dev/addon"

// usePrefix begins the annotations of an add-on's namespace that say who uses
// it.
const usePrefix = "use.axolotl.dev/"

// ByHand is the user that a person is, who alone takes the add-on away again.
const ByHand = "by-hand"

// Use notes that somebody uses the add-on, installs what is missing of it, and
// returns when it serves. It may be called again after it was interrupted. Where
// the cluster has its like from somebody else, that is used as it is.
func (a *Addon) Use(ctx context.Context, h *vm.Handle, user string, step *term.Step) error {
	unlock, err := a.lock(ctx, h, step)
	if err != nil {
		return err
	}
	defer unlock()
	if err := a.use(ctx, h, user, step); err != nil {
		return fmt.Errorf("add-on %s: %w", a.Name, err)
	}
	return nil
}

func (a *Addon) use(ctx context.Context, h *vm.Handle, user string, step *term.Step) error {
	ours, err := a.namespace(ctx, h.Kube)
	if err != nil {
		return err
	}
	if ours == nil && a.elsewhere != nil {
		if there, err := a.elsewhere(ctx, h.Kube); err != nil || there {
			return err
		}
	}
	if h.LoadImages == nil {
		return fmt.Errorf("driver %q cannot give it to cluster %q", h.Driver.Name(), h.Cluster.Name)
	}
	if ours != nil && ours.DeletionTimestamp != nil {
		if err := a.gone(ctx, h.Kube, ours); err != nil {
			return err
		}
	}
	// Before anything else is made: what exists of it can be found.
	if err := a.mark(ctx, h.Kube, user); err != nil {
		return err
	}
	has, err := a.loaded(ctx, h.Kube)
	if err != nil {
		return err
	}
	if has && ours != nil && a.serves(ctx, h.Kube) == nil {
		return nil
	}
	return a.install(ctx, h, !has, step)
}

// Release notes that somebody does not use the add-on any more, and removes it
// where nobody else does. One that is not there is success.
func (a *Addon) Release(ctx context.Context, h *vm.Handle, user string) error {
	return a.leave(ctx, h, func(ns *corev1.Namespace) (others bool, err error) {
		for _, name := range users(ns) {
			others = others || name != user
		}
		if !others {
			return false, nil
		}
		return true, h.Kube.Annotate(ctx, kube.Ref{GroupVersionKind: namespaceKind, Name: ns.Name}, map[string]*string{usePrefix + user: nil})
	})
}

// Remove removes the add-on, whoever uses it. One that is not there is success.
func (a *Addon) Remove(ctx context.Context, h *vm.Handle) error {
	return a.leave(ctx, h, func(*corev1.Namespace) (bool, error) { return false, nil })
}

// leave removes the add-on unless stays says that it is to stay.
func (a *Addon) leave(ctx context.Context, h *vm.Handle, stays func(*corev1.Namespace) (bool, error)) error {
	unlock, err := a.lock(ctx, h, nil)
	if err != nil {
		return err
	}
	defer unlock()
	ns, err := a.namespace(ctx, h.Kube)
	if err == nil && ns != nil {
		var stay bool
		if stay, err = stays(ns); err == nil && !stay {
			err = a.remove(ctx, h.Kube, ns)
		}
	}
	if err != nil {
		return fmt.Errorf("remove add-on %s: %w; finish with: axolotl addon remove %s --cluster %s", a.Name, err, a.Name, h.Cluster.Name)
	}
	return nil
}

// Users are who uses the add-on, sorted; installed tells whether it, or a part
// of it, is there.
func (a *Addon) Users(ctx context.Context, client *kube.Client) (names []string, installed bool, err error) {
	ns, err := a.namespace(ctx, client)
	if err != nil || ns == nil {
		return nil, false, err
	}
	return users(ns), true, nil
}

func users(ns *corev1.Namespace) []string {
	var names []string
	for key := range ns.Annotations {
		if name, ok := strings.CutPrefix(key, usePrefix); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// lock takes the lock under which the add-on comes and goes in a cluster. Others
// have their own: to compile and start one takes minutes, and whoever is done with
// another one does not wait for that.
func (a *Addon) lock(ctx context.Context, h *vm.Handle, step *term.Step) (unlock func(), err error) {
	try := func() (*store.Lock, error) { return h.Cluster.TryLock("addons", a.Name+".lock") }
	lock, err := store.Await(ctx, try, func(locked *store.LockedError) {
		if step != nil {
			step.Status("waiting for %q (pid %d), which is at work on the add-on", locked.Holder.Command, locked.Holder.PID)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("add-on %s: %w", a.Name, err)
	}
	return func() { lock.Unlock() }, nil //nolint:errcheck // the kernel frees it at the latest
}

// namespace is the add-on's, or nil. One that somebody else has made is an
// error: nothing in it is ours.
func (a *Addon) namespace(ctx context.Context, client *kube.Client) (*corev1.Namespace, error) {
	ns, err := client.Typed.CoreV1().Namespaces().Get(ctx, a.Namespace(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err == nil && ns.Labels[Label] != a.Name {
		err = fmt.Errorf("namespace %s is somebody else's (it lacks the label %s=%s)", ns.Name, Label, a.Name)
	}
	return ns, err
}

var namespaceKind = corev1.SchemeGroupVersion.WithKind("Namespace")

// mark makes the namespace where it is missing, and notes who uses it.
func (a *Addon) mark(ctx context.Context, client *kube.Client, user string) error {
	_, err := client.Typed.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: a.Namespace(), Labels: map[string]string{Label: a.Name}, Annotations: map[string]string{usePrefix + user: ""},
	}}, metav1.CreateOptions{FieldManager: kube.FieldManager})
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	none := ""
	return client.Annotate(ctx, kube.Ref{GroupVersionKind: namespaceKind, Name: a.Namespace()}, map[string]*string{usePrefix + user: &none})
}
