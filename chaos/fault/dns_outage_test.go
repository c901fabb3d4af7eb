package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/vm/image"
)

// TestDNSOutage breaks, on a real API server, what stands for the DNS server
// there: nothing resolves on simulated nodes, so its endpoints are the proof.
func TestDNSOutage(t *testing.T) {
	t.Parallel()
	h := shared
	if h == nil {
		t.Skip("needs an API server")
	}
	ctx := t.Context()
	if all, err := DNSServers(ctx, h); err != nil || len(all) > 0 {
		t.Fatalf("there are %v already, %v", all, err)
	}
	two, labels := int32(2), map[string]string{"k8s-app": dnsService}
	named := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Namespace: dnsNamespace, Labels: labels}
	}
	deployments, services := h.Kube.Typed.AppsV1().Deployments(dnsNamespace), h.Kube.Typed.CoreV1().Services(dnsNamespace)
	_, err := deployments.Create(ctx, &appsv1.Deployment{ObjectMeta: named("coredns"), Spec: appsv1.DeploymentSpec{
		Replicas: &two, Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "coredns", Image: "coredns:1"}}},
		},
	}}, metav1.CreateOptions{})
	must(t, err)
	_, err = services.Create(ctx, &corev1.Service{ObjectMeta: named(dnsService), Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 53}}}}, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		must(t, errors.Join(deployments.Delete(context.Background(), "coredns", metav1.DeleteOptions{}),
			services.Delete(context.Background(), dnsService, metav1.DeleteOptions{})))
	})
	await(t, "it serves", func(ctx context.Context) error {
		n, err := dnsEndpoints(ctx, h)
		if err == nil && n != 2 {
			err = fmt.Errorf("%d endpoints", n)
		}
		return err
	})

	f := &DNSOutage{}
	targets, err := DNSServers(ctx, h)
	must(t, err)
	objects, err := f.Prepare(ctx, h, targets)
	must(t, err)
	if words, err := f.Injected(ctx, h, objects); err == nil {
		t.Errorf("proved before it was done: %s", words)
	}
	must(t, f.Inject(ctx, h, objects))
	if words := proof(t, h, objects, f.Injected); !strings.Contains(words, "no endpoint") {
		t.Errorf("proof %q", words)
	}
	if words, err := f.Undone(ctx, h, objects); err == nil {
		t.Errorf("the undo is proved while it is broken: %s", words)
	}
	must(t, f.Undo(ctx, h, objects))
	must(t, f.Undo(ctx, h, objects))
	proof(t, h, objects, f.Undone)
	for _, heard := range []bool{true, false} {
		dieAtEveryRequest(t, h, f, targets[0], heard)
	}
}

// Every node has the image that crashes.
func TestCrashingImage(t *testing.T) {
	if got := strings.TrimPrefix(image.PingappCrash, "docker.io/"); got != crashingImage {
		t.Errorf("nodes have %s", got)
	}
}
