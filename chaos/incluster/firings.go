package incluster

import (
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/chaos/history"
)

// BeginFiring implements serve.History. The firing is claimed before it runs:
// of two that try, with the same object before their eyes, the API server
// refuses one, which then sees that it is accounted for.
func (s *Schedules) BeginFiring(ctx context.Context, f history.Firing) (int64, error) {
	f.Outcome = history.FiringRunning
	err := s.update(ctx, f.Schedule, func(o *object) error {
		if was := o.begun(f.Due); was != nil && was.By == s.identity && was.Outcome == string(history.FiringRunning) {
			return nil // claimed by us, with an answer that we never got
		}
		if !f.Due.After(o.status.Accounted) {
			return fmt.Errorf("schedule %q, due %s: %w", f.Schedule, f.Due.UTC().Format(time.RFC3339), history.ErrAccounted)
		}
		o.status.Accounted = f.Due.UTC()
		o.status.Runs = latest(mostRuns, []Firing{firingOf(f, s.identity)}, o.status.Runs)
		return nil
	})
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.begun[s.last] = claim{f.Schedule, f.Due}
	return s.last, nil
}

// EndFiring implements serve.History. Of a schedule that is gone nothing is
// written down.
func (s *Schedules) EndFiring(ctx context.Context, id int64, outcome history.Outcome, reason, run, verdict string, ended time.Time) error {
	s.mu.Lock()
	c, ok := s.begun[id]
	s.mu.Unlock()
	if !ok {
		return fmt.Errorf("firing %d was not begun by this process", id)
	}
	err := s.update(ctx, c.schedule, func(o *object) error {
		if f := o.begun(c.due); f != nil && f.By == s.identity {
			f.Outcome, f.Reason, f.Run, f.Verdict, f.Ended = string(outcome), short(reason), run, verdict, ended.UTC()
		}
		return nil
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.begun, id)
	return nil
}

// RecordFirings implements serve.History.
func (s *Schedules) RecordFirings(ctx context.Context, firings []history.Firing) error {
	of := map[string][]Firing{}
	for _, f := range firings {
		of[f.Schedule] = append(of[f.Schedule], firingOf(f, ""))
	}
	for name, all := range of {
		err := s.update(ctx, name, func(o *object) error {
			fresh := slices.DeleteFunc(slices.Clone(all), func(f Firing) bool { return !f.Due.After(o.status.Accounted) })
			if len(fresh) == 0 {
				return nil // an answer that we never got
			}
			slices.Reverse(fresh) // they are told the oldest first
			o.status.Accounted = fresh[0].Due
			o.status.NotRun = latest(mostNotRun, fresh, o.status.NotRun)
			return nil
		})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// Firings implements serve.History, as far back as a status goes.
func (s *Schedules) Firings(ctx context.Context, q history.FiringQuery) ([]history.Firing, error) {
	all := []history.Firing{}
	objects, err := s.asked(ctx, q.Schedule)
	for _, o := range objects {
		for _, f := range slices.Concat(o.status.Runs, o.status.NotRun) {
			if !f.Due.Before(q.Since) {
				all = append(all, f.of(o.raw.GetName()))
			}
		}
	}
	slices.SortStableFunc(all, func(a, b history.Firing) int { return b.Due.Compare(a.Due) })
	if q.Limit > 0 && len(all) > q.Limit {
		all = all[:q.Limit]
	}
	return all, err
}

// InterruptFirings implements serve.History: it is for the leader, before it
// runs anything. Whoever ran them leads no more.
func (s *Schedules) InterruptFirings(ctx context.Context, now time.Time) (int, error) {
	objects, err := s.asked(ctx, "")
	if err != nil {
		return 0, err
	}
	interrupted := 0
	for _, o := range objects {
		if !slices.ContainsFunc(o.status.Runs, running) {
			continue
		}
		found := 0
		err := s.update(ctx, o.raw.GetName(), func(o *object) error {
			found = 0
			for i := range o.status.Runs {
				if f := &o.status.Runs[i]; running(*f) {
					f.Outcome, f.Ended, found = string(history.FiringInterrupted), now.UTC(), found+1
					f.Reason = "the replica that ran it has ended, or leads no more; what it did is undone next, before anything else is run"
				}
			}
			return nil
		})
		if err != nil && !apierrors.IsNotFound(err) {
			return interrupted, err
		}
		interrupted += found
	}
	return interrupted, nil
}

func running(f Firing) bool { return f.Outcome == string(history.FiringRunning) }

// LastDue implements serve.History.
func (s *Schedules) LastDue(ctx context.Context, name string) (time.Time, error) {
	objects, err := s.asked(ctx, name)
	if err != nil || len(objects) == 0 {
		return time.Time{}, err
	}
	return objects[0].status.Accounted, nil
}

// asked asks the API server for one schedule, or with no name for all. One that
// is gone is none.
func (s *Schedules) asked(ctx context.Context, name string) ([]*object, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if name != "" {
		raw, err := s.objects.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		o, err := read(raw)
		if err != nil {
			return nil, err
		}
		return []*object{o}, nil
	}
	list, err := s.objects.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var all []*object
	for i := range list.Items {
		o, err := read(&list.Items[i])
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// latest are the first of two lists together, that begin with the latest.
func latest(most int, fresh, old []Firing) []Firing {
	all := slices.Concat(fresh, old)
	return all[:min(len(all), most)]
}
