package cluster

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
)

// Golden is the record of a golden snapshot: the frozen machines of a formed,
// healthy, idle cluster, its credentials and its own record. Clusters are
// restored from it and lie over it; it is never written again.
type Golden struct {
	ID      string              `json:"id"` // of its shape, see generation
	Created time.Time           `json:"created"`
	Spec    vm.Spec             `json:"spec"`
	Image   string              `json:"image"`
	Form    vm.Form             `json:"form,omitempty"` // of the memory; those of before have none, and are mapped
	Build   string              `json:"build"`          // of the program that froze the machines
	Files   map[string]fileMark `json:"files"`          // by path below Dir

	// Hardware is vm.Freezer's, of the program that froze the machines.
	Hardware string `json:"hardware,omitempty"`

	Sum string `json:"sum"` // over all of the record but itself

	Dir string `json:"-"`
}

// goldenFile is the record's name. A directory without it is none.
const goldenFile = "golden.json"

// damageFile holds what was found where all was read, in a golden snapshot that
// must not be used any more.
const damageFile = "damaged"

// write writes the record into its directory.
func (g *Golden) write() (err error) {
	if g.Sum, err = g.sum(); err != nil {
		return err
	}
	return store.WriteJSON(filepath.Join(g.Dir, goldenFile), g)
}

func (g *Golden) sum() (string, error) {
	bare := *g
	bare.Sum = ""
	data, err := json.Marshal(bare)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), err
}

// goldenAge is how long a golden snapshot is used. Its certificates and the
// tokens of its pods are made for a year.
const goldenAge = 90 * 24 * time.Hour

// openGolden reads a golden snapshot and sees whether it can be used. The
// error wraps fs.ErrNotExist where there is none.
func (s Store) openGolden(id string, now time.Time) (*Golden, error) {
	return s.readGolden(id, now, false)
}

// readGolden is openGolden; with all, it reads also the large files.
func (s Store) readGolden(id string, now time.Time, all bool) (*Golden, error) {
	g := &Golden{Dir: s.Home.Golden(id)}
	if note, err := os.ReadFile(filepath.Join(g.Dir, damageFile)); err == nil {
		return nil, errors.New(string(note))
	}
	if err := store.ReadJSON(filepath.Join(g.Dir, goldenFile), g); err != nil {
		return nil, err
	}
	if sum, err := g.sum(); err != nil || g.Sum != "" && sum != g.Sum { // those of before have none
		return nil, errors.Join(err, fmt.Errorf("it is damaged: %s does not hold any more what was sealed", goldenFile))
	}
	if age := now.Sub(g.Created); age > goldenAge || age < 0 {
		return nil, fmt.Errorf("it is of %s; its credentials may have run out", g.Created.Format(time.DateOnly))
	}
	if err := checkSeal(g.Dir, g.Files, all); err != nil {
		return nil, err
	}
	g.Form = cmp.Or(g.Form, vm.Mapped)
	return g, nil
}

// EnsureGolden returns the golden snapshot for a spec, and makes it where it is
// missing, stale or damaged: one cold boot. Clusters that lie over such a one keep
// it. It completes the spec. One process at a time makes it, others wait. The end
// of ctx, or of the process, leaves nothing that counts; the next call removes what
// there is.
func (s Store) EnsureGolden(ctx context.Context, driver vm.Driver, freezer vm.Freezer, spec *vm.Spec, progress *term.Progress) (*Golden, error) {
	var shape, why string
	var form vm.Form
	var golden *Golden
	var lock *store.Lock
	err := progress.Do("Look for a golden snapshot", func(step *term.Step) (err error) {
		if form, why, err = freezer.Form(ctx, spec, step); err != nil {
			return err
		}
		if shape, err = freezer.Shape(ctx, spec, form, step); err != nil {
			return err
		}
		if golden, err = s.usableGolden(shape, time.Now()); err == nil {
			return nil
		}
		lock, err = lockWait(ctx, s.goldenLock(shape), step)
		return err
	})
	if err == nil && form == vm.Saved {
		progress.Line("the memory of machines is restored by a plain save and restore, which is slower than mapping it: %s", why)
	}
	if golden != nil || err != nil {
		return golden, err
	}
	defer lock.Unlock() //nolint:errcheck // the kernel frees it at the latest

	golden, err = s.usableGolden(shape, time.Now())
	if err == nil {
		return golden, nil // whoever had the lock has made it
	}
	id, users, freeErr := s.freeGeneration(shape)
	if freeErr != nil {
		return nil, freeErr
	}
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case missing && len(users) == 0:
		progress.Line("the first cluster of this shape boots once, and is kept as golden snapshot %s; later ones are restored from it", id)
	case missing:
		progress.Line("golden snapshot %s is made anew as %s, for it is gone, and %v lie over it", shape, id, users)
	case len(users) == 0:
		progress.Line("golden snapshot %s is made anew: %v", id, err)
	default:
		progress.Line("golden snapshot %s is made anew as %s, for %v lie over it: %v", shape, id, users, err)
	}
	if err := s.buildGolden(ctx, driver, freezer, id, form, spec.Bare(), progress); err != nil {
		return nil, fmt.Errorf("golden snapshot: %w", err)
	}
	if err := s.boundGoldens(id); err != nil {
		return nil, err
	}
	return s.openGolden(id, time.Now())
}

// claimGolden has a cluster's golden snapshot back where it was removed before the
// cluster's record, which is saved by now, said that it is used.
func (s Store) claimGolden(ctx context.Context, driver vm.Driver, c *vm.Cluster, progress *term.Progress) error {
	for c.Golden != "" {
		lock, err := lockWait(ctx, s.goldenLock(c.Golden), nil) // of whoever is removing it
		if err != nil {
			return err
		}
		_, err = s.openGolden(c.Golden, time.Now())
		if err = errors.Join(err, lock.Unlock()); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		freezer, err := vm.FreezerOf(driver)
		if err != nil {
			return err
		}
		golden, err := s.EnsureGolden(ctx, driver, freezer, &c.Spec, progress)
		if err != nil {
			return err
		}
		c.Golden, c.Image = golden.ID, golden.Image
		if err := s.Save(c); err != nil { // and look whether that one has stayed
			return err
		}
	}
	return nil
}

// goldensKept is how many golden snapshots that no cluster lies over are kept,
// a gigabyte for each machine.
const goldensKept = 4

// boundGoldens removes those that can be used no more and the oldest of the others,
// but for the one just made. One that a cluster lies over stays.
func (s Store) boundGoldens(made string) error {
	unused := 0
	_, err := s.removeGoldens(func(e GoldenEntry) bool {
		if e.Damage != "" {
			return true
		}
		unused++
		return e.ID != made && unused > goldensKept
	})
	return err
}

// buildGolden boots a cluster of its own and freezes it. The caller holds the
// snapshot's lock.
func (s Store) buildGolden(ctx context.Context, driver vm.Driver, freezer vm.Freezer, id string, form vm.Form, spec vm.Spec, progress *term.Progress) error {
	shape := shapeOf(id)
	salvage := DownOptions{Open: func(*vm.Cluster) (vm.Driver, error) { return driver, nil }, Salvage: []vm.Driver{driver}}
	if err := s.discardBuilding(ctx, salvage, shape, progress); err != nil {
		return err
	}
	clusterID := uuid.NewString()
	c := &vm.Cluster{
		Name: "golden-" + shape, ID: clusterID, Driver: driver.Name(), Spec: spec,
		Phase: vm.PhaseCreating, Created: time.Now().UTC().Truncate(time.Second),
		Dir: s.Home.Golden(shape) + buildingSuffix,
	}
	if form == vm.Mapped {
		// Everybody may write beside it: nobody else can know the name before.
		c.SharedMemory = filepath.Join(memoryDir(spec), "axolotl-golden-"+clusterID)
	}
	if err := s.record(ctx, driver, c); err != nil {
		return err
	}
	handle := &vm.Handle{Cluster: c, Driver: driver}
	actions := append(driver.Up(c), openAPI(handle))
	actions = append(actions, s.form(handle)...)
	actions = append(actions,
		vm.Action{Name: "Wait until the cluster is idle", Run: func(ctx context.Context, step *term.Step) error {
			return wait(ctx, handle, idle(handle), step)
		}},
	)
	if c.Spec.Nodes() > c.Spec.ControlPlanes {
		actions = append(actions, alignLeases(handle), vm.Action{Name: "Wait until the leases are about to be renewed", Run: func(ctx context.Context, step *term.Step) error {
			return wait(ctx, handle, leasesDue(handle), step)
		}})
	}
	actions = append(actions,
		vm.Action{Name: "Freeze the machines", Run: func(ctx context.Context, _ *term.Step) error {
			return freezer.Freeze(ctx, c)
		}},
		vm.Action{Name: "Seal the golden snapshot", Run: func(context.Context, *term.Step) error {
			build, err := freezer.Build()
			if err != nil {
				return err
			}
			return sealGolden(c, Golden{ID: id, Form: form, Build: build, Hardware: freezer.Hardware()}, s.Home.Golden(id))
		}},
	)
	err := Run(ctx, progress, actions)
	if err != nil {
		if ends := ConsoleEnds(c); ends != "" && ctx.Err() == nil {
			err = fmt.Errorf("%w; %s", err, ends)
		}
		// Also where ctx has ended: nothing half-made is of use to anybody.
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		err = errors.Join(err, s.discardBuilding(clean, salvage, shape, progress))
	}
	return err
}

const buildingSuffix = ".building"

// discardBuilding removes what a build of a shape has left that was stopped.
func (s Store) discardBuilding(ctx context.Context, options DownOptions, shape string, progress *term.Progress) error {
	c := vm.Cluster{}
	dir := s.Home.Golden(shape) + buildingSuffix
	switch err := store.ReadJSON(filepath.Join(dir, vm.RecordFile), &c); {
	case errors.Is(err, fs.ErrNotExist):
		return os.RemoveAll(dir)
	case err != nil:
		progress.Line("the record of a golden snapshot that was being made cannot be read (%v); what is left of it is removed", err)
		options.Named = true // such machines are at the libvirt that is asked, or were
		if _, err := s.downUnread(ctx, &vm.Cluster{Name: "golden-" + shape, Dir: dir}, options, progress); err != nil {
			return err
		}
		return os.RemoveAll(dir)
	}
	c.Dir = dir
	driver, err := options.Open(&c)
	if err != nil {
		return err
	}
	if err := Run(ctx, progress, driver.Down(&c)); err != nil {
		return err
	}
	if c.SharedMemory != "" {
		if err := os.RemoveAll(c.SharedMemory); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}

// sealGolden completes the record of what was frozen, and gives it its name.
func sealGolden(c *vm.Cluster, g Golden, dir string) (err error) {
	if g.Files, err = markFiles(c.Dir, true); err != nil {
		return err
	}
	g.Created, g.Spec, g.Image, g.Dir = time.Now().UTC(), c.Spec, c.Image, c.Dir
	if err := g.write(); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(c.SharedMemory), os.RemoveAll(dir)); err != nil {
		return err
	}
	if err := os.Rename(c.Dir, dir); err != nil {
		return err
	}
	return store.Sync(filepath.Dir(dir))
}

// restorable returns a cluster's golden snapshot where machines can be restored
// from it here: it is whole, and of the form that serves on this host.
func (s Store) restorable(ctx context.Context, c *vm.Cluster, freezer vm.Freezer) (*Golden, error) {
	g, err := s.openGolden(c.Golden, time.Now())
	if err != nil {
		return nil, err
	}
	form, why, err := freezer.Form(ctx, &c.Spec, nil)
	if err == nil && g.Hardware != freezer.Hardware() {
		err = fmt.Errorf("golden snapshot %s is of machines with other hardware than this build of axolotl makes", g.ID)
	}
	if err == nil && form != g.Form {
		err = fmt.Errorf("golden snapshot %s is kept as %q, and here %q serves: %s", g.ID, g.Form, form, why)
	}
	if err == nil {
		if err = freezer.Fits(c, g.Dir); err != nil {
			err = fmt.Errorf("golden snapshot %s: %w", g.ID, err)
		}
	}
	return g, err
}

// goldenUsers are the clusters whose disks, or those of a snapshot of theirs,
// lie over a golden snapshot, in all state directories that share the cache.
func (s Store) goldenUsers(id string) ([]string, error) {
	homes, err := s.Home.Sharing()
	if err != nil {
		return nil, err
	}
	var users []string
	for _, home := range homes {
		there := Store{Home: home}
		for _, name := range there.names() {
			c, err := there.Load(name)
			if err != nil {
				continue
			}
			lies := func(shot Snapshot) bool { return shot.Cluster.Golden == id }
			if c.Golden != id && !slices.ContainsFunc(there.snapshotsOf(c), lies) {
				continue
			}
			if home.State != s.Home.State {
				name += " in " + home.State
			}
			users = append(users, name)
		}
	}
	return users, nil
}

// memoryDir is where the memory of machines that will be frozen lies: in the
// host's memory where that has room, for on a disk each of the guest's writes
// is written back. The sizes are the most that it may take.
func memoryDir(spec vm.Spec) string {
	const inMemory = "/dev/shm"
	free, err := store.FreeBytes(inMemory)
	if needed := uint64(spec.AllMemoryMiB()) << 20; err == nil && free > needed+needed/4 {
		return inMemory
	}
	return os.TempDir()
}
