package fault

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
