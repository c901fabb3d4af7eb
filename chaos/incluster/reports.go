package incluster

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"

	"axolotl/chaos"
	"axolotl/chaos/history"
)

// Reports keeps the reports of the last runs, a ConfigMap each.
type Reports struct {
	maps    typed.ConfigMapInterface
	journal *Journal
}

var _ chaos.Recorder = (*Reports)(nil)

// mostReports is how many are kept, and mostBytes how long one may be: a
// ConfigMap holds 1 MiB.
const (
	mostReports = 50
	mostBytes   = 900 << 10
)

// NewReports returns the reports in a namespace, and keeps the journal short.
func NewReports(client kubernetes.Interface, namespace string, journal *Journal) *Reports {
	return &Reports{client.CoreV1().ConfigMaps(namespace), journal}
}

// BeginRun implements chaos.Recorder: the status of the schedule tells what is
// under way, and the journal what must be undone.
func (*Reports) BeginRun(context.Context, history.Run) error { return nil }

// EndRun implements chaos.Recorder. Raw data is not kept: it is too long.
func (r *Reports) EndRun(ctx context.Context, run history.Run, _ []byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	report := string(run.Report)
	if len(report) > mostBytes {
		report = fmt.Sprintf("%q", fmt.Sprintf("the report has %d bytes, and a ConfigMap holds no more than %d", len(report), mostBytes))
	}
	_, err := r.maps.Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Name: reportPrefix + run.ID,
			Labels: map[string]string{
				kindLabel: holdsReport, "axolotl.dev/experiment": run.Experiment, "axolotl.dev/verdict": run.Verdict,
			},
		},
		Data: map[string]string{"report.json": report},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return errors.Join(r.prune(ctx), r.journal.Prune())
}

// prune removes the oldest reports.
func (r *Reports) prune(ctx context.Context) error {
	found, err := r.maps.List(ctx, metav1.ListOptions{LabelSelector: kindLabel + "=" + holdsReport})
	if err != nil || len(found.Items) <= mostReports {
		return err
	}
	slices.SortFunc(found.Items, func(a, b corev1.ConfigMap) int { return b.CreationTimestamp.Compare(a.CreationTimestamp.Time) })
	var errs []error
	for _, old := range found.Items[mostReports:] {
		if err := r.maps.Delete(ctx, old.Name, metav1.DeleteOptions{}); !apierrors.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
