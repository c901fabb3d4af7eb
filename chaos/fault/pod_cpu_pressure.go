package fault

func newPodCPUPressure() Fault {
	const used = "used() { sed -n 's/^usage_usec //p' \"$ours/cpu.stat\"; }\n"
	return &guest{
		name: "pod-cpu-pressure",
		doc: Doc{
			Does:   "runs endless loops in the control group of pods' first containers, which share what processor those have, and are held back by their limit",
			Needs:  podNeeds,
			Proved: "the kernel says that the loops use processor time",
			Undone: "the loops are killed; the kernel says that their control group is gone",
		},
		effect: Effect{On: OnPods, Takes: TakesNothing},
		with:   &cpuPressure{PerCPU: 4},
		commands: commands{
			Was: podGroup,
			Inject: ourGroup + "mkdir -p \"$ours\"\ni=$(($(nproc) * per))\n" +
				"while [ $i -gt 0 ]; do setsid sh -c 'echo $$ >\"$1/cgroup.procs\"; while :; do :; done' sh \"$ours\" >/dev/null 2>&1 </dev/null & i=$((i - 1)); done\n",
			Injected: ourGroup + used + "before=$(used)\nsleep 1\nms=$((($(used) - before) / 1000))\n[ $ms -ge 50 ]\n" +
				"echo \"$(wc -l <\"$ours/cgroup.procs\") loops in container $name used $ms ms of a second\"\n",
			Undo:   endGroup,
			Undone: groupOver + "echo \"no loop is left in container $name\"\n",
		},
	}
}
