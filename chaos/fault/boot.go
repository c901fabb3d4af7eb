package fault

// Both faults are started by systemd a second later, so that the agent can
// answer first. What has not yet come is called off by the undo.
const (
	bootUnit = "axolotl-chaos-boot"
	bootLate = "systemd-run --quiet --collect --unit=" + bootUnit + " --on-active=1 --timer-property=AccuracySec=100ms "
	bootOff  = "systemctl stop " + bootUnit + ".timer " + bootUnit + ".service 2>/dev/null || true\n"
)

func newNodeReboot() Fault {
	return &guest{
		name: "node-reboot",
		doc: Doc{
			Does:   "reboots the machines of nodes at once, without ending what runs there",
			Needs:  "machines that commands can be run in (libvirt)",
			Proved: "the machine does not answer any more, or is in another boot",
			Undone: "it comes back by itself; the node is Ready in the boot that the machine itself is in",
		},
		effect:   Effect{On: OnNodes, Takes: TakesBoots},
		fatal:    true,
		commands: commands{Inject: bootLate + "systemctl reboot --force --force\n", Undo: bootOff},
	}
}

func newKernelPanic() Fault {
	return &guest{
		name: "kernel-panic",
		doc: Doc{
			Does:   "makes the kernels of nodes panic: the machine is on and does nothing any more",
			Needs:  "machines that commands can be run in, and that can be reset (libvirt)",
			Proved: "the machine does not answer any more, or is in another boot",
			Undone: "the machine is reset; the node is Ready in the boot that the machine itself is in",
		},
		effect:   Effect{On: OnNodes, Takes: TakesMachines},
		fatal:    true,
		commands: commands{Inject: bootLate + "/bin/sh -c 'echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger'\n", Undo: bootOff},
	}
}
