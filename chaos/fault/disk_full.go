package fault

func newDiskFull() Fault {
	const fill = "/var/lib/axolotl-chaos.fill"
	// Blocks that are kept for root count: the daemons are root's.
	const free = "free=$(($(stat -f -c %f /var/lib) * $(stat -f -c %S /var/lib) / 1048576))\n"
	return &guest{
		name: "disk-full",
		doc: Doc{
			Does:   "fills the disks of nodes with one file, but for the last few MiB",
			Needs:  pressureNeeds,
			Proved: "the file system says that no more than that is free, also for root",
			Undone: "the file is removed; the file system says that its room is free",
		},
		effect:    Effect{On: OnNodes, Takes: TakesNothing},
		endangers: anyPod,
		with:      &leave{MiB: 16},
		commands: commands{
			Was:      free + enough,
			Inject:   free + "fallocate -l $((free - leave))M " + fill + "\n",
			Injected: free + "[ $free -le $((leave + 8)) ]\necho \"$free MiB are free on the disk, $was were\"\n",
			Undo:     "rm -f " + fill + "\n",
			Undone:   free + "[ ! -e " + fill + " ]\n[ $free -gt $((leave + 8)) ] || [ $was -le $((leave + 8)) ]\necho \"$free MiB are free on the disk\"\n",
		},
	}
}
