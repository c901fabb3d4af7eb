package fault

import corev1 "k8s.io/api/core/v1"

func newPodDiskFull() Fault {
	room := &podRoom{MiB: 256}
	const file = podWas + podProcess + "file=/proc/$pid/root/axolotl-chaos-$mark.fill\n"
	return &guest{
		name: "pod-disk-full",
		doc: Doc{
			Does:   "writes one large file in the file system of pods' first containers; past their limit of ephemeral storage the kubelet evicts them",
			Needs:  podNeeds,
			Proved: "the file system of the container has the file, at its size",
			Undone: "the file is removed, or the container that had it is gone",
		},
		effect:    Effect{On: OnPods, Takes: TakesNothing},
		endangers: room.exceeds(corev1.ResourceEphemeralStorage),
		with:      room,
		commands: commands{
			Was:    podGroup,
			Inject: file + "fallocate -l \"${mib}M\" \"$file\"\n",
			Injected: file + "has=$(($(stat -c %b \"$file\") / 2048))\n[ $has -ge $mib ]\n" +
				"echo \"$has MiB are written in container $name\"\n",
			Undo: file + "[ -z \"$pid\" ] || rm -f \"$file\"\n",
			Undone: file + "[ -n \"$pid\" ] || { echo \"the container is gone, and the file with it\"; exit 0; }\n" +
				"[ ! -e \"$file\" ]\necho \"the file is gone from container $name\"\n",
		},
	}
}
