package libvirt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"libvirt.org/go/libvirt"

	"axolotl/internal/store"
	"axolotl/vm/image"
)

// Guests of the probe, by what becomes of them.
var (
	boots  = func(context.Context) (bool, error) { return true, nil }
	ends   = func(context.Context) (bool, error) { return false, nil }
	broken = func(context.Context) (bool, error) { return false, errors.New("KVM:\n permission denied") }
	// As libvirt said it on a host whose KVM lies.
	monitorClosed = func(context.Context) (bool, error) {
		return false, fmt.Errorf("start: %w", libvirt.Error{Code: libvirt.ERR_INTERNAL_ERROR, Message: "internal error: qemu unexpectedly closed the monitor: 2026-11-28T08:57:14.330410Z qemu-system-x86_64: error: failed to set MSR 0x10a to 0x69\n" +
			"qemu-system-x86_64: ../../target/i386/kvm/kvm.c:3183: kvm_buf_set_msrs: Assertion `ret == cpu->kvm_msr_buf->nmsrs' failed."})
	}
	hangs = func(context.Context) (bool, error) { return false, context.DeadlineExceeded }
)

// prober is a driver whose KVM is not looked for on this host.
func prober(w *world) *Driver {
	d := w.driver()
	d.uri = "test:///fake"
	return d
}

func openImage(t *testing.T, w *world) *image.Image {
	t.Helper()
	id, err := image.ID()
	w.must(err)
	img, err := image.Open(w.home, id)
	w.must(err)
	return img
}

// Where one of several hosts has no KVM, all machines are emulated.
func TestAccelerationOfSeveralHosts(t *testing.T) {
	for _, test := range []struct {
		here, there func(context.Context) (bool, error)
		accel, why  string
	}{
		{boots, boots, AccelKVM, "at test:///here"},
		{boots, ends, AccelTCG, "at test:///there"},
		{ends, boots, AccelTCG, "at test:///here"},
	} {
		var places []*Driver
		images := map[*site]*image.Image{}
		for uri, kvm := range map[string]func(context.Context) (bool, error){"test:///here": test.here, "test:///there": test.there} {
			w := newWorld(t)
			w.fake.boots = map[string]func(context.Context) (bool, error){"kvm": kvm, "qemu": boots}
			d := w.driver()
			d.uri = uri
			places, images[d.site] = append(places, d), openImage(t, w)
		}
		slices.SortFunc(places, func(a, b *Driver) int { return strings.Compare(a.uri, b.uri) })
		accel, why, err := places[0].accelerations(t.Context(), places, images)
		if err != nil || accel != test.accel || !strings.Contains(why, test.why) {
			t.Errorf("%q, %q, %v; want %q, %q", accel, why, err, test.accel, test.why)
		}
	}
}

// KVM is believed only where a guest was seen to boot: a host whose guests
// hang under it (fault 29), end or do not start falls back to emulation.
func TestAccelerationIsProved(t *testing.T) {
	type guests map[string]func(context.Context) (bool, error)
	for _, test := range []struct {
		name   string
		guests guests
		accel  string // empty: none
		why    string // part of it, or of the error
		calls  int    // the second time: what is remembered is not booted again
	}{
		{"KVM works", guests{"kvm": boots, "qemu": hangs}, AccelKVM, "a guest booted in", 0},
		{"KVM hangs", guests{"kvm": hangs, "qemu": boots}, AccelTCG, "no KVM (a guest did not boot within 15s)", 0},
		{"KVM's guest ends", guests{"kvm": ends, "qemu": boots}, AccelTCG, "no KVM (a guest ended before it had booted)", 0},
		{"KVM does not start", guests{"kvm": broken, "qemu": boots}, AccelTCG, "no KVM (a guest did not start: KVM: permission denied)", 1},
		{"QEMU ends under KVM", guests{"kvm": monitorClosed, "qemu": boots}, AccelTCG, "no KVM (a guest did not start: failed to set MSR 0x10a to 0x69)", 0},
		{"nothing works", guests{"kvm": hangs, "qemu": hangs}, "", "use --driver local", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			img := openImage(t, w)
			w.fake.boots = test.guests
			for range 2 {
				w.fake.arm(0, "")
				accel, why, err := prober(w).Acceleration(t.Context(), img)
				if test.accel == "" {
					if err == nil || !strings.Contains(err.Error(), test.why) {
						t.Errorf("%q, error %v", accel, err)
					}
				} else if err != nil || accel != test.accel || !strings.Contains(why, test.why) {
					t.Errorf("%q, %q, %v", accel, why, err)
				}
			}
			booted := 0
			for _, call := range w.fake.calls {
				if strings.HasPrefix(call, "BootsAndPowersOff") {
					booted++
				}
			}
			if booted != test.calls {
				t.Errorf("the second time %d guests were booted, want %d", booted, test.calls)
			}
			if len(w.fake.domains) > 0 {
				t.Errorf("domains are left: %v", w.fake.domains)
			}
		})
	}
}

// That QEMU ends under KVM is remembered for a while, and not by who asks
// whether it is mended.
func TestBriefProof(t *testing.T) {
	w := newWorld(t)
	img := openImage(t, w)
	w.fake.boots = map[string]func(context.Context) (bool, error){"kvm": monitorClosed, "qemu": boots}
	accel := func(want string) {
		t.Helper()
		if got, why, err := prober(w).Acceleration(t.Context(), img); got != want || err != nil {
			t.Errorf("%q (%s), %v; want %q", got, why, err, want)
		}
	}
	accel(AccelTCG)
	w.fake.boots["kvm"] = boots // it is mended
	accel(AccelTCG)
	memory := prober(w).probeFile(AccelKVM)
	var known probeResult
	w.must(store.ReadJSON(memory, &known))
	for _, when := range []time.Time{time.Now().Add(-brief), time.Now().Add(time.Hour)} {
		known.When = when
		w.must(store.WriteJSON(memory, known))
		accel(AccelKVM)
	}

	w.fake.boots["kvm"] = monitorClosed
	w.must(os.Remove(memory))
	accel(AccelTCG)
	w.must(prober(w).forgetFailure())
	w.fake.boots["kvm"] = boots
	accel(AccelKVM)
	w.must(prober(w).forgetFailure()) // what serves stays
	w.fake.boots["kvm"] = monitorClosed
	accel(AccelKVM)

	// That a guest hung is remembered for longer; who asks for a proof gets one.
	w.must(os.Remove(memory))
	w.fake.boots["kvm"] = func(context.Context) (bool, error) { return false, context.DeadlineExceeded }
	accel(AccelTCG)
	w.fake.boots["kvm"] = boots
	accel(AccelTCG)
	w.must(prober(w).forgetFailure())
	accel(AccelKVM)

	// For a day: the host may only have been too busy.
	w.must(os.Remove(memory))
	w.fake.boots["kvm"] = hangs
	accel(AccelTCG)
	w.fake.boots["kvm"] = boots
	var hung probeResult
	w.must(store.ReadJSON(memory, &hung))
	hung.When = time.Now().Add(time.Minute - aDay)
	w.must(store.WriteJSON(memory, hung))
	accel(AccelTCG)
	hung.When = time.Now().Add(-aDay)
	w.must(store.WriteJSON(memory, hung))
	accel(AccelKVM)
}

// dom is a domain of which libvirt says something.
type dom struct {
	active bool
	err    error
}

func (d dom) IsActive() (bool, error) { return d.active, d.err }

// A guest whose end nobody was told of, as libvirt has gone meanwhile, has not hung:
// nothing is remembered of it.
func TestProbeThatEndedUnheard(t *testing.T) {
	if err := silentEnd(context.DeadlineExceeded, dom{active: true}); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errLost) {
		t.Error(err)
	}
	w := newWorld(t)
	img := openImage(t, w)
	for _, gone := range []dom{{}, {err: errors.New("client socket is closed")}} {
		w.fake.boots = map[string]func(context.Context) (bool, error){"qemu": boots, "kvm": func(context.Context) (bool, error) {
			return false, silentEnd(context.DeadlineExceeded, gone)
		}}
		accel, why, err := prober(w).Acceleration(t.Context(), img)
		if accel != AccelTCG || !strings.Contains(why, "the guest has gone") || err != nil {
			t.Errorf("%q, %q, %v", accel, why, err)
		}
		w.fake.boots["kvm"] = boots
		if accel, _, err := prober(w).Acceleration(t.Context(), img); accel != AccelKVM || err != nil {
			t.Errorf("%q, %v", accel, err)
		}
		w.must(os.Remove(prober(w).probeFile(AccelKVM)))
	}
}

// The end of the run is no proof of anything, and another libvirt or QEMU is
// asked anew.
func TestProofIsOfWhatItWasMadeFor(t *testing.T) {
	w := newWorld(t)
	img := openImage(t, w)
	ctx, cancel := context.WithCancel(t.Context())
	w.fake.boots = map[string]func(context.Context) (bool, error){"kvm": func(context.Context) (bool, error) {
		cancel()
		return false, ctx.Err()
	}}
	if _, _, err := prober(w).Acceleration(ctx, img); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	w.fake.boots["kvm"] = boots
	if accel, _, err := prober(w).Acceleration(t.Context(), img); accel != AccelKVM || err != nil {
		t.Errorf("%q, %v", accel, err)
	}
	other := *img
	other.ID = "another"
	w.fake.boots["kvm"], w.fake.boots["qemu"] = hangs, boots
	if accel, _, err := prober(w).Acceleration(t.Context(), &other); accel != AccelTCG || err != nil {
		t.Errorf("of another image: %q, %v", accel, err)
	}
}

// up takes what was proved, and says so.
func TestUpProvesTheAcceleration(t *testing.T) {
	w := newWorld(t)
	w.fake.boots = map[string]func(context.Context) (bool, error){"kvm": hangs, "qemu": boots}
	s := spec(0)
	s.Accel = AccelAuto
	w.must(w.up(w.options("c", s)))
	d := w.fake.domains[w.load("c").Machines[0].UUID]
	if !strings.Contains(d.record, `type="qemu"`) {
		t.Errorf("record %s", d.record)
	}
}
