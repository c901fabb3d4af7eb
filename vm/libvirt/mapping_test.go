package libvirt

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"axolotl/vm"
)

// form is what a process finds on this host.
func (w *world) form() (vm.Form, string, error) {
	s := spec(0)
	return w.driver().Form(w.t.Context(), &s, quiet.Start("form"))
}

// noProbeLeft sees to it that no guest of a proof and no file is left.
func (w *world) noProbeLeft() {
	w.t.Helper()
	left, err := filepath.Glob(filepath.Join(w.home.Cache, "probe-*"))
	if err != nil || len(left) > 0 || len(w.fake.domains) > 0 {
		w.t.Errorf("left are files %v, domains %v, %v", left, w.fake.domains, err)
	}
}

// probed is a host on which nothing says in which form machines are kept.
func probed(t *testing.T) *world {
	w := newWorld(t)
	w.restore = ""
	return w
}

// Memory is mapped only where a guest was seen to go on in what it had mapped,
// and to leave that alone. Only what a guest did is remembered.
func TestMappingIsProved(t *testing.T) {
	for _, test := range []struct {
		name  string
		harm  func(*fake)
		form  vm.Form
		why   string
		again bool // the next process probes anew
	}{
		{"it works", func(*fake) {}, vm.Mapped, "a small guest was frozen and went on", false},
		{"QEMU is confined", func(f *fake) { f.refused = "BootsAndPowersOff" }, vm.Saved, "freeze a guest whose memory is a file: refused", true},
		{"QEMU does not know it", func(f *fake) { f.refused = "Monitor migrate-set-capabilities" }, vm.Saved, "QEMU's migrate-set-capabilities: refused", true},
		{"no file is passed", func(f *fake) { f.refused = "Monitor getfd" }, vm.Saved, "QEMU's getfd: refused", true},
		{"the state is not read", func(f *fake) { f.refused = "Monitor migrate-incoming" }, vm.Saved, "thaw a guest from a file: QEMU's migrate-incoming", true},
		{"the state does not move", func(f *fake) { f.migration = []string{"failed"} }, vm.Saved, "could not move the machine's state", true},
		{"it hangs", func(f *fake) {
			f.thawed = func(string) (bool, error) { return false, context.DeadlineExceeded }
		}, vm.Saved, "thaw a guest from a file: context deadline exceeded", true},
		{"its memory is another", func(f *fake) {
			f.thawed = func(string) (bool, error) { return false, nil }
		}, vm.Saved, "otherwise than by powering off", false},
		{"it is not private", func(f *fake) {
			f.thawed = func(path string) (bool, error) {
				return true, f.onMemory(path, func(memory *os.File) error { return setGuestWord(memory, guestMark, guestEnds) })
			}
		}, vm.Saved, "wrote into the file that it had mapped privately", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := probed(t)
			test.harm(w.fake)
			for n := range 2 {
				w.fake.arm(0, "")
				form, why, err := w.form()
				if err != nil || form != test.form || !strings.Contains(why, test.why) {
					t.Errorf("%q, %q, %v", form, why, err)
				}
				again := slices.ContainsFunc(w.fake.calls, func(call string) bool { return strings.HasPrefix(call, "BootsAndPowersOff") })
				if want := n == 0 || test.again; again != want {
					t.Errorf("time %d: a guest was started: %t", n+1, again)
				}
				w.noProbeLeft()
			}
		})
	}
}

// A proof that goes wrong at any call is none, and leaves nothing; the next one
// is as the first would have been.
func TestMappingProofAtEveryCall(t *testing.T) {
	w := probed(t)
	_, _, err := w.form()
	w.must(err)
	calls := len(w.fake.calls)
	for n := 1; n <= calls; n++ {
		for _, how := range []accident{fails, dies} {
			w.must(os.RemoveAll(w.home.State))
			w.fake.arm(n, how)
			form, why, err := w.form()
			if err == nil && form == vm.Mapped {
				t.Errorf("call %d, %q, %s: it is proved: %s", n, w.fake.calls[n-1], how, why)
			}
			w.fake.arm(0, "")
			w.noProbeLeft()
			if form, why, err := w.form(); err != nil || form != vm.Mapped {
				t.Errorf("call %d, %s: then again: %q, %q, %v", n, how, form, why, err)
			}
		}
	}
}

// The end of the run is no proof of anything.
func TestMappingProofThatIsEnded(t *testing.T) {
	w := probed(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.fake.thawed = func(string) (bool, error) {
		cancel()
		return false, ctx.Err()
	}
	s := spec(0)
	if _, _, err := w.driver().Form(ctx, &s, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	w.fake.thawed = nil
	if form, _, err := w.form(); err != nil || form != vm.Mapped {
		t.Errorf("then: %q, %v", form, err)
	}
}

// What a person says goes before any proof.
func TestFormIsOrdered(t *testing.T) {
	for _, want := range []vm.Form{vm.Mapped, vm.Saved} {
		w := newWorld(t)
		t.Setenv(RestoreVariable, string(want))
		d := New(w.home, "qemu:///session")
		d.hypervisor = w.fake
		s := spec(0)
		form, why, err := d.Form(t.Context(), &s, nil)
		if err != nil || form != want || why != "AXOLOTL_RESTORE says so" || len(w.fake.calls) > 0 {
			t.Errorf("%q, %q, %v, calls %v", form, why, err, w.fake.calls)
		}
		found, err := d.checkRestored().Run(t.Context())
		if err != nil || found != string(want)+", as AXOLOTL_RESTORE says" {
			t.Errorf("doctor says %q, %v", found, err)
		}
	}
	w := newWorld(t)
	w.restore = "mmap"
	const wrong = "AXOLOTL_RESTORE=mmap: there is no such form; set it to mapped or save, or unset it"
	if _, _, err := w.form(); err == nil || !strings.Contains(err.Error(), wrong) {
		t.Errorf("error %v", err)
	}
	if _, err := w.driver().checkRestored().Run(t.Context()); err == nil || !strings.Contains(err.Error(), wrong) {
		t.Errorf("doctor says %v", err)
	}
}
