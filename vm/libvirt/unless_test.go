package libvirt

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"axolotl/vm"
)

// mute is a libvirt that says nothing until a test ends.
type mute struct {
	*fake
	until <-chan struct{}
}

func (m mute) Domain(string) (domain, error) { <-m.until; return domain{}, errNoDomain }
func (m mute) Domains() ([]domain, error)    { <-m.until; return nil, nil }
func (m mute) Version() (string, error)      { <-m.until; return "", nil }
func (m mute) Agent(string, string, time.Duration) (string, error) {
	<-m.until
	return "", errAgentSilent
}

// FAULTS.md 2: whoever is interrupted while libvirt or a guest says nothing does not
// wait for that.
func TestInterruptedWhileNothingIsSaid(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(0))))
	c := w.load("c")
	d := w.driver()
	d.hypervisor = mute{w.fake, t.Context().Done()} // ends before what is cleaned up
	for name, do := range map[string]func(context.Context) error{
		"status":  func(ctx context.Context) error { _, err := d.Machines(ctx, c); return err },
		"exec":    func(ctx context.Context) error { _, err := d.Exec(ctx, c, "cp-1", "/bin/true"); return err },
		"write":   func(ctx context.Context) error { return d.WriteFile(ctx, c, "cp-1", "/etc/hosts", []byte("x")) },
		"clock":   func(ctx context.Context) error { return d.setClock(ctx, c, &c.Machines[0]) },
		"agent":   func(ctx context.Context) error { return d.awaitAgent(ctx, c, &c.Machines[0]) },
		"power":   func(ctx context.Context) error { return d.PowerOn(ctx, c, "cp-1") },
		"down":    func(ctx context.Context) error { return d.removeAll(ctx, c) },
		"salvage": func(ctx context.Context) error { _, err := d.Salvage(ctx, "c", "/"); return err },
		"host":    func(ctx context.Context) error { _, err := d.hostSubject(ctx); return err },
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- do(ctx) }()
		time.AfterFunc(10*time.Millisecond, interrupt)
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s does not end", name)
		}
	}
}

// A save that is interrupted leaves its machines running, and waits for their clocks
// for a little.
func TestInterruptedSaveResumesTheMachines(t *testing.T) {
	w := newWorld(t)
	w.must(w.up(w.options("c", spec(1))))
	c := w.load("c")
	w.fake.silence = 1 << 30
	ctx, interrupt := context.WithCancel(t.Context())
	var began time.Time
	w.must(os.MkdirAll(filepath.Join(c.Dir, "kept"), 0o700))
	time.AfterFunc(300*time.Millisecond, func() { began = time.Now(); interrupt() })
	err := w.driver().Save(ctx, c, filepath.Join(c.Dir, "kept"), quiet.Start("save"))
	if took := time.Since(began); err == nil || began.IsZero() || took > clockGrace+time.Second {
		t.Errorf("it ended %s after the signal: %v", took, err)
	}
	for _, d := range w.fake.domains {
		if d.state != vm.MachineRunning {
			t.Errorf("%s is %s", d.name, d.state)
		}
	}
}

// What ssh has started may hold its output open when that has been ended.
func TestInterruptedScriptThere(t *testing.T) {
	program := filepath.Join(t.TempDir(), "ssh")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nsleep 20 &\nsleep 20\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, interrupt)
	began := time.Now()
	_, err := ssh{host: "far", kind: "system", program: program}.script(ctx, nil, "check")
	if took := time.Since(began); !errors.Is(err, context.Canceled) || took > 5*time.Second {
		t.Errorf("after %s: %v", took, err)
	}
}
