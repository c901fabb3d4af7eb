package libvirt

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"libvirt.org/go/libvirtxml"

	"axolotl/vm"
)

// fake is a hypervisor in memory. It keeps libvirt's rules: which call is an
// error in which state, names and UUIDs that are taken, transient domains,
// machines that start only where their files are there and their ports free.
type fake struct {
	mu      sync.Mutex
	domains map[string]*fakeDomain // by UUID
	calls   []string               // since arm
	at      int                    // the call that goes wrong; 0: none
	how     accident
	dead    bool

	// migration is how a machine's state moves: what query-migrate says, one
	// after another. Empty: "active", then "completed".
	migration []string
	// silence is how many commands an agent leaves without an answer, after
	// each start of its machine.
	silence int
	// answer is what agents do with a command beside setting the clock.
	answer func(uuid, command string, arguments map[string]any) (any, error)
	// boots are what becomes of probe guests, by the domain's type.
	boots map[string]func(context.Context) (bool, error)
	// thawed is what becomes of a small guest that goes on in a memory file;
	// nil: what should.
	thawed func(memory string) (bool, error)
	// refused is the beginning of the calls that are refused, each time.
	refused string
	uid     int
	// noQuota: the host has no control groups.
	noQuota bool

	watching []chan string // who is told what happens
}

// fakeDomain is one domain of a fake.
type fakeDomain struct {
	name, uuid string
	owner      metadata
	record     string // XML of the definition; empty: transient
	running    string // XML that it was started by; empty: off
	state      vm.MachineState

	reason   string    // why it is paused, where QEMU has done that
	incoming bool      // waits for its state before it can run
	heard    int       // commands that the agent has been sent since the start
	clock    time.Time // as it was set since the start
	getfd    *os.File
	attached attached
	asked    int // query-migrate since the migration began
	hardware hardware
}

// attached is a disk that a domain was given while it ran.
type attached struct{ serial, file string }

// accident is how a call goes wrong.
type accident string

const (
	// fails: libvirt refuses, nothing has changed, later calls work.
	fails accident = "fails"
	// dies: the call does what it does, and this process is killed before it
	// hears of it.
	dies accident = "dies"
)

var (
	errRefused = errors.New("refused by the test")
	errKilled  = errors.New("killed by the test")
)

var _ hypervisor = (*fake)(nil)

func newFake() *fake { return &fake{domains: map[string]*fakeDomain{}, uid: -1} }

// arm has call number at go wrong, and counts from here.
func (f *fake) arm(at int, how accident) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.how, f.dead, f.calls = at, how, false, nil
}

// call is every method's frame.
func (f *fake) call(what, uuid string, do func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return errKilled
	}
	if d := f.domains[uuid]; d != nil {
		what += " " + d.name
	}
	f.calls = append(f.calls, strings.TrimSpace(what))
	if len(f.calls) == f.at && f.how == fails || f.refused != "" && strings.HasPrefix(what, f.refused) {
		return errRefused
	}
	before := f.states()
	err := do()
	f.tell(before)
	if len(f.calls) == f.at {
		f.dead = true
		return errKilled
	}
	return err
}

// states are the states of all domains, by UUID.
func (f *fake) states() map[string]vm.MachineState {
	states := map[string]vm.MachineState{}
	for _, d := range f.domains {
		states[d.uuid] = d.state
	}
	return states
}

// tell sends an event for each domain that is not as it was before.
func (f *fake) tell(before map[string]vm.MachineState) {
	if len(f.watching) == 0 {
		return
	}
	now := f.states()
	for uuid := range now {
		before[uuid] += "" // those that are new were in no state
	}
	for uuid, state := range before {
		for _, w := range f.watching {
			if now[uuid] != state {
				w <- uuid
			}
		}
	}
}

// happen does something behind everybody's back.
func (f *fake) happen(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.states()
	do()
	f.tell(before)
}

func (f *fake) Events(ctx context.Context) (<-chan string, error) {
	var events chan string
	err := f.call("Events", "", func() error {
		events = make(chan string, 1000)
		f.watching = append(f.watching, events)
		return nil
	})
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if i := slices.Index(f.watching, events); i >= 0 {
			close(events)
			f.watching = slices.Delete(f.watching, i, i+1)
		}
	})
	return events, err
}

// disconnect ends all streams of events, as the end of libvirtd does.
func (f *fake) disconnect() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.watching {
		close(w)
	}
	f.watching = nil
}

// on is call for a domain that must be there.
func (f *fake) on(what, uuid string, do func(*fakeDomain) error) error {
	return f.call(what, uuid, func() error {
		d := f.domains[uuid]
		if d == nil {
			return errNoDomain
		}
		return do(d)
	})
}

// parse reads a description and finds its domain, or makes it.
func (f *fake) parse(text string) (*fakeDomain, *libvirtxml.Domain, error) {
	var description libvirtxml.Domain
	if err := description.Unmarshal(text); err != nil {
		return nil, nil, err
	}
	for _, other := range f.domains {
		if other.name == description.Name && other.uuid != description.UUID {
			return nil, nil, fmt.Errorf("%w: operation failed: domain '%s' already exists with uuid %s", errNameTaken, other.name, other.uuid)
		}
	}
	d := f.domains[description.UUID]
	if d == nil {
		d = &fakeDomain{uuid: description.UUID, name: description.Name, state: vm.MachineStopped}
	}
	if d.name != description.Name {
		return nil, nil, fmt.Errorf("operation failed: domain '%s' is already defined with uuid %s", d.name, d.uuid)
	}
	if m := description.Metadata; m != nil {
		if !strings.Contains(m.XML, metadataNamespace) {
			return nil, nil, errors.New("metadata without our namespace")
		}
		if err := xml.Unmarshal([]byte(m.XML), &d.owner); err != nil {
			return nil, nil, err
		}
	}
	return d, &description, nil
}

func (f *fake) Define(text string) error {
	return f.call("Define", "", func() error {
		d, _, err := f.parse(text)
		if err != nil {
			return err
		}
		d.record = text
		f.domains[d.uuid] = d
		return nil
	})
}

func (f *fake) Start(uuid string) error {
	return f.on("Start", uuid, func(d *fakeDomain) error {
		if d.running != "" {
			return nil
		}
		_, description, err := f.parse(d.record)
		if err != nil {
			return err
		}
		return f.start(d, description, d.record, vm.MachineRunning)
	})
}

func (f *fake) StartPaused(text string) error {
	return f.call("StartPaused", "", func() error {
		d, description, err := f.parse(text)
		if err != nil {
			return err
		}
		if d.running != "" {
			return fmt.Errorf("operation failed: domain '%s' is already active", d.name)
		}
		if err := f.start(d, description, text, vm.MachinePaused); err != nil {
			return err
		}
		d.incoming = strings.Contains(text, "-incoming")
		f.domains[d.uuid] = d
		return nil
	})
}

var (
	hostPorts  = regexp.MustCompile(`hostfwd=tcp:([0-9.]+:[0-9]+)-`)
	memoryPath = regexp.MustCompile(`mem-path=([^"<,]+)`)
)

// start is what QEMU does: it opens its files and binds its ports.
func (f *fake) start(d *fakeDomain, description *libvirtxml.Domain, text string, state vm.MachineState) error {
	files := []string{description.OS.Kernel}
	if description.OS.Initrd != "" {
		files = append(files, description.OS.Initrd)
	}
	for _, disk := range description.Devices.Disks {
		files = append(files, disk.Source.File.File)
	}
	if m := memoryPath.FindStringSubmatch(text); m != nil {
		files = append(files, m[1])
	}
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("cannot access storage file '%s': %w", file, err)
		}
	}
	for _, other := range f.domains {
		if other == d || other.running == "" {
			continue
		}
		for _, port := range hostPorts.FindAllStringSubmatch(text, -1) {
			if strings.Contains(other.running, "hostfwd=tcp:"+port[1]+"-") {
				return fmt.Errorf("could not set up host forwarding rule %q: %s has it", port[1], other.name)
			}
		}
	}
	d.running, d.state = text, state
	d.incoming, d.heard, d.clock, d.attached, d.hardware = false, 0, time.Time{}, attached{}, soundHardware()
	return nil
}

func (f *fake) Pause(uuid string) error {
	return f.on("Pause", uuid, func(d *fakeDomain) error {
		if d.state != vm.MachineRunning && d.state != vm.MachinePaused {
			return fmt.Errorf("requested operation is not valid: domain is %s", d.state)
		}
		d.state = vm.MachinePaused
		return nil
	})
}

func (f *fake) Resume(uuid string) error {
	return f.on("Resume", uuid, func(d *fakeDomain) error {
		if d.state != vm.MachinePaused && d.state != vm.MachineRunning {
			return fmt.Errorf("requested operation is not valid: domain is %s", d.state)
		}
		if d.incoming {
			return errors.New("it waits for an incoming migration")
		}
		d.state, d.reason = vm.MachineRunning, ""
		return f.runSmallGuest(d)
	})
}

func (f *fake) Reset(uuid string) error {
	return f.on("Reset", uuid, func(d *fakeDomain) error {
		if d.state != vm.MachineRunning {
			return fmt.Errorf("requested operation is not valid: domain is %s", d.state)
		}
		d.heard, d.clock = 0, time.Time{}
		return nil
	})
}

func (f *fake) Destroy(uuid string) error {
	return goneIsSuccess(f.on("Destroy", uuid, func(d *fakeDomain) error {
		d.running, d.state, d.incoming, d.hardware = "", vm.MachineStopped, false, hardware{}
		if d.record == "" {
			delete(f.domains, uuid)
		}
		return nil
	}))
}

func (f *fake) Undefine(uuid string) error {
	return goneIsSuccess(f.on("Undefine", uuid, func(d *fakeDomain) error {
		d.record = ""
		if d.running == "" {
			delete(f.domains, uuid)
		}
		return nil
	}))
}

func (f *fake) describe(d *fakeDomain) domain {
	return domain{UUID: d.uuid, Name: d.name, Owner: d.owner, State: d.state, Reason: d.reason}
}

func (f *fake) Domain(uuid string) (domain, error) {
	var found domain
	err := f.on("Domain", uuid, func(d *fakeDomain) error {
		found = f.describe(d)
		return nil
	})
	return found, err
}

func (f *fake) Domains() ([]domain, error) {
	var all []domain
	err := f.call("Domains", "", func() error {
		for _, d := range f.domains {
			if d.owner.ClusterID != "" {
				all = append(all, f.describe(d))
			}
		}
		return nil
	})
	slices.SortFunc(all, func(a, b domain) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

func (f *fake) Owner() (uid, gid int, err error) {
	err = f.call("Owner", "", func() error { return nil })
	return f.uid, os.Getgid(), err
}

func (f *fake) AttachDisk(uuid, text string) error {
	return f.on("AttachDisk", uuid, func(d *fakeDomain) error {
		var disk libvirtxml.DomainDisk
		if err := disk.Unmarshal(text); err != nil {
			return err
		}
		if d.running == "" {
			return errors.New("requested operation is not valid: domain is not running")
		}
		if d.attached != (attached{}) {
			return fmt.Errorf("operation failed: target %s already exists", disk.Target.Dev)
		}
		if disk.ReadOnly == nil || disk.Shareable == nil {
			return errors.New("failed to get \"write\" lock: another machine has it")
		}
		d.attached = attached{disk.Serial, disk.Source.File.File}
		return nil
	})
}

// DetachDisk is heard by the guest, which gives the disk back before it is
// asked the next time.
func (f *fake) DetachDisk(uuid, serial string) (gone bool, err error) {
	err = f.on("DetachDisk", uuid, func(d *fakeDomain) error {
		gone = d.running == "" || d.attached.serial != serial
		if !gone {
			d.attached = attached{}
		}
		return nil
	})
	if errors.Is(err, errNoDomain) {
		return true, nil
	}
	return gone, err
}

// Console is a serial console whose other end echoes.
func (f *fake) Console(uuid string) (console io.ReadWriteCloser, err error) {
	err = f.on("Console", uuid, func(d *fakeDomain) error {
		if d.running == "" {
			return errors.New("requested operation is not valid: domain is not running")
		}
		read, write := io.Pipe()
		console = &echo{read, write}
		return nil
	})
	return console, err
}

// echo is a console that says what was typed.
type echo struct {
	*io.PipeReader
	typed *io.PipeWriter
}

func (e *echo) Write(p []byte) (int, error) { return e.typed.Write(p) }

func (e *echo) Close() error { return errors.Join(e.PipeReader.Close(), e.typed.Close()) }

func (f *fake) Version() (string, error) {
	return "fake libvirt 1.0.0", f.call("Version", "", func() error { return nil })
}
