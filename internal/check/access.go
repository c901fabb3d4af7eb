package check

import (
	"context"
	"fmt"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"axolotl/internal/kube"
)

// Access holds where a user may do something, by the API server's own word.
type Access struct {
	Client    *kube.Client
	User      string
	Self      bool // whoever the client is asks for himself, in the place of User
	Verb      string
	Resource  string // "pods", "deployments.apps", "pods/log"
	Name      string
	Namespace string
}

// String implements Condition.
func (a Access) String() string {
	who := a.User
	if a.Self {
		who = "whoever this context is"
	}
	return fmt.Sprintf("%s may %s %s in namespace %s", who, a.Verb, strings.TrimSpace(a.Resource+" "+a.Name), a.Namespace)
}

// Check implements Condition.
func (a Access) Check(ctx context.Context) error {
	resource, subresource, _ := strings.Cut(a.Resource, "/")
	resource, group, _ := strings.Cut(resource, ".")
	allowed, err := a.review(ctx, &authorizationv1.ResourceAttributes{
		Namespace: a.Namespace, Verb: a.Verb, Group: group, Resource: resource, Subresource: subresource, Name: a.Name,
	})
	if err != nil {
		return err
	}
	if !allowed {
		return &Unmet{Expected: a.String(), Seen: []string{"it may not"}}
	}
	return nil
}

func (a Access) review(ctx context.Context, what *authorizationv1.ResourceAttributes) (bool, error) {
	if a.Self {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: what}}
		answer, err := a.Client.Typed.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			return false, err
		}
		return answer.Status.Allowed, nil
	}
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: a.User, ResourceAttributes: what}}
	answer, err := a.Client.Typed.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	return answer.Status.Allowed, nil
}

// Refused holds where the API server, asked in a dry run that changes nothing,
// refuses manifests or the eviction of a pod.
type Refused struct {
	Client    *kube.Client
	Namespace string
	User      string // who asks; empty is the client's own
	Apply     []*unstructured.Unstructured
	Evict     string // a pod
	Contains  string // in the refusal
}

// String implements Condition.
func (r Refused) String() string {
	what := "eviction of Pod " + r.Evict
	if len(r.Apply) > 0 {
		what = r.Apply[0].GetKind() + " " + r.Apply[0].GetName()
	}
	text := "the API server refuses " + what
	if r.User != "" {
		text += " to " + r.User
	}
	if r.Contains != "" {
		text += fmt.Sprintf(" and says %q", r.Contains)
	}
	return text
}

// Check implements Condition.
func (r Refused) Check(ctx context.Context) error {
	client, err := r.Client.As(r.User)
	if err != nil {
		return err
	}
	if r.Evict != "" {
		err = client.Evict(ctx, r.Namespace, r.Evict, metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}})
	} else {
		_, err = client.DryRun(ctx, r.Namespace, r.Apply...)
	}
	switch {
	case err == nil:
		return &Unmet{Expected: r.String(), Seen: []string{"it would be accepted"}}
	case apierrors.ReasonForError(err) == metav1.StatusReasonUnknown || apierrors.IsNotFound(err):
		return &Unclear{Expected: r.String(), Err: err} // it was not judged
	case !strings.Contains(err.Error(), r.Contains):
		return &Unmet{Expected: r.String(), Seen: []string{"it says: " + shorten(err.Error())}}
	}
	return nil
}
