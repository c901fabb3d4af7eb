package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"strings"
	"testing"
	"time"

	"axolotl/vm"
)

// devices is a driver of a machine whose hardware can be hurt, and on which
// scripts are really run, with what they look at in its place.
type devices struct {
	inside
	off, dead bool // without power; this process does not hear of it any more
	down      map[vm.Card]bool
	limits    vm.DiskLimits
	broken    bool
	failed    int
	readOnly  bool // its file system, until it boots
	cpu       vm.CPULimit
	worked    time.Duration
	asked     time.Time // when it said last how long it had worked
	dieAt     int       // the call whose answer, and all after it, is lost; 0: none
	cuts      int       // of the power
	written   int       // files on its disk
	touched   int       // things that were done to machines, of remaining
}

func newDevices() *devices {
	d := &devices{inside: inside{boot: "boot1"}, down: map[vm.Card]bool{}}
	d.limits = vm.DiskLimits{vm.LimitIOPS: 5000, "total_iops_sec_max": 6000} // somebody's own
	d.cpu = vm.CPULimit{Period: 100 * time.Millisecond, Quota: 90 * time.Millisecond}
	return d
}

// state is all that a fault may change and must restore.
func (d *devices) state() string {
	return fmt.Sprintf("off %t, down %v, limits %v, broken %t, read-only %t, cpu %v", d.off, d.down, d.limits, d.broken, d.readOnly, d.cpu)
}

// call is the frame of what is done to the machine.
func (d *devices) call(needsPower bool, do func() error) error {
	if d.dead {
		return errors.New("killed")
	}
	err := d.inside.call(func() error {
		if needsPower && d.off {
			return vm.ErrMachineOff
		}
		return do()
	})
	if d.calls == d.dieAt {
		d.dead = true
		return errors.New("killed")
	}
	return err
}

func (d *devices) Machines(context.Context, *vm.Cluster) (states []vm.MachineStatus, err error) {
	err = d.call(false, func() error {
		states = []vm.MachineStatus{{Name: "n1", State: vm.MachineRunning}, {Name: "n2", State: vm.MachineRunning}}
		if d.off {
			states[0].State = vm.MachineStopped
		}
		return nil
	})
	return states, err
}

func (d *devices) SetLink(_ context.Context, _ *vm.Cluster, _ string, card vm.Card, up bool) error {
	return d.call(true, func() error {
		if delete(d.down, card); !up {
			d.down[card] = true
		}
		return nil
	})
}

func (d *devices) DiskLimits(context.Context, *vm.Cluster, string) (limits vm.DiskLimits, err error) {
	return limits, d.call(true, func() error { limits = maps.Clone(d.limits); return nil })
}

func (d *devices) SetDiskLimits(_ context.Context, _ *vm.Cluster, _ string, limits vm.DiskLimits) error {
	return d.call(true, func() error { d.limits = maps.Clone(limits); return nil })
}

func (d *devices) BreakDisk(context.Context, *vm.Cluster, string) error {
	return d.call(true, func() error { d.broken = true; return nil })
}

func (d *devices) DiskErrors(context.Context, *vm.Cluster, string) (broken bool, failed int, err error) {
	err = d.call(true, func() error { broken, failed = d.broken, d.failed; return nil })
	return broken, failed, err
}

func (d *devices) CanLimitCPU(ctx context.Context, _ *vm.Cluster) error { return ctx.Err() }

func (d *devices) CPULimit(context.Context, *vm.Cluster, string) (limit vm.CPULimit, err error) {
	err = d.call(true, func() error { limit = d.cpu; return nil })
	return limit, err
}

func (d *devices) SetCPULimit(_ context.Context, _ *vm.Cluster, _ string, limit vm.CPULimit) error {
	return d.call(true, func() error { d.cpu = limit; return nil })
}

// CPUTime is that of two processors which have as much to do as they may.
func (d *devices) CPUTime(context.Context, *vm.Cluster, string) (worked time.Duration, err error) {
	err = d.call(true, func() error {
		now := time.Now()
		if !d.asked.IsZero() {
			d.worked += time.Duration(2 * float64(now.Sub(d.asked)) * float64(d.cpu.Quota) / float64(d.cpu.Period))
		}
		d.asked, worked = now, d.worked
		return nil
	})
	return worked, err
}

func (d *devices) PowerOff(context.Context, *vm.Cluster, string) error {
	return d.call(false, func() error {
		d.off, d.broken, d.failed = true, false, 0
		d.cuts++
		return nil
	})
}

func (d *devices) PowerOn(context.Context, *vm.Cluster, string) error {
	return d.call(false, func() error { d.off, d.readOnly = false, false; return nil })
}

// Exec runs a script here, with the machine's hardware in the place of ours.
func (d *devices) Exec(_ context.Context, _ *vm.Cluster, _ string, argv ...string) (said string, err error) {
	err = d.call(false, func() error {
		if d.off {
			return errors.New("the agent does not answer")
		}
		if argv[0] == "cat" {
			said = d.boot
			return nil
		}
		script := argv[2]
		for nic, card := range map[string]vm.Card{"eth0": vm.OutsideCard, "eth1": vm.SegmentCard} {
			carrier := map[bool]string{true: "0", false: "1"}[d.down[card]]
			script = strings.ReplaceAll(script, "</sys/class/net/"+nic+"/carrier", "<<EOF\n"+carrier+"\nEOF")
		}
		if d.broken {
			d.failed++
			d.readOnly = true
		}
		words := fmt.Sprintf(`clock=0
date() { echo $((clock * 1000000)); }
dd() { for a in "$@"; do case $a in bs=*) bs=${a#bs=};; count=*) count=${a#count=};; esac; done; clock=$((clock + count * 1000 / %d)); %s; }
busybox() { %s; }
timeout() { :; }
nproc() { echo 2; }
sync() { :; }
rm() { :; }
`, max(d.limits[vm.LimitIOPS], 1), status(!d.broken), status(!d.down[vm.SegmentCard]))
		if strings.Contains(script, ">/var/lib") {
			d.written++
		}
		script = strings.ReplaceAll(script, "[ -w /var/lib ]", status(!d.readOnly))
		script = strings.ReplaceAll(script, ">/var/lib/axolotl-chaos.written", ">/dev/null\n"+status(!d.readOnly))
		out, err := exec.Command("sh", "-c", strings.Replace(script, shellBegin, shellBegin+words, 1)).CombinedOutput()
		said = string(out)
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	})
	return said, err
}

// status is a command that succeeds, or not.
func status(ok bool) string { return fmt.Sprint(ok) }

func hostedFaults(t *testing.T) []Fault {
	t.Helper()
	var all []Fault
	for _, f := range All() {
		if h, ok := f.(*hosted); ok {
			if throttle, ok := h.with.(*throttle); ok {
				throttle.BytesPerSecond = 0 // the machine in these tests counts reads alone
			}
			all = append(all, f)
		}
	}
	if len(all) != 4 {
		t.Fatalf("%d faults from outside", len(all))
	}
	squeezeSeen = 10 * time.Millisecond
	every, err := New("node-link-down")
	must(t, err)
	every.(*hosted).with.(*linkDown).Every = true
	return append(all, every)
}

func devicesOn(d *devices) *vm.Handle {
	h := machineWith(&d.inside)
	h.Driver = d
	h.Cluster.Machines[0].UUID, h.Cluster.Machines[1].UUID = "machine-1", "machine-2"
	return h
}

// injected injects a fault, and returns its objects.
func injected(t *testing.T, f Fault, h *vm.Handle) []Object {
	t.Helper()
	objects, err := f.Prepare(t.Context(), h, aim(f))
	must(t, err)
	must(t, f.Inject(t.Context(), h, objects))
	return objects
}

// kept are objects as another process reads them in the journal.
func kept(t *testing.T, objects []Object) []Object {
	t.Helper()
	data, err := json.Marshal(objects)
	must(t, err)
	var again []Object
	must(t, json.Unmarshal(data, &again))
	return again
}

// TestHostedFaultsAtEveryCall has each call fail, its answer be lost, and this
// process die after it, while a fault is injected and while it is undone: another
// life, which knows what the journal holds, restores what was before, and proves it.
func TestHostedFaultsAtEveryCall(t *testing.T) {
	for _, f := range hostedFaults(t) {
		t.Run(f.Name(), func(t *testing.T) {
			saved, err := SpecOf(f)
			must(t, err)
			calls := 1
			for at := 0; at <= calls; at++ { // 0: none goes wrong, which counts them
				for how, accident := range map[string]func(*devices){
					"fails":       func(d *devices) { d.failAt = at },
					"is unheard":  func(d *devices) { d.lostAt = at },
					"is the last": func(d *devices) { d.dieAt = at },
				} {
					d := newDevices()
					accident(d)
					h, ctx := devicesOn(d), t.Context()
					before := d.state()
					objects, err := f.Prepare(ctx, h, aim(f))
					if err == nil {
						if err = f.Inject(ctx, h, objects); err == nil {
							_, err = f.Injected(ctx, h, objects)
						}
						if f.Name() == "disk-errors" && err != nil { // its first proof waits for a read
							_, err = f.Injected(ctx, h, objects)
						}
						if err == nil {
							err = f.Undo(ctx, h, objects)
						}
					} else if objects != nil {
						t.Errorf("objects beside error %v", err)
					}
					if at == 0 {
						must(t, err)
						calls = d.calls
					}
					d.failAt, d.lostAt, d.dieAt, d.dead = 0, 0, 0, false
					again, err := saved.Fault()
					must(t, err)
					for range 2 {
						if err := again.Undo(ctx, h, kept(t, objects)); err != nil {
							t.Fatalf("call %d of %d %s: %v", at, calls, how, err)
						}
					}
					if now := d.state(); now != before {
						t.Errorf("call %d of %d %s: it is\n%s\nwas\n%s", at, calls, how, now, before)
					}
					if _, err := again.Undone(ctx, h, kept(t, objects)); err != nil {
						t.Errorf("call %d of %d %s: not proved to be undone: %v", at, calls, how, err)
					}
				}
			}
		})
	}
}

// TestHostedProofs: a proof can fail, before the fault and while it lasts.
func TestHostedProofs(t *testing.T) {
	for _, f := range hostedFaults(t) {
		d := newDevices()
		h, ctx := devicesOn(d), t.Context()
		must(t, f.Available(t.Context(), h))
		objects, err := f.Prepare(ctx, h, aim(f))
		must(t, err)
		before := d.state()
		if before != newDevices().state() || d.written > 0 {
			t.Errorf("the preparation of %s changed something: %s, %d files were written", f.Name(), before, d.written)
		}
		if words, err := f.Injected(ctx, h, objects); err == nil {
			t.Errorf("%s is proved before it was done: %s", f.Name(), words)
		}
		must(t, f.Inject(ctx, h, objects))
		if now := d.state(); now == before {
			t.Errorf("%s changed nothing: %s", f.Name(), now)
		}
		if words, err := f.Undone(ctx, h, objects); err == nil {
			t.Errorf("the undo of %s is proved while it lasts: %s", f.Name(), words)
		}
		for range 2 {
			if words, err := f.Injected(ctx, h, objects); err == nil && words == "" {
				t.Errorf("the proof of %s says nothing", f.Name())
			}
		}
		words, err := f.Injected(ctx, h, objects)
		must(t, err)
		t.Log(words)
		must(t, f.Undo(ctx, h, objects))
		words, err = f.Undone(ctx, h, objects)
		must(t, err)
		t.Log(words)
	}
}

// TestHostedOtherMachine: the node has another machine than it had, and that is
// left alone, whatever it has for itself.
func TestHostedOtherMachine(t *testing.T) {
	for _, f := range hostedFaults(t) {
		d := newDevices()
		h, ctx := devicesOn(d), t.Context()
		objects := injected(t, f, h)
		h.Cluster.Machines[0].UUID = "machine-3"
		state := d.state()
		must(t, f.Undo(ctx, h, objects))
		if words, err := f.Undone(ctx, h, objects); err != nil || words != "node n1 is gone" {
			t.Errorf("%s: %q, %v", f.Name(), words, err)
		}
		if err := f.Inject(ctx, h, objects); !errors.Is(err, ErrNoTarget) {
			t.Errorf("%s: %v", f.Name(), err)
		}
		if now := d.state(); now != state {
			t.Errorf("%s touched another machine: %s, was %s", f.Name(), now, state)
		}
	}
}

// TestHostedOff: what was done to a machine went with its power, and no undo
// fails for that. Only who has switched it off switches it on.
func TestHostedOff(t *testing.T) {
	for _, f := range hostedFaults(t) {
		d := newDevices()
		h, ctx := devicesOn(d), t.Context()
		objects := injected(t, f, h)
		d.off = true
		must(t, f.Undo(ctx, h, objects))
		if d.off == (f.Name() == "disk-errors") {
			t.Errorf("%s leaves it off: %t", f.Name(), d.off)
		}
		d.off = true
		if words, err := f.Undone(ctx, h, objects); err == nil {
			t.Errorf("the undo of %s is proved of a machine that is off: %s", f.Name(), words)
		}
		if _, err := f.Prepare(ctx, h, aim(f)); err == nil {
			t.Errorf("%s is prepared for a machine that is off", f.Name())
		}
	}
}

// A driver that is asked whether it can need not be waited for when nobody does.
func TestAvailableEnds(t *testing.T) {
	h := devicesOn(newDevices())
	must(t, newCPUSqueezed().Available(t.Context(), h))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newCPUSqueezed().Available(ended, h); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestHostedPreconditions: what is hurt already is refused.
func TestHostedPreconditions(t *testing.T) {
	for name, test := range map[string]struct {
		fault string
		hurt  func(*devices)
		want  string
	}{
		"no link":   {"node-link-down", func(d *devices) { d.down[vm.SegmentCard] = true }, "no link to lose"},
		"broken":    {"disk-errors", func(d *devices) { d.broken = true }, "axolotl chaos undo"},
		"read-only": {"disk-errors", func(d *devices) { d.readOnly = true }, "nothing can be written"},
	} {
		f, err := New(test.fault)
		must(t, err)
		d := newDevices()
		test.hurt(d)
		if _, err := f.Prepare(t.Context(), devicesOn(d), aim(f)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLinkOfALoneMachine: it has nobody to speak to, but a client to lose.
func TestLinkOfALoneMachine(t *testing.T) {
	d := newDevices()
	h, ctx := devicesOn(d), t.Context()
	h.Cluster.Machines = h.Cluster.Machines[:1]
	f := newNodeLinkDown()
	if err := f.Available(t.Context(), h); err == nil || !strings.Contains(err.Error(), "every: true") {
		t.Errorf("error %v", err)
	}
	f.(*hosted).with.(*linkDown).Every = true
	must(t, f.Available(t.Context(), h))
	objects := injected(t, f, h)
	if len(d.down) != 2 {
		t.Errorf("down are %v", d.down)
	}
	must(t, f.Undo(ctx, h, objects))
	if words, err := f.Undone(ctx, h, objects); err != nil || len(d.down) != 0 {
		t.Errorf("%q, %v", words, err)
	}
}

// TestThrottleMeasures runs the script for settings of each kind on a disk that
// is as slow as it must be, and on one that is not.
func TestThrottleMeasures(t *testing.T) {
	for _, with := range []throttle{{IOPS: 100}, {IOPS: 1}, {BytesPerSecond: 4 << 20}, {BytesPerSecond: 1000}, {IOPS: 7, BytesPerSecond: 100_000}} {
		for _, quick := range []bool{false, true} {
			// Milliseconds for so many bytes, and for so many reads.
			took := "0"
			if !quick {
				took = "count * 1000 / " + fmt.Sprint(max(with.IOPS, 1))
				if with.IOPS == 0 {
					took = "count * bs * 1000 / " + fmt.Sprint(with.BytesPerSecond)
				}
			}
			if with.IOPS > 0 && with.BytesPerSecond > 0 && !quick {
				took = fmt.Sprintf("count * 1000 / %d + count * bs * 1000 / %d", with.IOPS, with.BytesPerSecond)
			}
			words := `clock=0
date() { echo $((clock * 1000000)); }
dd() { for a in "$@"; do case $a in bs=*) bs=${a#bs=};; count=*) count=${a#count=};; esac; done; clock=$((clock + ` + took + `)); }
`
			out, err := exec.Command("sh", "-c", "set -eu\n"+words+with.measure()).CombinedOutput()
			lenient := with.IOPS == 1 || with.BytesPerSecond == 1000 // one read is always let through
			if (err != nil) != quick && !(quick && lenient) || len(out) == 0 {
				t.Errorf("%+v, quick %t: %s, %v", with, quick, out, err)
			}
		}
	}
}
