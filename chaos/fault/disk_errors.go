package fault

import (
	"context"
	"errors"
	"fmt"

	"axolotl/vm"
)

func newDiskErrors() Fault {
	breaker := func(h *vm.Handle) (vm.DiskBreaker, error) { return ability[vm.DiskBreaker](h, "given a broken disk") }
	power := func(h *vm.Handle) (vm.Powerer, error) { return ability[vm.Powerer](h, "switched off and on") }
	return &hosted{
		name: "disk-errors",
		doc: Doc{
			Does:   "has every read and write of the nodes' disks fail with an input/output error: what is in memory goes on, nothing can be written",
			Needs:  "machines whose disks can be made to fail (libvirt)",
			Proved: "the driver says that the disk fails, and that reads or writes of the machine have",
			Undone: "the machine is switched off and on, with a sound disk; the node is Ready in the boot that the machine itself is in, and its disk can be written",
		},
		effect: Effect{On: OnNodes, Takes: TakesMachines},
		able: func(_ context.Context, h *vm.Handle) error {
			_, err := breaker(h)
			if err == nil {
				_, err = power(h)
			}
			return err
		},
		note: func(ctx context.Context, h *vm.Handle, o Object) error {
			driver, err := breaker(h)
			if err != nil {
				return err
			}
			if broken, _, err := driver.DiskErrors(ctx, h.Cluster, o.Name); err != nil {
				return err
			} else if broken {
				return errors.New("its disk fails already; 'axolotl chaos undo' mends what a run has left")
			}
			// Else nothing would prove that it is again. Who plans writes nothing.
			if _, err := shell(ctx, h, o.Name, "[ -w /var/lib ]\n"); err != nil {
				return fmt.Errorf("%s: %w", unwritable(o), err)
			}
			return nil
		},
		inject: func(ctx context.Context, h *vm.Handle, o Object) error {
			return h.Driver.(vm.DiskBreaker).BreakDisk(ctx, h.Cluster, o.Name)
		},
		injected: func(ctx context.Context, h *vm.Handle, o Object) (string, error) {
			driver, err := breaker(h)
			if err != nil {
				return "", err
			}
			broken, failed, err := driver.DiskErrors(ctx, h.Cluster, o.Name)
			if err != nil {
				return "", err
			}
			if !broken {
				return "", fmt.Errorf("the disk of machine %s does not fail", o.Name)
			}
			if failed == 0 { // then it is asked for something that it cannot remember
				_, asked := shell(ctx, h, o.Name, "dd if=/dev/vda of=/dev/null bs=4096 count=1 iflag=direct\n")
				return "", errors.Join(fmt.Errorf("the disk of machine %s fails, and nobody has used it yet", o.Name), asked)
			}
			return fmt.Sprintf("the disk of machine %s fails: %d reads and writes have failed", o.Name, failed), nil
		},
		// What the machine has in memory is not what is on its disk any more, and its
		// file system is not written again before a boot. With the power goes what
		// makes the disk fail. An undo that came half-way has left it off.
		undo: func(ctx context.Context, h *vm.Handle, o Object) error {
			driver, err := breaker(h)
			if err != nil {
				return err
			}
			plug, err := power(h)
			if err != nil {
				return err
			}
			broken, _, err := driver.DiskErrors(ctx, h.Cluster, o.Name)
			if err != nil && !errors.Is(err, vm.ErrMachineOff) {
				return err
			}
			if broken {
				if err := plug.PowerOff(ctx, h.Cluster, o.Name); err != nil {
					return err
				}
			}
			return plug.PowerOn(ctx, h.Cluster, o.Name)
		},
		undone: func(ctx context.Context, h *vm.Handle, o Object) (string, error) {
			driver, err := breaker(h)
			if err != nil {
				return "", err
			}
			if broken, _, err := driver.DiskErrors(ctx, h.Cluster, o.Name); err != nil {
				return "", err
			} else if broken {
				return "", fmt.Errorf("the disk of machine %s still fails", o.Name)
			}
			seen, err := runningInOwnBoot(ctx, h, []Object{o})
			if err != nil {
				return "", err
			}
			wrote, err := writable(ctx, h, o)
			return seen + "; " + wrote, err
		},
	}
}

// writable proves that a machine's disk takes a file, and keeps it.
func writable(ctx context.Context, h *vm.Handle, o Object) (string, error) {
	const file = "/var/lib/axolotl-chaos.written"
	if _, err := shell(ctx, h, o.Name, "echo 1 >"+file+"\nsync "+file+"\nrm "+file+"\n"); err != nil {
		return "", fmt.Errorf("%s: %w", unwritable(o), err)
	}
	return fmt.Sprintf("the disk of machine %s can be written", o.Name), nil
}

func unwritable(o Object) string { return "nothing can be written on machine " + o.Name }
