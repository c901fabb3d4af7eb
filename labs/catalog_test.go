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
	for _, name := range names {
		lab, err := Open(name)
		if err != nil {
			t.Errorf("%s:\n%v", name, err)
			continue
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
// others stand on. Three: most of them wait, for a node to be missed.
var spare = localtest.Pool{Nodes: 3, Most: 3}

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

// sabotage changes one step so that it is done wrong.
type sabotage struct {
	lab, step, name string
	change          func(*Step)
}

// inApply replaces a text in what the step's nth action applies.
func inApply(n int, old, replacement string) func(*Step) {
	return func(s *Step) {
		changed := strings.ReplaceAll(s.Do[n].Apply, old, replacement)
		if changed == s.Do[n].Apply {
			panic("nothing to sabotage: no " + old)
		}
		s.Do[n].Apply = changed
	}
}

// without leaves out the step's nth action.
func without(n int) func(*Step) {
	return func(s *Step) { s.Do = slices.Delete(slices.Clone(s.Do), n, n+1) }
}

// instead does something else.
func instead(all ...Action) func(*Step) { return func(s *Step) { s.Do = all } }

// first does something else before.
func first(a Action) func(*Step) {
	return func(s *Step) { s.Do = append([]Action{a}, s.Do...) }
}

var sabotages = []sabotage{
	{"replicasets", "three-pods", "two pods", inApply(0, "replicas: 3", "replicas: 2")},
	{"replicasets", "three-pods", "wrong selector", inApply(0, "app: web", "app: wbe")},
	{"replicasets", "delete-one", "nobody replaces it", first(Action{Delete: &Delete{Target: Target{Kind: "ReplicaSet", Name: "web"}, Cascade: CascadeOrphan}})},
	{"replicasets", "relabel-one", "wrong label", func(s *Step) { s.Do[0].Label.Set = map[string]string{"tier": "quarantine"} }},
	{"replicasets", "relabel-one", "deleted", func(s *Step) { s.Do[0] = Action{Delete: &Delete{Target: s.Do[0].Label.Target}} }},
	{"replicasets", "orphan-all", "pods go too", func(s *Step) { s.Do[0].Delete.Cascade = CascadeBackground }},
	{"replicasets", "adopt", "new pods", first(Action{Delete: &Delete{Target: Target{Kind: "Pod", Labels: map[string]string{"app": "web"}}}})},

	{"namespaces", "two-places", "one only", without(1)},
	{"namespaces", "same-name", "same team", inApply(0, "theirs", "ours")},
	{"namespaces", "quota", "no quota", without(0)},
	{"namespaces", "quota", "quota of three", inApply(0, `"2"`, `"3"`)},
	{"namespaces", "role", "may delete", inApply(0, "list, watch", "list, delete")},
	{"namespaces", "role", "other account", inApply(0, "ServiceAccount, name: reader", "ServiceAccount, name: writer")},
	{"namespaces", "cascade", "wrong namespace", func(s *Step) { s.Do[0].Delete.Name = "{{ namespace }}" }},

	{"labels", "three-kinds", "a wrong port's selector", inApply(0, "selector: {app: shop}, ports", "selector: {app: shp}, ports")},
	{"labels", "three-kinds", "stranger labelled too", inApply(0, "labels: {app: other}", "labels: {app: shop}")},
	{"labels", "mark-together", "two kinds only", without(2)},
	{"labels", "annotate", "label instead", func(s *Step) {
		s.Do[0] = Action{Label: &Marks{Target: s.Do[0].Annotate.Target, Set: map[string]string{"on-call": "Ana"}}}
	}},
	{"labels", "out-of-service", "deleted", func(s *Step) { s.Do[0] = Action{Delete: &Delete{Target: s.Do[0].Label.Target}} }},
	{"labels", "delete-together", "a kind forgotten", without(1)},

	{"deployments", "chain", "other image", inApply(0, "pingapp:2.0.1", "pingapp:2.1.0")},
	{"deployments", "update", "same image", func(s *Step) { s.Do[0].SetImage.Image = "axolotl/pingapp:2.0.1" }},
	{"deployments", "rollback", "third version", func(s *Step) { s.Do[0].SetImage.Image = "axolotl/pingapp:crash" }},

	{"iac-apply", "apply", "one replica", inApply(0, "replicas: 2", "replicas: 1")},
	{"iac-apply", "one-line", "other line", inApply(0, "pingapp:2.0.1", "pingapp:2.1.0")},
	{"iac-apply", "drift", "no annotation", without(2)},
	{"iac-apply", "put-back", "drifted file", inApply(0, "pingapp:2.0.1", "pingapp:2.1.0")},

	{"iac-apply", "look-first", "applied already", instead(Action{Scale: &Scale{Target: Target{Kind: "Deployment", Name: "web"}, Replicas: 3}})},
	{"iac-apply", "drift", "the image only", without(1)},

	{"kubeconfig", "two-contexts", "may edit", inApply(0, "ClusterRole, name: view", "ClusterRole, name: edit")},
	{"kubeconfig", "two-contexts", "another namespace", func(s *Step) { s.Do[1].Context.Namespace = "default" }},
	{"kubeconfig", "switch", "not used", func(s *Step) { s.Do[0].Context.Use = false }},
	{"kubeconfig", "wrong-one", "a token that is known", func(s *Step) { s.Do[0].Context.Token, s.Do[0].Context.ServiceAccount = "", "guest" }},
	{"kubeconfig", "other-namespace", "its own", func(s *Step) { s.Do[0].Context.Namespace = "{{ namespace }}" }},
	{"kubeconfig", "back", "the stranger stays", without(1)},

	{"volumes", "claim", "more than there is", inApply(0, "requests: {storage: 10Mi}", "requests: {storage: 20Mi}")},
	{"volumes", "notebook", "no claim", inApply(0, "persistentVolumeClaim: {claimName: data}", "emptyDir: {}")},

	{"pods-are-volatile", "app", "a pod too few", inApply(0, "replicas: 2", "replicas: 1")},

	{"game-day", "open", "wrong selector", inApply(0, "spec: {selector: {app: shop}, ports", "spec: {selector: {app: shp}, ports")},
	{"game-day", "closed", "one too few", func(s *Step) { s.Do[0].Scale.Replicas = 2 }},
	{"game-day", "nobody-comes", "another slip", func(s *Step) {
		s.Do[0].Patch.With = map[string]any{"spec": map[string]any{"selector": map[string]any{"app": "shopp"}}}
	}},
	{"game-day", "too-few", "room for two", func(s *Step) {
		s.Do[0].Patch.With = map[string]any{"spec": map[string]any{"hard": map[string]any{"pods": "2"}}}
	}},
	{"game-day", "locked-out", "may look only", inApply(0, "ClusterRole, name: edit", "ClusterRole, name: view")},
	{"game-day", "locked-out", "may everything", inApply(0, "ClusterRole, name: edit", "ClusterRole, name: admin")},

	{"kubectl-says-ok", "no-room", "there is room", inApply(0, `"1000"`, `"1m"`)},
	{"kubectl-says-ok", "modest", "still too much", func(s *Step) {
		s.Do[0] = Action{Patch: &Patch{Target: s.Do[0].Patch.Target, With: map[string]any{"spec": map[string]any{"template": map[string]any{
			"metadata": map[string]any{"labels": map[string]any{"tried": "again"}},
		}}}}}
	}},
	{"kubectl-says-ok", "no-account", "an account that is there", inApply(0, "casper", "default")},
	{"kubectl-says-ok", "account", "another account", inApply(0, "casper", "wendy")},
	{"kubectl-says-ok", "nobody-behind", "no slip of the pen", inApply(0, "gredy", "greedy")},
	{"kubectl-says-ok", "somebody-behind", "another slip", func(s *Step) {
		s.Do[0].Patch.With = map[string]any{"spec": map[string]any{"selector": map[string]any{"app": "greeedy"}}}
	}},

	{"rbac", "nobody", "with rights already", first(Action{Apply: `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: early}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{kind: ServiceAccount, name: deployer, namespace: "{{ namespace }}"}]`})},
	{"rbac", "role", "may delete", inApply(0, "update, patch]", "update, delete]")},
	{"rbac", "role", "may escalate", inApply(0, "resources: [roles], verbs: [get,", "resources: [roles], verbs: [escalate, get,")},
	{"rbac", "role", "binds nobody", inApply(0, "ServiceAccount, name: deployer", "ServiceAccount, name: nobody")},
	{"rbac", "view", "edit", inApply(0, "ClusterRole, name: view", "ClusterRole, name: edit")},
	{"rbac", "revoke", "the other binding", func(s *Step) { s.Do[0].Delete.Name = "auditor" }},

	{"secrets", "create", "another password", inApply(0, "axolotl", "ajolote")},
	{"secrets", "use", "in the clear", inApply(0, "valueFrom: {secretKeyRef: {name: database, key: password}}", "value: axolotl")},
	{"secrets", "few", "admin", inApply(0, "ClusterRole, name: view", "ClusterRole, name: admin")},
	{"secrets", "immutable", "changed", first(Action{Patch: &Patch{
		Target: Target{Kind: "Secret", Name: "database"}, With: map[string]any{"stringData": map[string]any{"password": "oops"}},
	}})},

	{"jobs", "three-times", "twice", inApply(0, "completions: 3", "completions: 2")},
	{"jobs", "suspended", "not suspended", inApply(0, "suspend: true", "suspend: false")},
	{"jobs", "resumed", "deleted instead", func(s *Step) {
		s.Do[0] = Action{Delete: &Delete{Target: Target{Kind: "Job", Name: "later"}}}
	}},

	{"cronjobs", "suspended", "not suspended", inApply(0, "suspend: true", "suspend: false")},
	{"cronjobs", "suspended", "no deadline", inApply(0, "startingDeadlineSeconds: 3", "startingDeadlineSeconds: 300")},
	{"cronjobs", "by-hand", "another name", inApply(0, "metadata: {name: now}", "metadata: {name: later}")},
	{"cronjobs", "made-up", "one stays suspended", without(0)},

	{"statefulsets", "in-order", "a Deployment", inApply(0, "kind: StatefulSet", "kind: Deployment")},
	{"statefulsets", "in-order", "no Service", inApply(0, "serviceName: db", "serviceName: bd")},
	{"statefulsets", "same-name", "another one", func(s *Step) { s.Do[0].Delete.Name = "db-0" }},
	{"statefulsets", "from-the-end", "no partition", without(0)},
	{"statefulsets", "in-reverse", "to two", func(s *Step) { s.Do[0].Scale.Replicas = 2 }},
	{"statefulsets", "in-reverse", "db-0 made anew", first(Action{Delete: &Delete{Target: Target{Kind: "Pod", Name: "db-0"}}})},

	{"daemonsets", "everywhere", "a Deployment's kind of selector", inApply(0, "tolerations: [{operator: Exists, effect: NoSchedule}]", "nodeSelector: {no: such}")},
	{"daemonsets", "replaced-in-place", "not the one", func(s *Step) {
		s.Do[0] = Action{Annotate: &Marks{Target: s.Do[0].Delete.Target, Set: map[string]string{"a": "b"}}}
	}},
	{"daemonsets", "node-leaves", "off only", func(s *Step) { s.Do[0].Machine.Do = MachineOff }},

	{"drain", "budget", "one may go", inApply(0, "minAvailable: 2", "minAvailable: 1")},
	{"drain", "blocked", "evicted by force", first(Action{Delete: &Delete{Target: Target{Kind: "Pod", Name: "{{ guest }}"}}})},
	{"drain", "yields", "the budget does not", without(0)},
	{"drain", "yields", "nobody evicts", without(1)},

	{"why-orchestrate", "two-apps", "only one", inApply(0, "replicas: 1", "replicas: 0")},
}

// TestSabotage does a step wrong: its checks must notice.
func TestSabotage(t *testing.T) {
	needCluster(t)
	abreastOfAll(t)
	for _, c := range slices.Concat(sabotages, realSabotages) {
		t.Run(c.lab+"/"+c.step+"/"+c.name, func(t *testing.T) {
			lab, err := Open(c.lab)
			if err != nil {
				t.Fatal(err)
			}
			if lab.Draw > 0 { // the first step and this one
				lab = lab.with([]string{c.step})
				lab.Draw = 0
			}
			i := slices.IndexFunc(lab.Steps, func(s Step) bool { return s.Name == c.step })
			if i < 0 {
				t.Fatalf("there is no step %s", c.step)
			}
			c.change(&lab.Steps[i])
			lab.Steps[i].Timeout = patience(6*time.Second, min(lab.Steps[i].limit(), 90*time.Second))
			abreast(t, lab)
			h := clusterFor(t, lab)
			skipMissing(t, h, lab.Steps[i].Needs)
			expectFailureAt(t, runOn(t, h, lab), i)
		})
	}
}
