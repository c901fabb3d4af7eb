package cluster

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"axolotl/internal/strictyaml"
	"axolotl/vm"
)

func parse(text string) (*File, error) {
	return ParseFile("cluster.yaml", []byte(text), []string{"auto", "libvirt", "local"}, func(string) int { return 200 })
}

// Every fault is told, each at its place. Run with UPDATE=1 to write
// testdata/cluster.faults anew, and read what changed.
func TestFileFaults(t *testing.T) {
	data, err := os.ReadFile("testdata/cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = parse(string(data))
	var faults strictyaml.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("error %v", err)
	}
	got := err.Error() + "\n"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile("testdata/cluster.faults", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/cluster.faults")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

const goodFile = `kind: Cluster
name: demo
controlPlane: {memory: 3Gi}
workers:
- count: 2
  labels: {tier: web, topology.kubernetes.io/zone: a}
- name: big
  count: 1
  cpus: 4
  memory: 4Gi
  taints: {key: dedicated, value: big, effect: NoSchedule}
  kubelet: {maxPods: 20, evictionHard: {}}
apiServer: {featureGates: {B: true, A: false}, enableAdmissionPlugins: AlwaysPullImages}
internet: true
registryMirrors: {docker.io: ["https://a.example.com", "https://b.example.com"]}
`

func TestFileSpec(t *testing.T) {
	f, err := parse(goodFile)
	if err != nil {
		t.Fatal(err)
	}
	want := vm.Spec{
		ControlPlanes: 1, Workers: 3, CPUs: 2, MemoryMiB: 3072, DiskGiB: 10,
		Groups: []vm.Group{
			{Name: "cp", Role: vm.ControlPlane, Count: 1, CPUs: 2, MemoryMiB: 3072, Taints: vm.ControlPlaneTaints(3)},
			{Name: "worker", Role: vm.Worker, Count: 2, CPUs: 2, MemoryMiB: 2048, Labels: map[string]string{"tier": "web", "topology.kubernetes.io/zone": "a"}},
			{Name: "big", Role: vm.Worker, Count: 1, CPUs: 4, MemoryMiB: 4096, Taints: []vm.Taint{{Key: "dedicated", Value: "big", Effect: vm.NoSchedule}}, Kubelet: &vm.Kubelet{MaxPods: 20}},
		},
		APIServer: &vm.APIServer{FeatureGates: map[string]bool{"B": true, "A": false}, EnableAdmissionPlugins: []string{"AlwaysPullImages"}},
		Outside: vm.Outside{Internet: true, RegistryMirrors: map[string][]string{
			"docker.io": {"https://a.example.com", "https://b.example.com"},
		}},
	}
	if got := f.Spec(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// What cannot be changed is refused, all of it, where the file says it.
func TestFileRefuses(t *testing.T) {
	was, err := parse(goodFile)
	if err != nil {
		t.Fatal(err)
	}
	c := &vm.Cluster{Name: "demo", Spec: was.Spec()}
	for change, want := range map[[2]string][]string{
		{"", ""}:                                 nil,
		{"tier: web", "tier: db"}:                nil,
		{"count: 2", "count: 5"}:                 nil,
		{"name: big", "name: huge"}:              nil,
		{"cpus: 4", "cpus: 8"}:                   {`cluster.yaml:9:9: the processors (4) of machines big of cluster "demo" cannot be changed; take it down ('axolotl down demo')`},
		{"memory: 3Gi", "memory: 2Gi"}:           {`cluster.yaml:3:24: the memory (3072 MiB) of machines cp`},
		{"maxPods: 20", "maxPods: 21"}:           {`cluster.yaml:12:12: the kubelet's settings on machines big`},
		{"B: true", "B: false"}:                  {`cluster.yaml:13:12: the API server's settings`},
		{"name: demo", "name: demo\ndisk: 20Gi"}: {`cluster.yaml:3:7: the disks (10 GiB)`},
		{"a.example", "c.example"}:               {`cluster.yaml:15:18: the mirrors of registries of cluster "demo" cannot be changed`},
	} {
		f, err := parse(strings.Replace(goodFile, change[0], change[1], 1))
		if err != nil {
			t.Fatal(err)
		}
		err = f.refuse(c)
		if (err != nil) != (want != nil) {
			t.Errorf("%q: error %v", change, err)
		}
		for _, text := range want {
			if err != nil && !strings.Contains(err.Error(), text) {
				t.Errorf("%q: %v, want %q", change, err, text)
			}
		}
	}
}

// A file without the keys that say it all would leave a cluster without DNS.
func TestFileThatTaintsAll(t *testing.T) {
	text := "kind: Cluster\nname: a\ncontrolPlane: {taints: {key: %s, effect: NoSchedule}}\n"
	if _, err := parse(strings.Replace(text, "%s", "mine", 1)); err == nil || !strings.Contains(err.Error(), "DNS could run nowhere") {
		t.Errorf("error %v", err)
	}
	if _, err := parse(strings.Replace(text, "%s", "node-role.kubernetes.io/control-plane", 1)); err != nil {
		t.Error(err)
	}
}

// driverOf is a driver of which nothing but its name and traits is asked.
type driverOf struct {
	vm.Driver
	traits vm.Traits
}

func (driverOf) Name() string        { return "some" }
func (d driverOf) Traits() vm.Traits { return d.traits }

// What a driver cannot give, and what would leave every pod without its image,
// is refused at its place.
func TestFileFits(t *testing.T) {
	for want, traits := range map[string]vm.Traits{
		"cluster.yaml:12:12: driver some simulates":                                                 {},
		"cluster.yaml:14:11: driver some simulates the nodes: nothing runs there that could go out": {},
		"cluster.yaml:14:11: driver some has no say in what its nodes reach; leave this out":        {RealPods: true, Formed: true},
		"cluster.yaml:13:72: with AlwaysPullImages no pod would start":                              {RealPods: true, RealMachines: true, Sealed: true},
	} {
		f, err := parse(goodFile)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Fits(driverOf{traits: traits}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// What the README of this room shows is what is taken.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, block := range strings.Split(string(readme), "```yaml\n")[1:] {
		text, _, _ := strings.Cut(block, "```")
		if !strings.Contains(text, "kind: Cluster\n") {
			continue
		}
		found++
		f, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Spec().Nodes(); got != 4 {
			t.Errorf("%d nodes", got)
		}
	}
	if found != 2 {
		t.Errorf("%d examples", found)
	}
}

// TestFileWithoutTaints: what is written to be empty is.
func TestFileWithoutTaints(t *testing.T) {
	f, err := parse("apiVersion: axolotl.dev/v1\nkind: Cluster\nname: a\ncontrolPlane: {taints: []}\nworkers: [{count: 2}]\n")
	if err != nil {
		t.Fatal(err)
	}
	if cp := f.Spec().Groups[0]; len(cp.Taints) > 0 {
		t.Errorf("the control plane has %v", cp.Taints)
	}
}
