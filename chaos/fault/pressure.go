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
