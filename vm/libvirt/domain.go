package libvirt

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"os"
	"strings"

	"libvirt.org/go/libvirtxml"

	"axolotl/vm"
	"axolotl/vm/image"
)

// metadataNamespace marks our domains. What is in it proves whose they are.
const metadataNamespace = "https://axolotl.dev/libvirt/1"

// metadata is the content of our element in a domain's metadata:
// <cluster xmlns="NAMESPACE" id="…" …/>. libvirt gives it back without the
// namespace.
type metadata struct {
	ClusterID string `xml:"id,attr"`
	Cluster   string `xml:"name,attr"`
	Machine   string `xml:"machine,attr"`
	Dir       string `xml:"dir,attr"` // the cluster's state directory; see ownerDir
}

// ownerDir is a cluster's state directory as its domains name it. On a host that
// others make machines on as well, the same path may be another one's.
func ownerDir(uri, dir string) string {
	if !isRemote(uri) {
		return dir
	}
	here, err := os.Hostname()
	if err != nil {
		here = "?" // it is found by the cluster's ID all the same
	}
	return here + ":" + dir
}

func (m metadata) element() (string, error) {
	var text strings.Builder
	name := xml.Name{Space: metadataNamespace, Local: "cluster"}
	err := xml.NewEncoder(&text).EncodeElement(m, xml.StartElement{Name: name})
	return text.String(), err
}

// bootFiles are what a machine starts from.
type bootFiles struct {
	Kernel, Initrd string // of the node image
	Root           string // the machine's own overlay, qcow2
	Seed           string // what makes it this machine, tar
	Agent          string // socket of the guest agent; empty: where libvirt has it
	Console        string // what it says on its console; empty: console.log in its directory here
}

// rootDisk is the target of a machine's root disk.
const rootDisk = "vda"

// kernelArguments: console and quiet first; then what an emulated guest is
// better without. Interface names are fixed because axolotl-network uses them.
// tsc=reliable: an emulated CPU's time stamp counter is the host's clock, yet
// the kernel takes two of them for unsynchronized and falls back to the HPET,
// where every look at the clock is a call into QEMU: a cluster then idles at
// 0.9 of a host's core and its pods take a minute to start.
// ipv6.disable=1: nobody has an address of that family, and kube-proxy would
// write each of its rules a second time for it.
// Not here, because pods then take longer to start: rcupdate.rcu_expedited=1
// (an interrupt of each CPU where a wait was asked for; twice as long) and
// transparent_hugepage=never.
const kernelArguments = "root=/dev/vda rw axolotl.seed console=ttyS0 quiet loglevel=3 net.ifnames=0 " +
	"tsc=reliable mitigations=off nowatchdog audit=0 random.trust_cpu=on no_timer_check " +
	"ipv6.disable=1 systemd.show_status=no"

// emulatedKernelArguments are added where the processor is emulated.
// norandmaps: QEMU 7.2 finds what it has translated by the address at which a
// program sees it. A program that is put elsewhere each time that it is started
// is translated each time: a node that starts pods had 4 MB/s of new code, filled
// the cache for it three times in five minutes, and has next to none with this
// (info jit).
const emulatedKernelArguments = " norandmaps"

// kernelArgumentsOf are the arguments of a guest's kernel under an acceleration.
func kernelArgumentsOf(acceleration string) string {
	if acceleration == AccelTCG {
		return kernelArguments + emulatedKernelArguments
	}
	return kernelArguments
}

// emulatorEnvironment is QEMU's where it emulates the processor. It looks up
// translated code in a table of 32 MiB, at each return and each call by a pointer
// that follows a change of process; with huge pages for it (malloc asks the kernel
// for them, of glibc 2.35 on) a pod started and ended in 6.2 CPU seconds, not 7.8
// (medians of four and three rounds of ten pods).
var emulatorEnvironment = []libvirtxml.DomainQEMUCommandlineEnv{
	{Name: "GLIBC_TUNABLES", Value: "glibc.malloc.hugetlb=1"},
}

// domainName is what virsh list shows. Ours are found by UUID and metadata,
// never by this name.
func domainName(c *vm.Cluster, m *vm.Machine) string {
	return fmt.Sprintf("axolotl-%s-%s", c.Name, m.Name)
}

// memory is what a machine's memory is made of.
type memory struct {
	// File is mapped as memory; empty: it is QEMU's own.
	File string
	// Shared writes what the guest writes into File. Else pages that are
	// written become QEMU's own, and File stays as it is.
	Shared bool
	// Incoming has QEMU wait for the state of the devices before it runs.
	Incoming bool
}

// domainXML describes one machine.
func domainXML(c *vm.Cluster, m *vm.Machine, boot bootFiles, mem memory) (string, error) {
	owner, err := metadata{ClusterID: c.ID, Cluster: c.Name, Machine: m.Name, Dir: ownerDir(hostOf(c, m), c.Dir)}.element()
	if err != nil {
		return "", err
	}
	group := c.Spec.GroupOf(m)
	d := baseDomain(domainName(c, m), c.Spec.Accel, group.CPUs, group.MemoryMiB)
	d.UUID = m.UUID
	// A kernel that was restored sees another ID here than the one it booted
	// with, and takes new randomness: clones must not share their secrets.
	d.GenID = &libvirtxml.DomainGenID{Value: m.UUID}
	d.Metadata = &libvirtxml.DomainMetadata{XML: owner}
	d.OS.Kernel, d.OS.Initrd, d.OS.Cmdline = boot.Kernel, boot.Initrd, kernelArgumentsOf(c.Spec.Accel)
	d.Devices.Disks = []libvirtxml.DomainDisk{
		disk(rootDisk, "qcow2", boot.Root, false),
		disk("vdb", "raw", boot.Seed, true),
	}
	d.Devices.Channels = []libvirtxml.DomainChannel{{
		Source: &libvirtxml.DomainChardevSource{UNIX: agentSource(boot.Agent)},
		Target: &libvirtxml.DomainChannelTarget{VirtIO: &libvirtxml.DomainChannelTargetVirtIO{Name: "org.qemu.guest_agent.0"}},
	}}
	d.Devices.Serials[0].Log = &libvirtxml.DomainChardevLog{File: cmp.Or(boot.Console, consoleFile(c, m)), Append: "on"}
	setArguments(d, append(networkArguments(c, m), memoryArguments(group.MemoryMiB, mem)...))
	return d.Marshal()
}

// domainTypeTCG is libvirt's name for machines whose processor QEMU emulates.
const domainTypeTCG = "qemu"

// setArguments has a domain's QEMU started with more arguments.
func setArguments(d *libvirtxml.Domain, arguments []string) {
	d.QEMUCommandline = &libvirtxml.DomainQEMUCommandline{}
	if d.Type == domainTypeTCG {
		d.QEMUCommandline.Envs = emulatorEnvironment
	}
	for _, value := range arguments {
		d.QEMUCommandline.Args = append(d.QEMUCommandline.Args, libvirtxml.DomainQEMUCommandlineArg{Value: value})
	}
}

// consoleFile is what a machine of this host says on its console.
func consoleFile(c *vm.Cluster, m *vm.Machine) string {
	return machineFile(c.Dir, m.Name, "console.log")
}

// agentSource is the host's end of the guest agent's channel.
func agentSource(path string) *libvirtxml.DomainChardevSourceUNIX {
	if path == "" {
		return &libvirtxml.DomainChardevSourceUNIX{}
	}
	return &libvirtxml.DomainChardevSourceUNIX{Mode: "bind", Path: path}
}

// memoryArguments are given to QEMU directly: libvirt names the files of
// mapped memory itself, and shares none of them. Memory of every kind has the
// same ID, by which a saved state finds it.
func memoryArguments(memoryMiB int, mem memory) []string {
	backend := fmt.Sprintf("memory-backend-ram,id=axo.ram,size=%dM", memoryMiB)
	if mem.File != "" {
		share := "off"
		if mem.Shared {
			share = "on"
		}
		backend = fmt.Sprintf("memory-backend-file,id=axo.ram,size=%dM,share=%s,mem-path=%s", memoryMiB, share, commas(mem.File))
	}
	args := []string{"-object", backend, "-machine", "memory-backend=axo.ram"}
	if mem.Incoming {
		args = append(args, "-incoming", "defer")
	}
	return args
}

// commas writes a path as the value of a QEMU option: a comma is doubled.
func commas(path string) string { return strings.ReplaceAll(path, ",", ",,") }

// probeXML describes the small guest that proves an acceleration: kernel and
// initrd only, which power off at once.
func probeXML(kernel, initrd, acceleration, name string) (string, error) {
	d := baseDomain(name, acceleration, 1, 256)
	d.OS.Kernel, d.OS.Initrd, d.OS.Cmdline = kernel, initrd, "console=ttyS0 "+image.ProbeArgument
	return d.Marshal()
}

// baseDomain is what all our domains have in common: no firmware menu, no
// display, no USB, one serial console.
func baseDomain(name, acceleration string, cpus, memoryMiB int) *libvirtxml.Domain {
	d := &libvirtxml.Domain{
		Type:     "kvm",
		Name:     name,
		Memory:   &libvirtxml.DomainMemory{Value: uint(memoryMiB), Unit: "MiB"},
		VCPU:     &libvirtxml.DomainVCPU{Value: uint(cpus)},
		CPU:      &libvirtxml.DomainCPU{Mode: "host-passthrough"},
		OS:       &libvirtxml.DomainOS{Type: &libvirtxml.DomainOSType{Arch: "x86_64", Machine: "pc", Type: "hvm"}},
		Features: &libvirtxml.DomainFeatureList{ACPI: &libvirtxml.DomainFeature{}, APIC: &libvirtxml.DomainFeatureAPIC{}},
		Clock: &libvirtxml.DomainClock{
			Offset: "utc",
			Timer:  []libvirtxml.DomainTimer{{Name: "hpet", Present: "no"}},
		},
		OnPoweroff: "destroy",
		OnReboot:   "restart",
		OnCrash:    "preserve",
		Devices: &libvirtxml.DomainDeviceList{
			Controllers: []libvirtxml.DomainController{{Type: "usb", Model: "none"}},
			Serials: []libvirtxml.DomainSerial{{
				Source: &libvirtxml.DomainChardevSource{Pty: &libvirtxml.DomainChardevSourcePty{}},
			}},
			MemBalloon: &libvirtxml.DomainMemBalloon{Model: "none"},
		},
	}
	if acceleration == AccelTCG {
		d.Type = domainTypeTCG
		d.CPU = &libvirtxml.DomainCPU{Mode: "maximum", Features: emulatedWithout}
		// The translated code of a node that has started a dozen pods is
		// 0.8 GiB. A cache that is too small is thrown away whole each time
		// that it is full, and all is translated anew: with 256 MiB 22 times
		// in ten minutes (info jit). It is a limit: what is not translated
		// takes no memory.
		d.Features.TCG = &libvirtxml.DomainFeatureTCG{TBCache: &libvirtxml.DomainFeatureTCGTBCache{Unit: "MiB", Size: 1024}}
	}
	return d
}

// emulatedWithout are what an emulated CPU could do, and is slower with than
// without. Found by running the same guest with and without each, two or more
// times (QEMU 7.2):
//   - erms: "rep movsb" is fast, so the kernel and Go copy and clear by it. QEMU
//     emulates it byte by byte: pipes took 5 times as long, files 2.6 times,
//     starting a program 1.8 times.
//   - pclmuldq: multiplication for AES-GCM, which QEMU does bit by bit. Without it
//     Go takes ChaCha20 for TLS: 2.3 times as fast.
//
// Nothing was to be gained from smap, la57, avx2, xsave, pku, bmi2 and adx.
var emulatedWithout = []libvirtxml.DomainCPUFeature{
	{Policy: "disable", Name: "erms"},
	{Policy: "disable", Name: "pclmuldq"},
}

// disk is a virtio disk. NOTE: cache=unsafe drops the guest's flushes to the
// host's disk. What the guest wrote is still in the host's page cache when
// QEMU is killed, so that a power cut of the machine is a true one; only a
// power cut of the host can hurt a machine, and then recreate serves.
func disk(target, format, file string, readOnly bool) libvirtxml.DomainDisk {
	d := libvirtxml.DomainDisk{
		Device: "disk",
		Driver: &libvirtxml.DomainDiskDriver{Name: "qemu", Type: format, Cache: "unsafe", Discard: "unmap"},
		Source: &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{File: file}},
		Target: &libvirtxml.DomainDiskTarget{Dev: target, Bus: "virtio"},
	}
	if readOnly {
		d.ReadOnly = &libvirtxml.DomainDiskReadOnly{}
	}
	return d
}

// segmentMAC is the format of a machine's address on the segment, by its index.
const segmentMAC = "52:54:00:88:02:%02x"

// networkArguments are the two interfaces, given to QEMU directly: libvirt's
// own multicast interface leaks onto the LAN, and its user-mode one forwards
// no ports without passt.
//
// Between hosts the segment is a switch of ours, which connects to a socket of each
// machine's (segment.go).
//
// restrict=on leaves the guest no way out, unless the cluster was asked for with
// one; only the forwards, which listen on 127.0.0.1, come in. Frozen devices fit
// either. The segment is a multicast socket bound to loopback.
func networkArguments(c *vm.Cluster, m *vm.Machine) []string {
	restrict := "on"
	if c.Spec.Internet {
		restrict = "off"
	}
	user := []string{"user,id=axouser,ipv6=off,restrict=" + restrict}
	net := networkOf(c, m)
	forward := func(host, guest int) {
		user = append(user, fmt.Sprintf("hostfwd=tcp:%s:%d-10.0.2.15:%d", net.Loopback, host, guest))
	}
	if m.APIPort != 0 {
		forward(m.APIPort, 6443)
	}
	for n := range vm.NodePortCount {
		forward(m.NodePortBase+n, vm.NodePortFirst+n)
	}
	segment := fmt.Sprintf("mcast=%s:%d,localaddr=127.0.0.1", net.Segment, c.SegmentPort)
	if c.Spec.Spread() {
		segment = fmt.Sprintf("listen=%s:%d", net.Loopback, linkPort(m)) // of the switch
	}
	return []string{
		"-netdev", strings.Join(user, ","),
		"-device", fmt.Sprintf("virtio-net-pci,netdev=axouser,mac=52:54:00:88:01:%02x,addr=0x18,romfile=", m.Index),
		"-netdev", "socket,id=axoseg," + segment,
		"-device", fmt.Sprintf("virtio-net-pci,netdev=axoseg,mac="+segmentMAC+",addr=0x19,romfile=", m.Index),
	}
}
