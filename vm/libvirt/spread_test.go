package libvirt

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"axolotl/vm"
	"axolotl/vm/image"
)

// hosted is the libvirt of one of two hosts. It knows no machine of the other, and
// refuses one that is described for it: whoever asks the wrong one has made a
// mistake.
type hosted struct {
	*fake
	far  bool
	away *atomic.Bool // it does not answer
}

var errAway = errors.New("connection timed out")

// isFar tells where a machine is described for.
func isFar(d *fakeDomain) bool { return !strings.HasPrefix(d.owner.Dir, "/") }

func (h hosted) has(uuid string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.away != nil && h.away.Load() {
		return errAway
	}
	if d := h.domains[uuid]; d == nil || d.owner.Dir != "" && isFar(d) != h.far {
		return errNoDomain
	}
	return nil
}

func (h hosted) Define(text string) error {
	h.mu.Lock()
	d, _, err := h.parse(text)
	h.mu.Unlock()
	if err == nil && isFar(d) != h.far {
		return errors.New("it is described for the other host")
	}
	return h.fake.Define(text)
}

func (h hosted) Domains() ([]domain, error) {
	var own []domain
	all, err := h.fake.Domains()
	for _, d := range all {
		if h.has(d.UUID) == nil {
			own = append(own, d)
		}
	}
	return own, err
}

func (h hosted) Domain(uuid string) (domain, error) {
	d, err := h.fake.Domain(uuid)
	if err == nil {
		err = h.has(uuid)
	}
	return d, err
}

func (h hosted) Start(uuid string) error   { return errors.Join(h.has(uuid), h.fake.Start(uuid)) }
func (h hosted) Pause(uuid string) error   { return errors.Join(h.has(uuid), h.fake.Pause(uuid)) }
func (h hosted) Resume(uuid string) error  { return errors.Join(h.has(uuid), h.fake.Resume(uuid)) }
func (h hosted) Reset(uuid string) error   { return errors.Join(h.has(uuid), h.fake.Reset(uuid)) }
func (h hosted) Destroy(uuid string) error { return h.orGone(uuid, h.fake.Destroy) }
func (h hosted) Undefine(uuid string) error {
	return h.orGone(uuid, h.fake.Undefine)
}

// orGone does to a machine of the other host nothing, as to one that is gone.
func (h hosted) orGone(uuid string, do func(string) error) error {
	if h.has(uuid) != nil {
		return nil
	}
	return do(uuid)
}

func (h hosted) Agent(uuid, command string, timeout time.Duration) (string, error) {
	answer, err := h.fake.Agent(uuid, command, timeout)
	return answer, errors.Join(err, h.has(uuid))
}

func (h hosted) Monitor(uuid, command string, files ...*os.File) (string, error) {
	answer, err := h.fake.Monitor(uuid, command, files...)
	return answer, errors.Join(err, h.has(uuid))
}

func (h hosted) AttachDisk(uuid, text string) error {
	return errors.Join(h.has(uuid), h.fake.AttachDisk(uuid, text))
}

func (h hosted) DetachDisk(uuid, serial string) (bool, error) {
	gone, err := h.fake.DetachDisk(uuid, serial)
	return gone, errors.Join(err, h.has(uuid))
}

func (h hosted) DiskLimits(uuid, disk string) (vm.DiskLimits, error) {
	limits, err := h.fake.DiskLimits(uuid, disk)
	return limits, errors.Join(err, h.has(uuid))
}

func (h hosted) SetDiskLimits(uuid, disk string, limits vm.DiskLimits) error {
	return errors.Join(h.has(uuid), h.fake.SetDiskLimits(uuid, disk, limits))
}

func (h hosted) CPULimit(uuid string) (vm.CPULimit, error) {
	limit, err := h.fake.CPULimit(uuid)
	return limit, errors.Join(err, h.has(uuid))
}

func (h hosted) SetCPULimit(uuid string, limit vm.CPULimit) error {
	return errors.Join(h.has(uuid), h.fake.SetCPULimit(uuid, limit))
}

func (h hosted) CPUTime(uuid string) (time.Duration, error) {
	worked, err := h.fake.CPUTime(uuid)
	return worked, errors.Join(err, h.has(uuid))
}

func (h hosted) Console(uuid string) (io.ReadWriteCloser, error) {
	if err := h.has(uuid); err != nil {
		return nil, err
	}
	return h.fake.Console(uuid)
}

// newSpread is a world whose clusters have their workers on another host.
func newSpread(t testing.TB) *world {
	w := newWorld(t)
	far := w.far()
	w.adapt = func(d *Driver) {
		d.Tunnel, d.hypervisor = idleTunnel, hosted{fake: w.fake}
		d.sites.reach = func(uri string) *site {
			return &site{uri: uri, hypervisor: hosted{w.fake, true, &w.farAway}, remote: far}
		}
		d.sites.of(farURI)
	}
	return w
}

// spread is what clusters are asked for that have workers on another host.
func spread(workers int) vm.Spec {
	s := spec(workers)
	s.Groups = s.AllGroups()
	s.Groups[1].Host = farURI
	return s
}

func TestSpreadUpAtEveryCall(t *testing.T) {
	w := newSpread(t)
	work{run: func(w *world) error { return w.up(w.options("c", spread(1))) }}.everyCall(t, w, gone)
}

func TestSpreadDownAtEveryCall(t *testing.T) {
	w := newSpread(t)
	work{
		before: func(w *world) { w.must(w.up(w.options("c", spread(1)))); w.healthy("c") },
		run:    func(w *world) error { return w.down("c") },
	}.everyCall(t, w, func(w *world) { w.assertEmpty() })
}

func TestSpreadRecreateAtEveryCall(t *testing.T) {
	w := newSpread(t)
	work{
		before: func(w *world) { w.must(w.up(w.options("c", spread(1)))); w.healthy("c"); wreck(w) },
		run:    func(w *world) error { return w.recreate(w.options("c", spread(1))) },
	}.everyCall(t, w, gone)
}

// The first worker there brings the node image, and the last takes it away.
func TestSpreadAddWorkerAtEveryCall(t *testing.T) {
	w := newSpread(t)
	work{
		before: func(w *world) {
			w.fake.answer = answering().answer
			w.must(w.up(w.options("c", spread(0))))
			w.healthy("c")
		},
		run: func(w *world) error {
			_, err := w.clusters().AddWorkers(t.Context(), "c", "", 1, w.open, quiet)
			return started(nil, err)
		},
		again: func(w *world) error { return w.rejoined() },
	}.everyCall(t, w, func(w *world) {
		c := w.load("c")
		if len(c.Machines) != 2 || c.Machines[1].Host != farURI || !isFar(w.fake.domains[c.Machines[1].UUID]) {
			t.Errorf("%+v", c.Machines)
		}
		w.must(w.driver().Leave(t.Context(), c, "worker-1"))
		if left := w.lookFar(w.plain()); len(left) > 0 {
			t.Errorf("left there: %v", left)
		}
		gone(w)
	})
}

// Each machine is joined to the switch at its own host's loopback, and what is
// reached past the API server is that host's, too.
func TestSpreadNetworks(t *testing.T) {
	w := newSpread(t)
	w.must(w.up(w.options("c", spread(1))))
	c := w.load("c")
	for i, loopback := range []string{"127.0.0.1", networkOf(c, &c.Machines[1]).Loopback} {
		m := &c.Machines[i]
		text := w.fake.domains[m.UUID].running
		for _, want := range []string{"hostfwd=tcp:" + loopback + ":", "socket,id=axoseg,listen=" + loopback + ":"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %s in %s", m.Name, want, text)
			}
		}
		if strings.Contains(text, "mcast") {
			t.Errorf("%s has a segment of one host: %s", m.Name, text)
		}
	}
	if networkOf(c, &c.Machines[1]).Loopback == "127.0.0.1" {
		t.Error("on the other host it has addresses that another cluster may have")
	}
	if own := forwardsTo(c, &c.Machines[1]); len(own) != 2*(vm.NodePortCount+1) {
		t.Errorf("forwards %v", own)
	}
}

// QEMU here is another user, and enters the directories of machines also where
// those of another host come first.
func TestSpreadDirectories(t *testing.T) {
	w := newSpread(t)
	w.must(w.up(w.options("c", spread(1))))
	c, d := w.load("c"), w.driver()
	w.must(os.RemoveAll(c.Path("machines")))
	img, err := image.Open(d.home, c.Image)
	w.must(err)
	_, err = d.at(&c.Machines[1]).ensureDisks(t.Context(), c, &c.Machines[1], img)
	w.must(err)
	info, err := os.Stat(c.Path("machines"))
	w.must(err)
	if info.Mode().Perm()&0o001 == 0 {
		t.Errorf("others cannot enter it: %v", info.Mode())
	}
}

// All that is done to a machine is done by the libvirt of its host.
func TestSpreadMachines(t *testing.T) {
	w := newSpread(t)
	loading(w, 0)
	w.must(w.down("c"))
	w.must(w.up(w.options("c", spread(1))))
	w.healthy("c")
	w.must(os.WriteFile(archiveOf(w), []byte("images"), 0o600))
	ctx, c, d := t.Context(), w.load("c"), w.driver()
	changes, err := d.Watch(ctx, c)
	w.must(err)
	for range c.Machines {
		<-changes
	}
	for _, m := range []string{"cp-1", "worker-1"} {
		for name, do := range map[string]func() error{
			"set a link":     func() error { return d.SetLink(ctx, c, m, vm.SegmentCard, false) },
			"limit a disk":   func() error { return d.SetDiskLimits(ctx, c, m, vm.DiskLimits{}) },
			"disk limits":    func() error { _, err := d.DiskLimits(ctx, c, m); return err },
			"break a disk":   func() error { return d.BreakDisk(ctx, c, m) },
			"disk errors":    func() error { _, _, err := d.DiskErrors(ctx, c, m); return err },
			"processor time": func() error { _, err := d.CPUTime(ctx, c, m); return err },
			"limit": func() error {
				limit, err := d.CPULimit(ctx, c, m)
				return errors.Join(err, d.SetCPULimit(ctx, c, m, limit))
			},
			"run":     func() error { _, err := d.Exec(ctx, c, m, "/bin/true"); return err },
			"write":   func() error { return d.WriteFile(t.Context(), c, m, "/etc/hosts", []byte("x")) },
			"console": func() error { return d.Console(ctx, c, m, strings.NewReader("\x1d"), &bytes.Buffer{}) },
		} {
			if err := do(); err != nil {
				t.Errorf("%s of %s: %v", name, m, err)
			}
		}
		anew := func() {
			w.become(c.Machine(m).UUID, vm.MachineStopped)
			w.must(d.PowerOn(ctx, c, m))
		}
		for name, do := range map[string]func() error{
			"pause":  func() error { return d.Pause(ctx, c, m) },
			"resume": func() error { return d.Resume(ctx, c, m) },
			"reset":  func() error { return d.Reset(ctx, c, m) },
			"off":    func() error { return d.PowerOff(ctx, c, m) },
			"on":     func() error { return d.PowerOn(ctx, c, m) },
		} {
			anew()
			if name == "resume" {
				w.must(d.Pause(ctx, c, m))
			}
			if err := do(); err != nil {
				t.Errorf("%s of %s: %v", name, m, err)
			}
		}
		anew()
		told := map[string]bool{}
		for len(changes) > 0 || !told[m] {
			told[(<-changes).Name] = true
		}
	}
	w.must(d.LoadImages(ctx, c, archiveOf(w)))
	statuses, err := d.Machines(ctx, c)
	w.must(err)
	for _, s := range statuses {
		if s.State != vm.MachineRunning {
			t.Errorf("%+v", s)
		}
	}
	w.farAway.Store(true)
	statuses, err = d.Machines(ctx, c)
	w.must(err)
	if here, there := statuses[0], statuses[1]; here.State != vm.MachineRunning || there.State != vm.MachineUnknown || there.Reason != errAway.Error() {
		t.Errorf("with the other host away: %+v", statuses)
	}
	w.farAway.Store(false)
	if _, err := vm.SaverOf(d); err == nil || !strings.Contains(err.Error(), "far.invalid") {
		t.Errorf("it can be saved: %v", err)
	}
	gone(w)
}
