package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/klog/v2"

	"axolotl/internal/kube"
	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/cluster"
	"axolotl/vm/existing"
	"axolotl/vm/libvirt"
	"axolotl/vm/local"
	"axolotl/vm/minikube"
)

// app is what every command is given: streams, the global flags, the clusters
// on disk and the drivers. It is filled by start, before a command runs.
type app struct {
	in       io.Reader
	out, err io.Writer

	quiet     bool
	verbosity int

	home     store.Home
	progress *term.Progress

	mu      sync.Mutex
	libvirt map[string]*libvirt.Driver // by URI: a daemon opens clusters again and again, and each has a connection
}

func newApp(in io.Reader, out, err io.Writer) *app { return &app{in: in, out: out, err: err} }

// start applies the global flags.
func (a *app) start() error {
	home, err := store.FindHome()
	if err != nil {
		return err
	}
	a.home = home
	a.progress = term.NewProgress(a.err, a.quiet)
	zap.ReplaceGlobals(newLogger(a.err, a.verbosity))
	if a.verbosity == 0 {
		// What client-go has to say beside its errors, such as that a
		// connection which we closed is closed, is not for users.
		klog.SetLogger(logr.Discard())
	}
	return nil
}

func (a *app) close() { zap.L().Sync() } //nolint:errcheck // stderr cannot always be synced

// newLogger logs to out: warnings, with -v what is done, with -vv how.
func newLogger(out io.Writer, verbosity int) *zap.Logger {
	level := zapcore.WarnLevel
	switch {
	case verbosity == 1:
		level = zapcore.InfoLevel
	case verbosity > 1:
		level = zapcore.DebugLevel
	}
	config := zap.NewDevelopmentEncoderConfig()
	config.EncodeTime = zapcore.ISO8601TimeEncoder
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(config), zapcore.AddSync(out), level))
}

// clusters are the clusters on disk.
func (a *app) clusters() cluster.Store { return cluster.Store{Home: a.home} }

// handle opens a cluster that is up.
func (a *app) handle(ctx context.Context, name string) (*vm.Handle, error) {
	return a.clusters().Open(ctx, name, a.open)
}

// handleToRun is handle for what is to be done on a cluster.
func (a *app) handleToRun(ctx context.Context, name string) (*vm.Handle, error) {
	h, err := a.handle(ctx, name)
	return h, cluster.AdviseUp(err)
}

// open implements cluster.Opener.
func (a *app) open(c *vm.Cluster) (vm.Driver, error) {
	return a.driver(c.Driver, c.URI, libvirt.Hosts(c)...)
}

// driver returns the driver with this name; the rest is for libvirt.
func (a *app) driver(name, uri string, others ...string) (vm.Driver, error) {
	switch name {
	case libvirt.Name:
		return a.libvirtAt(uri, others...), nil
	case local.Name:
		return local.New(a.home), nil
	case existing.Name:
		return existing.New(vm.Source{}), nil // it is in the record
	case minikube.Name:
		return minikube.New(""), nil // so is what it makes machines with
	}
	return nil, codedError{fmt.Errorf("unknown driver %q; use %s", name, driverWords), exitUsage}
}

// libvirtAt is the one driver for a libvirt URI, and those of other hosts.
func (a *app) libvirtAt(uri string, others ...string) *libvirt.Driver {
	key := strings.Join(append([]string{uri}, others...), " ")
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.libvirt == nil {
		a.libvirt = map[string]*libvirt.Driver{}
	}
	if a.libvirt[key] == nil {
		a.libvirt[key] = libvirt.New(a.home, uri, others...)
	}
	return a.libvirt[key]
}

// drivers are those that auto chooses from, the preferred one first.
func (a *app) drivers(uri string) []vm.Driver {
	return []vm.Driver{a.libvirtAt(uri), local.New(a.home)}
}

// salvagers are the drivers that may have made what is left of a cluster.
func (a *app) salvagers(uri string) []vm.Driver { return append(a.drivers(uri), minikube.New("")) }

// driverAuto leaves the choice to proof.
const driverAuto = "auto"

// driverWords are the words for drivers, in a sentence.
var driverWords = strings.Join([]string{driverAuto, libvirt.Name, local.Name, minikube.Name}, ", ") + " or " + existing.Name

// choose returns the function that gives up its driver.
func (a *app) choose(name, uri string, others ...string) func(context.Context) (vm.Driver, error) {
	return func(ctx context.Context) (vm.Driver, error) {
		if name == driverAuto && uri == "" && len(others) == 0 {
			return cluster.Choose(ctx, a.drivers(uri), a.progress)
		}
		if name == driverAuto { // who names a libvirt wants no other driver
			name = libvirt.Name
		}
		driver, err := a.driver(name, uri, others...)
		if placed, ok := driver.(interface{ Where() string }); ok {
			a.progress.Line("driver %s at %s", name, placed.Where())
		}
		return driver, err
	}
}

// userKubeconfig is the file that contexts are merged into.
func (a *app) userKubeconfig(none bool) string {
	if none {
		return ""
	}
	return kube.UserKubeconfig()
}

// clusterVariable names the cluster that commands mean where none is named.
const clusterVariable = "AXOLOTL_CLUSTER"

func defaultCluster() string { return cmp.Or(os.Getenv(clusterVariable), cluster.DefaultName) }

// nameArgument is the optional [NAME] of most commands.
func nameArgument(args []string) string {
	if len(args) == 0 {
		return defaultCluster()
	}
	return args[0]
}

// completeClusters completes the names of clusters.
func (a *app) completeClusters(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	all, err := completionStore().List()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return namesIn(all), cobra.ShellCompDirectiveNoFileComp
}

// completionStore are the clusters on disk, for completions: those run before
// start does. Without a home there are none.
func completionStore() cluster.Store {
	home, _ := store.FindHome() //nolint:errcheck // see above
	return cluster.Store{Home: home}
}

// namesOf are the clusters that a command is for: the one named, the default
// one, or with --all those that there are.
func (a *app) namesOf(args []string, all bool) ([]string, error) {
	if !all {
		return []string{nameArgument(args)}, nil
	}
	if len(args) > 0 {
		return nil, codedError{errors.New("give a name or --all, not both"), exitUsage}
	}
	list, err := a.clusters().List()
	return namesIn(list), err
}

func namesIn(clusters []*vm.Cluster) []string {
	var names []string
	for _, c := range clusters {
		names = append(names, c.Name)
	}
	return names
}
