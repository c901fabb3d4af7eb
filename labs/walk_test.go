package labs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"axolotl/internal/kube"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
)

// lookedAt is how long the walk looks at a command that does not end by itself.
const lookedAt = 2 * time.Second

// These lines of the texts end otherwise than well, on purpose. Each is found in
// the text as its author wrote it.
var failing = map[string]string{
	"iac-apply: kubectl -n {{ namespace }} diff -f deployment.yaml":                                                       "1 says that there is a difference",
	"kubeconfig: kubectl create configmap trial --from-literal=a=b":                                                       "a guest may only look",
	"kubeconfig: kubectl --context stranger get pods":                                                                     "nobody knows that token",
	"kubeconfig: kubectl get pods":                                                                                        "in the namespace default the guest may nothing",
	"rbac: kubectl -n {{ namespace }} auth can-i create deployments --as=system:serviceaccount:{{ namespace }}:deployer":  "no, before the role is given",
	"namespaces: kubectl auth can-i list pods -n {{ namespace }}-other --as=system:serviceaccount:{{ namespace }}:reader": "no",
	"secrets: kubectl -n {{ namespace }} auth can-i get secrets --as=system:serviceaccount:{{ namespace }}:guest":         "no",
	`secrets: kubectl -n {{ namespace }} patch secret database --patch '{"stringData": {"password": "oops"}}'`:            "it is immutable",
}

// endless are commands that go on until they are interrupted, which the walk does;
// a drain only when the lab is over: what it waits for is a later step.
var (
	endless = regexp.MustCompile(` --watch\b| -w\b`)
	patient = regexp.MustCompile(`^kubectl drain `)
)

// inside are commands to what simulated nodes have not: containers and machines.
var inside = regexp.MustCompile(`^kubectl .*\b(exec|logs|top|port-forward|describe job fail)\b|/proxy/|^curl |^axolotl |^for |^done`)

// commandsOf are the lines of a text that a reader types.
func commandsOf(text string) (lines []string) {
	for _, block := range shellBlock.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(line, "    #")  // a remark
			line, _, _ = strings.Cut(line, "; echo") // it would hide how the command ended
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

var (
	shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	saved      = regexp.MustCompile("(?s)```yaml\n(.*?)```.*?-f ([\\w.-]+)")
)

// reader is somebody who types what a lab's texts say, in a directory of its own.
type reader struct {
	t    *testing.T
	lab  *Lab
	h    *vm.Handle
	dir  string
	env  []string
	seen map[string]bool // of failing

	outside bool // leaves out what is inside
}

func newReader(t *testing.T, h *vm.Handle, lab *Lab) *reader {
	t.Helper()
	home, err := store.FindHome()
	if err != nil {
		t.Fatal(err)
	}
	program, err := image.Node.Find(home)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{t: t, lab: lab, h: h, dir: t.TempDir(), seen: map[string]bool{}}
	config, err := kube.RenderContext(h.Cluster.Kubeconfig(), h.Cluster.Context())
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(r.dir, "bin")
	if err := errors.Join(
		os.WriteFile(filepath.Join(r.dir, "kubeconfig"), config, 0o600),
		os.Mkdir(bin, 0o700),
		os.WriteFile(filepath.Join(bin, "kubectl"), []byte("#!/bin/sh\nexec "+program+" kubectl \"$@\"\n"), 0o700),
	); err != nil {
		t.Fatal(err)
	}
	r.env = append(os.Environ(), "HOME="+r.dir, "PATH="+bin+":"+os.Getenv("PATH"), "KUBECONFIG="+filepath.Join(r.dir, "kubeconfig"))
	return r
}

// read saves the manifests that a text shows, and types its commands.
func (r *reader) read(ctx context.Context, step *Step, variables map[string]any) {
	r.t.Helper()
	text, err := step.sayWith(English, valueIn(variables))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, found := range saved.FindAllStringSubmatch(text, -1) {
		if err := os.WriteFile(filepath.Join(r.dir, found[2]), []byte(found[1]), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	written := commandsOf(step.Say.EN)
	for i, line := range commandsOf(text) {
		as := line
		if len(written) == len(commandsOf(text)) {
			as = written[i]
		}
		r.types(ctx, step.Name, r.lab.Name+": "+as, line)
	}
}

func (r *reader) types(ctx context.Context, step, written, line string) {
	r.t.Helper()
	if r.outside && inside.MatchString(line) {
		return
	}
	if value, ok := strings.CutPrefix(line, "export "); ok {
		r.env = append(r.env, value)
		return
	}
	if words := strings.Fields(line); words[0] == "axolotl" {
		if err := r.axolotl(ctx, words); err != nil {
			r.t.Errorf("step %s: %s\n%v", step, line, err)
		}
		return
	}
	if patient.MatchString(line) {
		r.leaves(line)
		return
	}
	watched := endless.MatchString(line)
	run, cancel := ctx, func() {}
	if watched {
		run, cancel = context.WithTimeout(ctx, lookedAt)
	}
	defer cancel()
	cmd := exec.CommandContext(run, "sh", "-c", "exec "+line)
	if strings.ContainsAny(line, "|;$") {
		cmd = exec.CommandContext(run, "sh", "-c", line)
	}
	cmd.Dir, cmd.Env, cmd.WaitDelay = r.dir, r.env, time.Second
	out, err := cmd.CombinedOutput()
	if watched && run.Err() != nil && ctx.Err() == nil {
		err = nil
	}
	if _, expected := failing[written]; expected {
		r.seen[written] = r.seen[written] || err != nil
	} else if err != nil {
		r.t.Errorf("step %s: %s\n%v\n%s", step, line, err, out)
	}
}

// leaves lets a command go on to the end of the test.
func (r *reader) leaves(line string) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.t.Context()))
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+line)
	cmd.Dir, cmd.Env = r.dir, r.env
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { cancel(); cmd.Wait() })
}

// axolotl does what "axolotl node" does, to a cluster that is in no state directory.
func (r *reader) axolotl(ctx context.Context, words []string) error {
	power, ok := r.h.Driver.(vm.Powerer)
	if !ok || len(words) != 5 || words[1] != "node" || words[3] != r.h.Cluster.Name || r.h.Cluster.Machine(words[4]) == nil {
		return errors.New("the walk does not know this command")
	}
	switch words[2] {
	case "stop":
		return power.PowerOff(ctx, r.h.Cluster, words[4])
	case "start":
		return power.PowerOn(ctx, r.h.Cluster, words[4])
	}
	return errors.New("the walk does not know this command")
}

// TestTextsCanBeFollowed reads the labs that the local driver serves as a learner
// does who does what the text says and nothing else: every command must end well,
// and then the step's checks must hold.
func TestTextsCanBeFollowed(t *testing.T) {
	needCluster(t)
	if given {
		t.Skip("reads on simulated clusters")
	}
	abreastOfAll(t)
	for _, name := range CatalogNames() {
		t.Run(name, func(t *testing.T) {
			lab, err := Open(name)
			if err != nil {
				t.Fatal(err)
			}
			abreast(t, lab)
			walkLab(t, clusterFor(t, lab), lab)
		})
	}
}

// TestTextsOfRealPodsAreTyped types what the texts say of the labs that the local
// driver does not serve, in order: what does not ask a container or a machine must
// end well here too.
func TestTextsOfRealPodsAreTyped(t *testing.T) {
	needCluster(t)
	if given {
		t.Skip("reads on simulated clusters")
	}
	abreastOfAll(t)
	for _, name := range CatalogNames() {
		lab, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if !lab.Needs.RealPods && !lab.Needs.MachineControl {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			typeLab(t, lab)
		})
	}
}

func typeLab(t *testing.T, lab *Lab) {
	t.Helper()
	reader := newReader(t, handle, lab)
	reader.outside = true
	s := newSession(handle, lab, time.Now)
	defer func() {
		if err := s.end(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	if err := s.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range lab.Steps {
		step := &lab.Steps[i]
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		for _, memory := range step.Remember {
			s.variables[memory.Name] = "unknown" // it may be of what is not here
			short, cancel := context.WithTimeout(ctx, 5*time.Second)
			if err := s.remember(short, memory); err != nil {
				t.Logf("step %s: %v", step.Name, err)
			}
			cancel()
		}
		reader.read(ctx, step, s.variables)
		cancel()
	}
}

func walkLab(t *testing.T, h *vm.Handle, lab *Lab) {
	t.Helper()
	reader := newReader(t, h, lab)
	s := newSession(h, lab, time.Now)
	r := &runner{Options: Options{Now: time.Now, Progress: quiet()}, session: s, lab: lab}
	defer func() {
		ctx := context.WithoutCancel(t.Context())
		if power, ok := h.Driver.(vm.Powerer); ok && lab.Exclusive() {
			for _, m := range h.Cluster.Machines {
				if err := power.PowerOn(ctx, h.Cluster, m.Name); err != nil {
					t.Error(err)
				}
			}
		}
		if err := s.end(ctx); err != nil {
			t.Error(err)
		}
	}()
	if err := r.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	line := r.Progress.Start("")
	for i := range lab.Steps {
		walkStep(t, r, reader, &lab.Steps[i], line)
		if t.Failed() {
			return
		}
	}
	for written, why := range failing {
		if strings.HasPrefix(written, lab.Name+": ") && !reader.seen[written] {
			t.Errorf("%s\nwas not typed, or did not fail; it is said to: %s", written, why)
		}
	}
}

func walkStep(t *testing.T, r *runner, reader *reader, step *Step, line *term.Step) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), step.limit())
	defer cancel()
	start := time.Now()
	if reason, err := step.Needs.missing(ctx, reader.h); reason != "" || err != nil {
		t.Logf("%-16s skipped: %s %v", step.Name, reason, err)
		return
	}
	if p := r.prepare(ctx, step); p != nil {
		t.Fatalf("step %s: %+v", step.Name, p)
	}
	reader.read(ctx, step, r.session.variables)
	if len(step.Setup) > 0 { // the learner is to find out what is wrong
		if p := r.solve(ctx, step, line); p != nil {
			t.Fatalf("step %s: %+v", step.Name, p)
		}
	}
	if checks, p := r.checks(ctx, step, line); p != nil {
		t.Errorf("step %s is not done by what its text says: %+v\n%+v", step.Name, p, checks)
	}
	t.Logf("%-16s %.2f s", step.Name, time.Since(start).Seconds())
}

// TestBothLanguagesTypeTheSame wants the same commands in every language.
func TestBothLanguagesTypeTheSame(t *testing.T) {
	for _, name := range CatalogNames() {
		lab, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range lab.Steps {
			if en, es := commandsOf(step.Say.EN), commandsOf(step.Say.ES); !slices.Equal(en, es) {
				t.Errorf("%s, step %s:\n%s", name, step.Name, fmt.Sprintf("%q\n%q", en, es))
			}
		}
	}
}
