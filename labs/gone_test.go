package labs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"axolotl/vm"
)

// neverLab waits for what does not come.
const neverLab = `
    do: [{await: {object: {kind: ConfigMap, name: never}}}]
    check: [{object: {kind: ConfigMap, name: never}}]
`

// takenDown takes the cluster down as soon as a lab is under way on it. The API server
// is the other tests': what is left in it is removed when the test ends.
func takenDown(t *testing.T, h *vm.Handle) {
	t.Helper()
	go func() {
		for t.Context().Err() == nil && !slices.ContainsFunc(UnderWay(h.Cluster), func(what string) bool {
			return strings.HasPrefix(what, `lab one-step runs`) || strings.Contains(what, "by hand")
		}) {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(2 * time.Second) // into a wait
		_ = os.RemoveAll(h.Cluster.Dir)
	}()
}

func removedAfterwards(t *testing.T, h *vm.Handle, namespace string) {
	t.Helper()
	s := sessionOf(h, namespace, time.Now)
	if err := s.removeNamespaces(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(h.Cluster.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its directory is back: %v", err)
	}
}

// A run whose cluster is taken down in the middle of it ends at once and says so.
func TestRunWhoseClusterIsTakenDown(t *testing.T) {
	h := learner(t)
	t.Parallel()
	takenDown(t, h)
	lab := oneStep(t, neverLab)
	lab.Steps[0].Timeout = time.Hour
	start := time.Now()
	results, err := RunAll(t.Context(), h, []*Lab{lab, lab}, 1, Options{Progress: quiet()}, func(Result) {})
	var gone *vm.GoneError
	if !errors.As(err, &gone) || len(results) != 1 {
		t.Fatalf("error %v, %d results", err, len(results))
	}
	if results[0].Outcome != Failed || results[0].Reason != `step "only": cluster "`+h.Cluster.Name+`" was taken down meanwhile` {
		t.Errorf("%s: %s", results[0].Outcome, results[0].Reason)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
	removedAfterwards(t, h, results[0].Namespace)
}

// So does the end of a guided lab.
func TestQuitOfAClusterThatIsTakenDown(t *testing.T) {
	h := learner(t)
	t.Parallel()
	g, err := StartGuide(t.Context(), h, oneStep(t, neverLab), Options{Progress: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer closeGuide(t, g)
	if all := UnderWay(h.Cluster); !slices.Equal(all, []string{`lab "test.yaml" is under way there, done by hand`}) {
		t.Errorf("under way: %q", all)
	}
	if err := os.RemoveAll(h.Cluster.Dir); err != nil {
		t.Fatal(err)
	}
	var gone *vm.GoneError
	for name, err := range map[string]error{"save": g.save(), "quit": g.Quit(t.Context())} {
		if !errors.As(err, &gone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (&Watch{Handle: h}).Look(t.Context()); !errors.As(err, &gone) {
		t.Errorf("watch: %v", err)
	}
	removedAfterwards(t, h, g.Namespace())
}
