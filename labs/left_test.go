package labs

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"axolotl/internal/term"
	"axolotl/vm"
)

// begun is a run of a lab that has its namespace.
func begun(t *testing.T, h *vm.Handle, name string) *session {
	t.Helper()
	lab := oneStep(t, "    check: [{object: {kind: ConfigMap, name: never}}]\n")
	lab.Name = name
	s := newSession(h, lab, time.Now)
	if err := s.hold(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// What a killed run has left goes; what a living one, a guided one or one to keep
// has made stays.
func TestLeftByAKilledRun(t *testing.T) {
	needCluster(t)
	t.Parallel()
	// In a directory of its own, or another test's run would do what this one looks for.
	h, c := *handle, *handle.Cluster
	h.Cluster, c.Dir = &c, t.TempDir()
	dead, alive := begun(t, &h, "left-dead"), begun(t, &h, "left-alive")
	if err := dead.held.Unlock(); err != nil { // as the kernel does when a process ends
		t.Fatal(err)
	}
	kept := newSession(&h, dead.lab, time.Now)
	if err := kept.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := removeLeft(t.Context(), &h, term.NewProgress(&out, false), time.Now); err != nil {
		t.Fatal(err)
	}
	gone(t, &h, dead.namespace)
	if want := "removed: namespace " + dead.namespace + ", left by a run of lab left-dead that was killed"; !strings.Contains(out.String(), want) {
		t.Errorf("it says %q, not %q", out.String(), want)
	}
	noFile(t, &h, dead.namespace)
	for _, s := range []*session{alive, kept} {
		if left, err := s.namespaces(t.Context()); err != nil || len(left) != 1 || left[0].DeletionTimestamp != nil {
			t.Errorf("namespace %s is not as it was: %v, %v", s.namespace, left, err)
		}
		if strings.Contains(out.String(), s.namespace) {
			t.Errorf("it says %q", out.String())
		}
		if err := s.end(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := alive.letGoOfRun(false); err != nil {
		t.Error(err)
	}
}

// A run that was killed when its namespace was gone, and its volume not yet.
func TestVolumeLeftByAKilledRun(t *testing.T) {
	needCluster(t)
	t.Parallel()
	h, c := *handle, *handle.Cluster
	h.Cluster, c.Dir = &c, t.TempDir()
	dead := begun(t, &h, "left-volume")
	name := dead.namespace + "-disk"
	if err := dead.do(t.Context(), Action{Apply: "{apiVersion: v1, kind: PersistentVolume, metadata: {name: " + name +
		"}, spec: {capacity: {storage: 1Mi}, accessModes: [ReadWriteOnce], hostPath: {path: /tmp/left}}}"}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(dead.removeNamespaces(t.Context()), dead.held.Unlock()); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := removeLeft(t.Context(), &h, term.NewProgress(&out, false), time.Now); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Kube.Typed.CoreV1().PersistentVolumes().Get(t.Context(), name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("volume %s is left: %v", name, err)
	}
	if want := "removed: volume " + name; !strings.Contains(out.String(), want) {
		t.Errorf("it says %q, not %q", out.String(), want)
	}
	noFile(t, &h, dead.namespace)
}

// noFile wants nothing to be left to whoever comes next.
func noFile(t *testing.T, h *vm.Handle, namespace string) {
	t.Helper()
	if _, err := os.Stat(h.Cluster.Path(runsDir, namespace+runsSuffix)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file of %s is left: %v", namespace, err)
	}
}

// A run that ends leaves no file, also where it fails.
func TestRunsLeaveNoFile(t *testing.T) {
	needCluster(t)
	t.Parallel()
	lab := oneStep(t, "    check: [{object: {kind: ConfigMap, name: never}, within: 1s}]\n")
	result := run(t, lab)
	if result.Outcome != Failed {
		t.Fatalf("%s: %s", result.Outcome, result.Reason)
	}
	noFile(t, handle, result.Namespace)
}

func TestSessionOf(t *testing.T) {
	lab := &Lab{Name: "pods-are-volatile"}
	s := newSession(&vm.Handle{Cluster: &vm.Cluster{Name: "a"}}, lab, time.Now)
	again := sessionOf(s.handle, s.namespace, time.Now)
	if again.id != s.id || again.namespace != s.namespace || again.lab.Name != lab.Name {
		t.Errorf("namespace %s: lab %q, session %q", s.namespace, again.lab.Name, again.id)
	}
}
