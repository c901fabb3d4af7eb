package cluster

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"axolotl/internal/strictyaml"
	"axolotl/vm"
)

// fileValidator judges what a file says once it has been decoded. What could
// not be decoded is told already, and has its zero value.
type fileValidator struct{ *File }

// fault notes a fault of a value that is there.
func (v fileValidator) fault(path, format string, args ...any) {
	if v.document.Has(path) {
		v.document.Faultf(path, format, args...)
	}
}

func (v fileValidator) head(drivers []string) {
	if v.APIVersion != APIVersion {
		v.fault("apiVersion", "%q is not known here; use %s", v.APIVersion, APIVersion)
	}
	if v.Kind != Kind {
		v.fault("kind", "%q is no cluster; write kind: %s", v.Kind, Kind)
	}
	if err := ValidateName(v.Name); err != nil {
		v.fault("name", "%v", err)
	}
	if !slices.Contains(drivers, v.Driver) {
		v.fault("driver", "unknown driver %q%s; use %s", v.Driver, strictyaml.DidYouMean(v.Driver, drivers), strings.Join(drivers, ", "))
	}
	v.bound("disk", DiskGiB, int(v.Disk), "%dGi")
}

func (v fileValidator) bound(path string, bounds Bounds, value int, form string) {
	if bounds.Check(value) != nil {
		v.fault(path, "use "+form+" to "+form, bounds.Low, bounds.High)
	}
}

// maxGroup leaves room for the number of a machine, within what is printed in
// one column.
const maxGroup = 20

func (v fileValidator) groups(most int) {
	if err := CheckControlPlanes(v.ControlPlane.Count); err != nil {
		v.fault("controlPlane.count", "%v", err)
	}
	v.machines("controlPlane", v.ControlPlane.machinesFile)
	seen, sum := map[string]bool{}, 0
	for i, w := range v.Workers {
		at := fmt.Sprintf("workers[%d]", i)
		switch {
		case len(w.Name) > maxGroup || len(validation.IsDNS1123Label(w.Name)) > 0:
			v.fault(at+".name", "%q is no name for a group; use at most %d small letters, digits and -", w.Name, maxGroup)
		case w.Name == vm.ControlPlaneGroup:
			v.fault(at+".name", "%q is the group of the control plane; choose another name", w.Name)
		case seen[w.Name]:
			v.document.Faultf(at, "another group is called %q; give each a name of its own", w.Name)
		}
		seen[w.Name] = true
		if w.Count < 0 {
			v.fault(at+".count", "%d is negative", w.Count)
		}
		if sum += w.Count; sum > most {
			v.fault(at+".count", "that makes %d workers; at most %d are possible", sum, most)
		}
		v.machines(at, w.machinesFile)
	}
	if v.document.Err() == nil && !slices.ContainsFunc(v.Spec().Groups, func(g vm.Group) bool { return g.Count > 0 && takesDNS(g) }) {
		v.document.Faultf("controlPlane.taints", "every machine is tainted, so that the cluster's DNS could run nowhere; leave one group without")
	}
}

// takesDNS tells whether the cluster's DNS, which every cluster has, tolerates
// the taints of a group.
func takesDNS(g vm.Group) bool {
	return !slices.ContainsFunc(g.Taints, func(t vm.Taint) bool {
		tolerated := t.Key == "CriticalAddonsOnly" || t.Key == "node-role.kubernetes.io/control-plane" && t.Value == "" && t.Effect == vm.NoSchedule
		return t.Effect != vm.PreferNoSchedule && !tolerated
	})
}

func (v fileValidator) machines(at string, m machinesFile) {
	v.bound(at+".cpus", CPUs, m.CPUs, "%d")
	v.bound(at+".memory", MemoryMiB, int(m.Memory), "%dMi")
	for _, key := range slices.Sorted(maps.Keys(m.Labels)) {
		path := at + ".labels." + key
		v.key(path, key)
		if problems := validation.IsValidLabelValue(m.Labels[key]); len(problems) > 0 {
			v.fault(path, "%q is no value for a label: %s", m.Labels[key], problems[0])
		}
	}
	for i, t := range m.Taints {
		path := fmt.Sprintf("%s.taints[%d]", at, i)
		if t.Key != "" {
			v.key(path+".key", t.Key)
		}
		if problems := validation.IsValidLabelValue(t.Value); len(problems) > 0 {
			v.fault(path+".value", "%q is no value for a taint: %s", t.Value, problems[0])
		}
		if slices.ContainsFunc(m.Taints[:i], func(other vm.Taint) bool { return other.Key == t.Key && other.Effect == t.Effect }) {
			v.document.Faultf(path, "taint %s:%s stands here twice; keep one", t.Key, t.Effect)
		}
	}
	if m.Kubelet != nil {
		v.kubelet(at+".kubelet", m.Kubelet)
	}
}

// owned are the prefixes of labels and taints that others set, and would set
// again.
var owned = []string{"kubernetes.io", "node.kubernetes.io", "axolotl", "axolotl.dev"}

// key judges the key of a label or of a taint.
func (v fileValidator) key(path, key string) {
	if problems := validation.IsQualifiedName(key); len(problems) > 0 {
		v.document.Faultf(path, "%q is no key: %s", key, problems[0])
		return
	}
	if prefix, _, ok := strings.Cut(key, "/"); ok && slices.Contains(owned, prefix) {
		v.document.Faultf(path, "%s/… is set by the cluster itself; take a key of your own", prefix)
	}
}

func (v fileValidator) kubelet(at string, k *vm.Kubelet) {
	if k.MaxPods < 1 {
		v.fault(at+".maxPods", "want a number of pods from 1")
	}
	if k.PodPidsLimit < 1 {
		v.fault(at+".podPidsLimit", "want a number of processes from 1")
	}
	for _, amounts := range []struct {
		name   string
		values map[string]string
	}{{"evictionHard", k.EvictionHard}, {"systemReserved", k.SystemReserved}} {
		for _, name := range slices.Sorted(maps.Keys(amounts.values)) {
			value := amounts.values[name]
			_, err := resource.ParseQuantity(strings.TrimSuffix(value, "%"))
			if err != nil {
				v.fault(at+"."+amounts.name+"."+name, `%q is no amount; write for instance "100Mi" or "5%%"`, value)
			}
		}
	}
	v.words(at+".featureGates", k.FeatureGates)
}

// word is what the names of feature gates, API groups and plugins are made of.
// They become part of a command line.
var word = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9./-]*$`)

func (v fileValidator) words(at string, values map[string]bool) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !word.MatchString(name) {
			v.document.Faultf(at+"."+name, "%q is no name; use letters, digits, dots, / and -", name)
		}
	}
}

func (v fileValidator) apiServer() {
	a := v.APIServer
	if a == nil {
		return
	}
	v.words("apiServer.featureGates", a.FeatureGates)
	v.words("apiServer.runtimeConfig", a.RuntimeConfig)
	for name, plugins := range map[string][]string{"enableAdmissionPlugins": a.EnableAdmissionPlugins, "disableAdmissionPlugins": a.DisableAdmissionPlugins} {
		for i, plugin := range plugins {
			path := fmt.Sprintf("apiServer.%s[%d]", name, i)
			if !word.MatchString(plugin) {
				v.fault(path, "%q is no name of a plugin", plugin)
			}
			if name == "disableAdmissionPlugins" && plugin == "NodeRestriction" {
				v.fault(path, "NodeRestriction keeps a node from acting for others; every cluster has it")
			}
		}
	}
}

func (v fileValidator) mirrors() {
	if len(v.RegistryMirrors) > 0 && !v.Internet {
		v.fault("registryMirrors", "machines have no way out to a mirror; add internet: true")
	}
	for _, host := range slices.Sorted(maps.Keys(v.RegistryMirrors)) {
		path := "registryMirrors." + host
		if err := vm.CheckRegistry(host); err != nil {
			v.document.Faultf(path, "%v", err)
		}
		for i, mirror := range v.RegistryMirrors[host] {
			if err := vm.CheckMirror(mirror); err != nil {
				v.fault(fmt.Sprintf("%s[%d]", path, i), "%v", err)
			}
		}
	}
}

// Fits returns nil where a driver can give what the file asks for, and else
// faults: nothing is ignored.
func (f *File) Fits(driver vm.Driver) error {
	for _, g := range f.Spec().Groups {
		if path := f.pathOf(g.Name) + ".kubelet"; g.Kubelet != nil && !driver.Traits().RealMachines {
			f.document.Faultf(path, "driver %s simulates the nodes, so there is no kubelet to set; leave this out, or take another driver", driver.Name())
		}
	}
	if err := fitsOutside(f.Spec(), driver); err != nil {
		f.document.Faultf("internet", "%v; leave this out, or take another driver", err)
	}
	if f.APIServer == nil || !driver.Traits().RealPods {
		return f.document.Err()
	}
	if i := slices.Index(f.APIServer.EnableAdmissionPlugins, "AlwaysPullImages"); i >= 0 {
		f.document.Faultf(fmt.Sprintf("apiServer.enableAdmissionPlugins[%d]", i),
			"with AlwaysPullImages no pod would start: machines have no registry to pull from, and no way out; leave it out")
	}
	return f.document.Err()
}
