package cluster

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"axolotl/internal/strictyaml"
	"axolotl/vm"
)

// APIVersion and Kind mark the file of a cluster.
const (
	APIVersion = "axolotl.dev/v1"
	Kind       = "Cluster"
)

// File is a cluster as a person writes it down. Only ParseFile makes valid ones.
type File struct {
	APIVersion string `yaml:"apiVersion"`    // axolotl.dev/v1
	Kind       string `yaml:"kind,required"` // Cluster
	Name       string `yaml:"name,required"` // a DNS label of at most 40 characters

	// Driver makes the machines; empty: the best one that works here.
	Driver string `yaml:"driver"`

	ControlPlane controlPlaneFile `yaml:"controlPlane"` // the machines that run the API server and etcd
	Workers      []workersFile    `yaml:"workers"`      // groups of machines that run pods

	// Hosts are other hosts that machines can be on.
	Hosts []hostFile `yaml:"hosts"`

	// Disk is the size of each machine's disk, such as 20Gi; 10Gi.
	Disk Gibibytes `yaml:"disk"`

	// APIServer is what is changed in the API server's settings.
	APIServer *vm.APIServer `yaml:"apiServer"`

	// Internet gives the machines a way out; by default they reach nothing but
	// each other.
	Internet bool `yaml:"internet"`

	// RegistryMirrors are the URLs that are asked for images before a registry,
	// in order, by its host, such as docker.io.
	RegistryMirrors map[string][]string `yaml:"registryMirrors"`

	document *strictyaml.Document
}

// hostFile is another host whose libvirt makes machines.
type hostFile struct {
	Name string `yaml:"name,required"` // by which groups say that they are on it
	URI  string `yaml:"uri,required"`  // of its libvirt, such as qemu+ssh://root@host/system
}

// machinesFile are machines that are alike.
type machinesFile struct {
	CPUs    int               `yaml:"cpus"`    // virtual processors of each machine; 2
	Memory  Mebibytes         `yaml:"memory"`  // of each machine, such as 4Gi or 1536Mi; 2Gi
	Labels  map[string]string `yaml:"labels"`  // that the nodes get once they are Ready
	Taints  []vm.Taint        `yaml:"taints"`  // that the nodes get once they are Ready; control planes beside several workers PreferNoSchedule, [] for none
	Kubelet *vm.Kubelet       `yaml:"kubelet"` // what is changed in the settings of the kubelets
	Host    string            `yaml:"host"`    // of hosts, on which the machines are; this one
}

// controlPlaneFile are the machines that run the API server and etcd.
type controlPlaneFile struct {
	Count int `yaml:"count"` // of such machines: 1, 3 or 5; 1
	machinesFile
}

// workersFile is a group of workers that are alike.
type workersFile struct {
	Name  string `yaml:"name"`           // what the names of its machines begin with; worker
	Count int    `yaml:"count,required"` // of such machines; may be 0
	machinesFile
}

// The sizes of machines of which nothing else is said.
const (
	DefaultCPUs      = 2
	DefaultMemoryMiB = 2048
	DefaultDiskGiB   = 10
)

// ParseFile reads the file of a cluster; name is what faults call it. drivers
// are the words for drivers, and most is how many workers each can have. The
// error is of type strictyaml.Faults: everything that is wrong, each with its
// place.
func ParseFile(name string, data []byte, drivers []string, most func(driver string) int) (*File, error) {
	f := &File{document: strictyaml.Parse(name, data)}
	f.document.Decode(f)
	f.setDefaults()
	v := fileValidator{File: f}
	v.head(drivers)
	v.groups(most(f.Driver))
	v.hosts()
	v.apiServer()
	v.mirrors()
	if err := f.document.Err(); err != nil {
		return nil, err
	}
	return f, nil
}

// ReadFile is ParseFile of a file on disk.
func ReadFile(path string, drivers []string, most func(driver string) int) (*File, error) {
	data, err := strictyaml.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return ParseFile(path, data, drivers, most)
}

// setDefaults fills what was left out.
func (f *File) setDefaults() {
	set := func(path string, value *int, or int) {
		if *value == 0 && !f.document.Has(path) {
			*value = or
		}
	}
	set("disk", (*int)(&f.Disk), DefaultDiskGiB)
	set("controlPlane.count", &f.ControlPlane.Count, 1)
	set("controlPlane.cpus", &f.ControlPlane.CPUs, DefaultCPUs)
	set("controlPlane.memory", (*int)(&f.ControlPlane.Memory), DefaultMemoryMiB)
	for i := range f.Workers {
		at, w := fmt.Sprintf("workers[%d]", i), &f.Workers[i]
		if !f.document.Has(at + ".name") {
			w.Name = vm.WorkerGroup
		}
		set(at+".cpus", &w.CPUs, DefaultCPUs)
		set(at+".memory", (*int)(&w.Memory), DefaultMemoryMiB)
	}
}

// Spec is what the file asks for.
func (f *File) Spec() vm.Spec {
	spec := vm.Spec{
		ControlPlanes: f.ControlPlane.Count, CPUs: f.ControlPlane.CPUs, MemoryMiB: int(f.ControlPlane.Memory),
		DiskGiB: int(f.Disk), APIServer: f.APIServer,
		Outside: vm.Outside{Internet: f.Internet, RegistryMirrors: f.RegistryMirrors},
	}
	add := func(name string, role vm.Role, count int, m machinesFile) {
		spec.Groups = append(spec.Groups, vm.Group{
			Name: name, Role: role, Count: count, CPUs: m.CPUs, MemoryMiB: int(m.Memory),
			Labels: m.Labels, Taints: m.Taints, Kubelet: m.Kubelet, Host: f.hostOf(m),
		})
	}
	for _, w := range f.Workers {
		spec.Workers += w.Count
	}
	planes := f.ControlPlane.machinesFile
	if planes.Taints == nil {
		planes.Taints = vm.ControlPlaneTaints(spec.Workers)
	}
	add(vm.ControlPlaneGroup, vm.ControlPlane, f.ControlPlane.Count, planes)
	for _, w := range f.Workers {
		add(w.Name, vm.Worker, w.Count, w.machinesFile)
	}
	return asRecorded(spec)
}

// asRecorded is a spec as its record has it, where what is empty is not there:
// so the two can be compared.
func asRecorded(spec vm.Spec) (recorded vm.Spec) {
	data, err := json.Marshal(spec)
	if err == nil {
		err = json.Unmarshal(data, &recorded)
	}
	if err != nil {
		panic(err) // it is made of numbers, words and lists
	}
	return recorded
}

// pathOf is where the file says what a group is.
func (f *File) pathOf(group string) string {
	for i, w := range f.Workers {
		if w.Name == group {
			return fmt.Sprintf("workers[%d]", i)
		}
	}
	return "controlPlane"
}

// Mebibytes is an amount of memory, written as Kubernetes does ("2Gi").
type Mebibytes int

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Mebibytes) UnmarshalText(text []byte) error {
	return whole((*int)(m), text, 20, "Mi or Gi, such as 512Mi")
}

// Gibibytes is an amount of disk space, written as Kubernetes does ("10Gi").
type Gibibytes int

// UnmarshalText implements encoding.TextUnmarshaler.
func (g *Gibibytes) UnmarshalText(text []byte) error {
	return whole((*int)(g), text, 30, "Gi, such as 10Gi")
}

// whole reads an amount of bytes as a number of units of 1<<shift.
func whole(into *int, text []byte, shift int, example string) error {
	q, err := resource.ParseQuantity(string(text))
	if unit := int64(1) << shift; err != nil || q.Value() <= 0 || q.Value()%unit != 0 {
		return fmt.Errorf("invalid size %q: use a number with %s", text, example)
	}
	*into = int(q.Value() >> shift)
	return nil
}
