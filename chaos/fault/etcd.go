package fault

import "strconv"

// newEtcdPaused stops etcd's process without ending it: connections stay open
// and nobody answers, which is worse for its clients than a crash.
func newEtcdPaused() Fault {
	const state = "sed -n 's/^State:[[:space:]]*//p' /proc/$pid/status"
	const pid = "pid=$(systemctl show -P MainPID etcd.service)\n"
	return &guest{
		name: "etcd-paused",
		doc: Doc{
			Does:   "freezes etcd's process (SIGSTOP): connections stay open, and nobody answers",
			Needs:  "a control-plane machine that commands can be run in (libvirt)",
			Proved: "the kernel says that the process is stopped",
			Undone: "it goes on (SIGCONT); the kernel says that it is not stopped any more",
		},
		effect: Effect{On: OnNodes, Takes: TakesNothing, Role: onControlPlane.Role, Etcd: true},
		commands: commands{
			Was:      "systemctl is-active etcd.service\n",
			Inject:   pid + "kill -STOP \"$pid\"\n",
			Injected: pid + "case \"$(" + state + ")\" in T*) echo \"etcd, process $pid, is stopped\";; *) exit 1;; esac\n",
			Undo:     pid + "[ \"$pid\" = 0 ] || kill -CONT \"$pid\"\nsystemctl start etcd.service\n",
			Undone:   pid + "case \"$(" + state + ")\" in [RSD]*) echo \"etcd, process $pid, goes on\";; *) exit 1;; esac\n",
		},
	}
}

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
			Does:   "lets etcd have a few hundredths of a processor: every request takes long, and none is refused",
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
