package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"axolotl/vm"
	"axolotl/vm/libvirt"
)

// outsideFlags say what machines reach beside each other.
type outsideFlags struct {
	internet bool
	mirrors  []string // URL, or REGISTRY=URL
}

// outsideFlagNames are the flags of outsideFlags; a file says it in their place.
var outsideFlagNames = []string{"internet", "registry-mirror"}

func (f *outsideFlags) add(flags *pflag.FlagSet) {
	flags.BoolVar(&f.internet, "internet", false, "give the machines a way out, to pull images for instance; else they reach nothing but each other")
	flags.StringArrayVar(&f.mirrors, "registry-mirror", nil, "with --internet, URL that is asked for images before docker.io, or REGISTRY=URL of another one (can be repeated)")
}

// outside is what the flags ask for.
func (f *outsideFlags) outside() vm.Outside {
	o := vm.Outside{Internet: f.internet}
	for _, text := range f.mirrors {
		registry, mirror := splitMirror(text)
		if o.RegistryMirrors == nil {
			o.RegistryMirrors = map[string][]string{}
		}
		o.RegistryMirrors[registry] = append(o.RegistryMirrors[registry], mirror)
	}
	return o
}

// splitMirror reads URL or REGISTRY=URL; a URL may have = in it.
func splitMirror(text string) (registry, mirror string) {
	before, after, found := strings.Cut(text, "=")
	if !found || strings.Contains(before, "/") {
		return vm.DefaultRegistry, text
	}
	return before, after
}

// validate returns all that is wrong with the flags.
func (f *outsideFlags) validate(driver string) []error {
	var errs []error
	if f.internet && driver != driverAuto && driver != libvirt.Name {
		errs = append(errs, fmt.Errorf("--internet is for --driver %s: others have no say in what their nodes reach", libvirt.Name))
	}
	if len(f.mirrors) > 0 && !f.internet {
		errs = append(errs, errors.New("--registry-mirror: the machines have no way out to it; add --internet"))
	}
	for _, text := range f.mirrors {
		registry, mirror := splitMirror(text)
		if err := errors.Join(vm.CheckRegistry(registry), vm.CheckMirror(mirror)); err != nil {
			errs = append(errs, fmt.Errorf("--registry-mirror %s: %w", text, err))
		}
	}
	return errs
}
