package labs

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/vm"
)

// reachableLab makes what another session of it could take for its own.
const reachableLab = `
name: reachable
title: {en: t, es: t}
summary: {en: t, es: t}
level: beginner
minutes: 1
steps:
  - name: only
    say: {en: s, es: s}
    do:
      - apply: |
          apiVersion: v1
          kind: PersistentVolume
          metadata: {name: "{{ namespace }}-disk"}
          spec: {capacity: {storage: 1Mi}, accessModes: [ReadWriteOnce], storageClassName: by-hand, hostPath: {path: /tmp}}
      - apply: |
          apiVersion: networking.k8s.io/v1
          kind: Ingress
          metadata: {name: shop}
          spec: {rules: [{host: shop.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}}]}
    check: [{object: {kind: Ingress, apiVersion: networking.k8s.io/v1, name: shop}}]
`

// When a lab begins anew, no volume of before can be claimed any more, and no host
// name leads there.
func TestResetLeavesNothingInReach(t *testing.T) {
	h := learner(t)
	t.Parallel()
	g, err := StartGuide(t.Context(), h, parse(t, reachableLab), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeGuide(t, g)
	solved(t, g, 1)
	old := g.Namespace()
	if err := g.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if routes, err := h.Kube.Typed.NetworkingV1().Ingresses(old).List(t.Context(), metav1.ListOptions{}); err != nil || len(routes.Items) > 0 {
		t.Errorf("Ingresses of %s: %v, %v", old, routes.Items, err)
	}
	volume, err := h.Kube.Typed.CoreV1().PersistentVolumes().Get(t.Context(), old+"-disk", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) && (err != nil || volume.DeletionTimestamp == nil) {
		t.Errorf("its volume is there: %v", err)
	}
	solved(t, g, 1)
	if err := g.Quit(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone(t, h, old)
	gone(t, h, g.Namespace())
	for _, name := range []string{old + "-disk", g.Namespace() + "-disk"} {
		if _, err := h.Kube.Typed.CoreV1().PersistentVolumes().Get(t.Context(), name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("volume %s is left: %v", name, err)
		}
	}
}

// cutShort is a snapshot whose restore ends the process when all is back.
type cutShort struct{ back func() error }

func (cutShort) Save(context.Context) error { return nil }
func (cutShort) Delete() error              { return nil }
func (c cutShort) Restore(context.Context) (*vm.Handle, error) {
	return nil, errors.Join(errors.New("killed"), c.back())
}

// Killed when the namespaces of the snapshot are back: Quit removes them, though the
// session under way is a later one.
func TestGuideKilledWhenTheSnapshotIsBack(t *testing.T) {
	h := learner(t)
	t.Parallel()
	g, err := StartGuide(t.Context(), h, parse(t, reachableLab), Options{})
	if err != nil {
		t.Fatal(err)
	}
	then := newSession(h, g.Lab, g.runner.Now)
	g.state.Kept = &keptState{Session: then.id}
	g.runner.Snapshots = cutShort{func() error { return then.makeNamespace(t.Context(), then.namespace) }}
	if err := g.Reset(t.Context()); err == nil {
		t.Fatal("it was not killed")
	}
	closeGuide(t, g)
	g = resume(t, h)
	defer closeGuide(t, g)
	if err := g.Quit(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone(t, h, then.namespace)
	gone(t, h, g.Namespace())
}
