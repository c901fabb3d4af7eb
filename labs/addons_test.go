package labs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// storageLab needs an add-on, and sees that it is there.
const storageLab = `
name: storage
title: {en: t, es: t}
summary: {en: t, es: t}
level: beginner
minutes: 1
needs: {addons: [storage]}
steps:
  - name: only
    say: {en: s, es: s}
    alreadyTrue: true
    check:
      - object: {kind: StorageClass, name: local-path}
      - object: {kind: Deployment, namespace: axolotl-storage, name: local-path-provisioner}
        cel: object.status.readyReplicas == 1
    timeout: 20s
`

// loading is the cluster as if its nodes could be given images; load is what
// comes of it. Simulated pods run without any.
func loading(load func() error) *vm.Handle {
	h := *handle
	h.LoadImages = func(context.Context, func(store.Home, string) error, *term.Step) error { return load() }
	return &h
}

// noStorage fails the test where a part of the add-on is left that the lab
// installed. It runs alone: other labs may use the same.
func noStorage(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	_, classErr := handle.Kube.Typed.StorageV1().StorageClasses().Get(ctx, "local-path", metav1.GetOptions{})
	_, nsErr := handle.Kube.Typed.CoreV1().Namespaces().Get(ctx, "axolotl-storage", metav1.GetOptions{})
	if !apierrors.IsNotFound(classErr) || !apierrors.IsNotFound(nsErr) {
		t.Errorf("the add-on is left: %v, %v", classErr, nsErr)
	}
}

func TestAddonComesAndGoesWithTheLab(t *testing.T) {
	needCluster(t)
	loads := 0
	h := loading(func() error { loads++; return nil })
	if result := runOn(t, h, parse(t, storageLab)); result.Outcome != Passed || loads != 1 {
		t.Errorf("%s, loaded %d times: %s", result.Outcome, loads, result.Reason)
	}
	noStorage(t)
}

func TestAddonOfSimulatedNodes(t *testing.T) {
	needCluster(t)
	if result := run(t, parse(t, storageLab)); result.Outcome != Skipped || !strings.Contains(result.Reason, "add-on storage") {
		t.Errorf("%s: %s", result.Outcome, result.Reason)
	}
	noStorage(t)
}

func TestAddonThatCannotBeInstalled(t *testing.T) {
	needCluster(t)
	result := runOn(t, loading(func() error { return errors.New("a machine is off") }), parse(t, storageLab))
	if result.Outcome != Failed || !strings.Contains(result.Reason, "a machine is off") {
		t.Errorf("%s: %s", result.Outcome, result.Reason)
	}
	noStorage(t)
}

func TestAddonGoesWhenInterrupted(t *testing.T) {
	needCluster(t)
	ctx, interrupt := context.WithCancel(t.Context())
	result, err := Run(ctx, loading(func() error { interrupt(); return ctx.Err() }), parse(t, storageLab), Options{})
	if result.Outcome != Interrupted || !errors.Is(err, context.Canceled) {
		t.Errorf("%s: %s, error %v", result.Outcome, result.Reason, err)
	}
	noStorage(t)
}

// A guided lab keeps its add-ons when it is begun anew, and quits without them,
// also in another process.
func TestAddonOfGuidedLab(t *testing.T) {
	needCluster(t)
	loads := 0
	h := loading(func() error { loads++; return nil })
	c := *h.Cluster
	c.Dir = t.TempDir()
	h.Cluster = &c
	g, err := StartGuide(t.Context(), h, parse(t, storageLab), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(g.Reset(t.Context()), g.Close()); err != nil {
		t.Fatal(err)
	}
	again, err := ResumeGuide(h, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, seen, err := again.Check(t.Context())
	if err != nil {
		t.Error(err)
	}
	for _, problem := range seen {
		t.Errorf("after it was begun anew: %+v", *problem)
	}
	if loads != 1 {
		t.Errorf("loaded %d times", loads)
	}
	if err := errors.Join(again.Quit(t.Context()), again.Close()); err != nil {
		t.Fatal(err)
	}
	noStorage(t)
}

func TestNeedsOfAddons(t *testing.T) {
	few, many := Needs{Addons: []AddonName{"storage"}}, Needs{RealPods: true, Addons: []AddonName{"storage", "metrics"}}
	if few.cover(many) || !many.cover(few) || !many.cover(many) {
		t.Error("needs do not cover what they should")
	}
	if both := few.with(many); !slices.Equal(both.Addons, []AddonName{"metrics", "storage"}) || !both.RealPods {
		t.Errorf("both are %+v", both)
	}
	if got := many.String(); got != "real pods, add-on storage, add-on metrics" {
		t.Errorf("in words %q", got)
	}
}
