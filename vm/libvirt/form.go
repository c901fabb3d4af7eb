package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"axolotl/internal/store"
	"axolotl/vm"
)

// form is one way in which the state of machines is kept in files and had back.
// Each names its files otherwise, so that none is read as the other.
type form interface {
	// keep writes the state of a paused machine into a directory. The machine
	// stays, paused.
	keep(ctx context.Context, m *vm.Machine, dir string) error
	// keepRest writes what of a machine that is to be frozen can be kept only
	// when it is off.
	keepRest(ctx context.Context, c *vm.Cluster, m *vm.Machine, dir string) error
	// start starts a machine that is defined in the state that is kept in a
	// directory, which is only read. It does not run yet.
	start(ctx context.Context, c *vm.Cluster, m *vm.Machine, boot bootFiles, dir string) error
}

// formFor is the form by the word for it.
func (d *Driver) formFor(word vm.Form) form {
	if word == vm.Saved {
		return savedForm{d}
	}
	return mappedForm{d}
}

// frozenAs is the form in which the machines of a cluster are frozen that was
// made for it.
func (d *Driver) frozenAs(c *vm.Cluster) form {
	if c.SharedMemory == "" {
		return savedForm{d}
	}
	return mappedForm{d}
}

// keptIn is the form in which a machine's state is kept in a directory; nil
// where none is: it was off.
func (d *Driver) keptIn(dir string) (form, error) {
	for name, kept := range map[string]form{deviceFile: mappedForm{d}, savedFile: savedForm{d}} {
		_, err := os.Stat(filepath.Join(dir, name))
		if err == nil {
			return kept, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, nil
}

// mappedForm is memory as a file that machines map, and QEMU's stream of the
// devices. Of a machine whose memory is no shared file, the stream holds that
// too.
type mappedForm struct{ *Driver }

const (
	memoryFile = "memory" // as big as the machine's memory, with holes
	deviceFile = "devices"
)

func (f mappedForm) keep(ctx context.Context, m *vm.Machine, dir string) error {
	file, err := os.OpenFile(filepath.Join(dir, deviceFile), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := f.saveState(ctx, m.UUID, file); err != nil {
		return err
	}
	return file.Sync()
}

func (f mappedForm) keepRest(ctx context.Context, c *vm.Cluster, m *vm.Machine, dir string) error {
	path := filepath.Join(dir, memoryFile)
	if err := store.CopySparse(ctx, path, sharedMemory(c, m.Name)); err != nil {
		return err
	}
	// NOTE: QEMU opens it for writing, though nothing is written where it
	// is mapped privately.
	return f.giveTo(path)
}

func (f mappedForm) start(ctx context.Context, c *vm.Cluster, m *vm.Machine, boot bootFiles, dir string) error {
	mem := memory{Incoming: true}
	path := filepath.Join(dir, memoryFile)
	if _, err := os.Stat(path); err == nil {
		mem.File = path
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := domainXML(c, m, boot, mem)
	if err != nil {
		return err
	}
	if err := f.hypervisor.StartPaused(text); err != nil {
		return fmt.Errorf("start %s from memory: %w", m.Name, err)
	}
	file, err := os.Open(filepath.Join(dir, deviceFile))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := f.loadState(ctx, m.UUID, file); err != nil {
		return fmt.Errorf("restore %s: %w", m.Name, err)
	}
	return nil
}

// savedForm is one save image of libvirt's for each machine. A machine reads a
// copy that describes it, since what is kept is only read.
type savedForm struct{ *Driver }

const (
	savedFile = "saved"
	savedCopy = "saved.copy" // beside a machine's disks, while it is restored
)

func (f savedForm) keep(_ context.Context, m *vm.Machine, dir string) error {
	path := filepath.Join(dir, savedFile)
	if err := store.RemoveFile(path); err != nil {
		return err
	}
	if err := f.hypervisor.SaveImage(m.UUID, path); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := openSaveImage(file); err != nil { // not when it is needed
		return err
	}
	return file.Sync()
}

func (savedForm) keepRest(context.Context, *vm.Cluster, *vm.Machine, string) error { return nil }

func (f savedForm) start(ctx context.Context, c *vm.Cluster, m *vm.Machine, boot bootFiles, dir string) (err error) {
	text, err := domainXML(c, m, boot, memory{})
	if err != nil {
		return err
	}
	image, own := filepath.Join(dir, savedFile), machineFile(c.Dir, m.Name, savedCopy)
	info, err := os.Stat(image)
	if err != nil {
		return err
	}
	if err := checkFree(filepath.Dir(own), uint64(info.Size())); err != nil { //nolint:gosec // no file has less than nothing
		return err
	}
	defer func() { err = errors.Join(err, store.RemoveFile(own)) }()
	if err := copySaveImage(ctx, own, image, text); err != nil {
		return fmt.Errorf("copy the memory of %s: %w", m.Name, err)
	}
	if err := f.hypervisor.RestoreImage(own); err != nil {
		return fmt.Errorf("restore %s: %w", m.Name, err)
	}
	return nil
}
