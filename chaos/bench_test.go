package chaos

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/check"
	"axolotl/vm"
	"axolotl/vm/local/localtest"
)

// BenchmarkHundredAtOnce has a hundred runs delete a pod each at the same time,
// on a thousand simulated nodes with ten thousand pods, and prints what healing
// took, by how much our stamps differ from those of an observer that shares
// nothing with ours, and the memory of this process, which holds all hundred.
// One iteration is enough: -benchtime 1x.
func BenchmarkHundredAtOnce(b *testing.B) {
	const runs, nodes, podsEach = 100, 1000, 100
	h := localtest.Start(b, nodes)
	// Two of them: by how much they differ is what cannot be told of ours.
	w, other := watchIndependently(b, h), watchIndependently(b, h)
	began := time.Now()
	for i := range runs {
		manyPods(b, h, crowd(i), podsEach)
	}
	for i := range runs {
		allReady(b, h, crowd(i), podsEach)
	}
	b.Logf("%d pods were ready after %.0f s", runs*podsEach, time.Since(began).Seconds())
	for b.Loop() {
		reports := make([]*Report, runs)
		var all sync.WaitGroup
		for i := range runs {
			all.Go(func() { reports[i] = deleteOneOf(b, h, crowd(i)) })
		}
		all.Wait()
		var healed, lags, floor []time.Duration
		for _, r := range reports {
			if r == nil {
				continue // said before
			}
			if r.Verdict != Healed {
				b.Errorf("run %s is %s: %s", r.ID, r.Verdict, r.Reason)
				continue
			}
			lost := r.Pods[0]
			ours := lost.Phases[4].To - lost.Phases[0].To
			theirs := w.tookFrom(lost.Lost.UID, lost.By.UID)
			healed, lags = append(healed, *r.HealedAfter), append(lags, (theirs-ours).Abs())
			floor = append(floor, (theirs - other.tookFrom(lost.Lost.UID, lost.By.UID)).Abs())
		}
		if len(healed) == 0 {
			b.FailNow()
		}
		b.ReportMetric(statsOf(healed).Median.Seconds(), "s/healed-median")
		b.ReportMetric(statsOf(healed).Max.Seconds(), "s/healed-max")
		b.ReportMetric(float64(statsOf(lags).Median.Milliseconds()), "ms/lag-median")
		b.ReportMetric(float64(statsOf(lags).Max.Milliseconds()), "ms/lag-max")
		b.ReportMetric(float64(statsOf(floor).Median.Milliseconds()), "ms/observers-median")
		b.ReportMetric(float64(statsOf(floor).Max.Milliseconds()), "ms/observers-max")
		b.ReportMetric(peakMiB(b), "MiB/peak")
		// Metrics are not printed of what failed.
		b.Logf("%d of %d healed, median %s, at most %s; our stamps differ by %s, at most %s (two observers between themselves by %s, at most %s); this process had %.0f MiB at most",
			len(healed), runs, statsOf(healed).Median, statsOf(healed).Max, statsOf(lags).Median, statsOf(lags).Max,
			statsOf(floor).Median, statsOf(floor).Max, peakMiB(b))
	}
}

func crowd(i int) string { return fmt.Sprintf("crowd-%d", i) }

// manyPods makes a namespace with a deployment of its name.
func manyPods(b *testing.B, h *vm.Handle, name string, replicas int32) {
	b.Helper()
	labels := map[string]string{"app": name}
	meta := metav1.ObjectMeta{Name: name, Namespace: name, Labels: labels}
	deployment := &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{
		Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "axolotl/pingapp:2.1.0"}}},
		},
	}}
	_, err := h.Kube.Typed.CoreV1().Namespaces().Create(b.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err == nil {
		_, err = h.Kube.Typed.AppsV1().Deployments(name).Create(b.Context(), deployment, metav1.CreateOptions{})
	}
	if err != nil {
		b.Fatal(err)
	}
}

func allReady(b *testing.B, h *vm.Handle, name string, replicas int32) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Minute)
	defer cancel()
	ready := check.Func(name+" is ready", func(ctx context.Context) error {
		d, err := h.Kube.Typed.AppsV1().Deployments(name).Get(ctx, name, metav1.GetOptions{})
		if err == nil && d.Status.ReadyReplicas < replicas {
			err = fmt.Errorf("%d of %d pods of %s are ready", d.Status.ReadyReplicas, replicas, name)
		}
		return err
	})
	if err := check.Wait(ctx, ready, time.Second, nil); err != nil {
		b.Fatal(err)
	}
}

func deleteOneOf(b *testing.B, h *vm.Handle, name string) *Report {
	e, err := Open("pod-deletion")
	if err != nil {
		b.Error(err)
		return nil
	}
	e.Probe, e.Seed = nil, 1
	e.Target = Target{Namespace: name, Deployment: name, Count: 1}
	e.HealWithin = 5 * time.Minute
	return (&Runner{Handle: h, Progress: quiet}).Run(b.Context(), e)
}

// peakMiB is the most memory that this process has had, by the kernel.
func peakMiB(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	kib, err := strconv.Atoi(string(regexp.MustCompile(`VmHWM:\s*(\d+)`).FindSubmatch(status)[1]))
	if err != nil {
		b.Fatal(err)
	}
	return float64(kib) / 1024
}
