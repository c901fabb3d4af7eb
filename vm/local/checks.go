package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"axolotl/vm"
	"axolotl/vm/image"
)

// Checks implements vm.Driver.
func (d *Driver) Checks() []vm.HostCheck {
	return []vm.HostCheck{
		{Name: "Linux", Run: func(context.Context) (string, error) {
			if runtime.GOOS != "linux" {
				return "", fmt.Errorf("this is %s; use the Vagrantfile, which brings a Linux machine up", runtime.GOOS)
			}
			if _, err := os.Stat("/proc/self/environ"); err != nil {
				return "", errors.New("/proc is not mounted; mount it")
			}
			return runtime.GOOS + "/" + runtime.GOARCH, nil
		}},
		{Name: "programs of the simulated cluster", Run: d.checkPrograms},
		{Name: "free ports on 127.0.0.1", Run: func(context.Context) (string, error) {
			first, err := choosePorts(d.home, &vm.Cluster{})
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%d and the next %d", first, portBlock-1), nil
		}},
	}
}

// checkPrograms sees whether the programs are built, or can be.
func (d *Driver) checkPrograms(ctx context.Context) (string, error) {
	missing := ""
	for _, b := range []image.Binary{image.Node, image.Kwok} {
		if _, err := b.Find(d.home); err != nil {
			missing = b.Name
		}
	}
	if missing == "" {
		return "built", nil
	}
	goVersion, err := image.CheckGo(ctx)
	if err != nil {
		return "", fmt.Errorf("%s must be built once: %w", missing, err)
	}
	return fmt.Sprintf("%s will be built once with %s", missing, goVersion), nil
}
