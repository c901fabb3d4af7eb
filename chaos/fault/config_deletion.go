package fault

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"axolotl/internal/check"
	"axolotl/vm"
)

// ConfigDeletion deletes ConfigMaps or Secrets that pods use.
type ConfigDeletion struct {
	config `yaml:",inline"`
}

// priorObject is the key of the object as it was, in JSON.
const priorObject = "object"

// Name implements Fault.
func (f *ConfigDeletion) Name() string { return f.name("deletion") }

// Doc implements Fault.
func (f *ConfigDeletion) Doc() Doc {
	return Doc{
		Does:   fmt.Sprintf("deletes a %s that the target's pods use: what runs goes on, what starts anew cannot", f.kind),
		Needs:  fmt.Sprintf("pods that use a %s that no finalizer holds; what it owns becomes an orphan", f.kind),
		Proved: "it is gone when it is read again",
		Undone: "it is made again as it was, unless somebody else has done so",
	}
}

// Prepare implements Fault.
func (*ConfigDeletion) Prepare(ctx context.Context, h *vm.Handle, targets []Target) ([]Object, error) {
	return prepare(targets, func(t Target) (map[string]string, error) {
		object, err := read(ctx, h, t)
		if err != nil {
			return nil, err
		}
		// Where somebody holds it, its deletion takes as long as they like, and ends when
		// nobody is here any more to make it again.
		if holders := object.GetFinalizers(); len(holders) > 0 || object.GetDeletionTimestamp() != nil {
			return nil, fmt.Errorf("it would not go at once, or goes already (finalizers: %s); choose another one", cmp.Or(join(holders), "none"))
		}
		object.SetManagedFields(nil)
		object.SetResourceVersion("")
		object.SetUID("")
		data, err := json.Marshal(object)
		return map[string]string{priorObject: string(data)}, err
	})
}

// Inject implements Fault. What it owns is left as an orphan: it would be deleted
// after it, and nothing of that is in the journal.
func (*ConfigDeletion) Inject(ctx context.Context, h *vm.Handle, objects []Object) error {
	return strike(objects, "delete", func(o Object) error {
		resource, _, err := h.Kube.Resource(refOf(o.Target).GroupVersionKind, o.Namespace)
		if err != nil {
			return err
		}
		orphan := metav1.DeletePropagationOrphan
		return resource.Delete(ctx, o.Name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(o.UID)), PropagationPolicy: &orphan})
	})
}

// Injected implements Fault.
func (*ConfigDeletion) Injected(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return eachRead(ctx, h, objects, func(o Object, _ *unstructured.Unstructured) (string, error) {
		return "", fmt.Errorf("%s is still there", o)
	})
}

// Undo implements Fault.
func (*ConfigDeletion) Undo(ctx context.Context, h *vm.Handle, objects []Object) error {
	return mend(objects, "make again", func(o Object) error {
		var was unstructured.Unstructured
		if err := json.Unmarshal([]byte(o.Prior[priorObject]), &was); err != nil {
			return err
		}
		resource, _, err := h.Kube.Resource(refOf(o.Target).GroupVersionKind, o.Namespace)
		if err != nil {
			return err
		}
		limited, cancel := context.WithTimeout(ctx, goesWithin)
		defer cancel()
		var made error
		// Each request has the time of the undo: cut off in the middle it would tell
		// of that, and not of what is in the way.
		err = check.Wait(limited, check.Func("it is there, and stays", func(context.Context) error {
			_, made = resource.Create(ctx, &was, metav1.CreateOptions{})
			if !apierrors.IsAlreadyExists(made) {
				made = gone(ctx, h, o.Namespace, made)
				return nil
			}
			_, made = stays(ctx, resource, o)
			return made
		}), goesEvery, nil)
		if made != nil {
			return made
		}
		return err
	})
}

// How long an undo waits itself for what goes, and how often it looks: the
// collector of garbage takes a moment to let go of what it owns. Whoever undoes
// tries again, for longer.
const (
	goesWithin = 5 * time.Second
	goesEvery  = 50 * time.Millisecond
)

// stays is an object of that name that is there and is not going: that which was, if
// it was never deleted, or ours, or another's.
func stays(ctx context.Context, resource dynamic.ResourceInterface, o Object) (*unstructured.Unstructured, error) {
	object, err := resource.Get(ctx, o.Name, metav1.GetOptions{})
	if err == nil && object.GetDeletionTimestamp() != nil {
		err = fmt.Errorf("%s %s is still going (uid %s, finalizers: %s)", strings.ToLower(o.Kind), o.Name, object.GetUID(), cmp.Or(join(object.GetFinalizers()), "none"))
	}
	return object, err
}

// gone is nil where err is because the namespace went, and its content with it.
func gone(ctx context.Context, h *vm.Handle, namespace string, err error) error {
	if err == nil {
		return nil
	}
	ns, getErr := h.Kube.Typed.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
	if apierrors.IsNotFound(getErr) || getErr == nil && ns.DeletionTimestamp != nil {
		return errVanished
	}
	if apierrors.IsNotFound(err) {
		return errors.New("it is not there: " + err.Error())
	}
	return err
}

// Undone implements Fault. What has another UID is ours or another's, and
// serves in either case.
func (*ConfigDeletion) Undone(ctx context.Context, h *vm.Handle, objects []Object) (string, error) {
	return look(objects, func(o Object) (string, error) {
		resource, _, err := h.Kube.Resource(refOf(o.Target).GroupVersionKind, o.Namespace)
		if err != nil {
			return "", err
		}
		object, err := stays(ctx, resource, o)
		if err := gone(ctx, h, o.Namespace, err); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s %s is there (uid %s)", strings.ToLower(o.Kind), o.Name, object.GetUID()), nil
	})
}
