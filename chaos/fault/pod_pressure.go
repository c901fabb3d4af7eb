package fault

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// Of a container these scripts know its main process on the node, its control
// group, and a group of ours within that: what is charged there is charged to the
// container, and one write ends all that runs there. $mark is in the names of what
// is ours, and in the journal, so that no undo takes what another fault has made
// in the same container.
const (
	podProcess = "pid=$(ctr -n k8s.io tasks ls | sed -n \"s/^$container *\\([0-9]*\\) .*RUNNING.*/\\1/p\")\n"
	podGroup   = podProcess + "[ -n \"$pid\" ] || { echo \"container $name does not run\" >&2; exit 1; }\n" +
		"group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/$pid/cgroup)\nread -r mark </proc/sys/kernel/random/uuid\n" +
		"echo \"$group $(sed -n 's/^oom_kill //p' \"$group/memory.events\") ${mark%%-*}\"\n"
	podWas    = "set -- $was\ngroup=$1 killed=$2 mark=$3\n"
	ourGroup  = podWas + "ours=$group/axolotl-chaos-$mark\n"
	endGroup  = ourGroup + "[ ! -e \"$ours\" ] || { echo 1 >\"$ours/cgroup.kill\"; i=0; until rmdir \"$ours\" 2>/dev/null || [ ! -e \"$ours\" ]; do i=$((i + 1)); [ $i -lt 50 ]; sleep 0.1; done; }\n"
	groupOver = ourGroup + "if [ -e \"$ours\" ]; then exit 1; fi\n"
	podNeeds  = "pods that run in machines that commands can be run in (libvirt)"
)

func newPodCPUPressure() Fault {
	const used = "used() { sed -n 's/^usage_usec //p' \"$ours/cpu.stat\"; }\n"
	return &guest{
		name: "pod-cpu-pressure",
		doc: Doc{
			Does:   "runs endless loops in the control group of pods' first containers, which share what processor those have, and are held back by their limit",
			Needs:  podNeeds,
			Proved: "the kernel says that the loops use processor time",
			Undone: "the loops are killed; the kernel says that their control group is gone",
		},
		effect: Effect{On: OnPods, Takes: TakesNothing},
		with:   &cpuPressure{PerCPU: 4},
		commands: commands{
			Was: podGroup,
			Inject: ourGroup + "mkdir -p \"$ours\"\ni=$(($(nproc) * per))\n" +
				"while [ $i -gt 0 ]; do setsid sh -c 'echo $$ >\"$1/cgroup.procs\"; while :; do :; done' sh \"$ours\" >/dev/null 2>&1 </dev/null & i=$((i - 1)); done\n",
			Injected: ourGroup + used + "before=$(used)\nsleep 1\nms=$((($(used) - before) / 1000))\n[ $ms -ge 50 ]\n" +
				"echo \"$(wc -l <\"$ours/cgroup.procs\") loops in container $name used $ms ms of a second\"\n",
			Undo:   endGroup,
			Undone: groupOver + "echo \"no loop is left in container $name\"\n",
		},
	}
}

// podRoom is how much of memory or disk is taken in a container.
type podRoom struct {
	MiB int `json:"mib" yaml:"mib"` // that are taken, beside what it holds
}

// Check implements Checked.
func (m *podRoom) Check() []Wrong { return atLeast("mib", m.MiB, 1) }

// variables implements guestSettings.
func (m *podRoom) variables() map[string]string {
	return map[string]string{"mib": strconv.Itoa(m.MiB)}
}

// exceeds tells whether a pod's first container goes past its limit of a resource: it
// is asked for beside what the container holds, which is what it has requested, as
// far as anybody knows.
func (m *podRoom) exceeds(resource corev1.ResourceName) func(p *corev1.Pod) bool {
	return func(p *corev1.Pod) bool {
		if len(p.Spec.Containers) == 0 {
			return false
		}
		of := p.Spec.Containers[0].Resources
		limit, limited := of.Limits[resource]
		held := of.Requests[resource]
		return limited && held.Value()+int64(m.MiB)<<20 > limit.Value()
	}
}

func newPodMemoryPressure() Fault {
	room := &podRoom{MiB: 64}
	return &guest{
		name: "pod-memory-pressure",
		doc: Doc{
			Does:   "holds memory in the control group of pods' first containers; past their limit the kernel kills the greatest process there",
			Needs:  podNeeds,
			Proved: "the kernel says that so much memory is charged to our part of the container, or that it has killed there for lack of it",
			Undone: "what holds it is killed; the kernel says that its control group is gone",
		},
		effect:    Effect{On: OnPods, Takes: TakesNothing},
		endangers: room.exceeds(corev1.ResourceMemory),
		with:      room,
		commands: commands{
			Was: podGroup,
			// dd fills its one block, which nobody takes from it.
			Inject: ourGroup + "mkdir -p \"$ours\"\n" +
				"setsid sh -c 'echo $$ >\"$1/cgroup.procs\"; dd if=/dev/zero bs=\"$2M\" count=1 | sleep 2147483647' sh \"$ours\" \"$mib\" >/dev/null 2>&1 </dev/null &\n",
			// What has ended and was not waited for has no memory in its status.
			Injected: ourGroup + "held=0\nfor kib in $(for p in $(cat \"$ours/cgroup.procs\"); do sed -n 's/^RssAnon:[[:space:]]*\\([0-9]*\\) kB/\\1/p' /proc/$p/status 2>/dev/null || true; done); do held=$((held + kib)); done\nheld=$((held / 1024))\n" +
				"killed=$(($(sed -n 's/^oom_kill //p' \"$group/memory.events\") - killed))\n" +
				"[ $held -ge $((mib * 9 / 10)) ] || [ $killed -gt 0 ]\necho \"$held MiB more are held in container $name, the kernel has killed there $killed times\"\n",
			Undo:   endGroup,
			Undone: groupOver + "echo \"nothing holds memory in container $name\"\n",
		},
	}
}

func newPodDiskFull() Fault {
	room := &podRoom{MiB: 256}
	const file = podWas + podProcess + "file=/proc/$pid/root/axolotl-chaos-$mark.fill\n"
	return &guest{
		name: "pod-disk-full",
		doc: Doc{
			Does:   "writes one large file in the file system of pods' first containers; past their limit of ephemeral storage the kubelet evicts them",
			Needs:  podNeeds,
			Proved: "the file system of the container has the file, at its size",
			Undone: "the file is removed, or the container that had it is gone",
		},
		effect:    Effect{On: OnPods, Takes: TakesNothing},
		endangers: room.exceeds(corev1.ResourceEphemeralStorage),
		with:      room,
		commands: commands{
			Was:    podGroup,
			Inject: file + "fallocate -l \"${mib}M\" \"$file\"\n",
			Injected: file + "has=$(($(stat -c %b \"$file\") / 2048))\n[ $has -ge $mib ]\n" +
				"echo \"$has MiB are written in container $name\"\n",
			Undo: file + "[ -z \"$pid\" ] || rm -f \"$file\"\n",
			Undone: file + "[ -n \"$pid\" ] || { echo \"the container is gone, and the file with it\"; exit 0; }\n" +
				"[ ! -e \"$file\" ]\necho \"the file is gone from container $name\"\n",
		},
	}
}
