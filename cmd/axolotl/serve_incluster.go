package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/clock"

	"axolotl/chaos"
	"axolotl/chaos/incluster"
	"axolotl/chaos/journal"
	"axolotl/chaos/serve"
	"axolotl/internal/kube"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
)

// inClusterFlags are the flags of a daemon that lives in a cluster.
type inClusterFlags struct {
	on         bool
	kubeconfig string
	namespace  string
	lease      time.Duration

	manifests bool
	image     string
	targets   []string
	nodes     bool
}

func (f *inClusterFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.on, "in-cluster", false, "serve in the cluster that this pod is in, as one of several replicas")
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "with --in-cluster: how to reach the cluster from outside of it")
	flags.StringVar(&f.namespace, "namespace", "", "with --in-cluster: where schedules and all of ours are (default: the pod's, else "+incluster.DefaultNamespace+")")
	spanVar(cmd, &f.lease, "lease", incluster.DefaultLease, "with --in-cluster: how long a leader that is not heard of is waited for")
	flags.BoolVar(&f.manifests, "manifests", false, "with --in-cluster: print what is to be applied, and end")
	flags.StringVar(&f.image, "image", image.Self, "with --manifests: the container image, as 'axolotl image pack' makes it")
	flags.StringSliceVar(&f.targets, "target", nil, "with --manifests: a namespace in which pods and workloads may be broken")
	flags.BoolVar(&f.nodes, "nodes", false, "with --manifests: nodes may be cordoned, drained and tainted")
}

// validate returns what is wrong with the flags.
func (f *inClusterFlags) validate() error {
	var errs []error
	if !f.on {
		errs = append(errs, errors.New("--manifests is for --in-cluster"))
	}
	for _, name := range append([]string{f.namespace}, f.targets...) {
		if wrong := validation.IsDNS1123Label(name); len(wrong) > 0 {
			errs = append(errs, fmt.Errorf("namespace %q: %s", name, strings.Join(wrong, ", ")))
		}
	}
	for _, target := range f.targets {
		if target == f.namespace || strings.HasPrefix(target, "kube-") {
			errs = append(errs, fmt.Errorf("namespace %q is never a target; choose another one", target))
		}
	}
	if f.lease < time.Second {
		errs = append(errs, errors.New("--lease must be 1s or more"))
	}
	if err := errors.Join(errs...); err != nil {
		return codedError{err, exitUsage}
	}
	return nil
}

func printManifests(a *app, flags inClusterFlags) error {
	flags.namespace = cmp.Or(flags.namespace, incluster.DefaultNamespace)
	if err := flags.validate(); err != nil {
		return err
	}
	text, err := incluster.Manifests{Namespace: flags.namespace, Image: flags.image, Targets: flags.targets, Nodes: flags.nodes}.YAML()
	if err != nil {
		return err
	}
	_, err = a.out.Write(text)
	return err
}

// replica is one daemon of several that share a cluster.
type replica struct {
	log       *zap.Logger
	client    *kube.Client // changes nothing while another one leads
	namespace string
	election  *incluster.Election
	schedules *incluster.Schedules
	journal   *incluster.Journal
	daemon    *serve.Daemon
	leads     atomic.Bool
}

// serveInCluster serves until ctx ends, or until the lease is lost.
func serveInCluster(ctx context.Context, a *app, flags serveFlags) error {
	f := flags.inCluster
	f.namespace = cmp.Or(f.namespace, incluster.Namespace())
	if err := f.validate(); err != nil {
		return err
	}
	log := serveLogger(a)
	defer log.Sync() //nolint:errcheck // stderr cannot always be synced
	dir, err := os.MkdirTemp("", "axolotl-serve-*")
	if err != nil {
		return fmt.Errorf("%w; a directory for temporary files is needed, such as an emptyDir", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it goes with the pod
	r, err := newReplica(f, log, dir)
	if err != nil {
		return err
	}
	if err := r.schedules.Check(ctx); err != nil {
		return err
	}
	notifier := serve.NewNotifier(r.daemon.Clock, log, r.daemon.Metrics)
	r.daemon.Drain, r.daemon.Tell = flags.drain, notifier.Tell

	// What serves beside the daemon ends after it: its last words are heard.
	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var group errgroup.Group
	group.Go(func() error { notifier.Run(beside); return nil })
	group.Go(func() error { r.schedules.Follow(beside); return nil })
	if flags.listen != "" {
		if err := r.answer(ctx, beside, flags, &group); err != nil {
			return err
		}
	}
	if !r.schedules.Synced(ctx) {
		return ctx.Err()
	}
	err = r.election.Run(ctx, r.lead)
	if errors.Is(err, incluster.ErrLost) {
		return err // at once: what is at work here must not go on
	}
	stop()
	return errors.Join(err, group.Wait())
}

func newReplica(f inClusterFlags, log *zap.Logger, dir string) (*replica, error) {
	kubeconfig := cmp.Or(f.kubeconfig, outside())
	if f.kubeconfig == "" && os.Getenv(podVariable) == "" {
		if _, err := os.Stat(kubeconfig); errors.Is(err, fs.ErrNotExist) {
			return nil, errors.New("not in a pod, and KUBECONFIG names no file; use --kubeconfig")
		}
	}
	config, err := incluster.Config(kubeconfig)
	if err != nil {
		return nil, err
	}
	free, err := kube.New(config)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	// NOTE: a container that is started again in its pod is another replica: what
	// the one before did is not its own.
	identity := cmp.Or(os.Getenv("POD_NAME"), host) + "_" + uuid.NewString()[:8]
	r := &replica{log: log.With(zap.String("replica", identity)), namespace: f.namespace}
	r.election = incluster.NewElection(free.Typed, f.namespace, identity, f.lease)
	config.Wrap(r.election.Fence)
	if r.client, err = kube.New(config); err != nil {
		return nil, err
	}
	r.schedules = incluster.NewSchedules(r.client, f.namespace, identity, r.log)
	r.journal = incluster.NewJournal(r.client.Typed, f.namespace, identity)
	handle, err := incluster.Handle(r.client, dir)
	if err != nil {
		return nil, err
	}
	r.daemon = r.newDaemon(handle)
	return r, nil
}

// podVariable is set in every pod.
const podVariable = "KUBERNETES_SERVICE_HOST"

// outside is the kubeconfig of whoever is not in a pod.
func outside() string {
	if os.Getenv(podVariable) != "" {
		return ""
	}
	return os.Getenv("KUBECONFIG")
}

// lead runs what is due, until ctx ends and after that as long as what is at
// work.
func (r *replica) lead(ctx context.Context) error {
	r.log.Info("this replica leads")
	r.leads.Store(true)
	settling, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return r.schedules.Settle(settling) })
	err := r.daemon.Serve(ctx)
	stop()
	r.log.Info("this replica gives the lease back")
	return errors.Join(err, group.Wait())
}

// newDaemon is a daemon that works on the cluster around it.
func (r *replica) newDaemon(handle *vm.Handle) *serve.Daemon {
	progress := term.NewProgress(io.Discard, true) // what a person would see step by step is not for a log
	runner := &chaos.Runner{
		Handle: handle, Progress: progress, AllowCluster: incluster.Cluster, Bounds: incluster.Bounds(r.client, r.namespace),
		Journal: journal.In(r.journal), History: incluster.NewReports(r.client.Typed, r.namespace, r.journal),
	}
	return &serve.Daemon{
		Schedules: r.schedules, History: r.schedules, Log: r.log, Metrics: serve.NewMetrics(), Clock: clock.RealClock{},
		Run: func(ctx context.Context, order serve.Order) (*chaos.Report, error) {
			e, err := experimentOf(order)
			if err != nil {
				return nil, err
			}
			e.Probe = nil // no client can be played past the API server
			return runner.Run(ctx, e), nil
		},
		Recreate: func(context.Context, string) error { return errors.New("there are no machines of ours in a cluster") },
		Clusters: func() ([]string, error) { return []string{incluster.Cluster}, nil },
		Recover: func(ctx context.Context, _ string) (int, error) {
			done, err := runner.Recover(ctx, progress.Start("undo what was left"))
			return len(done), err
		},
	}
}

// answer answers for metrics and health, whether this replica leads or not.
func (r *replica) answer(ctx, beside context.Context, flags serveFlags, group *errgroup.Group) error {
	if _, err := os.Stat(flags.tokenFile); errors.Is(err, fs.ErrNotExist) {
		flags.tokenFile = "" // the secret is optional
	}
	endpoint, err := newEndpoint(flags, r.daemon, r.log)
	if err != nil {
		return err
	}
	endpoint.HealthOnly = true
	endpoint.Ready = func() error {
		if r.leads.Load() {
			return r.daemon.Ready()
		}
		return nil
	}
	listener, err := endpoint.Listen(ctx)
	if err != nil {
		return err
	}
	r.log.Info("answering", zap.Stringer("address", listener.Addr()))
	group.Go(func() error { return endpoint.Serve(beside, listener) })
	return nil
}
