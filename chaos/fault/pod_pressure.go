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
