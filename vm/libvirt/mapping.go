package libvirt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"axolotl/internal/check"
	"axolotl/vm/image"
)

// mappingDeadline is for both guests of the proof. Under emulation, on two slow
// cores, they take 3 s together; where others had those, more than 15.
const mappingDeadline = time.Minute

// proveMapping shows that a guest whose memory is a file can be frozen, and that
// another goes on from there which has mapped that file privately. QEMU must know
// how (x-ignore-shared), take a file that was passed to its monitor, and not be
// confined to files that libvirt has told it of.
func (d *Driver) proveMapping(ctx context.Context, accel string) (probeResult, error) {
	subject, err := d.hostSubject(ctx)
	if err != nil {
		return probeResult{}, err
	}
	return d.remembered("mapping-"+accel, subject, func() (probeResult, error) {
		start := time.Now()
		err := d.mapSmallGuest(ctx, accel)
		if ctx.Err() != nil {
			return probeResult{}, ctx.Err() // nothing was learned
		}
		var wrong guestError
		result := probeResult{When: time.Now().UTC(), Works: err == nil, lasting: err == nil || errors.As(err, &wrong)}
		if result.Why = fmt.Sprintf("a small guest was frozen and went on, mapped, all in %.1f s", time.Since(start).Seconds()); err != nil {
			result.Why = fmt.Sprintf("memory cannot be mapped here: %v", err)
		}
		return result, nil
	})
}

// guestError is what a guest did, and would do again.
type guestError string

func (e guestError) Error() string { return string(e) }

// smallGuestFiles are what a proof leaves to QEMU.
type smallGuestFiles struct {
	kernel string
	memory *os.File
	state  *os.File
}

// mapSmallGuest freezes a small guest, has it thawed by another, and sees in the
// file whether that has mapped it privately.
func (d *Driver) mapSmallGuest(ctx context.Context, accel string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, mappingDeadline)
	defer cancel()
	dir, files, err := d.smallGuestFiles()
	defer func() { err = errors.Join(err, files.close(), os.RemoveAll(dir)) }()
	if err != nil {
		return err
	}
	if err := d.freezeSmallGuest(ctx, accel, files); err != nil {
		return fmt.Errorf("freeze a guest whose memory is a file: %w", err)
	}
	// It goes on only where it sees this in its memory.
	if err := setGuestWord(files.memory, guestGoOn, 1); err != nil {
		return err
	}
	if err := d.thawSmallGuest(ctx, accel, files); err != nil {
		return fmt.Errorf("thaw a guest from a file: %w", err)
	}
	switch mark, err := guestWord(files.memory, guestMark); {
	case err != nil:
		return err
	case mark != guestRuns:
		return guestError("a guest wrote into the file that it had mapped privately")
	}
	return nil
}

// smallGuestFiles makes them where those of golden snapshots are.
func (d *Driver) smallGuestFiles() (dir string, files smallGuestFiles, err error) {
	if err := os.MkdirAll(d.home.Cache, 0o755); err != nil {
		return "", files, err
	}
	if dir, err = os.MkdirTemp(d.home.Cache, image.ProbePrefix+"*"); err != nil {
		return "", files, err
	}
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // QEMU is another user
		return dir, files, err
	}
	files.kernel = filepath.Join(dir, "kernel")
	if err := os.WriteFile(files.kernel, smallGuest(), 0o644); err != nil { //nolint:gosec // as above
		return dir, files, err
	}
	if files.memory, err = os.OpenFile(filepath.Join(dir, memoryFile), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return dir, files, err
	}
	if files.state, err = os.OpenFile(filepath.Join(dir, deviceFile), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return dir, files, err
	}
	if err := files.memory.Truncate(guestMiB << 20); err != nil {
		return dir, files, err
	}
	return dir, files, d.giveTo(files.memory.Name())
}

func (f smallGuestFiles) close() (err error) {
	for _, file := range []*os.File{f.memory, f.state} {
		if file != nil {
			err = errors.Join(err, file.Close())
		}
	}
	return err
}

// errFrozen ends a guest that has done its part.
var errFrozen = errors.New("it is frozen")

// freezeSmallGuest has a guest run in shared memory until its mark is there, and
// saves the state of its devices.
func (d *Driver) freezeSmallGuest(ctx context.Context, accel string, files smallGuestFiles) error {
	text, err := smallGuestXML(accel, files.kernel, memory{File: files.memory.Name(), Shared: true})
	if err != nil {
		return err
	}
	marked := check.Func("a guest marks its memory", func(context.Context) error {
		mark, err := guestWord(files.memory, guestMark)
		if err == nil && mark != guestRuns {
			err = errors.New("there is no mark yet")
		}
		return err
	})
	_, err = d.hypervisor.BootsAndPowersOff(ctx, text, func(uuid string) error {
		if err := d.hypervisor.Resume(uuid); err != nil {
			return err
		}
		if err := check.Wait(ctx, marked, 5*time.Millisecond, nil); err != nil {
			return err
		}
		if err := d.hypervisor.Pause(uuid); err != nil {
			return err
		}
		if err := d.saveState(ctx, uuid, files.state); err != nil {
			return err
		}
		return errFrozen
	})
	if errors.Is(err, errFrozen) {
		return nil
	}
	return err
}

// thawSmallGuest has another guest go on from there, which ends by itself.
func (d *Driver) thawSmallGuest(ctx context.Context, accel string, files smallGuestFiles) error {
	text, err := smallGuestXML(accel, files.kernel, memory{File: files.memory.Name(), Incoming: true})
	if err != nil {
		return err
	}
	if _, err := files.state.Seek(0, 0); err != nil {
		return err
	}
	ended, err := d.hypervisor.BootsAndPowersOff(ctx, text, func(uuid string) error {
		return d.loadState(ctx, uuid, files.state)
	})
	if err == nil && !ended {
		return guestError("it ended otherwise than by powering off")
	}
	return err
}

// smallGuestXML describes a small guest by the name of no other.
func smallGuestXML(accel, kernel string, mem memory) (string, error) {
	d := baseDomain("axolotl-probe-"+uuid.NewString()[:8], accel, 1, guestMiB)
	d.UUID = uuid.NewString()
	d.OS.Kernel = kernel
	setArguments(d, memoryArguments(guestMiB, mem))
	return d.Marshal()
}
