package incluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/chaos/history"
	"axolotl/chaos/schedule"
	"axolotl/internal/check"
)

// replica is one of those that share a namespace. It settles what it is told of.
func replica(t *testing.T, namespace, identity string) *Schedules {
	t.Helper()
	s := NewSchedules(shared.Kube, namespace, identity, zaptest.NewLogger(t))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { s.Follow(ctx); ended <- nil }()
	if !s.Synced(ctx) {
		t.Fatal("not synced")
	}
	go func() { ended <- s.Settle(ctx) }()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
	return s
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := check.Wait(ctx, check.Func(what, holds), 10*time.Millisecond, nil); err != nil {
		t.Fatal(err)
	}
}

// applied applies a schedule and waits until its status is about it.
func (s *Schedules) applied(t *testing.T, namespace, name, spec string) {
	t.Helper()
	made(t, shared.Kube, fmt.Sprintf("{apiVersion: axolotl.dev/v1, kind: Schedule, metadata: {name: %s, namespace: %s}, spec: %s}", name, namespace, spec))
	eventually(t, name+" is settled", func(ctx context.Context) error {
		objects, err := s.asked(ctx, name)
		if err == nil && (len(objects) != 1 || objects[0].status.ObservedGeneration != objects[0].raw.GetGeneration()) {
			err = errors.New("it is not")
		}
		return err
	})
}

// statusOf is the status as the API server has it.
func (s *Schedules) statusOf(t *testing.T, name string) Status {
	t.Helper()
	objects, err := s.asked(t.Context(), name)
	if err != nil || len(objects) != 1 {
		t.Fatalf("%v, %v", objects, err)
	}
	return objects[0].status
}

const deletion = `{experiment: [pod-deletion], cron: "@every 1m", with: {namespace: shop, deployment: web}}`

// Of two replicas that both believe that they lead, one runs the firing.
func TestFiringIsClaimedOnce(t *testing.T) {
	applied(t, Manifests{Namespace: "once", Image: "axolotl/axolotl:latest"})
	a, b := replica(t, "once", "a"), replica(t, "once", "b")
	a.applied(t, "once", "s", deletion)
	due := time.Now().Add(time.Minute).Truncate(time.Second)
	f := history.Firing{Schedule: "s", Experiment: "pod-deletion", Due: due, Started: due}
	begun := make(chan error, 2)
	for _, s := range []*Schedules{a, b} {
		go func() { _, err := s.BeginFiring(t.Context(), f); begun <- err }()
	}
	one, other := <-begun, <-begun
	if (one == nil) == (other == nil) || !errors.Is(errors.Join(one, other), history.ErrAccounted) {
		t.Fatalf("%v, %v", one, other)
	}
	status := a.statusOf(t, "s")
	if len(status.Runs) != 1 || status.Runs[0].Outcome != "running" || !status.Accounted.Equal(due) || !status.Next.After(due) {
		t.Errorf("%+v", status)
	}
	// The one that has it may ask again: the answer may have been lost.
	owner := map[string]*Schedules{"a": a, "b": b}[status.Runs[0].By]
	id, err := owner.BeginFiring(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.EndFiring(t.Context(), id, history.FiringRan, "", "run-1", "healed", due.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if status := a.statusOf(t, "s"); status.Runs[0].Verdict != "healed" || status.Last != "healed" || len(status.Runs) != 1 {
		t.Errorf("%+v", status)
	}
	// What was recorded before is not again.
	if err := b.RecordFirings(t.Context(), []history.Firing{{Schedule: "s", Due: due, Outcome: history.FiringMissed}}); err != nil {
		t.Fatal(err)
	}
	if last, err := b.LastDue(t.Context(), "s"); err != nil || !last.Equal(due) || len(b.statusOf(t, "s").NotRun) != 0 {
		t.Errorf("%v, %v", last, err)
	}
}

// A status holds so many firings, and no more.
func TestStatusIsBounded(t *testing.T) {
	applied(t, Manifests{Namespace: "bounded", Image: "axolotl/axolotl:latest"})
	s := replica(t, "bounded", "a")
	s.applied(t, "bounded", "s", deletion)
	due := time.Now().Add(time.Minute).Truncate(time.Second)
	for range mostRuns + 1 {
		due = due.Add(time.Minute)
		id, err := s.BeginFiring(t.Context(), history.Firing{Schedule: "s", Due: due})
		if err == nil {
			err = s.EndFiring(t.Context(), id, history.FiringRan, strings.Repeat("x", 5000), "", "not-healed", due)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var missed []history.Firing
	for range 3 * mostNotRun {
		due = due.Add(time.Minute)
		missed = append(missed, history.Firing{Schedule: "s", Due: due, Outcome: history.FiringMissed})
	}
	if err := s.RecordFirings(t.Context(), missed); err != nil {
		t.Fatal(err)
	}
	status := s.statusOf(t, "s")
	if len(status.Runs) != mostRuns || len(status.NotRun) != mostNotRun || !status.NotRun[0].Due.Equal(due) || !status.Accounted.Equal(due) {
		t.Errorf("%d runs, %d not run, the latest %s of %s", len(status.Runs), len(status.NotRun), status.NotRun[0].Due, due)
	}
	if n, err := s.InterruptFirings(t.Context(), time.Now()); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// What cannot be used says why; paused by its budget it rests until it is changed.
func TestConditionsAndPause(t *testing.T) {
	applied(t, Manifests{Namespace: "states", Image: "axolotl/axolotl:latest"})
	s := replica(t, "states", "a")
	for name, bad := range map[string]struct{ spec, want string }{
		"cron":    {`{experiment: [pod-deletion], cron: "61 * * * *"}`, "61"},
		"file":    {`{experiment: [/etc/passwd], cron: "@daily"}`, "not in the catalog"},
		"restore": {`{experiment: [pod-deletion], cron: "@daily", restoreBefore: true}`, "no machines"},
		"command": {`{experiment: [pod-deletion], cron: "@daily", notify: [{command: [sh]}]}`, "no program"},
		"budget":  {`{experiment: [pod-deletion], cron: "@daily", budget: {runsPerDay: 51}}`, "50 runs"},
		"jitter":  {`{experiment: [pod-deletion], cron: "@daily", jitter: soon}`, "duration"},
	} {
		s.applied(t, "states", name, bad.spec)
		c := s.statusOf(t, name).Conditions[0]
		if c.Status != "False" || !strings.Contains(c.Message, bad.want) {
			t.Errorf("%s: %+v", name, c)
		}
	}
	s.applied(t, "states", "good", deletion)
	change := func(r *schedule.Record) bool {
		r.Paused = &schedule.Pause{At: time.Now(), Reason: "budget"}
		return true
	}
	if r, err := s.Change("good", change); err != nil || r.Paused == nil {
		t.Fatal(r, err)
	}
	if status := s.statusOf(t, "good"); status.Paused == nil || !status.Next.IsZero() || status.Conditions[0].Status != "True" {
		t.Errorf("%+v", status)
	}
	before := s.statusOf(t, "good").Since
	s.applied(t, "states", "good", strings.Replace(deletion, "1m", "2m", 1))
	if status := s.statusOf(t, "good"); status.Paused != nil || status.Next.IsZero() || !status.Since.After(before) {
		t.Errorf("changed: %+v", status)
	}
	s.applied(t, "states", "good", strings.Replace(deletion, "{", "{suspend: true, ", 1))
	eventually(t, "it is listed as paused", func(context.Context) error {
		all, err := s.List()
		for _, r := range all {
			if r.Schedule.Name == "good" && r.Paused != nil && r.Paused.Reason == "spec.suspend" {
				return nil
			}
		}
		return fmt.Errorf("%v", err)
	})
	if _, err := s.Change("gone", change); !errors.As(err, new(*schedule.NotFoundError)) {
		t.Errorf("%v", err)
	}
	// An unknown field, or a word, is refused by the API server.
	for _, wrong := range []string{`{experiment: [pod-deletion], cron: "@daily", concurrency: maybe}`, `{experiment: [pod-deletion]}`} {
		raw := s.known()[0].DeepCopy()
		raw.Object = map[string]any{"apiVersion": "axolotl.dev/v1", "kind": "Schedule", "metadata": map[string]any{"name": "wrong"}}
		var spec map[string]any
		if err := unmarshal(wrong, &spec); err != nil {
			t.Fatal(err)
		}
		raw.Object["spec"] = spec
		if _, err := s.objects.Create(t.Context(), raw, metav1.CreateOptions{FieldValidation: "Strict"}); err == nil {
			t.Errorf("%s was taken", wrong)
		}
	}
}
