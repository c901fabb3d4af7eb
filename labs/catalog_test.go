package labs

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"axolotl/vm"
	"axolotl/vm/image"
	"axolotl/vm/local/localtest"
)

func TestCatalogIsValid(t *testing.T) {
	names := CatalogNames()
	if len(names) < 2 {
		t.Fatalf("the catalog has only %v", names)
	}
	for i, name := range names {
		lab, err := Open(name)
		if err != nil {
			t.Errorf("%s:\n%v", name, err)
			continue
		}
		if lab.Order != i+1 {
			t.Errorf("%s is in place %d of the list, and says order %d", name, i+1, lab.Order)
		}
		if lab.Name != name {
			t.Errorf("%s.yaml holds lab %q; the file is to have the lab's name", name, lab.Name)
		}
		if at := wgetTimeout.FindString(lab.source); at != "" {
			t.Errorf("%s: %q: Debian's busybox dies of wget -T; write timeout 5 wget", name, at)
		}
		for _, step := range lab.Steps {
			for _, action := range step.Do {
				for _, ref := range imageField.FindAllStringSubmatch(action.Apply, -1) {
					if !slices.Contains(nodeImages, ref[1]) && !strings.Contains(ref[1], "no-such") {
						t.Errorf("%s, step %s: no node has image %s", name, step.Name, ref[1])
					}
				}
			}
			for _, language := range []Language{English, Spanish} {
				if said := lab.PreviewStep(&step, language); strings.Contains(said, "{{") && !strings.Contains(step.Say.EN, `\{{`) {
					t.Errorf("%s, step %s: a placeholder is left in:\n%s", name, step.Name, said)
				}
			}
		}
	}
}

var wgetTimeout = regexp.MustCompile(`wget.{0,20}-T`)

// nodeImages are those that every node has, as people write them.
var (
	imageField = regexp.MustCompile(`image: "?([^",}\s]+)`)
	nodeImages = func() []string {
		var short []string
		for _, ref := range []string{image.BusyboxImage, image.PingappOld, image.PingappNew, image.PingappCrash} {
			short = append(short, strings.TrimPrefix(strings.TrimPrefix(ref, "docker.io/"), "library/"))
		}
		return short
	}()
)

// spare are the clusters of labs that need several nodes, or would break what
// others stand on. Eight: most of them wait, for a node to be missed.
var spare = localtest.Pool{Nodes: 3, Most: 8}

// clusterFor is the cluster that all tests share, or a spare one, which the lab
// must leave as it was. A lab that the local driver cannot give what it needs is
// skipped.
func clusterFor(t *testing.T, lab *Lab) *vm.Handle {
	t.Helper()
	if given {
		skipMissing(t, handle, lab.Needs)
		return handle
	}
	if lab.Needs.RealPods || lab.Needs.MachineControl {
		t.Skipf("needs %s", lab.Needs)
	}
	if lab.Needs.Nodes <= 1 && !lab.Exclusive() {
		return handle
	}
	if lab.Needs.Nodes > spare.Nodes {
		t.Fatalf("it needs %d nodes; give the spare clusters of these tests as many", lab.Needs.Nodes)
	}
	return spare.Lend(t)
}

// skipMissing skips a test where a cluster cannot give what is needed. That it
// cannot be told is a failure.
func skipMissing(t *testing.T, h *vm.Handle, needs Needs) {
	t.Helper()
	reason, err := needs.missing(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	if reason != "" {
		t.Skip(reason)
	}
}

// TestCatalog does each lab that the local driver serves, and sabotages each
// step in the plainest way on the way: the step is not done for a while, and
// its checks must not come true meanwhile.
func TestCatalog(t *testing.T) {
	needCluster(t)
	abreastOfAll(t)
	for _, name := range CatalogNames() {
		t.Run(name, func(t *testing.T) {
			lab, err := Open(name)
			if err != nil {
				t.Fatal(err)
			}
			abreast(t, lab)
			proveLab(t, clusterFor(t, lab), lab)
		})
	}
}

func proveLab(t *testing.T, h *vm.Handle, lab *Lab) {
	t.Helper()
	s := newSession(h, lab, time.Now)
	r := &runner{Options: Options{Now: time.Now, Progress: quiet()}, session: s, lab: lab}
	defer func() {
		if err := s.end(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	if err := r.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	line := r.Progress.Start("")
	for i := range lab.Steps {
		step := &lab.Steps[i]
		start := time.Now()
		if reason, err := step.Needs.missing(t.Context(), h); reason != "" || err != nil {
			t.Logf("%-16s skipped: %s %v", step.Name, reason, err)
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), step.limit())
		defer cancel()
		if p := r.prepare(ctx, step); p != nil {
			t.Fatalf("step %s: %+v", step.Name, p)
		}
		if !step.AlreadyTrue {
			undone, cancel := context.WithTimeout(ctx, patience(time.Second, 10*time.Second))
			if _, p := r.checks(undone, step, line); p == nil {
				t.Errorf("step %s: its checks hold though it was not done", step.Name)
			}
			cancel()
		}
		if p := r.solve(ctx, step, line); p != nil {
			t.Fatalf("step %s: %+v", step.Name, p)
		}
		if checks, p := r.checks(ctx, step, line); p != nil {
			t.Fatalf("step %s: %+v\n%+v\n%+v", step.Name, p, checks, s.collect(t.Context(), []Evidence{Events, Describe}))
		}
		t.Logf("%-16s %.2f s", step.Name, time.Since(start).Seconds())
	}
}
