package libvirt

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"axolotl/vm"
)

var _ vm.Consoler = (*Driver)(nil)

// leaveConsole is Ctrl-], as in telnet and virsh.
const leaveConsole = 0x1d

// Console implements vm.Consoler.
func (d *Driver) Console(ctx context.Context, c *vm.Cluster, machine string, in io.Reader, out io.Writer) error {
	m, dom, err := d.owned(ctx, c, machine)
	if err != nil {
		return err
	}
	if dom.State != vm.MachineRunning {
		return fmt.Errorf("machine %s is %s; start it first ('axolotl node start %s %s')", machine, dom.State, c.Name, machine)
	}
	console, err := d.at(m).hypervisor.Console(m.UUID)
	if err != nil {
		return fmt.Errorf("console of %s: %w", machine, err)
	}
	ended := make(chan error, 2)
	go func() {
		_, err := io.Copy(out, console)
		ended <- err
	}()
	go func() { ended <- typeInto(console, in) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = ctx.Err()
	}
	console.Close()
	return err
}

// typeInto writes what is typed into a console until that is Ctrl-], or ends.
func typeInto(console io.Writer, in io.Reader) error {
	keys := make([]byte, 256)
	for {
		n, err := in.Read(keys)
		typed, _, leave := bytes.Cut(keys[:n], []byte{leaveConsole})
		if _, err := console.Write(typed); err != nil {
			return err
		}
		if leave || err == io.EOF { //nolint:errorlint // a reader's own
			return nil
		}
		if err != nil {
			return err
		}
	}
}
