package fault

import "strconv"

// etcdSlow is how much processor etcd keeps.
type etcdSlow struct {
	Percent int `json:"percent" yaml:"percent"` // of one processor that etcd keeps, 1 to 99
}

// Check implements Checked.
func (e *etcdSlow) Check() []Wrong { return between("percent", e.Percent, 1, 99) }

// variables implements guestSettings.
func (e *etcdSlow) variables() map[string]string {
	return map[string]string{"percent": strconv.Itoa(e.Percent)}
}

// newEtcdSlow throttles etcd by its control group: each request takes long, as
// with a disk that is too slow for it, and none is refused.
func newEtcdSlow() Fault {
	const quota = "quota=$(systemctl show -P CPUQuotaPerSecUSec etcd.service)\n"
	const throttled = "throttled() { sed -n 's/^nr_throttled //p' \"/sys/fs/cgroup$(systemctl show -P ControlGroup etcd.service)/cpu.stat\"; }\n"
	return &guest{
		name: "etcd-slow",
		doc: Doc{
			Does:   "throttles etcd to a few hundredths of a processor: every request takes long, and none is refused",
			Needs:  "a control-plane machine that commands can be run in (libvirt)",
			Proved: "the kernel says that it has held etcd's processes back since",
			Undone: "the limit is removed; systemd says that there is none, and the kernel holds etcd back no more",
		},
		effect: Effect{On: OnNodes, Takes: TakesNothing, Role: onControlPlane.Role, Etcd: true},
		with:   &etcdSlow{Percent: 5},
		commands: commands{
			Was:    quota + "[ \"$quota\" = infinity ] || { echo \"etcd.service has a limit of $quota in a second already\" >&2; exit 1; }\nsystemctl is-active etcd.service\n",
			Inject: "systemctl set-property --runtime etcd.service CPUQuota=\"$percent%\"\n",
			Injected: quota + "[ \"$quota\" != infinity ]\n" + throttled +
				"before=$(throttled)\nsleep 1\nafter=$(throttled)\n[ \"$after\" -gt \"$before\" ]\necho \"etcd may use $quota in a second, and was held back $((after - before)) times in one\"\n",
			Undo: "systemctl set-property --runtime etcd.service CPUQuota=\n",
			Undone: quota + "[ \"$quota\" = infinity ]\nsystemctl is-active -q etcd.service\n" + throttled +
				"before=$(throttled)\nsleep 1\n[ \"$(throttled)\" = \"$before\" ]\necho \"etcd has no limit, and is not held back\"\n",
		},
	}
}
