package labs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"

	"axolotl/chaos"
	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/internal/store"
	"axolotl/vm"
)

// Labels of every namespace that a lab makes. Only what carries the session's own
// ID, as a label or in its name, is ever removed.
const (
	LabelLab     = "axolotl.dev/lab"
	LabelSession = "axolotl.dev/lab-session"
)

// pollInterval is how often a condition is looked at. An API server answers
// in a few milliseconds, and a learner does not notice a quarter of a second.
const pollInterval = 200 * time.Millisecond

// session is one go at a lab on one cluster: its namespaces and variables.
type session struct {
	handle    *vm.Handle
	lab       *Lab
	id        string // also the suffix of the namespace
	namespace string
	variables map[string]any
	now       func() time.Time

	struck []Struck              // faults and machines to mend
	nodes  map[string]NodeBefore // by name; of a guided lab that disturbs nodes
	addons []string              // to let go of
	guided bool

	kubectl string // the program, once it was got

	foreseen []Foreseen // of a guided lab
	step     string     // of a guided lab, under way

	held *store.Lock // of a run, on its file; nil where it has none
}

func newSession(h *vm.Handle, lab *Lab, now func() time.Time) *session {
	s := &session{handle: h, lab: lab, now: now}
	s.resume(rand.String(5))
	s.variables = map[string]any{
		namespaceVariable: s.namespace, clusterVariable: h.Cluster.Name, kubeconfigVariable: s.kubeconfig(),
	}
	return s
}

// resume makes the session the one with this ID.
func (s *session) resume(id string) {
	s.id, s.namespace = id, runsPrefix+s.lab.Name+"-"+id
}

// begin makes the lab's namespace, unless making it is a step of the lab.
func (s *session) begin(ctx context.Context) error {
	if err := s.beginKubeconfig(); err != nil {
		return err
	}
	for _, step := range s.lab.Steps {
		if slices.ContainsFunc(step.Do, s.isOwn) {
			return nil
		}
	}
	return s.makeNamespace(ctx, s.namespace)
}

// isOwn tells whether an action makes the lab's own namespace, and not one beside.
func (s *session) isOwn(a Action) bool {
	name, err := expandWith(a.Namespace, s.variables)
	return err == nil && name == s.namespace
}

// makeNamespace makes a namespace, unless the learner has, and waits until pods
// can be made in it, which they cannot before its service account is there.
func (s *session) makeNamespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:   name,
		Labels: map[string]string{LabelLab: s.lab.Name, LabelSession: s.id},
	}}
	client := s.handle.Kube.Typed.CoreV1()
	_, err := client.Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) && s.owns(name) == nil {
		err = nil // the learner was quicker
	}
	if err != nil {
		return fmt.Errorf("make namespace %q: %w", name, err)
	}
	account := check.Func("namespace "+name+" has its service account", func(ctx context.Context) error {
		_, err := client.ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	return check.Wait(ctx, account, pollInterval, nil)
}

// owns returns nil where a namespace is the lab's own to act in.
func (s *session) owns(namespace string) error {
	if namespace == s.namespace || strings.HasPrefix(namespace, s.namespace+"-") {
		return nil
	}
	return fmt.Errorf("a lab acts only in its own namespaces, not in %q; leave the namespace out, or begin it with \"{{ namespace }}\"", namespace)
}

// namespaces lists the session's namespaces that exist: those that it made, and
// those that the learner made where a step says so, which have no label but a name
// that no other session gives.
func (s *session) namespaces(ctx context.Context) ([]corev1.Namespace, error) {
	list, err := s.handle.Kube.Typed.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list.Items, func(n corev1.Namespace) bool {
		if id, labelled := n.Labels[LabelSession]; labelled {
			return id != s.id
		}
		return s.owns(n.Name) != nil
	}), nil
}

// end mends what the session broke, removes its namespaces, and those of sessions
// that came before it, waits until they are gone, and lets go of its add-ons. It
// mends first: namespaces end by an API server and kubelets. With a cluster that is
// taken down all is gone.
func (s *session) end(ctx context.Context, left ...*session) error {
	ctx, stop := chaos.WhileThere(ctx, s.handle)
	defer stop()
	var err error
	if ctx.Err() == nil {
		err = s.clear(ctx, left)
	}
	if chaos.GoneFrom(ctx) != nil {
		return s.letGo()
	}
	return err
}

func (s *session) clear(ctx context.Context, left []*session) error {
	errs := []error{s.undo(ctx)}
	for _, before := range left {
		errs = append(errs, before.undo(ctx))
	}
	if err := errors.Join(errs...); err != nil {
		if len(s.addons) > 0 { // volumes may need one to go
			err = fmt.Errorf("%w; its add-ons are left: axolotl addon remove %s --cluster %s", err, strings.Join(s.addons, " "), s.handle.Cluster.Name)
		}
		return err
	}
	return s.releaseAddons(ctx)
}

// undo leaves of the session nothing but its add-ons.
func (s *session) undo(ctx context.Context) error {
	mended := s.mendAll(ctx)
	err := s.remove(ctx)
	if mended != nil {
		return errors.Join(mended, err)
	}
	if err != nil {
		return fmt.Errorf("remove the namespaces of lab %q: %w; finish with: kubectl get namespaces,persistentvolumes -o name | grep /%s | xargs kubectl delete",
			s.lab.Name, err, s.namespace)
	}
	return nil
}

// mendAll mends what the session broke, and what its learner did to nodes, and
// removes its kubeconfig.
func (s *session) mendAll(ctx context.Context) error {
	broke := len(s.struck)+len(s.foreseen) > 0
	mended := errors.Join(s.mend(ctx, ""), s.mendForeseen(ctx, func(*Foreseen) bool { return true }))
	if mended != nil {
		mended = fmt.Errorf("mend what lab %q broke: %w; finish with: axolotl chaos undo --cluster %s", s.lab.Name, mended, s.handle.Cluster.Name)
	}
	err := s.endKubeconfig()
	if broke {
		err = errors.Join(err, s.answered(ctx))
	}
	return errors.Join(mended, err, s.giveBackNodes(ctx))
}

// answered waits for an API server that was broken and has just been mended.
func (s *session) answered(ctx context.Context) error {
	const limit = 90 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it does not answer for %s", limit))
	defer cancel()
	return check.Wait(ctx, check.Func("the API server answers", s.handle.Kube.Ready), pollInterval, nil)
}

// remove removes all that the session made in the cluster.
func (s *session) remove(ctx context.Context) error {
	if err := s.removeNamespaces(ctx); err != nil {
		return err
	}
	return s.removeVolumes(ctx)
}

// removeNamespaces returns when the session's namespaces are gone.
func (s *session) removeNamespaces(ctx context.Context) error {
	gone := check.Func("the lab's namespaces are gone", func(ctx context.Context) error {
		left, err := s.namespaces(ctx)
		if err != nil {
			return err
		}
		var errs []error
		for i := range left {
			errs = append(errs, s.handle.Kube.RemoveNamespace(ctx, &left[i]))
		}
		return errors.Join(errs...)
	})
	return ended(ctx, gone)
}

// ended waits until what was removed is gone, and not for ever: a finalizer, or
// an API whose server is away, may hold it.
func ended(ctx context.Context, gone check.Condition) error {
	ctx, cancel := context.WithTimeoutCause(ctx, vm.Deadline, fmt.Errorf("not within %s", vm.Deadline))
	defer cancel()
	return check.Wait(ctx, gone, pollInterval, nil)
}

// celVariables are the variables by the names that expressions know.
func (s *session) celVariables() map[string]any {
	all := map[string]any{}
	for name, value := range s.variables {
		all[celName(name)] = value
	}
	return all
}

// remember keeps a value; it waits until there is one.
func (s *session) remember(ctx context.Context, m Memory) error {
	value := check.Func("remember "+m.Name, func(ctx context.Context) error {
		value, err := s.recall(ctx, m)
		if err == nil {
			s.variables[m.Name] = value
		}
		return err
	})
	return check.Wait(ctx, value, pollInterval, nil)
}

func (s *session) recall(ctx context.Context, m Memory) (any, error) {
	variables := s.celVariables()
	if m.Object != nil {
		selector, err := s.selector(*m.Object)
		if err != nil {
			return nil, err
		}
		object, err := selector.Get(ctx, s.handle.Kube)
		if err != nil {
			return nil, err
		}
		variables["object"] = object.Object
	} else {
		selector, err := s.selector(*m.List)
		if err != nil {
			return nil, err
		}
		objects, err := selector.List(ctx, s.handle.Kube)
		if err != nil {
			return nil, err
		}
		list := make([]any, len(objects))
		for i := range objects {
			list[i] = objects[i].Object
		}
		variables["objects"] = list
	}
	return m.expression.Eval(ctx, variables)
}

// selector is a target with its variables filled in.
func (s *session) selector(t Target) (check.Selector, error) {
	t, err := expandAll(t, s.variables)
	if err != nil {
		return check.Selector{}, check.Permanent(err)
	}
	gvk, ok := kube.Kind(t.APIVersion, t.Kind)
	if !ok {
		return check.Selector{}, check.Permanent(fmt.Errorf("kind %q needs an apiVersion", t.Kind))
	}
	if t.Namespace == "" {
		t.Namespace = s.namespace
	}
	return check.Selector{GroupVersionKind: gvk, Namespace: t.Namespace, Name: t.Name, Labels: t.Labels}, nil
}
