package libvirt

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"axolotl/internal/check"
	"axolotl/internal/store"
	"axolotl/vm"
)

// neighboursFile lies beside a machine's overlay, and holds whom that machine knows:
// the others that it has names and routes of. It began with those of its seed, or of
// its golden snapshot, and was told of others since. One of which this is not known
// is told of all.
const neighboursFile = "neighbours"

// neighbours are the machines beside m, one in each line.
func neighbours(c *vm.Cluster, m *vm.Machine) []string {
	var lines []string
	for _, other := range c.Machines {
		if other.Name != m.Name {
			lines = append(lines, other.Address+" "+other.Name)
		}
	}
	slices.Sort(lines)
	return lines
}

// noteNeighbours notes, in a machine's directory, whom it knows. Nothing is synced: a
// note that is lost, whole or in part, only has the machine be told again.
func noteNeighbours(dir string, known []string) error {
	return os.WriteFile(filepath.Join(dir, neighboursFile), []byte(strings.Join(known, "\n")), 0o600)
}

// noteGoldenNeighbours notes whom a machine knows whose disk will lie over that of the
// golden snapshot.
func (d *Driver) noteGoldenNeighbours(c *vm.Cluster, m *vm.Machine) error {
	var frozen vm.Cluster
	if err := store.ReadJSON(filepath.Join(d.home.Golden(c.Golden), vm.RecordFile), &frozen); err != nil {
		return store.RemoveFile(machineFile(c.Dir, m.Name, neighboursFile)) // it is told of all
	}
	return noteNeighbours(machineFile(c.Dir, m.Name, ""), neighbours(&frozen, m))
}

// knowsAll tells whether a machine was told of all others that there are now. Those
// that have gone do no harm.
func knowsAll(c *vm.Cluster, m *vm.Machine) (bool, error) {
	note, err := os.ReadFile(machineFile(c.Dir, m.Name, neighboursFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	known := strings.Split(string(note), "\n")
	return !slices.ContainsFunc(neighbours(c, m), func(line string) bool { return !slices.Contains(known, line) }), err
}

// catchUp tells a machine that was off, paused or frozen of those that came
// meanwhile. It costs nothing where none did.
func (d *Driver) catchUp(ctx context.Context, c *vm.Cluster, m *vm.Machine) error {
	if known, err := knowsAll(c, m); err != nil || known {
		return err
	}
	return d.acquaint(ctx, c, m)
}

// acquaint tells a machine the names and routes of the others. One that does not run
// cannot be told, and is when it does.
func (d *Driver) acquaint(ctx context.Context, c *vm.Cluster, m *vm.Machine) error {
	dom, err := d.at(m).domain(ctx, m.UUID)
	if err != nil || dom.State != vm.MachineRunning {
		return goneIsSuccess(err)
	}
	if err := d.awaitAgent(ctx, c, m); err != nil {
		return err
	}
	if err := d.WriteFile(ctx, c, m.Name, "/etc/hosts", []byte(hosts(c, m))); err != nil {
		return err
	}
	if err := d.WriteFile(ctx, c, m.Name, "/etc/axolotl/node.env", []byte(environment(c, m))); err != nil {
		return err
	}
	if _, err := d.Exec(ctx, c, m.Name, "/bin/systemctl", "restart", "axolotl-network.service"); err != nil {
		return err
	}
	return noteNeighbours(machineFile(c.Dir, m.Name, ""), neighbours(c, m))
}

// awaitAgent waits for the agent of a machine that may be booting.
func (d *Driver) awaitAgent(ctx context.Context, c *vm.Cluster, m *vm.Machine) error {
	answers := check.Func("the guest agent of "+m.Name+" answers", func(ctx context.Context) error {
		err := d.at(m).agent(ctx, m.UUID, "guest-ping", nil, nil)
		if err != nil && !passes(err) {
			return check.Permanent(err) // it is off or gone, and no waiting starts it
		}
		return err
	})
	ctx, cancel := context.WithTimeout(ctx, c.Spec.Deadline())
	defer cancel()
	return check.Wait(ctx, answers, time.Second, nil)
}
