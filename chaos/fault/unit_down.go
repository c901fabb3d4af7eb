package fault

import "fmt"

// unit is a fault that stops a systemd unit in the machines of nodes.
func unit(name, unit, takes string, effect Effect) *guest {
	return &guest{
		name: name,
		doc: Doc{
			Does:   fmt.Sprintf("stops %s: %s", unit, takes),
			Needs:  "machines that commands can be run in (libvirt)",
			Proved: "systemd says that it is inactive, and it has no main process",
			Undone: "it is started; systemd says that it is active, with a main process",
		},
		effect: effect,
		commands: commands{
			Was: "systemctl is-active " + unit + "\n", // what does not run cannot be stopped
			// The main process alone is killed, or a stop would wait for a minute
			// and a half; containerd's control group holds the containers' shims.
			Inject:   fmt.Sprintf("pid=$(systemctl show -P MainPID %[1]s)\n[ \"$pid\" = 0 ] || kill -9 \"$pid\"\nsystemctl stop %[1]s\n", unit),
			Injected: fmt.Sprintf("[ \"$(systemctl show -P MainPID %[1]s)\" = 0 ]\nstate=$(systemctl is-active %[1]s || true)\n[ \"$state\" != active ]\necho \"%[1]s is $state and has no main process\"\n", unit),
			Undo:     fmt.Sprintf("systemctl reset-failed %[1]s || true\nsystemctl start %[1]s\n", unit),
			Undone:   fmt.Sprintf("systemctl is-active -q %[1]s\npid=$(systemctl show -P MainPID %[1]s)\nkill -0 \"$pid\"\necho \"%[1]s is active, process $pid\"\n", unit),
		},
	}
}

func newKubeletStop() Fault {
	return unit("kubelet-stop", "kubelet.service", "the node is not heard of, and its pods go on running", Effect{On: OnNodes, Takes: TakesContact})
}

func newContainerdStop() Fault {
	return unit("containerd-stop", "containerd.service", "no container can be started or stopped there; what runs goes on", Effect{On: OnNodes, Takes: TakesContact})
}

// onControlPlane is the effect of faults on a component of the control plane.
var onControlPlane = Effect{On: OnNodes, Takes: TakesNothing, Role: "control-plane"}

func newAPIServerDown() Fault {
	return unit("api-server-down", "kube-apiserver.service", "nobody can read or change the cluster; what runs goes on", onControlPlane)
}

func newControllerManagerDown() Fault {
	return unit("controller-manager-down", "kube-controller-manager.service", "nothing is replaced any more; what runs goes on", onControlPlane)
}

func newSchedulerDown() Fault {
	return unit("scheduler-down", "kube-scheduler.service", "no new pod gets a node; what runs goes on", onControlPlane)
}

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
