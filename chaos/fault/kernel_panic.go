package fault

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
