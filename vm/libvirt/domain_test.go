package libvirt

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"libvirt.org/go/libvirtxml"

	"axolotl/vm"
)

// planned is a cluster of three control planes and two workers, by the ports
// that it would have.
func planned(t *testing.T) *vm.Cluster {
	t.Helper()
	w := newWorld(t)
	s := spec(2)
	s.ControlPlanes = 3
	c := &vm.Cluster{Name: "c", ID: "the-id", Spec: s, Dir: w.home.Cluster("c")}
	w.must(w.driver().Plan(t.Context(), c))
	return c
}

// described is a machine's domain, read back, and QEMU's arguments beside.
func described(t *testing.T, c *vm.Cluster, m *vm.Machine, mem memory) (*libvirtxml.Domain, []string) {
	t.Helper()
	text, err := domainXML(c, m, bootFiles{Kernel: "/k", Initrd: "/i", Root: "/r", Seed: "/s"}, mem)
	if err != nil {
		t.Fatal(err)
	}
	var d libvirtxml.Domain
	if err := d.Unmarshal(text); err != nil {
		t.Fatal(err)
	}
	var args []string
	if d.QEMUCommandline != nil {
		for _, arg := range d.QEMUCommandline.Args {
			args = append(args, arg.Value)
		}
	}
	return &d, args
}

// after returns the values of an option of QEMU.
func after(args []string, option string) []string {
	var values []string
	for i, arg := range args[:len(args)-1] {
		if arg == option {
			values = append(values, args[i+1])
		}
	}
	return values
}

// No guest has a way out, nothing on the host listens beyond loopback, and no
// frame of a segment leaves it: for every machine, whatever its role.
func TestNetworkIsClosed(t *testing.T) {
	c := planned(t)
	address := regexp.MustCompile(`\b[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+\b`)
	macs := map[string]string{}
	for i := range c.Machines {
		m := &c.Machines[i]
		d, args := described(t, c, m, memory{})
		if n := len(d.Devices.Interfaces); n > 0 {
			t.Errorf("%s has %d interfaces of libvirt's", m.Name, n)
		}
		netdevs := after(args, "-netdev")
		if len(netdevs) != 2 {
			t.Fatalf("%s has netdevs %q", m.Name, netdevs)
		}
		user, segment := netdevs[0], netdevs[1]
		if !strings.HasPrefix(user, "user,") || !strings.Contains(user, ",restrict=on") || !strings.Contains(user, ",ipv6=off") {
			t.Errorf("%s has a way out: %s", m.Name, user)
		}
		if strings.Contains(user, "guestfwd") || strings.Contains(user, "smb=") || strings.Contains(user, "tftp=") {
			t.Errorf("%s reaches services of the host: %s", m.Name, user)
		}
		forwards := strings.Split(user, "hostfwd=")[1:]
		want := vm.NodePortCount
		if m.Role == vm.ControlPlane {
			want++
		}
		if len(forwards) != want {
			t.Errorf("%s has %d forwards, want %d", m.Name, len(forwards), want)
		}
		for _, forward := range forwards {
			if !strings.HasPrefix(forward, "tcp:127.0.0.1:") {
				t.Errorf("%s listens beyond loopback: %s", m.Name, forward)
			}
		}
		if api := fmt.Sprintf("tcp:127.0.0.1:%d-10.0.2.15:6443", m.APIPort); strings.Contains(user, api) != (m.Role == vm.ControlPlane) {
			t.Errorf("%s (%s) forwards %s: %s", m.Name, m.Role, api, user)
		}
		last := fmt.Sprintf("tcp:127.0.0.1:%d-10.0.2.15:%d", m.NodePortBase+vm.NodePortCount-1, vm.NodePortFirst+vm.NodePortCount-1)
		if !strings.Contains(user, last) {
			t.Errorf("%s does not forward its last NodePort (%s): %s", m.Name, last, user)
		}
		if want := fmt.Sprintf("socket,id=axoseg,mcast=230.88.0.1:%d,localaddr=127.0.0.1", c.SegmentPort); segment != want {
			t.Errorf("%s is on segment %s, want %s", m.Name, segment, want)
		}
		for _, found := range address.FindAllString(strings.Join(args, " "), -1) {
			if !slices.Contains([]string{"127.0.0.1", "10.0.2.15", "230.88.0.1"}, found) {
				t.Errorf("%s has address %s in its arguments", m.Name, found)
			}
		}
		for _, device := range after(args, "-device") {
			mac := regexp.MustCompile(`mac=([0-9a-f:]+)`).FindStringSubmatch(device)
			if mac == nil {
				t.Fatalf("%s: %s has no address", m.Name, device)
			}
			if other, ok := macs[mac[1]]; ok {
				t.Errorf("%s and %s have %s", m.Name, other, mac[1])
			}
			macs[mac[1]] = m.Name
		}
	}
}

func TestDomainIsOurs(t *testing.T) {
	c := planned(t)
	for i := range c.Machines {
		m := &c.Machines[i]
		d, _ := described(t, c, m, memory{})
		if d.UUID != m.UUID || d.Name != "axolotl-c-"+m.Name || d.GenID == nil || d.GenID.Value != m.UUID {
			t.Errorf("%s: UUID %s, name %s, generation %+v", m.Name, d.UUID, d.Name, d.GenID)
		}
		f := newFake()
		found, _, err := f.parse(mustMarshal(t, d))
		if err != nil || found.owner != (metadata{ClusterID: "the-id", Cluster: "c", Machine: m.Name, Dir: c.Dir}) {
			t.Errorf("%s: owner %+v, %v", m.Name, found, err)
		}
		disks := d.Devices.Disks
		if len(disks) != 2 || disks[0].ReadOnly != nil || disks[1].ReadOnly == nil || disks[1].Source.File.File != "/s" {
			t.Errorf("%s: disks %+v", m.Name, disks)
		}
		if !strings.HasSuffix(d.Devices.Serials[0].Log.File, "/machines/"+m.Name+"/console.log") {
			t.Errorf("%s: console %+v", m.Name, d.Devices.Serials[0].Log)
		}
	}
}

func mustMarshal(t *testing.T, d *libvirtxml.Domain) string {
	t.Helper()
	text, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Names and paths with characters of XML and of QEMU's options arrive as they
// are.
func TestDomainEscapes(t *testing.T) {
	c := planned(t)
	c.Dir = `/tmp/a "b" <c> & d,e`
	d, args := described(t, c, &c.Machines[0], memory{File: c.Dir + "/memory"})
	if got := d.Devices.Serials[0].Log.File; got != c.Dir+"/machines/cp-1/console.log" {
		t.Errorf("console %q", got)
	}
	if got := after(args, "-object"); len(got) != 1 || !strings.HasSuffix(got[0], `mem-path=/tmp/a "b" <c> & d,,e/memory`) {
		t.Errorf("objects %q", got)
	}
	found, _, err := newFake().parse(mustMarshal(t, d))
	if err != nil || found.owner.Dir != c.Dir {
		t.Errorf("owner %+v, %v", found, err)
	}
}

func TestMemory(t *testing.T) {
	c := planned(t)
	for _, test := range []struct {
		name   string
		mem    memory
		object string
		defers bool
	}{
		{"QEMU's own", memory{}, "memory-backend-ram,id=axo.ram,size=4M", false},
		{"in the state", memory{Incoming: true}, "memory-backend-ram,id=axo.ram,size=4M", true},
		{"to be frozen", memory{File: "/m", Shared: true}, "memory-backend-file,id=axo.ram,size=4M,share=on,mem-path=/m", false},
		{"thawed", memory{File: "/m", Incoming: true}, "memory-backend-file,id=axo.ram,size=4M,share=off,mem-path=/m", true},
	} {
		d, args := described(t, c, &c.Machines[0], test.mem)
		if got := strings.Join(after(args, "-object"), " "); got != test.object {
			t.Errorf("%s: %q", test.name, got)
		}
		if got := slices.Contains(args, "-incoming"); got != test.defers {
			t.Errorf("%s: waits for its state: %t", test.name, got)
		}
		if d.Memory.Value != 4 || d.Memory.Unit != "MiB" {
			t.Errorf("%s: %+v", test.name, d.Memory)
		}
	}
}

// An emulated guest is described as one, and no KVM feature is asked of it.
func TestAccelerationInDescription(t *testing.T) {
	c := planned(t)
	for accel, want := range map[string]struct{ kind, cpu string }{
		AccelKVM: {"kvm", "host-passthrough"}, AccelTCG: {"qemu", "maximum"},
	} {
		c.Spec.Accel = accel
		d, _ := described(t, c, &c.Machines[0], memory{})
		if d.Type != want.kind || d.CPU.Mode != want.cpu || (d.Features.TCG != nil) != (accel == AccelTCG) {
			t.Errorf("%s: type %s, CPU %+v, TCG %+v", accel, d.Type, d.CPU, d.Features.TCG)
		}
		// A guest that is not emulated keeps its addresses random.
		if fixed := strings.Contains(d.OS.Cmdline, " norandmaps"); fixed != (accel == AccelTCG) {
			t.Errorf("%s: the kernel's arguments are %s", accel, d.OS.Cmdline)
		}
		if envs := d.QEMUCommandline.Envs; (len(envs) == 1 && envs[0].Name == "GLIBC_TUNABLES") != (accel == AccelTCG) {
			t.Errorf("%s: QEMU's environment is %+v", accel, envs)
		}
	}
}
