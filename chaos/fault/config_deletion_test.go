package fault

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	hold = `{"metadata":{"finalizers":["test/hold"]}}`
	free = `{"metadata":{"finalizers":null}}`
)

// What somebody holds by a finalizer would go when the run has ended and nobody
// makes it again.
func TestConfigDeletionRefusesWhatIsHeld(t *testing.T) {
	t.Parallel()
	h, targets := app(t)
	f, target := &ConfigDeletion{config{OnConfigMaps}}, targets[OnConfigMaps]
	must(t, merge(t.Context(), h, target, types.MergePatchType, hold))
	t.Cleanup(func() { must(t, merge(context.Background(), h, target, types.MergePatchType, free)) })
	if _, err := f.Prepare(t.Context(), h, []Target{target}); err == nil || !strings.Contains(err.Error(), "test/hold") {
		t.Errorf("error %v does not say who holds it", err)
	}
}

// An object that is on its way out proves no undo, as it will not be there any more.
func TestConfigDeletionIsNotUndoneByWhatGoes(t *testing.T) {
	t.Parallel()
	h, targets := app(t)
	f, ctx, target := &ConfigDeletion{config{OnConfigMaps}}, t.Context(), targets[OnConfigMaps]
	objects, err := f.Prepare(ctx, h, []Target{target})
	must(t, err)
	before := spec(t, h, target)
	must(t, merge(ctx, h, target, types.MergePatchType, hold)) // by somebody, in between
	must(t, f.Inject(ctx, h, objects))
	if err := f.Undo(ctx, h, objects); err == nil || !strings.Contains(err.Error(), "test/hold") {
		t.Errorf("undone by what is going: %v", err)
	}
	if words, err := f.Undone(ctx, h, objects); err == nil {
		t.Errorf("proved by what is going: %s", words)
	}
	must(t, merge(ctx, h, target, types.MergePatchType, free))
	must(t, f.Undo(ctx, h, objects))
	t.Log(proof(t, h, objects, f.Undone))
	if now := spec(t, h, target); now != before {
		t.Errorf("it is\n%s\nit was\n%s", now, before)
	}
}

// What a ConfigMap owns is not deleted after it, and it belongs to whom it did.
func TestConfigDeletionAndOwners(t *testing.T) {
	t.Parallel()
	h, targets := app(t)
	f, ctx, target, secret := &ConfigDeletion{config{OnConfigMaps}}, t.Context(), targets[OnConfigMaps], targets[OnSecrets]
	own := func(t *testing.T, of Target, by Target, version string) {
		t.Helper()
		must(t, merge(ctx, h, of, types.MergePatchType, `{"metadata":{"ownerReferences":[{"apiVersion":%s,"kind":%s,"name":%s,"uid":%s}]}}`,
			version, by.Kind, by.Name, by.UID))
	}
	own(t, secret, target, "v1")
	own(t, target, targets[OnDeployments], "apps/v1")
	objects, err := f.Prepare(ctx, h, []Target{target})
	must(t, err)
	must(t, f.Inject(ctx, h, objects))
	t.Log(proof(t, h, objects, f.Injected))
	must(t, f.Undo(ctx, h, objects))

	owned, err := read(ctx, h, secret)
	if err != nil || owned.GetDeletionTimestamp() != nil || len(owned.GetOwnerReferences()) > 0 {
		t.Errorf("what it owned is %+v, %v, not its orphan", owned, err)
	}
	again, err := h.Kube.Typed.CoreV1().ConfigMaps(target.Namespace).Get(ctx, target.Name, metav1.GetOptions{})
	must(t, err)
	if got := again.OwnerReferences; len(got) != 1 || got[0].UID != targets[OnDeployments].UID {
		t.Errorf("it belongs to %+v", got)
	}
}
