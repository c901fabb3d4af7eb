package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"axolotl/internal/kube"
	"axolotl/vm"
)

// errVanished is the error for an object that is another by now.
var errVanished = errors.New("it is gone, another has its name")

// vanished tells whether an object is gone, or another has its name. The
// server answers the UID of a deletion's precondition with a conflict, and one
// in a patch as a change to a field that cannot be changed.
func vanished(err error) bool {
	var status apierrors.APIStatus
	if errors.As(err, &status) && apierrors.IsInvalid(err) && status.Status().Details != nil {
		return slices.ContainsFunc(status.Status().Details.Causes, func(c metav1.StatusCause) bool { return c.Field == "metadata.uid" })
	}
	return apierrors.IsNotFound(err) || apierrors.IsConflict(err) || errors.Is(err, errVanished)
}

// prepare makes objects of targets, each with its prior values.
func prepare(targets []Target, prior func(Target) (map[string]string, error)) ([]Object, error) {
	var objects []Object
	for _, t := range targets {
		values, err := prior(t)
		if err != nil {
			return nil, fmt.Errorf("prepare %s: %w", t, err)
		}
		objects = append(objects, Object{Target: t, Prior: values})
	}
	return objects, nil
}

// strike breaks objects in order, up to the first error. What vanished is left
// out; ErrNoTarget says that nothing was left.
func strike(objects []Object, verb string, breakIt func(Object) error) error {
	struck := 0
	for _, o := range objects {
		switch err := breakIt(o); {
		case vanished(err):
		case err != nil:
			return fmt.Errorf("%s %s: %w", verb, o, err)
		default:
			struck++
		}
	}
	if struck == 0 {
		return ErrNoTarget
	}
	return nil
}

// mend restores objects: all of them, whatever happens to some. What vanished
// needs no mending.
func mend(objects []Object, verb string, restore func(Object) error) error {
	var errs []error
	for _, o := range objects {
		if err := restore(o); err != nil && !vanished(err) {
			errs = append(errs, fmt.Errorf("%s %s: %w", verb, o, err))
		}
	}
	return errors.Join(errs...)
}

// look collects what is seen of each object.
func look(objects []Object, see func(Object) (string, error)) (string, error) {
	var seen []string
	var errs []error
	for _, o := range objects {
		words, err := see(o)
		switch {
		case vanished(err):
			seen = append(seen, fmt.Sprintf("%s %s is gone", strings.ToLower(o.Kind), o.Name))
		case err != nil:
			errs = append(errs, err)
		default:
			seen = append(seen, words)
		}
	}
	return strings.Join(seen, "; "), errors.Join(errs...)
}

// lookAtOnce is look for what takes its time: at all objects at the same time.
func lookAtOnce(objects []Object, see func(Object) (string, error)) (string, error) {
	words, errs := make([]string, len(objects)), make([]error, len(objects))
	var looking sync.WaitGroup
	for i, o := range objects {
		looking.Go(func() { words[i], errs[i] = see(o) })
	}
	looking.Wait()
	i := -1
	return look(objects, func(Object) (string, error) {
		i++
		return words[i], errs[i]
	})
}

func refOf(t Target) kube.Ref {
	kind, _ := kube.Kind("", t.Kind) // the kinds of target are Kubernetes' own
	return kube.Ref{GroupVersionKind: kind, Namespace: t.Namespace, Name: t.Name}
}

// read reads the target itself, not another one of its name.
func read(ctx context.Context, h *vm.Handle, t Target) (*unstructured.Unstructured, error) {
	ref := refOf(t)
	resource, _, err := h.Kube.Resource(ref.GroupVersionKind, ref.Namespace)
	if err != nil {
		return nil, err
	}
	object, err := resource.Get(ctx, t.Name, metav1.GetOptions{})
	if err == nil && object.GetUID() != t.UID {
		err = errVanished
	}
	return object, err
}

// merge patches the target itself: the UID in the patch makes the server
// refuse an object that only has the same name. fields is a
// JSON object with a %s for each value, which is encoded as JSON.
func merge(ctx context.Context, h *vm.Handle, t Target, patchType types.PatchType, fields string, values ...any) error {
	patch, err := patchOf(t, fields, values...)
	if err != nil {
		return err
	}
	return h.Kube.Patch(ctx, refOf(t), patchType, patch)
}

// restore patches the target as merge does, where it still has what the fault
// gave it: what somebody else has set since is theirs, also what they set between
// the look at it and the patch.
func restore(ctx context.Context, h *vm.Handle, t Target, ours func(*unstructured.Unstructured) bool, patchType types.PatchType, fields string, values ...any) error {
	patch, err := patchOf(t, fields, values...)
	if err != nil {
		return err
	}
	return unlessChanged(func() error {
		object, err := read(ctx, h, t)
		if err != nil || !ours(object) {
			return err
		}
		if err := unstructured.SetNestedField(patch, object.GetResourceVersion(), "metadata", "resourceVersion"); err != nil {
			return err
		}
		return h.Kube.Patch(ctx, refOf(t), patchType, patch)
	})
}

// unlessChanged tries a change anew whose object somebody else has changed since
// it was read.
func unlessChanged(change func() error) error {
	err := kube.RetryOnConflict(change)
	if apierrors.IsConflict(err) { // of versions, not of UIDs: the object is still itself
		return fmt.Errorf("somebody else keeps changing it: %s", err)
	}
	return err
}

// since says whose a value is that is not the fault's any more.
func since(now, before string) string {
	if now == before {
		return "as before"
	}
	return "which somebody else has set since"
}

func patchOf(t Target, fields string, values ...any) (map[string]any, error) {
	encoded := make([]any, len(values))
	for i, v := range values {
		data, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		encoded[i] = string(data)
	}
	var patch map[string]any
	if err := json.Unmarshal(fmt.Appendf(nil, fields, encoded...), &patch); err != nil {
		return nil, fmt.Errorf("patch %s: %w", t, err)
	}
	return patch, unstructured.SetNestedField(patch, string(t.UID), "metadata", "uid")
}

func join(names []string) string { return strings.Join(names, ", ") }

// eachRead reads every object again and collects what see says of it.
func eachRead(ctx context.Context, h *vm.Handle, objects []Object, see func(Object, *unstructured.Unstructured) (string, error)) (string, error) {
	return look(objects, func(o Object) (string, error) {
		object, err := read(ctx, h, o.Target)
		if err != nil {
			return "", err
		}
		return see(o, object)
	})
}
