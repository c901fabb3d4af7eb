package libvirt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"axolotl/vm"
)

// BootsAndPowersOff plays the guests of probes: as the test says, but for a
// small one that goes on in a memory file, which does what it should.
func (f *fake) BootsAndPowersOff(ctx context.Context, text string, before func(uuid string) error) (bool, error) {
	var boot func(context.Context) (bool, error)
	var d *fakeDomain
	err := f.call("BootsAndPowersOff", "", func() error {
		made, description, err := f.parse(text)
		if err != nil {
			return err
		}
		boot = f.boots[description.Type]
		if file := memoryPath.FindStringSubmatch(text); file != nil {
			boot = func(context.Context) (bool, error) { return f.thawSmallGuest(file[1]) }
		}
		if boot == nil {
			return fmt.Errorf("no guest of type %s", description.Type)
		}
		if err := f.start(made, description, text, vm.MachinePaused); err != nil {
			return err
		}
		made.incoming = strings.Contains(text, "-incoming")
		f.domains[made.uuid], d = made, made
		return nil
	})
	if d != nil {
		defer func() { // also where this process is killed
			f.mu.Lock()
			defer f.mu.Unlock()
			delete(f.domains, d.uuid)
		}()
	}
	if err != nil {
		return false, err
	}
	if before != nil {
		if err := before(d.uuid); err != nil {
			return false, err
		}
		if d.incoming {
			return false, errors.New("it waits for an incoming migration")
		}
	}
	return boot(ctx)
}

// runSmallGuest has one mark the memory that it shares with a file.
func (f *fake) runSmallGuest(d *fakeDomain) error {
	file := memoryPath.FindStringSubmatch(d.running)
	if file == nil || !strings.HasPrefix(d.name, "axolotl-probe-") || !strings.Contains(d.running, "share=on") {
		return nil
	}
	return f.onMemory(file[1], func(memory *os.File) error { return setGuestWord(memory, guestMark, guestRuns) })
}

func (f *fake) thawSmallGuest(path string) (bool, error) {
	if f.thawed != nil {
		return f.thawed(path)
	}
	var goOn uint32
	err := f.onMemory(path, func(memory *os.File) (err error) {
		goOn, err = guestWord(memory, guestGoOn)
		return err
	})
	if err == nil && goOn == 0 {
		err = context.DeadlineExceeded
	}
	return err == nil, err
}

func (f *fake) onMemory(path string, do func(*os.File) error) error {
	memory, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(do(memory), memory.Close())
}
