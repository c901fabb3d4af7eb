package fault

func newMemoryPressure() Fault {
	const room = "/run/axolotl-chaos-memory"
	const free = "free=$(($(sed -n 's/^MemAvailable: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo) / 1024))\n"
	return &guest{
		name: "memory-pressure",
		doc: Doc{
			Does:   "takes all but a few MiB of the memory of nodes, in a file system in memory: nobody can be killed to get it back",
			Needs:  pressureNeeds,
			Proved: "the kernel says that no more than that, and a quarter, is available",
			Undone: "the file system is unmounted; the kernel says that its memory is available",
		},
		effect:    Effect{On: OnNodes, Takes: TakesNothing},
		endangers: anyPod,
		with:      &leave{MiB: 160},
		commands: commands{
			Was: free + enough,
			Inject: free + "mkdir -p " + room + "\nmountpoint -q " + room + " || mount -t tmpfs -o size=$((free - leave))M,huge=never tmpfs " + room + "\n" +
				"fallocate -l $((free - leave))M " + room + "/fill || [ -s " + room + "/fill ]\n",
			Injected: free + "[ $free -le $((leave + leave / 4)) ]\necho \"$free MiB of memory are available, $was were\"\n",
			Undo:     "if mountpoint -q " + room + "; then umount -l " + room + "; fi\nrmdir " + room + " 2>/dev/null || true\n",
			Undone:   free + "if mountpoint -q " + room + "; then exit 1; fi\n[ $free -gt $((leave + leave / 4)) ] || [ $was -le $((leave + leave / 4)) ]\necho \"$free MiB of memory are available\"\n",
		},
	}
}
