package fault

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
