package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// UpOptions are what up is asked for.
type UpOptions struct {
	Name string
	Spec vm.Spec

	// AsIs takes a cluster that is there for what was asked for, whatever its
	// spec is.
	AsIs bool
	// File is what the spec is from, where it was written down: then a cluster
	// that is there is made what it says, as far as that can be.
	File *File

	// Driver is the name of the driver asked for; empty leaves it to Choose.
	Driver string
	// Choose gives the driver for a cluster that is not there yet.
	Choose func(context.Context) (vm.Driver, error)
	// Open gives the driver of one that is.
	Open Opener

	// Cold boots the machines also where they could be restored from a golden
	// snapshot.
	Cold bool

	// Provider is what minikube was asked to make machines with; empty: nothing.
	Provider string

	// Source is the context asked for, of a cluster that somebody else has made.
	Source *vm.Source

	// Kubeconfig is the user's file that the context is merged into; empty
	// merges it nowhere.
	Kubeconfig string
}

// Up makes the cluster, or completes what an interrupted up has left, or finds
// it as asked and changes nothing. It returns when the API server answers, all
// nodes are Ready and, where pods are real, the cluster's DNS answers.
func (s Store) Up(ctx context.Context, options UpOptions, progress *term.Progress) (*vm.Handle, error) {
	if err := ValidateName(options.Name); err != nil {
		return nil, err
	}
	lock, err := s.Lock(options.Name)
	if err != nil {
		return nil, err
	}
	defer s.unlock(options.Name, lock)

	c, err := s.Load(options.Name)
	var driver vm.Driver
	var missing *NotFoundError
	switch {
	case errors.As(err, &missing):
		if driver, err = options.Choose(ctx); err != nil {
			return nil, err
		}
		if err := options.fits(driver); err != nil {
			return nil, err
		}
		if c, err = s.create(ctx, driver, options, progress); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	default:
		if err := AsAsked(c, options); err != nil {
			return nil, err
		}
		if driver, err = options.Open(c); err != nil {
			return nil, err
		}
		if err := options.fits(driver); err != nil {
			return nil, err
		}
		if err := sweep(c); err != nil {
			return nil, err
		}
	}
	handle, err := s.bringUp(ctx, c, driver, options, progress)
	if err != nil || options.File == nil {
		return handle, err
	}
	return handle, s.reshape(ctx, handle, options.File, progress)
}

// fits refuses a driver that cannot give what is asked for.
func (o UpOptions) fits(driver vm.Driver) error {
	if o.File != nil {
		return o.File.Fits(driver)
	}
	if err := fitsOutside(o.Spec, driver); err != nil {
		return fmt.Errorf("%w; leave --internet out, or take --driver libvirt", err)
	}
	return nil
}

// fitsOutside refuses a driver that has no say in what machines reach.
func fitsOutside(spec vm.Spec, driver vm.Driver) error {
	traits := driver.Traits()
	switch {
	case !spec.Internet || traits.Sealed:
		return nil
	case !traits.RealPods:
		return fmt.Errorf("driver %s simulates the nodes: nothing runs there that could go out", driver.Name())
	}
	return fmt.Errorf("driver %s has no say in what its nodes reach", driver.Name())
}

// bringUp makes what of a recorded cluster is missing. The caller holds its
// lock.
func (s Store) bringUp(ctx context.Context, c *vm.Cluster, driver vm.Driver, options UpOptions, progress *term.Progress) (*vm.Handle, error) {
	if err := noteOwner(c); err != nil { // earlier releases wrote none
		return nil, err
	}
	if c.Phase == vm.PhaseRestoring {
		return s.restore(ctx, c, driver, options, progress)
	}
	if c.Phase == vm.PhaseRecreating {
		if err := s.throwAway(ctx, c, driver, progress); err != nil {
			return nil, err
		}
	}
	handle := s.handle(c, driver)
	if driver.Traits().Foreign {
		return handle, Run(ctx, progress, s.adopt(handle))
	}
	actions := append(driver.Up(c), openAPI(handle))
	if grower, ok := driver.(vm.Grower); ok && len(c.Joining) > 0 {
		c.BeginJoining(c.Joining...) // also those that an earlier release has begun
		actions = append(actions, rejoin(handle, grower, c.Joining)...)
	}
	if c.Golden != "" && c.Phase == vm.PhaseCreating {
		actions = slices.Concat([]vm.Action{s.inherit(c)}, actions, serve(handle))
	} else {
		actions = append(actions, s.form(handle)...)
	}
	actions = append(actions, s.finish(handle, options))
	if err := Run(ctx, progress, actions); err != nil {
		return nil, err
	}
	return handle, nil
}

// create checks the host and records the new cluster, before anything of it
// exists.
func (s Store) create(ctx context.Context, driver vm.Driver, options UpOptions, progress *term.Progress) (*vm.Cluster, error) {
	c := &vm.Cluster{
		Name: options.Name, ID: uuid.NewString(), Driver: driver.Name(), Spec: options.Spec,
		Phase: vm.PhaseCreating, Created: time.Now().UTC().Truncate(time.Second),
		Dir: s.Home.Cluster(options.Name),
	}
	err := Run(ctx, progress, []vm.Action{{Name: "Check this host", Run: func(ctx context.Context, _ *term.Step) error {
		return Preflight(ctx, driver)
	}}})
	if err != nil {
		return nil, err
	}
	freezer, cannot := vm.FreezerOf(driver)
	switch _, elsewhere := driver.(vm.Freezer); {
	case options.Cold || !elsewhere:
	case cannot != nil:
		progress.Line("no golden snapshot: %v", cannot)
	default:
		golden, err := s.EnsureGolden(ctx, driver, freezer, &c.Spec, progress)
		if err != nil {
			return nil, fmt.Errorf("%w (--cold boots without one)", err)
		}
		c.Golden = golden.ID
	}
	err = Run(ctx, progress, []vm.Action{{Name: "Record the cluster", Run: func(ctx context.Context, _ *term.Step) error {
		return s.record(ctx, driver, c)
	}}})
	if err != nil {
		return nil, err
	}
	return c, s.claimGolden(ctx, driver, c, progress)
}

// record plans a cluster's machines and writes its record, the first thing of
// them that exists. Machines that come to others are joining those.
func (s Store) record(ctx context.Context, driver vm.Driver, c *vm.Cluster) error {
	// One at a time picks ports, or two would pick the same.
	planning, err := lockWait(ctx, filepath.Join(s.Home.State, "plan.lock"), nil)
	if err != nil {
		return err
	}
	defer planning.Unlock() //nolint:errcheck // the kernel frees it at the latest
	had := len(c.Machines)
	if err := driver.Plan(ctx, c); err != nil {
		return err
	}
	if had > 0 {
		joining := slices.Clone(c.Joining)
		for _, m := range c.Machines[had:] {
			joining = append(joining, m.Name)
		}
		c.BeginJoining(joining...)
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	if err := noteOwner(c); err != nil {
		return err
	}
	return s.Save(c)
}

// lockWait waits for a lock. step, where not nil, says who holds it.
func lockWait(ctx context.Context, path string, step *term.Step) (*store.Lock, error) {
	return store.WaitLock(ctx, path, func(locked *store.LockedError) {
		step.Status("waiting for %q (pid %d)", locked.Holder.Command, locked.Holder.PID)
	})
}

// AsAsked refuses to take another cluster than the one asked for, as Up does.
func AsAsked(c *vm.Cluster, options UpOptions) error {
	if c.Phase == vm.PhaseDeleting {
		return errDeleting(c)
	}
	if options.Driver != "" && options.Driver != c.Driver {
		return fmt.Errorf("cluster %q is there with driver %s; take it down first ('axolotl down %s') or choose another name",
			c.Name, c.Driver, c.Name)
	}
	if options.Provider != "" && options.Provider != c.Provider {
		return fmt.Errorf("cluster %q is there with minikube's driver %q, asked for: %q; take it down first ('axolotl down %s') or choose another name",
			c.Name, cmp.Or(c.Provider, "of its own choice"), options.Provider, c.Name)
	}
	if options.File != nil && c.Source != nil {
		return errForeign(c, "change")
	}
	if c.Source != nil {
		if options.Source != nil && *options.Source != *c.Source {
			return fmt.Errorf("cluster %q is there as %s, asked for: %s; forget it first ('axolotl down %s') or choose another name",
				c.Name, c.Source, options.Source, c.Name)
		}
		return nil // its nodes are somebody else's
	}
	asked, have := options.Spec, c.Spec
	if asked.Accel == "" || asked.Accel == "auto" {
		asked.Accel = have.Accel // it was chosen by proof
	}
	if options.File != nil {
		if asked.Accel != have.Accel {
			return fmt.Errorf("cluster %q is there with acceleration %s, asked for: %s; take it down first ('axolotl down %s')",
				c.Name, have.Accel, asked.Accel, c.Name)
		}
		return options.File.refuse(c)
	}
	if !options.AsIs && !asked.SameMachines(have) {
		return fmt.Errorf("cluster %q is there with %s, asked for: %s; take it down first ('axolotl down %s') or choose another name",
			c.Name, have, asked, c.Name)
	}
	if !options.AsIs && !asked.Outside.Equal(have.Outside) {
		return fmt.Errorf("the machines of cluster %q reach %s, asked for: %s; take it down first ('axolotl down %s') or choose another name",
			c.Name, have.Outside, asked.Outside, c.Name)
	}
	return nil
}

func errDeleting(c *vm.Cluster) error {
	return fmt.Errorf("cluster %q was being taken down; finish that first with 'axolotl down %s'", c.Name, c.Name)
}
