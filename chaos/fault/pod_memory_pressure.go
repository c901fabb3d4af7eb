package fault

import corev1 "k8s.io/api/core/v1"

func newPodMemoryPressure() Fault {
	room := &podRoom{MiB: 64}
	return &guest{
		name: "pod-memory-pressure",
		doc: Doc{
			Does:   "holds memory in the control group of pods' first containers; past their limit the kernel kills the greatest process there",
			Needs:  podNeeds,
			Proved: "the kernel says that so much memory is charged to our part of the container, or that it has killed there for lack of it",
			Undone: "what holds it is killed; the kernel says that its control group is gone",
		},
		effect:    Effect{On: OnPods, Takes: TakesNothing},
		endangers: room.exceeds(corev1.ResourceMemory),
		with:      room,
		commands: commands{
			Was: podGroup,
			// dd fills its one block, which nobody takes from it.
			Inject: ourGroup + "mkdir -p \"$ours\"\n" +
				"setsid sh -c 'echo $$ >\"$1/cgroup.procs\"; dd if=/dev/zero bs=\"$2M\" count=1 | sleep 2147483647' sh \"$ours\" \"$mib\" >/dev/null 2>&1 </dev/null &\n",
			// What has ended and was not waited for has no memory in its status.
			Injected: ourGroup + "held=0\nfor kib in $(for p in $(cat \"$ours/cgroup.procs\"); do sed -n 's/^RssAnon:[[:space:]]*\\([0-9]*\\) kB/\\1/p' /proc/$p/status 2>/dev/null || true; done); do held=$((held + kib)); done\nheld=$((held / 1024))\n" +
				"killed=$(($(sed -n 's/^oom_kill //p' \"$group/memory.events\") - killed))\n" +
				"[ $held -ge $((mib * 9 / 10)) ] || [ $killed -gt 0 ]\necho \"$held MiB more are held in container $name, the kernel has killed there $killed times\"\n",
			Undo:   endGroup,
			Undone: groupOver + "echo \"nothing holds memory in container $name\"\n",
		},
	}
}
