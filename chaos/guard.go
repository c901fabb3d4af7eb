package chaos

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"axolotl/chaos/fault"
	"axolotl/internal/kube"
	"axolotl/vm"
)

// guard is one bound that a run keeps. It returns a *Refusal, or nil, or the
// error that kept it from knowing, which refuses as well.
type guard struct {
	name  string
	check func(ctx context.Context, r *run) error
}

// guardsBefore are asked before anything at all is made.
var guardsBefore = []guard{
	{"own-cluster", func(_ context.Context, r *run) error { return guardCluster(r.handle, r.allowed) }},
	{"system-namespace", func(_ context.Context, r *run) error { return guardNamespace(r.experiment.Target.Namespace) }},
	{"bounds", func(_ context.Context, r *run) error { return r.bounds.check(r.experiment) }},
}

// guards are asked when the targets are known.
var guards = []guard{
	{"annotated", guardAnnotated},
	{"zero-targets", func(_ context.Context, r *run) error { return guardZeroTargets(r) }},
	{"max-share", func(_ context.Context, r *run) error { return r.guardShares() }},
	{"last-replica", guardLastReplica},
	{"disruption-budget", guardBudgets},
	{"etcd-quorum", func(_ context.Context, r *run) error {
		return guardQuorum(r.scene, r.allEtcdTaken(), r.experiment.Guards.Quorum)
	}},
	{"healthy-before", func(_ context.Context, r *run) error { return guardHealthy(r.scene) }},
	{"one-at-a-time", func(ctx context.Context, r *run) error { return r.lockTargets(ctx) }},
}

// ask asks guards in their order; the first no is all.
func (r *run) ask(ctx context.Context, guards []guard) error {
	for _, g := range guards {
		if err := g.check(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// guardNames lists the guards for a plan.
func guardNames() []string {
	var names []string
	for _, g := range slices.Concat(guardsBefore, guards) {
		names = append(names, g.name)
	}
	return names
}

// guardOwnCluster refuses clusters that axolotl has not made: the client must
// trust the very CA that stands in the cluster's own state, with TLS verified, and
// speak to the port that was planned for it: clones of one golden snapshot share
// their CA.
func guardOwnCluster(c *vm.Cluster, client *kube.Client) error {
	refuse := func(format string, args ...any) error {
		return &Refusal{"own-cluster", fmt.Sprintf(format, args...),
			"faults are for clusters that 'axolotl up' has made; make one and name it with --cluster"}
	}
	own, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	if err != nil {
		return refuse("cluster %q has no kubeconfig of its own: %v", c.Name, err)
	}
	if client.Config.Insecure {
		return refuse("the connection to %s does not verify who answers", client.Config.Host)
	}
	ownCA, err := authority(own)
	if err != nil {
		return refuse("cluster %q: %v", c.Name, err)
	}
	otherCA, err := authority(client.Config)
	if err != nil {
		return refuse("%s: %v", client.Config.Host, err)
	}
	if !bytes.Equal(ownCA, otherCA) {
		return refuse("the certificate authority of %s (sha256 %.12x) is not that of cluster %q (sha256 %.12x)",
			client.Config.Host, sha256.Sum256(otherCA), c.Name, sha256.Sum256(ownCA))
	}
	server, err := url.Parse(client.Config.Host)
	if err != nil || server.Hostname() != "127.0.0.1" {
		return refuse("%s is not on this host's loopback", client.Config.Host)
	}
	if planned, err := url.Parse(own.Host); err != nil || server.Host != planned.Host || c.APIPort != 0 && server.Port() != strconv.Itoa(c.APIPort) {
		return refuse("%s is not where cluster %q answers, which is %s", client.Config.Host, c.Name, own.Host)
	}
	return nil
}

// authority is the CA that a client configuration trusts.
func authority(config *rest.Config) ([]byte, error) {
	ca := config.CAData
	if len(ca) == 0 && config.CAFile != "" {
		var err error
		if ca, err = os.ReadFile(config.CAFile); err != nil {
			return nil, err
		}
	}
	if len(bytes.TrimSpace(ca)) == 0 {
		return nil, errors.New("no certificate authority is set")
	}
	return bytes.TrimSpace(ca), nil
}

// systemNamespaces belong to the cluster itself.
var systemNamespaces = []string{"kube-system", "kube-public", "kube-node-lease"}

func guardNamespace(namespace string) error {
	if slices.Contains(systemNamespaces, namespace) {
		return &Refusal{"system-namespace", fmt.Sprintf("namespace %q belongs to the cluster itself", namespace),
			"choose a target in another namespace"}
	}
	return nil
}

// guardZeroTargets refuses what would show nothing: no target, or one of whose pods,
// and of all others there, the fault leaves each where it is.
func guardZeroTargets(r *run) error {
	s := r.scene
	if len(r.targets) == 0 {
		return zeroTargets(fmt.Sprintf("no candidate among %d pods of namespace %q and %d nodes", len(s.pods), s.namespace, len(s.nodes)))
	}
	there := func(p corev1.Pod) bool { return r.reaches(&p) }
	takes := func(p corev1.Pod) bool { return r.takes(&p) }
	if r.experiment.Fault.Effect().Takes.Pods() && slices.ContainsFunc(s.pods, there) && !slices.ContainsFunc(r.toll.pods, takes) {
		return &Refusal{"zero-targets", fmt.Sprintf("%s leaves every pod of %v where it is, so nothing would be shown", r.experiment.Fault.Name(), names(r.targets)),
			"choose a workload whose pods it takes, or another fault"}
	}
	return nil
}

// names are those of objects.
func names(objects []fault.Object) []string {
	var all []string
	for _, o := range objects {
		all = append(all, o.Name)
	}
	return all
}

func zeroTargets(reason string) error {
	return &Refusal{"zero-targets", reason + ", so nothing would be shown",
		"check --namespace, --deployment and --selector against 'kubectl get pods --show-labels'"}
}

// guardShares asks for the run, and for each part beside it, how many of its candidates
// are struck, by whichever of them: one may strike where another one cannot.
func (r *run) guardShares() error {
	all := r.allTargets(r.experiment.Fault.Effect().On)
	together := []*run{r}
	for _, p := range r.beside() {
		together = append(together, p.run)
	}
	for _, x := range together {
		struck := 0
		for _, c := range x.candidates {
			if slices.ContainsFunc(all, func(o fault.Object) bool { return o.UID == c.UID }) {
				struck++
			}
		}
		if err := guardShare(struck, len(x.candidates), x.experiment.Guards.MaxShare); err != nil {
			return err
		}
	}
	return nil
}

func guardShare(targets, candidates, maxShare int) error {
	if targets*100 > candidates*maxShare {
		return &Refusal{"max-share", fmt.Sprintf("%d of %d is more than %d %%", targets, candidates, maxShare),
			"take fewer targets, add replicas, or raise guards.maxShare"}
	}
	return nil
}

// guardLastReplica keeps one ready pod for each workload that the fault reaches.
func guardLastReplica(ctx context.Context, r *run) error {
	for _, w := range r.toll.workloads() {
		allowed, setting := r.experiment.Guards.LastReplica, "guards.lastReplica"
		if w.others {
			allowed, setting = r.experiment.Guards.OthersLastReplica, "guards.othersLastReplica"
		}
		if allowed || w.ready > w.lost {
			continue
		}
		if w.Kind == fault.OnPods {
			return &Refusal{"last-replica", fmt.Sprintf("nothing keeps pod %s/%s, and the fault takes it", w.Namespace, w.Name),
				"give it a controller, or set " + setting + ": true"}
		}
		whose := ""
		if keeper, err := keeperOf(ctx, r.kube, w.pod); err == nil && keeper.UID != w.UID { // the refusal stands without it
			whose = fmt.Sprintf(" of %s %s", keeper.Kind, keeper.Name)
		}
		return &Refusal{"last-replica", fmt.Sprintf("%s %s/%s%s has %d ready pod(s) and the fault takes %d", w.Kind, w.Namespace, w.Name, whose, w.ready, w.lost),
			"add replicas, or set " + setting + ": true"}
	}
	return nil
}

func guardHealthy(s *scene) error {
	if words := s.unwell(); len(words) > 0 {
		return &Refusal{"healthy-before", "the cluster is not well before the fault: " + strings.Join(words, ", "),
			"fix it first, or wait until it is well"}
	}
	return nil
}
