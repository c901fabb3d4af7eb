package vm

import (
	"context"
	"io"
	"time"

	"axolotl/internal/term"
)

// Driver makes machines, and on them the processes of a cluster. Its methods
// may be called again after any of them was interrupted at any point, also in
// another process: what exists as asked is left alone, what is gone is gone.
type Driver interface {
	// Name is the word by which a person chooses the driver.
	Name() string

	// Traits say what clusters of this driver can give.
	Traits() Traits

	// Checks are all that must hold on this host before Up. They change
	// nothing. They serve as preflight and in doctor.
	Checks() []HostCheck

	// Plan completes the record of a cluster, new or grown: for each machine
	// that its spec asks for and that it has not yet, name, UUID, address and
	// ports. It makes nothing.
	Plan(ctx context.Context, c *Cluster) error

	// Up lists what makes the machines and starts the cluster's processes,
	// and writes c.Kubeconfig(). It does not wait for Kubernetes. Each action
	// is idempotent. Machines of c.Joining are left to Grower.Join.
	Up(c *Cluster) []Action

	// Down lists what removes every object that carries the cluster's ID, of
	// a whole or half-made cluster. What is not there is success. The state
	// directory itself is removed by the caller, afterwards.
	Down(c *Cluster) []Action

	// Machines returns the state of each machine of the record, in order. A
	// machine that does not exist has state MachineMissing; one of several hosts
	// that does not answer is no error, and its machines are MachineUnknown.
	Machines(ctx context.Context, c *Cluster) ([]MachineStatus, error)
}

// Traits are what a driver's clusters can give to labs and faults.
type Traits struct {
	// RealPods: containers run. Where it is false nodes are simulated and
	// pods never answer; reports say so.
	RealPods bool `json:"realPods"`
	// RealMachines: nodes run on machines that have power, disks and clocks of
	// their own, which faults may be done to.
	RealMachines bool `json:"realMachines"`
	// Formed: Kubernetes comes with a DNS and rights of its own, which are not
	// ours to give, and addresses of machines with it.
	Formed bool `json:"formed,omitempty"`
	// Sealed: machines reach nothing but each other, unless the spec gives them
	// a way out.
	Sealed bool `json:"sealed,omitempty"`
	// Foreign: somebody else has made the cluster. Nothing in it is changed
	// but by what a person asks for, and nothing is broken unless it is named.
	Foreign bool `json:"foreign,omitempty"`
}

// MachineState is the state of a machine as its driver sees it, not as
// Kubernetes does.
type MachineState string

// Machine states.
const (
	MachineRunning MachineState = "running"
	MachinePaused  MachineState = "paused"
	MachineStopped MachineState = "stopped"
	MachineCrashed MachineState = "crashed"
	MachineMissing MachineState = "missing"
	MachineForeign MachineState = "foreign" // not ours to look at
	MachineUnknown MachineState = "unknown" // its host does not answer
)

// MachineStatus is one machine now.
type MachineStatus struct {
	Name   string       `json:"name"`
	State  MachineState `json:"state"`
	Reason string       `json:"reason,omitempty"` // why it is not running, where known
}

// Action is one named piece of long work. Its name is what a person reads in
// the progress line.
type Action struct {
	Name string
	Run  func(ctx context.Context, step *term.Step) error
}

// HostCheck is one thing that must hold on the host.
type HostCheck struct {
	Name string
	// Run returns what was found, or an error whose last clause says what to
	// do.
	Run func(ctx context.Context) (string, error)
}

// Executor is a driver that can run a command inside a machine, other than
// through Kubernetes.
type Executor interface {
	// Exec runs argv and returns its standard output, also that of a command
	// which fails. The error of one that has run and failed says what it said on
	// its standard error; it is an *ExitError where the driver can tell that from
	// a failure of its own.
	Exec(ctx context.Context, c *Cluster, machine string, argv ...string) (string, error)
}

// Consoler is a driver whose machines have a console.
type Consoler interface {
	// Console connects in and out with a machine's console until in ends, or
	// Ctrl-] comes, or ctx ends.
	Console(ctx context.Context, c *Cluster, machine string, in io.Reader, out io.Writer) error
}

// Powerer is a driver that can cut and give power to a machine.
type Powerer interface {
	// PowerOff stops the machine: at once, as pulling the plug does, where the
	// machines are real. A machine that is off already is success.
	PowerOff(ctx context.Context, c *Cluster, machine string) error
	// PowerOn starts the machine. One that runs already is success.
	PowerOn(ctx context.Context, c *Cluster, machine string) error
}

// Resetter is a driver that can press a machine's reset button.
type Resetter interface {
	// Reset starts the machine anew at once, without a word to what runs on
	// it. One that is off or paused runs afterwards.
	Reset(ctx context.Context, c *Cluster, machine string) error
}

// Pauser is a driver that can stop a machine's processors and let them go on.
type Pauser interface {
	// Pause stops the machine's processors; its memory and its connections
	// stay. A machine that is paused already is success, one that is off is
	// not.
	Pause(ctx context.Context, c *Cluster, machine string) error
	// Resume lets a paused machine go on where it was. One that runs is
	// success.
	Resume(ctx context.Context, c *Cluster, machine string) error
}

// Form is how the memory of machines is kept that are frozen or saved. What was
// kept in one form is never read as the other.
type Form string

const (
	// Mapped memory of a golden snapshot is a file that each machine maps
	// privately: nothing is copied.
	Mapped Form = "mapped"
	// Saved memory is in a save image of the hypervisor's own, of which each
	// machine reads a copy whole. It is slower, and asks for less.
	Saved Form = "save"
)

// Freezer is a driver that can save the machines of a cluster at one instant,
// and make the machines of other clusters of what was saved, without booting.
type Freezer interface {
	// Form is the form in which machines are kept on this host, by proof or by
	// order, and why it is that one. It completes the spec (the acceleration, by
	// proof). step may be nil where the spec has its acceleration.
	Form(ctx context.Context, spec *Spec, step *term.Step) (form Form, why string, err error)

	// Shape names all that what is frozen in a form depends on: the image, the
	// spec, the host's emulator. The spec is one that Form has completed.
	Shape(ctx context.Context, spec *Spec, form Form, step *term.Step) (string, error)

	// Build names what of this program what is frozen depends on. What another
	// build has frozen is of no use.
	Build() (string, error)

	// Hardware is as Saver's.
	Hardware() string

	// Fits is as Saver's, of what Freeze wrote.
	Fits(c *Cluster, kept string) error

	// Freeze pauses all machines of c together, writes memory, devices and
	// disks of each into c.Dir, and ends them. c was made with SharedMemory
	// where they are kept as Mapped, and without it where as Saved.
	Freeze(ctx context.Context, c *Cluster) error

	// Thaw makes the machines of c (all, or those named) of what Freeze wrote
	// into the directory frozen, in whatever form that is, each with its name, UUID, ports and disk of
	// its own, resumes them together and sets their clocks. What exists of
	// these machines is thrown away before. It returns when they began to run.
	Thaw(ctx context.Context, c *Cluster, frozen string, machines ...string) (time.Time, error)
}

// Supplier is a driver whose machines boot from what may be missing.
type Supplier interface {
	// Supply has there, on each host of c, what its machines boot from, or returns
	// why that cannot be had. Where c.Image is empty it becomes the one that new
	// clusters have. It is called before machines are thrown away: nothing is
	// changed that they need as they are.
	Supply(ctx context.Context, c *Cluster, step *term.Step) error
}

// Grower is a driver whose clusters get machines, and lose them, while they
// run.
type Grower interface {
	// Join lists what makes those machines of the record that are named, boots
	// them, and lets the others know of them. Each action is idempotent. A
	// control plane among several becomes a member of etcd again.
	Join(c *Cluster, names ...string) []Action

	// Leave removes one machine and its files; the caller has taken its node
	// out of Kubernetes, or wants it made anew. One that is gone is success. A
	// control plane among several leaves etcd first.
	Leave(ctx context.Context, c *Cluster, name string) error
}

// Ruiner is a Grower whose machines can be lost as by a fire.
type Ruiner interface {
	// Ruin removes one machine and its files, and tells nobody: its node stays in
	// Kubernetes, and a control plane is still expected by the others' etcd.
	// RecreateNodes has it back. One that is gone is success.
	Ruin(ctx context.Context, c *Cluster, name string) error
}

// Rejoiner is a Grower that does not choose the names of its machines.
type Rejoiner interface {
	// CanRejoin returns nil where machines that leave can join again by the
	// names that they have.
	CanRejoin(ctx context.Context, c *Cluster, names ...string) error
}

// Saver is a driver that can save the machines of a cluster that is used, and
// have them back as they were.
type Saver interface {
	// Hardware names the hardware of the machines that this program makes, as far as
	// what ran in a machine has relied on it: memory of machines with another one is
	// not to be loaded. Empty where machines have none.
	Hardware() string

	// Fits returns an error where machines of c cannot be had back from what Save wrote
	// into the directory kept, since what their disks lie over has changed.
	Fits(c *Cluster, kept string) error

	// Save writes memory, devices and disks of all machines into the directory
	// dir, which exists, at one instant. Machines that ran are paused for it
	// and run again afterwards, also after an error, with their clocks set. Of
	// a machine that is off only the disk is written.
	Save(ctx context.Context, c *Cluster, dir string, step *term.Step) error

	// LoadBytes is how many bytes Load writes to disk of what Save wrote into the
	// directory kept.
	LoadBytes(c *Cluster, kept string) (uint64, error)

	// Load throws away what exists of the machines of c and makes them of what
	// Save wrote into dir. Those that ran run again, with their clocks set;
	// those that were off are off. It returns when they began to run, and the
	// names of those that do. dir is only read.
	Load(ctx context.Context, c *Cluster, dir string, step *term.Step) (resumed time.Time, running []string, err error)
}

// ImageLoader is a driver whose machines can be given container images.
type ImageLoader interface {
	// LoadImages puts the images of an OCI archive, a file that is only read,
	// into the container runtime of every machine, which must run. What a
	// machine has by the same names is replaced. Nothing of the way by which
	// they came is left in a machine, also after an error; what one that was
	// killed has left, the next call and Save remove.
	LoadImages(ctx context.Context, c *Cluster, archive string) error
}

// Mender is a driver whose clusters are reached by a process of ours on this
// host, which may have been killed, and ends with the host.
type Mender interface {
	// Whole tells whether all such processes of c run.
	Whole(c *Cluster) (bool, error)
	// Mend starts those that do not. The caller holds the cluster's lock.
	Mend(ctx context.Context, c *Cluster) error
}
