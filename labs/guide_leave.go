package labs

import (
	"context"
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/check"
)

// leaves notes a session whose namespaces are to end.
func (s *guideState) leaves(id string) {
	if !slices.Contains(s.Left, id) {
		s.Left = append(s.Left, id)
	}
}

// leave leaves the session under way: its namespaces, and those of sessions that
// were left before and have come back with the snapshot, are ending, and nothing
// in them is reached from outside any more, when it returns. It is noted before.
func (g *Guide) leave(ctx context.Context) error {
	g.state.leaves(g.runner.session.id)
	if err := g.save(); err != nil {
		return err
	}
	ending := check.Func("the lab's namespaces are ending", func(ctx context.Context) error {
		var errs []error
		for _, s := range g.left() {
			errs = append(errs, s.leave(ctx))
		}
		return errors.Join(errs...)
	})
	return ended(ctx, ending)
}

// left are the sessions that were left.
func (g *Guide) left() []*session {
	var all []*session
	for _, id := range g.state.Left {
		s := newSession(g.runner.session.handle, g.Lab, g.runner.Now)
		s.resume(id)
		all = append(all, s)
	}
	return all
}

// leave begins the end of the session's namespaces and volumes: of these one that
// nobody has claimed yet would be given to the next session. The error says what may
// still be reached: an Ingress has a host name, which the next session's will have.
func (s *session) leave(ctx context.Context) error {
	if _, err := s.deleteVolumes(ctx); err != nil {
		return err
	}
	namespaces, err := s.namespaces(ctx)
	if err != nil {
		return err
	}
	for i := range namespaces {
		if err := s.handle.Kube.LeaveNamespace(ctx, &namespaces[i]); err != nil {
			return err
		}
		name := namespaces[i].Name
		routes, err := s.handle.Kube.Typed.NetworkingV1().Ingresses(name).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		if len(routes.Items) > 0 {
			return fmt.Errorf("%d Ingresses of namespace %s are not yet gone", len(routes.Items), name)
		}
	}
	return nil
}
