package fault

// newContainerKill kills a container past Kubernetes, as the kernel does when
// memory is out.
func newContainerKill() Fault {
	const (
		ctr = "ctr -n k8s.io "
		// The tasks of the pod's container of that name that run, this one or
		// the one that the kubelet started since.
		tasks = "all=$(" + ctr + "containers ls -q 'labels.\"io.kubernetes.pod.uid\"=='\"$uid\"',labels.\"io.kubernetes.container.name\"=='\"$name\")\n" +
			"running=$(" + ctr + "tasks ls | sed -n 's/^\\([0-9a-f]*\\) .*RUNNING.*/\\1/p')\n"
	)
	return &guest{
		name: "container-kill",
		doc: Doc{
			Does:   "kills the main process of pods' first containers (SIGKILL), in their machines, past the API server and the kubelet",
			Needs:  "pods that run in machines that commands can be run in (libvirt)",
			Proved: "containerd says that the container does not run",
			Undone: "the kubelet starts it again; containerd says that a container of that name runs in the pod, or that the pod is gone",
		},
		effect: Effect{On: OnPods, Takes: TakesPods},
		commands: commands{
			Inject:   ctr + "tasks kill -s SIGKILL \"$container\"\n",
			Injected: tasks + "case $running in *\"$container\"*) exit 1;; esac\necho \"container $container of $name does not run\"\n",
			Undo:     ":\n", // the kubelet does so
			Undone: tasks + "[ -n \"$all\" ] || { echo \"the pod is gone\"; exit 0; }\n" +
				"for id in $all; do case $running in *\"$id\"*) echo \"container $id of $name runs\"; exit 0;; esac; done\nexit 1\n",
		},
	}
}
