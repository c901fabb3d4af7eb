package fault

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// leave is how much of a resource is left free.
type leave struct {
	MiB int `json:"leaveMiB" yaml:"leaveMiB"` // what is left free
}

// Check implements Checked.
func (l *leave) Check() []Wrong { return atLeast("leaveMiB", l.MiB, 1) }

func (l *leave) variables() map[string]string {
	return map[string]string{"leave": strconv.Itoa(l.MiB)}
}

// enough refuses where no more is free than is to be left.
const enough = "[ $free -gt $leave ] || { echo \"only $free MiB are free, and leaveMiB is $leave\" >&2; exit 1; }\necho $free\n"

// pressureNeeds is what all faults on a machine's resources need.
const pressureNeeds = "machines that commands can be run in (libvirt)"

// anyPod: the kubelet chooses whom it evicts, and the kernel whom it kills.
func anyPod(*corev1.Pod) bool { return true }

func newDiskFull() Fault {
	const fill = "/var/lib/axolotl-chaos.fill"
	// Blocks that are kept for root count: the daemons are root's.
	const free = "free=$(($(stat -f -c %f /var/lib) * $(stat -f -c %S /var/lib) / 1048576))\n"
	return &guest{
		name: "disk-full",
		doc: Doc{
			Does:   "fills the disks of nodes with one file, but for the last few MiB",
			Needs:  pressureNeeds,
			Proved: "the file system says that no more than that is free, also for root",
			Undone: "the file is removed; the file system says that its room is free",
		},
		effect:    Effect{On: OnNodes, Takes: TakesNothing},
		endangers: anyPod,
		with:      &leave{MiB: 16},
		commands: commands{
			Was:      free + enough,
			Inject:   free + "fallocate -l $((free - leave))M " + fill + "\n",
			Injected: free + "[ $free -le $((leave + 8)) ]\necho \"$free MiB are free on the disk, $was were\"\n",
			Undo:     "rm -f " + fill + "\n",
			Undone:   free + "[ ! -e " + fill + " ]\n[ $free -gt $((leave + 8)) ] || [ $was -le $((leave + 8)) ]\necho \"$free MiB are free on the disk\"\n",
		},
	}
}

func newMemoryPressure() Fault {
	const room = "/run/axolotl-chaos-memory"
	const free = "free=$(($(sed -n 's/^MemAvailable: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo) / 1024))\n"
	return &guest{
		name: "memory-pressure",
		doc: Doc{
			Does:   "takes all but a few MiB of the memory of nodes, in a file system in memory: nobody can be killed to get it back",
			Needs:  pressureNeeds,
			Proved: "the kernel says that no more than that, and a quarter, is available",
			Undone: "the file system is unmounted; the kernel says that its memory is available",
		},
		effect:    Effect{On: OnNodes, Takes: TakesNothing},
		endangers: anyPod,
		with:      &leave{MiB: 160},
		commands: commands{
			Was: free + enough,
			Inject: free + "mkdir -p " + room + "\nmountpoint -q " + room + " || mount -t tmpfs -o size=$((free - leave))M,huge=never tmpfs " + room + "\n" +
				"fallocate -l $((free - leave))M " + room + "/fill || [ -s " + room + "/fill ]\n",
			Injected: free + "[ $free -le $((leave + leave / 4)) ]\necho \"$free MiB of memory are available, $was were\"\n",
			Undo:     "if mountpoint -q " + room + "; then umount -l " + room + "; fi\nrmdir " + room + " 2>/dev/null || true\n",
			Undone:   free + "if mountpoint -q " + room + "; then exit 1; fi\n[ $free -gt $((leave + leave / 4)) ] || [ $was -le $((leave + leave / 4)) ]\necho \"$free MiB of memory are available\"\n",
		},
	}
}

// cpuPressure is how many busy loops there are for each processor.
type cpuPressure struct {
	PerCPU int `json:"perCPU" yaml:"perCPU"` // endless loops for each processor
}

// Check implements Checked.
func (c *cpuPressure) Check() []Wrong { return atLeast("perCPU", c.PerCPU, 1) }

func (c *cpuPressure) variables() map[string]string {
	return map[string]string{"per": strconv.Itoa(c.PerCPU)}
}

func newCPUPressure() Fault {
	const hog = "axolotl-chaos-cpu.service"
	return &guest{
		name: "cpu-pressure",
		doc: Doc{
			Does:   "keeps the processors of nodes busy with endless loops",
			Needs:  pressureNeeds,
			Proved: "the kernel's idle time grows by less than half of a second's worth in a second",
			Undone: "the loops' unit is stopped; systemd says that it is, and has no process left",
		},
		effect: Effect{On: OnNodes, Takes: TakesNothing},
		with:   &cpuPressure{PerCPU: 4},
		commands: commands{
			Was: "nproc\n",
			Inject: "systemctl is-active -q " + hog + " || systemd-run --quiet --collect --unit=" + hog +
				" /bin/sh -c \"i=$((was * per)); while [ \\$i -gt 0 ]; do while :; do :; done & i=\\$((i - 1)); done; wait\"\n",
			Injected: "systemctl is-active -q " + hog + "\nidle() { set -- $(head -n 1 /proc/stat); echo $5; }\n" +
				"before=$(idle)\nsleep 1\nidle=$((($(idle) - before) / was))\n[ $idle -lt 50 ]\necho \"the processors were idle for $idle % of a second\"\n",
			Undo:   "systemctl stop " + hog + " 2>/dev/null || ! systemctl is-active -q " + hog + "\n",
			Undone: "if systemctl is-active -q " + hog + "; then exit 1; fi\necho \"no loop is left\"\n",
		},
	}
}
