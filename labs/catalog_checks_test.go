package labs

import (
	"context"
	"testing"
	"time"
)

// stepOf is a step of a lab of the catalog.
func stepOf(t *testing.T, lab, step string) *Step {
	t.Helper()
	opened, i := sabotage{lab: lab, step: step}.sabotaged(t)
	return &opened.Steps[i]
}

// A learner may have named a policy otherwise, or corrected it: what counts is
// that making friends changes none.
func TestMakingFriendsChangesNoPolicy(t *testing.T) {
	needCluster(t)
	t.Parallel()
	step := stepOf(t, "network-policy", "make-friends")
	s := newSession(handle, &Lab{Name: "policies"}, time.Now)
	if err := s.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.end(context.WithoutCancel(t.Context()))
	do := func(a Action) {
		t.Helper()
		if err := s.do(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	mended := Action{Patch: &Patch{Target: Target{Kind: "NetworkPolicy", Name: "deny"}, With: map[string]any{"spec": map[string]any{
		"podSelector": map[string]any{"matchLabels": map[string]any{"app": "web"}},
	}}}}
	do(Action{Apply: denyAll})
	do(mended)
	for _, memory := range step.Remember {
		if err := s.remember(t.Context(), memory); err != nil {
			t.Fatal(err)
		}
	}
	same, err := s.condition(step.Check[len(step.Check)-1])
	if err != nil {
		t.Fatal(err)
	}
	if err := same.Check(t.Context()); err != nil {
		t.Errorf("nothing has changed, and: %v", err)
	}
	do(Action{Apply: denyAll})
	if same.Check(t.Context()) == nil {
		t.Error("a policy has changed, and nobody noticed")
	}
}

// Who deletes another pod than the one that is named, and then that one, has
// learned the same.
func TestDeletingMorePodsThanOneIsNoDeadEnd(t *testing.T) {
	needCluster(t)
	t.Parallel()
	for lab, step := range map[string]string{"replicasets": "delete-one", "deployments": "delete-a-pod"} {
		t.Run(lab, func(t *testing.T) {
			t.Parallel()
			opened, i := sabotage{lab: lab, step: step}.sabotaged(t)
			opened.Steps = opened.Steps[:i+1]
			opened.Steps[i].Do = []Action{podsDeleted(map[string]string{"replicasets": "web", "deployments": "pingapp"}[lab])}
			if result := run(t, opened); result.Outcome != Passed {
				t.Error(result.Reason)
			}
		})
	}
}
