package cluster

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"axolotl/internal/strictyaml"
	"axolotl/vm"
)

// Connect is the URI of the libvirt that makes the control plane, where the file says
// that it is on another host; else it is empty.
func (f *File) Connect() string { return f.uriOf(f.ControlPlane.Host) }

// Others are the hosts, beside the control plane's, that groups are on, as a
// driver takes them.
func (f *File) Others() []string {
	var all []string
	spec := f.Spec()
	for _, g := range spec.Groups {
		if g.Host != spec.Groups[0].Host && !slices.Contains(all, g.Host) {
			all = append(all, g.Host)
		}
	}
	return all
}

// hostOf is the host of a group: where nothing is said it is this one.
func (f *File) hostOf(m machinesFile) string {
	if m.Host == "" && f.ControlPlane.Host != "" {
		return vm.ThisHost
	}
	return f.uriOf(m.Host)
}

// uriOf is the URI of a host.
func (f *File) uriOf(host string) string {
	for _, h := range f.Hosts {
		if h.Name == host {
			return h.URI
		}
	}
	return ""
}

// hostDrivers are the words for drivers that make machines on other hosts.
var hostDrivers = []string{"auto", "libvirt"}

func (v fileValidator) hosts() {
	var names []string
	for i, h := range v.Hosts {
		at := fmt.Sprintf("hosts[%d]", i)
		if problems := validation.IsDNS1123Subdomain(h.Name); len(problems) > 0 {
			v.fault(at+".name", "%q is no name for a host; use small letters, digits, dots and -", h.Name)
		}
		if slices.Contains(names, h.Name) {
			v.document.Faultf(at, "another host is called %q; give each a name of its own", h.Name)
		}
		if !strings.HasPrefix(h.URI, "qemu+ssh://") {
			v.fault(at+".uri", "%q is no libvirt that is reached by ssh; write for instance qemu+ssh://root@%s/system", h.URI, h.Name)
		}
		names = append(names, h.Name)
	}
	if len(names) > 0 && v.Driver != "" && !slices.Contains(hostDrivers, v.Driver) {
		v.fault("hosts", "driver %s makes its nodes here; leave it out, or the hosts", v.Driver)
	}
	v.host("controlPlane", v.ControlPlane.Host, names)
	for i, w := range v.Workers {
		v.host(fmt.Sprintf("workers[%d]", i), w.Host, names)
	}
}

// host judges what a group says of its host.
func (v fileValidator) host(at, host string, names []string) {
	if host != "" && !slices.Contains(names, host) {
		v.fault(at+".host", "there is no host %q in hosts%s", host, strictyaml.DidYouMean(host, names))
	}
}
