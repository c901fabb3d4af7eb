package libvirt

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"libvirt.org/go/libvirt"

	"axolotl/vm"
)

// connection is a hypervisor behind a libvirt URI. It connects when first
// asked and again after libvirtd was restarted.
type connection struct {
	uri    string
	dialer dialer

	// Tests put something else in their place.
	connect  func() (*libvirt.Connect, error)
	alive    func(*libvirt.Connect) bool
	patience time.Duration

	mu       sync.Mutex
	conn     *libvirt.Connect
	wasThere bool // when it was last connected to
}

func newConnection(uri string) *connection {
	c := &connection{uri: uri, alive: isAlive, patience: restartTime}
	c.connect = c.connectOnce
	return c
}

var _ hypervisor = (*connection)(nil)

// Another host that has gone says nothing: it is asked every few seconds, and
// not waited for when it has not answered so often.
const (
	keepAliveSeconds = 5
	keepAliveCount   = 4
)

// connectOnce makes one more connection.
func (c *connection) connectOnce() (*libvirt.Connect, error) {
	startEvents()
	conn, err := c.dialer.dial(c.uri, answerTime)
	if err == nil && isRemote(c.uri) {
		err = conn.SetKeepAlive(keepAliveSeconds, keepAliveCount)
	}
	if err != nil {
		return nil, fmt.Errorf("connect to libvirt at %q: %w", c.uri, c.explain(err))
	}
	return conn, nil
}

// startEvents runs libvirt's event loop for the rest of the process. It must be
// registered before the first connection. Where libvirt is not installed it
// fails, and so will the connection, which says so better.
var startEvents = sync.OnceFunc(func() {
	if err := libvirt.EventRegisterDefaultImpl(); err != nil {
		return
	}
	go func() {
		for libvirt.EventRunDefaultImpl() == nil {
		}
	}()
})

// Close ends the connection; domains go on.
func (c *connection) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		return nil
	}
	_, err := c.conn.Close()
	c.conn = nil
	return err
}

func (c *connection) Define(xml string) error {
	return c.again(func(conn *libvirt.Connect) error {
		dom, err := conn.DomainDefineXML(xml)
		// libvirt has no code of its own for this.
		if hasCode(err, libvirt.ERR_OPERATION_FAILED) && strings.Contains(err.Error(), "already exists with uuid") {
			return fmt.Errorf("%w: %w", errNameTaken, err)
		}
		if err != nil {
			return err
		}
		return dom.Free()
	})
}

func (c *connection) Start(uuid string) error {
	return c.againWith(uuid, func(dom *libvirt.Domain) error {
		err := dom.Create()
		if err != nil {
			if active, _ := dom.IsActive(); active {
				return nil
			}
		}
		return c.startError(err)
	})
}

func (c *connection) StartPaused(xml string) error {
	return c.do(func(conn *libvirt.Connect) error {
		dom, err := conn.DomainCreateXML(xml, libvirt.DOMAIN_START_PAUSED)
		if err != nil {
			return c.startError(err)
		}
		return dom.Free()
	})
}

func (c *connection) Pause(uuid string) error {
	return c.againWith(uuid, func(dom *libvirt.Domain) error { return dom.Suspend() })
}

func (c *connection) Resume(uuid string) error {
	return c.againWith(uuid, func(dom *libvirt.Domain) error {
		err := dom.Resume()
		if err != nil {
			if state, _, _ := dom.GetState(); state == libvirt.DOMAIN_RUNNING {
				return nil
			}
		}
		return err
	})
}

func (c *connection) Reset(uuid string) error {
	return c.with(uuid, func(dom *libvirt.Domain) error { return dom.Reset(0) })
}

func (c *connection) Monitor(uuid, command string, files ...*os.File) (string, error) {
	var answer string
	err := c.with(uuid, func(dom *libvirt.Domain) (err error) {
		if len(files) == 0 {
			answer, err = dom.QemuMonitorCommand(command, libvirt.DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT)
			return err
		}
		passed := make([]os.File, len(files))
		for i, file := range files {
			passed[i] = *file
		}
		answer, _, err = dom.QemuMonitorCommandWithFiles(command, passed, libvirt.DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT)
		return err
	})
	return answer, err
}

// Owner reads it from the host's capabilities, where libvirt says by which
// labels it confines QEMU: "+64055:+64055".
func (c *connection) Owner() (uid, gid int, err error) {
	var text string
	err = c.again(func(conn *libvirt.Connect) (err error) {
		text, err = conn.GetCapabilities()
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	return ownerOf(text)
}

func (c *connection) Destroy(uuid string) error {
	err := c.againWith(uuid, func(dom *libvirt.Domain) error {
		err := dom.Destroy()
		if hasCode(err, libvirt.ERR_OPERATION_INVALID) {
			return nil // it is off
		}
		return err
	})
	return goneIsSuccess(err)
}

func (c *connection) Undefine(uuid string) error {
	err := c.againWith(uuid, func(dom *libvirt.Domain) error {
		return dom.UndefineFlags(libvirt.DOMAIN_UNDEFINE_MANAGED_SAVE |
			libvirt.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA | libvirt.DOMAIN_UNDEFINE_NVRAM)
	})
	return goneIsSuccess(err)
}

func (c *connection) Domain(uuid string) (domain, error) {
	var found domain
	err := c.againWith(uuid, func(dom *libvirt.Domain) (err error) {
		found, err = describe(dom)
		return err
	})
	return found, err
}

func (c *connection) Domains() ([]domain, error) {
	var found []domain
	err := c.again(func(conn *libvirt.Connect) error {
		found = nil
		all, err := conn.ListAllDomains(0)
		if err != nil {
			return err
		}
		defer func() {
			for i := range all {
				all[i].Free() //nolint:errcheck // only a reference
			}
		}()
		for i := range all {
			d, err := describe(&all[i])
			if hasCode(err, libvirt.ERR_NO_DOMAIN) {
				continue // it went away while we looked
			}
			if err != nil {
				return err
			}
			if d.Owner.ClusterID != "" {
				found = append(found, d)
			}
		}
		return nil
	})
	return found, err
}

func (c *connection) Agent(uuid, command string, timeout time.Duration) (string, error) {
	var answer string
	err := c.with(uuid, func(dom *libvirt.Domain) (err error) {
		seconds := max(1, int(timeout/time.Second))
		answer, err = dom.QemuAgentCommand(command, libvirt.DomainQemuAgentCommandTimeout(seconds), 0)
		if hasCode(err, libvirt.ERR_AGENT_UNRESPONSIVE) || hasCode(err, libvirt.ERR_AGENT_COMMAND_TIMEOUT) {
			return fmt.Errorf("%w: %w", errAgentSilent, err)
		}
		return err
	})
	return answer, err
}

func (c *connection) Version() (string, error) {
	var lib, emulator uint32
	err := c.again(func(conn *libvirt.Connect) (err error) {
		if lib, err = conn.GetLibVersion(); err != nil {
			return err
		}
		emulator, err = conn.GetVersion()
		return err
	})
	return fmt.Sprintf("libvirt %s, QEMU %s", dotted(lib), dotted(emulator)), err
}

func (c *connection) BootsAndPowersOff(ctx context.Context, xml string, before func(uuid string) error) (byItself bool, err error) {
	err = c.do(func(conn *libvirt.Connect) (err error) {
		byItself, err = bootsAndPowersOff(ctx, conn, xml, before)
		return err
	})
	return byItself, err
}

func bootsAndPowersOff(ctx context.Context, conn *libvirt.Connect, xml string, before func(uuid string) error) (bool, error) {
	dom, err := conn.DomainCreateXML(xml, libvirt.DOMAIN_START_PAUSED|libvirt.DOMAIN_START_AUTODESTROY)
	if err != nil {
		return false, err
	}
	defer dom.Free()    //nolint:errcheck // only a reference
	defer dom.Destroy() //nolint:errcheck // gone is what we want
	stopped := make(chan bool, 1)
	id, err := conn.DomainEventLifecycleRegister(dom, func(_ *libvirt.Connect, _ *libvirt.Domain, event *libvirt.DomainEventLifecycle) {
		if event.Event == libvirt.DOMAIN_EVENT_STOPPED {
			select {
			case stopped <- event.Detail == int(libvirt.DOMAIN_EVENT_STOPPED_SHUTDOWN):
			default: // only the first counts
			}
		}
	})
	if err != nil {
		return false, err
	}
	defer conn.DomainEventDeregister(id) //nolint:errcheck // the connection ends with the process
	if before != nil {
		uuid, err := dom.GetUUIDString()
		if err != nil {
			return false, err
		}
		if err := before(uuid); err != nil {
			return false, err
		}
	}
	if err := dom.Resume(); err != nil {
		return false, err
	}
	select {
	case byItself := <-stopped:
		return byItself, nil
	case <-ctx.Done():
		return false, silentEnd(ctx.Err(), dom)
	}
}

// silentEnd is the error of a guest of which nothing was heard for so long as err
// says. One that is gone has ended unheard: it proves nothing that it was silent.
func silentEnd(err error, dom interface{ IsActive() (bool, error) }) error {
	if active, activeErr := dom.IsActive(); activeErr != nil || !active {
		return fmt.Errorf("%w: the guest has gone, and its end was not told: %w", errLost, cmp.Or(activeErr, err))
	}
	return err
}

func describe(dom *libvirt.Domain) (domain, error) {
	var d domain
	var err error
	if d.UUID, err = dom.GetUUIDString(); err != nil {
		return d, err
	}
	if d.Name, err = dom.GetName(); err != nil {
		return d, err
	}
	state, reason, err := dom.GetState()
	if err != nil {
		return d, err
	}
	d.State, d.Reason = machineState(state, reason)
	text, err := dom.GetMetadata(libvirt.DOMAIN_METADATA_ELEMENT, metadataNamespace, libvirt.DOMAIN_AFFECT_CURRENT)
	if hasCode(err, libvirt.ERR_NO_DOMAIN_METADATA) {
		return d, nil // a foreign domain
	}
	if err != nil {
		return d, err
	}
	if err := xml.Unmarshal([]byte(text), &d.Owner); err != nil {
		return d, fmt.Errorf("metadata of domain %q: %w", d.Name, err)
	}
	return d, nil
}

// fullDisk is why QEMU has paused a machine by itself: of all errors of a disk it does
// so only at that one.
const fullDisk = "no space left on its host; once some is free, 'axolotl node start' has it go on"

func machineState(state libvirt.DomainState, reason int) (vm.MachineState, string) {
	switch state {
	case libvirt.DOMAIN_RUNNING, libvirt.DOMAIN_BLOCKED, libvirt.DOMAIN_SHUTDOWN:
		return vm.MachineRunning, ""
	case libvirt.DOMAIN_PAUSED, libvirt.DOMAIN_PMSUSPENDED:
		if libvirt.DomainPausedReason(reason) == libvirt.DOMAIN_PAUSED_IOERROR {
			return vm.MachinePaused, fullDisk
		}
		return vm.MachinePaused, "paused"
	case libvirt.DOMAIN_CRASHED:
		return vm.MachineCrashed, "the guest panicked"
	case libvirt.DOMAIN_SHUTOFF:
		if libvirt.DomainShutoffReason(reason) == libvirt.DOMAIN_SHUTOFF_CRASHED {
			return vm.MachineCrashed, "QEMU ended by itself"
		}
		return vm.MachineStopped, ""
	}
	return vm.MachineStopped, fmt.Sprintf("libvirt state %d", state)
}

func hasCode(err error, code libvirt.ErrorNumber) bool {
	var e libvirt.Error
	return errors.As(err, &e) && e.Code == code
}

func goneIsSuccess(err error) error {
	if errors.Is(err, errNoDomain) {
		return nil
	}
	return err
}

// explain adds what to do to the errors that a first run meets.
func (c *connection) explain(err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "dlopen") || strings.Contains(text, "Failed to open libvirt"):
		return fmt.Errorf("%w; install libvirt (Debian: apt-get install libvirt-daemon-system libvirt-clients)", err)
	case errors.Is(err, errSilent):
		return fmt.Errorf("%w; see that 'virsh -c %s version' answers", err, c.uri)
	case isRemote(c.uri):
		return fmt.Errorf("%w; install libvirt there (Debian: apt-get install libvirt-daemon-system) and see that 'virsh -c %s version' answers", err, c.uri)
	case isSession(c.uri) && strings.Contains(text, "runtime directory"):
		return fmt.Errorf("%w; XDG_RUNTIME_DIR is another user's, as after 'su': log in anew ('su -'), or unset it", err)
	case strings.Contains(text, "Permission denied"), strings.Contains(text, "authentication"):
		return fmt.Errorf("%w; use --connect qemu:///session", err)
	case isSession(c.uri):
		return fmt.Errorf("%w; libvirt starts a daemon of your own where libvirtd is installed (Debian: apt-get install libvirt-daemon-system) and LIBVIRT_AUTOSTART is not 0", err)
	case strings.Contains(text, "No such file or directory"), strings.Contains(text, "Connection refused"):
		return fmt.Errorf("%w; start it with 'systemctl start libvirtd', or without systemd 'virtlogd -d; libvirtd -d'", err)
	}
	return err
}

func dotted(v uint32) string { return fmt.Sprintf("%d.%d.%d", v/1_000_000, v/1_000%1_000, v%1_000) }
