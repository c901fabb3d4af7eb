package minikube

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"axolotl/internal/store"
	"axolotl/vm"
)

// machines writes a profile of a cluster by hand, as minikube would have after
// it had started it with its driver ssh: one control plane, the rest workers.
// That driver makes no machines, so that minikube can do to these all but make
// one.
func (r *real) machines(c *vm.Cluster) map[string]*guest {
	r.t.Helper()
	ssh, err := exec.LookPath("/usr/bin/ssh")
	if err != nil {
		r.t.Skip("there is no /usr/bin/ssh: minikube gives every command a terminal without it")
	}
	r.link("ssh", ssh)
	api := &fake{t: r.t}
	api.serve()
	server, err := url.Parse(os.Getenv(fakeServer))
	must(r.t, err)
	port, err := strconv.Atoi(server.Port())
	must(r.t, err)
	r.write("ca.crt", os.Getenv(fakeAuthority))
	must(r.t, writeKubeconfig(c.Kubeconfig(), profile(c)))

	const version = "v1.35.1"
	type node struct {
		Name, IP, KubernetesVersion, ContainerRuntime string
		Port                                          int
		ControlPlane, Worker                          bool
	}
	key := newKey(r.t)
	guests, nodes := map[string]*guest{}, []node{}
	for i, m := range c.Machines {
		g := newGuest(r.t)
		guests[m.Name] = g
		number := ""
		if i > 0 {
			number = fmt.Sprintf("m%02d", i+1)
		}
		nodes = append(nodes, node{number, "127.0.0.1", version, "containerd", port, i == 0, true})
		r.json(filepath.Join("machines", m.Name, "config.json"), map[string]any{
			"ConfigVersion": 3, "Name": m.Name, "DriverName": "ssh",
			"Driver": map[string]any{
				"IPAddress": "127.0.0.1", "MachineName": m.Name, "SSHUser": "nobody", "SSHPort": g.port(),
				"SSHKeyPath": key, "StorePath": r.home, "EnginePort": 2376,
			},
			"HostOptions": map[string]any{"EngineOptions": map[string]any{}, "SwarmOptions": map[string]any{}, "AuthOptions": map[string]any{}},
		})
	}
	r.json(filepath.Join("profiles", profile(c), "config.json"), map[string]any{
		"Name": profile(c), "Driver": "ssh", "Nodes": nodes, "APIServerPort": port, "MultiNodeRequested": true,
		"KubernetesConfig": map[string]any{
			"KubernetesVersion": version, "ClusterName": profile(c), "APIServerName": "minikubeCA",
			"ContainerRuntime": "containerd", "CNI": "kindnet",
		},
	})
	must(r.t, store.WriteJSON(c.Path(ownerFile), owner{Cluster: c.ID, Profile: profile(c), Home: r.home}))
	return guests
}

func (r *real) json(file string, value any) {
	r.t.Helper()
	data, err := json.Marshal(value)
	must(r.t, err)
	r.write(file, string(data))
}

// newRealCluster is one that a real minikube takes for running.
func newRealCluster(t *testing.T, workers int) (*real, *Driver, *vm.Cluster, map[string]*guest) {
	t.Helper()
	r, d := newReal(t), New("")
	c := planned(t, d, workers)
	return r, d, c, r.machines(c)
}

// realStates checks what minikube says that the machines are.
func realStates(t *testing.T, d *Driver, c *vm.Cluster, want ...vm.MachineState) {
	t.Helper()
	all, err := d.Machines(t.Context(), c)
	must(t, err)
	var got []vm.MachineState
	for _, m := range all {
		got = append(got, m.State)
	}
	if !slices.Equal(got, want) {
		t.Errorf("machines are %+v, want %q", all, want)
	}
}

// What runs is left alone by up, and is started only once.
func TestRealRunning(t *testing.T) {
	_, d, c, guests := newRealCluster(t, 1)
	realStates(t, d, c, vm.MachineRunning, vm.MachineRunning)
	found, err := statuses(t.Context(), c, nil)
	must(t, err)
	for name, want := range map[string]nodeStatus{
		"axolotl-c":     {Name: "axolotl-c", Host: hostRunning, Kubelet: hostRunning, APIServer: hostRunning, Kubeconfig: "Configured"},
		"axolotl-c-m02": {Name: "axolotl-c-m02", Host: hostRunning, Kubelet: hostRunning, APIServer: "Irrelevant", Kubeconfig: "Irrelevant", Worker: true},
	} {
		if found[name] != want {
			t.Errorf("it is %+v, want %+v", found[name], want)
		}
	}
	must(t, do(t, d.Up(c)))
	must(t, d.PowerOn(t.Context(), c, "axolotl-c-m02"))
	for name, g := range guests {
		if started := append(g.told("service kubelet start"), g.told("service kubelet restart")...); len(started) > 0 {
			t.Errorf("%s was told %q", name, started)
		}
	}
	if err := d.CanRejoin(t.Context(), c, "axolotl-c-m02"); err != nil {
		t.Errorf("the last one cannot join again: %v", err)
	}
}

// A command gets to a machine as it was given, as root, without a terminal; what
// it prints is its output, and what it complains of is the error.
func TestRealExec(t *testing.T) {
	_, d, c, guests := newRealCluster(t, 1)
	for _, machine := range c.Machines {
		out, err := d.Exec(t.Context(), c, machine.Name, "printf", "%s|", "two words", "it's", "$HOME", ";", "", "-v", "*")
		if want := "two words|it's|$HOME|;||-v|*|"; err != nil || out != want {
			t.Errorf("%s printed %q, want %q; %v", machine.Name, out, want, err)
		}
		if g := guests[machine.Name]; len(g.told("printf")) != 1 || g.terminal.Load() {
			t.Errorf("%s was told %q, and given a terminal: %t", machine.Name, g.told(""), g.terminal.Load())
		}
	}
	out, err := d.Exec(t.Context(), c, "axolotl-c-m02", "sh", "-c", "echo this; echo that >&2; exit 3")
	if out != "this\n" {
		t.Errorf("printed %q", out)
	}
	// minikube exits with 1 whatever the command did; that is in its words.
	fails(t, err, "", 1, "that ssh: exit status 3")
}

// A machine that the profile does not have is an error with an ID, by whatever
// command.
func TestRealNobody(t *testing.T) {
	_, _, c, _ := newRealCluster(t, 1)
	for _, test := range []struct {
		args []string
		id   string
		code int
	}{
		{[]string{"node", "start", "nobody"}, "GUEST_NODE_RETRIEVE", exitNotFound},
		{[]string{"node", "stop", "nobody"}, "GUEST_NODE_RETRIEVE", exitNotFound},
		{[]string{"node", "delete", "nobody"}, "GUEST_NODE_DELETE", 80},
		{[]string{"status", "--output", "json", "--node", "nobody"}, "GUEST_NODE_RETRIEVE", exitNotFound},
		{[]string{"ssh", "--native-ssh=false", "--node", "nobody", "--", "sudo", "'true'"}, "GUEST_NODE_RETRIEVE", exitNotFound},
		{[]string{"cp", os.Args[0], "nobody:" + archivePath}, "GUEST_NODE_RETRIEVE", exitNotFound},
		{[]string{"cp", "/no/such/file", "axolotl-c:" + archivePath}, "HOST_PATH_MISSING", 35},
	} {
		_, err := of(c).run(t.Context(), nil, test.args...)
		fails(t, err, test.id, test.code, "")
		t.Log(err)
	}
}

// An archive gets to each machine, is imported, and is taken away again, also
// where it could not be.
func TestRealLoadImages(t *testing.T) {
	_, d, c, guests := newRealCluster(t, 1)
	archive := filepath.Join(t.TempDir(), "images.tar")
	must(t, os.WriteFile(archive, []byte("an archive"), 0o600))
	must(t, d.LoadImages(t.Context(), c, archive))
	must(t, os.WriteFile(archive, []byte("none"), 0o600))
	fails(t, d.LoadImages(t.Context(), c, archive), "", 1, "ctr: unrecognized image format")
	for name, g := range guests {
		if imports := g.told("ctr --namespace k8s.io images import " + archivePath); len(imports) == 0 {
			t.Errorf("%s was told %q", name, g.told(""))
		}
		if has(filepath.Join(g.dir, "disk", filepath.Base(archivePath))) {
			t.Errorf("the archive is left in %s", name)
		}
	}
}

// A machine is stopped, is seen to be, and goes, as does one that runs; those
// that are left keep their names.
func TestRealStopAndLeave(t *testing.T) {
	r, d, c, guests := newRealCluster(t, 2)
	must(t, d.PowerOff(t.Context(), c, "axolotl-c-m02"))
	must(t, d.PowerOff(t.Context(), c, "axolotl-c-m02"))
	realStates(t, d, c, vm.MachineRunning, vm.MachineStopped, vm.MachineRunning)
	if err := d.LoadImages(t.Context(), c, os.Args[0]); err == nil || !strings.Contains(err.Error(), "axolotl-c-m02 is stopped; start it first") {
		t.Errorf("load images: %v", err)
	}
	for _, name := range []string{"axolotl-c-m03", "axolotl-c-m02"} {
		must(t, d.Leave(t.Context(), c, name))
		must(t, d.Leave(t.Context(), c, name)) // it is gone
		if has(filepath.Join(r.home, "machines", name)) {
			t.Errorf("%s is left", name)
		}
	}
	realStates(t, d, c, vm.MachineRunning, vm.MachineMissing, vm.MachineMissing)
	if drained := guests["axolotl-c"].told("KUBECONFIG="); len(drained) != 2 || !strings.Contains(drained[0], "drain axolotl-c-m03") {
		t.Errorf("the control plane was told %q", drained)
	}
}

// minikube tells nothing of all machines where one is gone, and the others are
// asked for then.
func TestRealMachineThatIsGone(t *testing.T) {
	r, d, c, _ := newRealCluster(t, 1)
	must(t, os.RemoveAll(filepath.Join(r.home, "machines", "axolotl-c-m02")))
	out, err := of(c).run(t.Context(), nil, "status", "--output", "json")
	if out != "null" {
		t.Errorf("it says %q", out)
	}
	fails(t, err, "", 7, "")
	realStates(t, d, c, vm.MachineRunning, vm.MachineMissing)
}

// An API server that does not answer is seen, and nothing is removed then.
func TestRealWithoutAPIServer(t *testing.T) {
	r, d, c, _ := newRealCluster(t, 1)
	must(t, writeKubeconfig(c.Kubeconfig(), "another"))
	have, err := nodes(t.Context(), c)
	must(t, err)
	if serves(t.Context(), c, have) {
		t.Error("a cluster without its kubeconfig is said to serve")
	}
	r.write("ca.crt", "")
	_, err = of(c).run(t.Context(), nil, "node", "delete", "axolotl-c-m02")
	fails(t, err, "", 103, "apiserver is not running")
	realStates(t, d, c, vm.MachineRunning, vm.MachineRunning)
}

// A machine that minikube could not make is one of its profile all the same.
func TestRealJoinThatFails(t *testing.T) {
	r, d, c, _ := newRealCluster(t, 1)
	c.Spec.Workers = 2
	must(t, d.Plan(t.Context(), c))
	c.Joining = []string{"axolotl-c-m03"}
	fails(t, do(t, d.Join(c, "axolotl-c-m03")), "GUEST_NODE_ADD", 80, "please provide an IP address")
	have, err := nodes(t.Context(), c)
	must(t, err)
	if !slices.Contains(have, "axolotl-c-m03") {
		t.Errorf("it has %q", have)
	}
	realStates(t, d, c, vm.MachineRunning, vm.MachineRunning, vm.MachineMissing)
	_, err = of(c).run(t.Context(), nil, "node", "delete", "axolotl-c-m03")
	fails(t, err, "GUEST_NODE_DELETE", 80, `machine "axolotl-c-m03" does not exist`)
	// It is nothing to throw away, and is what joins again.
	must(t, d.Leave(t.Context(), c, "axolotl-c-m03"))
	fails(t, do(t, d.Join(c, "axolotl-c-m03")), "GUEST_NODE_PROVISION", 80, "please provide an IP address")
	must(t, do(t, d.Down(c)))
	if has(filepath.Join(r.home, "profiles", "axolotl-c")) || has(filepath.Join(r.home, "machines", "axolotl-c-m02")) {
		t.Error("the profile, or a machine, is left")
	}
}
