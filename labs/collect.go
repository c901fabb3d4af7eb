package labs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/check"
	"axolotl/internal/kube"
	"axolotl/internal/term"
)

// Bounds of what is collected.
const (
	fewEvents   = 5 // beside a check that does not hold
	maxEvents   = 20
	maxPods     = 8
	logLines    = 20
	maxLogBytes = 8 << 10 // of each container
)

// described are the kinds that a description of a namespace lists.
var described = []string{"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Pod", "Service", "ConfigMap", "PersistentVolumeClaim"}

// collect gathers evidence from the session's namespaces. What cannot be had
// is said in its place.
func (s *session) collect(ctx context.Context, kinds []Evidence) []Collected {
	if len(kinds) == 0 {
		kinds = []Evidence{Events, Describe, Logs}
	}
	namespaces, err := s.namespaces(ctx)
	if err != nil {
		return []Collected{{Kind: kinds[0], Text: term.Escape("cannot be collected: " + err.Error())}}
	}
	var all []Collected
	for _, kind := range kinds {
		var lines []string
		for _, namespace := range namespaces {
			found, err := s.evidence(ctx, kind, namespace.Name)
			lines = append(lines, found...)
			if err != nil {
				lines = append(lines, "cannot be collected: "+err.Error())
			}
		}
		all = append(all, Collected{Kind: kind, Text: term.Escape(strings.Join(lines, "\n"))})
	}
	return all
}

func (s *session) evidence(ctx context.Context, kind Evidence, namespace string) ([]string, error) {
	switch kind {
	case Events:
		events, err := s.handle.Kube.Events(ctx, namespace)
		return lastEvents(events, maxEvents), err
	case Describe:
		return s.describe(ctx, namespace)
	default:
		return s.logs(ctx, namespace)
	}
}

// lastEvents are the last events of all of the session's namespaces, oldest first;
// none where they cannot be had, as they only explain what is told anyway.
func (s *session) lastEvents(ctx context.Context, limit int) []string {
	const most = 10 * time.Second // an API server that is down on purpose may not answer
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	namespaces, err := s.namespaces(ctx)
	if err != nil {
		return nil
	}
	var all []kube.Event
	for i := range namespaces {
		if events, err := s.handle.Kube.Events(ctx, namespaces[i].Name); err == nil {
			all = append(all, events...)
		}
	}
	slices.SortStableFunc(all, func(a, b kube.Event) int { return a.Time.Compare(b.Time) })
	return lastEvents(all, limit)
}

func (s *session) describe(ctx context.Context, namespace string) ([]string, error) {
	var lines []string
	for _, name := range described {
		gvk, _ := kube.Kind("", name)
		objects, err := check.Selector{GroupVersionKind: gvk, Namespace: namespace}.List(ctx, s.handle.Kube)
		if err != nil {
			return lines, err
		}
		for _, object := range objects {
			if object.GetName() == "kube-root-ca.crt" {
				continue // in every namespace, of no news
			}
			lines = append(lines, kube.Summary(object))
		}
	}
	return lines, nil
}

func (s *session) logs(ctx context.Context, namespace string) ([]string, error) {
	if !s.handle.Driver.Traits().RealPods {
		return nil, nil
	}
	client := s.handle.Kube.Typed.CoreV1().Pods(namespace)
	pods, err := client.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var lines []string
	for i := range pods.Items {
		if i == maxPods {
			return append(lines, fmt.Sprintf("and %d more pods", len(pods.Items)-maxPods)), nil
		}
		pod := &pods.Items[i]
		for _, container := range pod.Spec.Containers {
			count, bytes := int64(logLines), int64(maxLogBytes)
			log, err := client.GetLogs(pod.Name, &corev1.PodLogOptions{
				Container: container.Name, TailLines: &count, LimitBytes: &bytes,
			}).DoRaw(ctx)
			if err != nil {
				log = []byte("no log: " + err.Error())
			}
			lines = append(lines, fmt.Sprintf("--- %s/%s", pod.Name, container.Name), strings.TrimRight(string(log), "\n"))
		}
	}
	return lines, nil
}
