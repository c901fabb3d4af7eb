package libvirt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
	"libvirt.org/go/libvirt"

	"axolotl/internal/store"
	"axolotl/internal/term"
	"axolotl/vm"
	"axolotl/vm/image"
)

// Accelerations. AccelAuto is only asked for, never recorded: it becomes what
// the proof says.
const (
	AccelAuto = "auto"
	AccelKVM  = "kvm"
	AccelTCG  = vm.Emulated
)

// probeDeadline is for booting the probe guest. Under KVM that takes well
// under 2 s, under emulation 4 s were measured on two slow cores; a guest that
// hangs under a KVM that lies never prints anything.
const probeDeadline = 15 * time.Second

// brief is how long it is remembered that QEMU itself ended before the guest had
// booted. That is cheap to try again, yet no cluster can be had in two seconds that
// tries it twice; and whoever mends it asks doctor, which does not go by that.
const brief = 10 * time.Minute

// aDay is how long it is remembered that a guest hung: as a rule each one does on that
// host, but a host that was too busy for one looks the same.
const aDay = 24 * time.Hour

// probeResult is what is remembered of a probe, and of what it was true for.
type probeResult struct {
	Subject string    `json:"subject"`
	Works   bool      `json:"works"`
	Why     string    `json:"why"`
	When    time.Time `json:"when"`
	Brief   bool      `json:"brief,omitempty"`   // it holds for so long only
	ForADay bool      `json:"forADay,omitempty"` // or for so long

	lasting bool // it need not be tried again, or not soon
}

// holds tells whether what is remembered still counts for a subject.
func (r probeResult) holds(subject string) bool {
	age := time.Since(r.When) // negative where the clock was put back
	within := func(limit time.Duration) bool { return age >= 0 && age < limit }
	return r.Subject == subject && (!r.Brief || within(brief)) && (!r.ForADay || within(aDay))
}

// Acceleration returns AccelKVM where a guest was seen to boot under it, else
// AccelTCG where one boots under that, and why. The proof is remembered for
// this host's kernel, libvirt and QEMU.
func (d *Driver) Acceleration(ctx context.Context, img *image.Image) (accel, why string, err error) {
	kvm, err := d.prove(ctx, img, AccelKVM)
	if err != nil {
		return "", "", err
	}
	if kvm.Works {
		return AccelKVM, kvm.Why, nil
	}
	tcg, err := d.prove(ctx, img, AccelTCG)
	if err != nil {
		return "", "", err
	}
	if tcg.Works {
		return AccelTCG, fmt.Sprintf("no KVM (%s)", kvm.Why), nil
	}
	return "", "", fmt.Errorf("no guest boots here: under KVM: %s; under emulation: %s; use --driver local", kvm.Why, tcg.Why)
}

// accelerations is Acceleration on several hosts: a machine is the same wherever it
// is, so that all are emulated where one host has no KVM.
func (d *Driver) accelerations(ctx context.Context, places []*Driver, images map[*site]*image.Image) (accel, why string, err error) {
	for _, p := range places {
		its, because, err := p.Acceleration(ctx, images[p.site])
		if err != nil {
			return "", "", err
		}
		if len(places) > 1 {
			because += "; at " + p.uri
		}
		if accel == "" || its == AccelTCG && accel != AccelTCG {
			accel, why = its, because
		}
	}
	return accel, why, nil
}

// Prove implements cluster.Prover.
func (d *Driver) Prove(ctx context.Context, anew bool, step *term.Step) (string, error) {
	img, err := image.Ensure(ctx, d.home, step.Progress())
	if err != nil {
		return "", err
	}
	if anew {
		if err := d.forgetFailure(); err != nil {
			return "", err
		}
	}
	step.Status("booting a small guest")
	accel, why, err := d.proveAnywhere(ctx, img)
	found := accel + ", " + why
	if isSession(d.uri) || d.remote != nil {
		found += "; at " + d.Where()
	}
	return found, err
}

// proveAnywhere is Acceleration where the image may not be on the host yet.
func (d *Driver) proveAnywhere(ctx context.Context, img *image.Image) (accel, why string, err error) {
	if d.remote == nil {
		return d.Acceleration(ctx, img)
	}
	probe := uuid.NewString() // it is a cluster of its own, for as long as it takes
	defer func() { err = errors.Join(err, d.remote.forget(context.WithoutCancel(ctx), probe)) }()
	there, err := d.remote.bringProbe(ctx, probe, img)
	if err != nil {
		return "", "", err
	}
	return d.Acceleration(ctx, there)
}

// prove boots the probe guest under one acceleration, unless the outcome is
// remembered.
func (d *Driver) prove(ctx context.Context, img *image.Image, accel string) (probeResult, error) {
	subject, err := d.probeSubject(ctx, img)
	if err != nil {
		return probeResult{}, err
	}
	return d.remembered(accel, subject, func() (probeResult, error) {
		result, err := d.bootProbe(ctx, img, accel)
		if accel == AccelTCG && !result.Works {
			result.lasting = false // that is only where the host was too busy for it
		}
		return result, err
	})
}

// remembered returns what a probe of this libvirt found for a subject, and
// probes where that is not remembered.
func (d *Driver) remembered(what, subject string, probe func() (probeResult, error)) (probeResult, error) {
	memory := d.probeFile(what)
	var known probeResult
	if store.ReadJSON(memory, &known) == nil && known.holds(subject) {
		return known, nil
	}
	result, err := probe()
	if err != nil || !result.lasting {
		return result, err
	}
	result.Subject = subject
	return result, store.WriteJSON(memory, result)
}

// probeFile is the file in which the outcome of a probe of this libvirt is kept.
func (d *Driver) probeFile(what string) string {
	return filepath.Join(d.home.State, "acceleration", strings.NewReplacer(":", "", "/", "_").Replace(d.uri)+"-"+what+".json")
}

// forgetFailure has KVM be tried again that did not serve: the host may only have been
// too busy for it.
func (d *Driver) forgetFailure() error {
	memory := d.probeFile(AccelKVM)
	var known probeResult
	if store.ReadJSON(memory, &known) != nil || known.Works {
		return nil
	}
	return os.Remove(memory)
}

// bootProbe returns an error only where nothing was learned.
func (d *Driver) bootProbe(ctx context.Context, img *image.Image, accel string) (probeResult, error) {
	result := probeResult{When: time.Now().UTC()}
	if accel == AccelKVM && strings.HasPrefix(d.uri, "qemu:///") {
		if result.Why = d.withoutKVM(); result.Why != "" {
			return result, nil
		}
	}
	text, err := probeXML(img.Kernel, img.Initrd, accel, "axolotl-probe-"+uuid.NewString()[:8])
	if err != nil {
		return result, err
	}
	// The guest's whole work is to power off, which takes a kernel that runs.
	probe, cancel := context.WithTimeout(ctx, probeDeadline)
	defer cancel()
	start := time.Now()
	booted, err := d.hypervisor.BootsAndPowersOff(probe, text, nil)
	switch {
	case booted:
		result.Works, result.lasting = true, true
		result.Why = fmt.Sprintf("a guest booted in %.1f s", time.Since(start).Seconds())
	case ctx.Err() != nil:
		return result, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errLost):
		result.ForADay, result.lasting = true, true
		result.Why = fmt.Sprintf("a guest did not boot within %s", probeDeadline)
	case err != nil:
		why, ended := inShort(err)
		result.Brief, result.lasting = ended, ended // what libvirt says of itself may be over in a moment
		result.Why = "a guest did not start: " + why
	default:
		result.Brief, result.lasting = true, true
		result.Why = "a guest ended before it had booted"
	}
	return result, nil
}

// inShort is an error in one line, and whether it is that QEMU ended by itself. Of
// what it says then, which libvirt gives whole, that is the first line, without who
// says it and when.
func inShort(err error) (why string, ended bool) {
	text := err.Error()
	var failed libvirt.Error
	if errors.As(err, &failed) {
		text = failed.Message
	}
	for _, words := range []string{"qemu unexpectedly closed the monitor: ", "process exited while connecting to monitor: "} {
		_, said, found := strings.Cut(text, words)
		if !found {
			continue
		}
		text, _, _ = strings.Cut(said, "\n")
		if _, why, ok := strings.Cut(text, ": "); ok { // "TIME qemu-system-x86_64: WHY"
			text = strings.TrimPrefix(why, "error: ")
		}
		ended = true
	}
	return strings.Join(strings.Fields(text), " "), ended
}

// withoutKVM tells why no guest can start under KVM, as far as can be seen; "" is
// no reason.
func (d *Driver) withoutKVM() string {
	if _, err := os.Stat("/dev/kvm"); err != nil {
		return "there is no /dev/kvm"
	}
	if isSession(d.uri) && unix.Access("/dev/kvm", unix.R_OK|unix.W_OK) != nil {
		return "you may not open /dev/kvm; join its group, as a rule kvm, and log in anew"
	}
	return ""
}

// probeSubject is what a proof holds for that was made with an image.
func (d *Driver) probeSubject(ctx context.Context, img *image.Image) (string, error) {
	host, err := d.hostSubject(ctx)
	return host + "; image " + img.ID, err
}

// hostSubject is what a proof holds for.
func (d *Driver) hostSubject(ctx context.Context) (string, error) {
	version, err := unless(ctx, d.hypervisor.Version)
	if err != nil {
		return "", err
	}
	system, err := d.system(ctx)
	return fmt.Sprintf("%s; %s; %s", system, d.uri, version), err
}

// system is the name of the machines' host and its kernel's release.
func (d *Driver) system(ctx context.Context) (string, error) {
	if d.remote != nil {
		found, err := d.remote.check(ctx)
		return found.System, err
	}
	var host unix.Utsname
	if err := unix.Uname(&host); err != nil {
		return "", err
	}
	return unix.ByteSliceToString(host.Nodename[:]) + " " + unix.ByteSliceToString(host.Release[:]), nil
}
