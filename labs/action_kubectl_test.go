package labs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"axolotl/internal/term"
)

func TestCommandsAreReadAsAShellReadsThem(t *testing.T) {
	commands, faults := readCommands(`
# a remark
kubectl patch job later --patch '{"spec": {"suspend": false}}'   # and another
kubectl annotate deployment web why="it's \"urgent\"" a\ b=c \
  --overwrite
`)
	if len(faults) > 0 || len(commands) != 2 {
		t.Fatalf("%v, %v", commands, faults)
	}
	for i, want := range [][]string{
		{"kubectl", "patch", "job", "later", "--patch", `{"spec": {"suspend": false}}`},
		{"kubectl", "annotate", "deployment", "web", `why=it's "urgent"`, "a b=c", "--overwrite"},
	} {
		if !slices.Equal(commands[i].words, want) {
			t.Errorf("got %q, want %q", commands[i].words, want)
		}
	}
}

// A lab changes what is in its own namespaces, however a line is written.
func TestForbiddenCommands(t *testing.T) {
	for text, want := range map[string]string{
		"kubectl delete Node worker-1":                          "a node is not in a namespace",
		"kubectl delete NODES.v1. worker-1":                     "a nodes is not in a namespace",
		"kubectl label configmap,csr a b=c":                     "a csr is not in a namespace",
		"kubectl delete validatingwebhookconfigurations --all":  "is not in a namespace",
		"kubectl certificate approve a":                         "not in a namespace",
		"kubectl delete --raw=/api/v1/nodes/worker-1":           "--raw: it names no namespace",
		"kubectl create Namespace mine":                         `action "namespace"`,
		"kubectl drain worker-1":                                `action "evict"`,
		"kubectl apply -f x.yaml":                               `action "apply"`,
		"kubectl get pods -A":                                   "only in its own namespaces",
		"kubectl get --raw /readyz":                             "",
		"kubectl get nodes":                                     "",
		"kubectl delete configmap node":                         "",
		"kubectl --request-timeout 5s delete node worker-1":     "a node is not in a namespace",
		"kubectl delete --grace-period 0 node worker-1":         "a node is not in a namespace",
		"kubectl -v 6 drain worker-1":                           `action "evict"`,
		"kubectl -v=6 delete node worker-1":                     "a node is not in a namespace",
		"kubectl delete pod/a node/worker-1":                    "a node is not in a namespace",
		"kubectl delete -- node worker-1":                       "--: only exec",
		"kubectl delete -Rn kube-system deployment coredns":     "-Rn: write each flag by itself, as --recursive --namespace kube-system",
		"kubectl get pods --wacht":                              `--wacht: it is none of the flags that a lab may use`,
		"kubectl --grace-period 0 delete pod a":                 "--grace-period: write it behind what kubectl is to do",
		"kubectl delete --force=true --grace-period":            "--grace-period: it needs a value",
		"kubectl get pods -w":                                   "-w: it does not end by itself",
		"kubectl logs web -f":                                   "-f: it does not end by itself",
		"kubectl logs -p web":                                   "",
		"kubectl get pods -ojson --watch=false":                 "",
		"kubectl exec web -- rm -rf /tmp/a":                     "",
		"kubectl label cm a node/role=x":                        "",
		"kubectl create job by-hand --from=cronjob/every-night": "",
	} {
		commands, faults := readCommands(text)
		if len(faults) > 0 || len(commands) != 1 {
			t.Fatalf("%s: %v", text, faults)
		}
		if why := commands[0].forbidden(false); want == "" && why != "" || !strings.Contains(why, want) {
			t.Errorf("%s: %q, want %q", text, why, want)
		}
	}
	for _, text := range []string{
		"kubectl delete Namespace kube-system", "kubectl get pods -nkube-system", "kubectl -n=kube-system get pods",
		"kubectl get --chunk-size 5 pods --namespace kube-system", "kubectl delete --grace-period 0 ns/kube-system",
		"kubectl delete configmaps,namespaces.v1. kube-system",
	} {
		commands, _ := readCommands(text)
		if call, fault := commands[0].call(); fault != "" || !slices.Equal(call.namespaces(), []string{"kube-system"}) {
			t.Errorf("%s names %v, %s", text, call.namespaces(), fault)
		}
	}
}

func TestKubectl(t *testing.T) {
	needCluster(t)
	t.Parallel()
	lab := oneStep(t, `
    do:
      - apply: "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"
      - kubectl: |
          kubectl label configmap a color=blue
          kubectl -n {{ namespace }} annotate configmap a why='it was urgent'
    check:
      - object: {kind: ConfigMap, name: a}
        cel: object.metadata.labels.color == 'blue' && object.metadata.annotations.why == 'it was urgent'
`)
	if result := run(t, lab); result.Outcome != Passed {
		t.Fatal(result.Reason)
	}
}

// The program is got before the time of a step runs, and the lab says that it is.
func TestKubectlIsGotBeforeTheSteps(t *testing.T) {
	needCluster(t)
	t.Parallel()
	lab := oneStep(t, `
    do:
      - kubectl: kubectl create configmap a
    check: [{object: {kind: ConfigMap, name: a}}]
`)
	h, progress := *handle, term.NewProgress(nil, true)
	h.Kubectl = func(ctx context.Context, shown *term.Progress) (string, error) {
		if _, limited := ctx.Deadline(); limited || shown != progress {
			t.Errorf("it is got within a time: %t; shown is %p, want %p", limited, shown, progress)
		}
		return "", errors.New("no compiler")
	}
	result, err := Run(t.Context(), &h, lab, Options{Progress: progress})
	if err != nil || result.Outcome != Failed || result.Steps[0].Outcome != NotReached || !strings.Contains(result.Reason, "no compiler") {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestKubectlThatFailsShowsWhatItSaid(t *testing.T) {
	needCluster(t)
	t.Parallel()
	lab := oneStep(t, `
    do:
      - kubectl: kubectl label configmap nobody color=blue
    check: [{object: {kind: ConfigMap, name: nobody}}]
`)
	result := run(t, lab)
	if result.Outcome != Failed || !strings.Contains(result.Reason, `configmaps "nobody" not found`) {
		t.Errorf("%s: %s", result.Outcome, result.Reason)
	}
}

// What a variable holds may turn a command into another: it is looked at again.
func TestKubectlStaysInItsNamespaces(t *testing.T) {
	needCluster(t)
	t.Parallel()
	s := newSession(handle, &Lab{Name: "typed"}, time.Now)
	for text, want := range map[string]string{
		"kubectl -n {{ other }} get pods": "not in \"default\"",
		"kubectl delete ns/{{ other }}":   "not in \"default\"",
		"kubectl get pods {{ shell }}":    "no pipes",
		"kubectl {{ verb }} {{ other }}":  "a node is not in a namespace",
	} {
		s.variables = map[string]any{"other": "default", "shell": "| rm x", "verb": "delete node"}
		err := s.do(t.Context(), Action{Kubectl: text})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", text, err, want)
		}
	}
}

func TestKubectlIsInterrupted(t *testing.T) {
	needCluster(t)
	t.Parallel()
	s := newSession(handle, &Lab{Name: "typed"}, time.Now)
	why := errors.New("that is enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
	defer cancel()
	start := time.Now()
	err := s.do(ctx, Action{Kubectl: "kubectl -n " + s.namespace + " wait --for=create configmap/never --timeout=10m"})
	if !errors.Is(err, why) || time.Since(start) > time.Minute {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "axolotl-kubectl-*", "kubeconfig")); len(left) > 0 {
		for _, path := range left {
			if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), s.namespace) {
				t.Errorf("%s is left", path)
			}
		}
	}
}
