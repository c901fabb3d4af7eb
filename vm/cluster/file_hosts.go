package cluster

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"axolotl/internal/strictyaml"
)

// Connect is the URI of the libvirt that makes the machines, where the file says
// that they are on another host; else it is empty.
func (f *File) Connect() string { return f.uriOf(f.ControlPlane.Host) }

// uriOf is the URI of a host.
func (f *File) uriOf(host string) string {
	for _, h := range f.Hosts {
		if h.Name == host {
			return h.URI
		}
	}
	return ""
}

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
	v.host("controlPlane", v.ControlPlane.Host, names)
	for i, w := range v.Workers {
		at := fmt.Sprintf("workers[%d]", i)
		if v.host(at, w.Host, names); w.Host != v.ControlPlane.Host {
			v.document.Faultf(at, "machines of one cluster are on one host: these would be on %s, and the control plane on %s; give both the same host",
				place(w.Host), place(v.ControlPlane.Host))
		}
	}
}

// host judges what a group says of its host.
func (v fileValidator) host(at, host string, names []string) {
	if host != "" && !slices.Contains(names, host) {
		v.fault(at+".host", "there is no host %q in hosts%s", host, strictyaml.DidYouMean(host, names))
	}
}

// place is a host, in a sentence.
func place(host string) string {
	if host == "" {
		return "this host"
	}
	return host
}
