package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/cluster"
	"axolotl/vm/existing"
	"axolotl/vm/libvirt"
	"axolotl/vm/local"
	"axolotl/vm/minikube"
)

// upFlags are what a new cluster is made like; 'lab run' has them too.
type upFlags struct {
	driver    string
	connect   string
	provider  string // of minikube
	noContext bool
	cold      bool
	spec      vm.Spec
	outside   outsideFlags
	source    sourceFlags

	asIs bool // no shape was asked for
	file *cluster.File
}

func (f *upFlags) add(cmd *cobra.Command) {
	f.addMachines(cmd)
	f.source.add(cmd)
	flags := cmd.Flags()
	f.outside.add(flags)
	flags.BoolVar(&f.cold, "cold", false, "boot the machines, also where they could be restored from a golden snapshot")
	flags.BoolVar(&f.noContext, "no-context", false, "leave the user's kubeconfig alone")
}

// addMachines adds the flags that say what machines are made.
func (f *upFlags) addMachines(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.driver, "driver", driverAuto, "what makes the machines: auto, libvirt, local (simulated nodes), minikube (where it is installed) or existing (a cluster that is there)")
	flags.StringVar(&f.provider, "minikube-driver", "", "what minikube makes them with: "+strings.Join(minikube.Providers, ", ")+" (default: what it chooses)")
	flags.StringVar(&f.connect, "connect", "", "libvirt: qemu:///system (for root; the default there), qemu:///session (the default of others), or one on another host, by ssh: qemu+ssh://root@HOST/system; else LIBVIRT_DEFAULT_URI, where that can serve")
	flags.StringVar(&f.spec.Accel, "accel", libvirt.AccelAuto, "acceleration of VMs: auto (proved by booting one), kvm or tcg (emulation)")
	flags.IntVar(&f.spec.ControlPlanes, "control-planes", 1, "control planes: 1, 3 or 5, each with a member of etcd")
	flags.IntVar(&f.spec.Workers, "workers", 0, "nodes beside the control plane")
	flags.IntVar(&f.spec.CPUs, "cpus", cluster.DefaultCPUs, "virtual CPUs of each machine")
	f.spec.MemoryMiB = cluster.DefaultMemoryMiB
	flags.Var((*memoryFlag)(&f.spec.MemoryMiB), "memory", "memory of each machine: a number of MiB, or as in files (2Gi)")
	flags.IntVar(&f.spec.DiskGiB, "disk", cluster.DefaultDiskGiB, "size of each machine's disk, in GiB; it grows as it is used")
}

// validate returns all faults of the flags at once.
func (f *upFlags) validate() error {
	var errs []error
	bound := func(flag string, value int, bounds cluster.Bounds) {
		if err := bounds.Check(value); err != nil {
			errs = append(errs, fmt.Errorf("--%s %d: %w", flag, value, err))
		}
	}
	if err := cluster.CheckControlPlanes(f.spec.ControlPlanes); err != nil {
		errs = append(errs, fmt.Errorf("--control-planes %d: %w", f.spec.ControlPlanes, err))
	}
	bound("workers", f.spec.Workers, cluster.Bounds{Low: 0, High: mostWorkers(f.driver)})
	bound("cpus", f.spec.CPUs, cluster.CPUs)
	bound("memory", f.spec.MemoryMiB, cluster.MemoryMiB)
	bound("disk", f.spec.DiskGiB, cluster.DiskGiB)
	switch f.spec.Accel {
	case libvirt.AccelAuto, libvirt.AccelKVM, libvirt.AccelTCG:
	default:
		errs = append(errs, fmt.Errorf("--accel %q: use auto, kvm or tcg", f.spec.Accel))
	}
	switch f.driver {
	case driverAuto, libvirt.Name, local.Name, minikube.Name, existing.Name:
	default:
		errs = append(errs, fmt.Errorf("--driver %q: use %s", f.driver, driverWords))
	}
	if f.connect != "" && f.driver != driverAuto && f.driver != libvirt.Name {
		errs = append(errs, fmt.Errorf("--connect is for --driver %s", libvirt.Name))
	}
	if err := minikube.CheckProvider(f.provider); err != nil {
		errs = append(errs, fmt.Errorf("--minikube-driver: %w", err))
	}
	if f.provider != "" && f.driver != minikube.Name {
		errs = append(errs, fmt.Errorf("--minikube-driver is for --driver %s", minikube.Name))
	}
	if f.file == nil { // which is judged by what it says itself
		errs = append(errs, f.outside.validate(f.driver)...)
	}
	errs = append(errs, f.source.validate(f.driver)...)
	if len(errs) > 0 {
		return codedError{errors.Join(errs...), exitUsage}
	}
	return nil
}

// mostWorkers is how many workers a cluster of a driver can have.
func mostWorkers(driver string) int {
	if driver == local.Name {
		return 5000
	}
	return 200 // the private segment has addresses for some more
}

// options are what the flags ask up for.
func (f *upFlags) options(a *app, name string) cluster.UpOptions {
	options := cluster.UpOptions{
		Name: name, Spec: f.spec, AsIs: f.asIs, Kubeconfig: a.userKubeconfig(f.noContext),
		Cold: f.cold, Choose: a.choose(f.driver, f.connect), Open: a.open,
	}
	options.Spec.Outside = f.outside.outside()
	if f.driver != driverAuto {
		options.Driver = f.driver
	}
	switch f.driver {
	case existing.Name:
		options.Spec = vm.Spec{}
	case minikube.Name:
		options.Provider = f.provider
		options.Choose = func(context.Context) (vm.Driver, error) { return minikube.New(f.provider), nil }
	}
	if f.file != nil {
		options.File, options.Spec = f.file, f.file.Spec()
		options.Choose = a.choose(f.driver, f.connect, f.file.Others()...)
		options.Spec.Accel = f.spec.Accel
	}
	return options
}

// asked are the options, with the cluster of somebody else's that is meant.
func (f *upFlags) asked(a *app, name string) (cluster.UpOptions, error) {
	options := f.options(a, name)
	source, err := f.source.source()
	if source != nil {
		options.Source = source
		options.Choose = func(context.Context) (vm.Driver, error) { return existing.New(*source), nil }
	}
	return options, err
}

// shapeless tells whether no flag says what the machines are to be like.
func shapeless(cmd *cobra.Command) bool {
	return len(changed(cmd, slices.Concat(shapeFlags, outsideFlagNames, []string{"accel"})...)) == 0
}

func newUp(a *app) *cobra.Command {
	var flags upFlags
	var file string
	var format, schema bool
	cmd := &cobra.Command{
		Use:   "up [NAME] [-f FILE]",
		Short: "Make a cluster and wait until it is healthy",
		Long: `Make a cluster and wait until its API server answers, its nodes are Ready and
its DNS answers. A cluster that is there as asked is left as it is; one whose
making was interrupted is completed.

The first time on a host Kubernetes is compiled and the node image made, which takes
half an hour on two cores (with --driver local Kubernetes only). The first cluster of
each shape boots, and is kept as a golden snapshot; later ones are restored from that in
seconds.

With -f the cluster is what a file says: groups of machines with sizes and hosts of their
own, labels, taints, settings of kubelets and of the API server. Run again after
the file was changed, it adds and removes workers and changes labels and taints;
what cannot be changed is refused, with the place in the file, before anything is
done.

With --internet the machines have a way out, and images are pulled from where their
names say, or from a mirror. Without it they reach nothing but each other. Neither can
be changed later.

With --driver existing a cluster that somebody else has made is recorded by its
context, for labs and, where that is allowed by its name, for chaos. Nothing in
it is changed, and 'axolotl down' forgets it.`,
		Example: `  axolotl up
  axolotl up small --driver local --workers 5
  axolotl up online --internet --registry-mirror https://mirror.example.com
  axolotl up -f cluster.yaml
  axolotl up staging --driver existing --context staging-eu`,
		Args:              usageErrors(cobra.MaximumNArgs(1)),
		ValidArgsFunction: a.completeClusters,
		RunE: func(cmd *cobra.Command, args []string) error {
			if format {
				return a.printFormat(cluster.FileFormat())
			}
			if schema {
				return term.FormatJSON.Print(a.out, cluster.FileSchema(), nil)
			}
			name := nameArgument(args)
			if file != "" {
				if err := flags.read(cmd, file); err != nil {
					return err
				}
				if len(args) == 0 {
					name = flags.file.Name
				}
			}
			if err := flags.validate(); err != nil {
				return err
			}
			flags.asIs = shapeless(cmd)
			return runUp(cmd.Context(), a, name, flags)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVarP(&file, "file", "f", "", "file that says what the cluster is; its name is NAME where none is given")
	cmd.Flags().BoolVar(&format, "format", false, "print what such a file may hold: every field and what it means; nothing else is done")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of such files, for editors; nothing else is done")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml")
	return cmd
}

func runUp(ctx context.Context, a *app, name string, flags upFlags) error {
	start := time.Now()
	options, err := flags.asked(a, name)
	if err != nil {
		return err
	}
	handle, err := a.clusters().Up(ctx, options, a.progress)
	if err != nil {
		if ctx.Err() != nil {
			var missing *cluster.NotFoundError
			if _, err := a.clusters().Load(name); errors.As(err, &missing) {
				return fmt.Errorf("interrupted before anything of cluster %q was made; go on with 'axolotl up %s'", name, name)
			}
			return fmt.Errorf("interrupted; go on with 'axolotl up %s' or remove what was made with 'axolotl down %s'", name, name)
		}
		return err
	}
	c := handle.Cluster
	if c.Source != nil {
		a.progress.Line("cluster %s is recorded: %s, API server %s; nothing in it was changed", c.Name, c.Source, handle.Kube.Config.Host)
		a.progress.Line("try: axolotl status %s    (axolotl down %s forgets it)", c.Name, c.Name)
		return nil
	}
	a.progress.Line("cluster %s is up: %d node(s), driver %s, in %s", c.Name, len(c.Machines), c.Driver, term.Seconds(time.Since(start)))
	if flags.noContext {
		a.progress.Line("try: axolotl kubectl %s -- get nodes", c.Name)
	} else {
		a.progress.Line("try: kubectl --context %s get nodes    (or: axolotl kubectl %s -- get nodes)", c.Context(), c.Name)
	}
	return nil
}
